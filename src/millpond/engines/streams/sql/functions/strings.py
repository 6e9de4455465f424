"""String functions. Positions count from 1; NULL among the arguments gives NULL, unless said."""

import re

from millpond.engines.streams.sql.casts import text_of
from millpond.engines.streams.sql.functions.calls import Call, Function, plain
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import BINARIES, STRINGS, common_type
from millpond.engines.streams.sql.values import filled, made, text_literal
from millpond.engines.streams.types import BOOLEAN, BYTES, INT, STRING, DataType

_KIND = "String functions"
_UNKNOWN_TO_RE2 = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]|[*+?}]\+")


def _substring(call: Call) -> Typed:
    given = call.count(2, 3)
    text, start = call.take(0, "s"), call.take(1, "i")
    first = (
        "(CASE WHEN $1 > 0 THEN CAST($1 AS BIGINT) WHEN $1 = 0 THEN 1 ELSE length($0) + $1 + 1 END)"
    )
    none, last = "$1 IS NULL", ""
    parts = [text, start]
    if given == 3:
        none, last = "$1 IS NULL OR $2 IS NULL OR $2 < 0", ", $2"
        parts.append(call.take(2, "i"))
    sql = (
        f"(CASE WHEN {none} THEN NULL WHEN {first} < 1 AND $0 IS NOT NULL THEN '' "
        f"ELSE substr($0, {first}{last}) END)"
    )
    return filled(sql, STRING, *parts)


def _trim(name: str, word: str, signature: str) -> Function:
    def translate(call: Call) -> Typed:
        given = call.count(1, 2)
        parts = [call.take(index, "s") for index in range(given)]
        return filled(f"{word}($0, {'$1' if given == 2 else text_literal(' ')})", STRING, *parts)

    return Function(name, _KIND, (signature,), translate)


def _pattern(call: Call, index: int) -> Typed:
    """A regular expression of Java's, refused where DuckDB's have no such form."""
    text = call.constant(index)
    if text is not None and (found := _UNKNOWN_TO_RE2.search(text)):
        raise call.refused(
            f"the regular expression uses '{found[0]}', which is not supported", needs_flink=True
        )
    return call.take(index, "s")


def _regexp(call: Call) -> Typed:
    call.count(2)
    return filled(
        "(CASE WHEN $1 = '' THEN FALSE ELSE regexp_matches($0, $1) END)",
        BOOLEAN, call.take(0, "s"), _pattern(call, 1),
    )  # fmt: skip


def _regexp_extract(call: Call) -> Typed:
    given = call.count(2, 3)
    group = "0"
    if given == 3:
        text = call.constant(2)
        if text is None or not text.isdigit():
            raise call.refused("the number of the group must be written out, from 0 on")
        group = text
    return filled(
        f"(CASE WHEN regexp_matches($0, $1) THEN regexp_extract($0, $1, {group}) END)",
        STRING, call.take(0, "s"), _pattern(call, 1),
    )  # fmt: skip


def _regexp_extract_all(call: Call) -> Typed:
    given = call.count(2, 3)
    text = call.constant(2) if given == 3 else "1"
    if text is None or not text.isdigit():
        raise call.refused("the number of the group must be written out, from 0 on")
    return filled(
        f"regexp_extract_all($0, $1, {text})", DataType("ARRAY", fields=(("", STRING),)),
        call.take(0, "s"), _pattern(call, 1),
    )  # fmt: skip


def _regexp_replace(call: Call) -> Typed:
    """The replacement is taken as it is: Flink knows no `$1` in it."""
    call.count(3)
    return filled(
        "regexp_replace($0, $1, replace($2, '\\', '\\\\'), 'g')",
        STRING, call.take(0, "s"), _pattern(call, 1), call.take(2, "s"),
    )  # fmt: skip


def _concat(call: Call) -> Typed:
    call.count(1, 1000)
    parts = [text_of(argument, call.at) for argument in call.arguments]
    return made("(" + " || ".join(part.sql for part in parts) + ")", STRING, parts)


def _concat_ws(call: Call) -> Typed:
    call.count(1, 1000)
    parts = [text_of(argument, call.at) for argument in call.arguments]
    listed = ", ".join(part.sql for part in parts[1:]) or "''"
    return made(f"concat_ws({parts[0].sql}, {listed})", STRING, parts)


def _joined(call: Call) -> Typed:
    """`||`, of strings, bytes or arrays."""
    call.count(2)
    kind = common_type([argument.type for argument in call.arguments])
    if kind is not None and (kind.name in BINARIES or kind.name == "ARRAY"):
        values, kind = call.common(call.arguments)
        return filled("($0 || $1)", BYTES if kind.name in BINARIES else kind, *values)
    if not any(argument.type.name in (*STRINGS, "NULL") for argument in call.arguments):
        raise call.wrong_arguments()
    return _concat(call)


def _pad(name: str) -> Function:
    """Flink gives NULL for a negative length and for an empty pad."""
    template = (
        f"(CASE WHEN $1 < 0 OR $2 = '' OR $2 IS NULL THEN NULL "
        f"WHEN $1 <= length($0) THEN left($0, $1) "
        f"ELSE {name.lower()}($0, CAST($1 AS INTEGER), $2) END)"
    )
    return plain(_KIND, f"{name}(string, length, pad)", "sis", STRING, template)


def _overlay(call: Call) -> Typed:
    given = call.count(3, 4)
    text, other, start = call.take(0, "s"), call.take(1, "s"), call.take(2, "i")
    length = call.take(3, "i") if given == 4 else filled("length($0)", INT, other)
    sql = (
        "(CASE WHEN $2 <= 0 OR $2 > length($0) THEN $0 "
        "ELSE left($0, $2 - 1) || $1 || CASE WHEN $3 > 0 THEN substr($0, $2 + $3) ELSE '' END END)"
    )
    return filled(sql, STRING, text, other, start, length)


def _split_index(call: Call) -> Typed:
    call.count(3)
    if call.constant(1) == "":
        raise call.refused("the separator is empty")
    index = call.take(2, "i")
    text, separator = call.take(0, "s"), call.take(1, "s")
    parts = "string_split($0, $1)"
    sql = (
        f"(CASE WHEN $1 IS NULL OR $0 = '' OR $2 < 0 THEN NULL "
        f"ELSE list_extract({parts}, CAST($2 AS BIGINT) + 1) END)"
    )
    return filled(sql, STRING, text, separator, index)


def _str_to_map(call: Call) -> Typed:
    given = call.count(1, 3)
    for index in (1, 2):
        text = call.constant(index)
        if index < given and (text is None or not re.fullmatch(r"[^\\.\[\]{}()*+?^$|]+", text)):
            raise call.refused("delimiters must be literals without marks of regular expressions")
    outer = call.constant(1) if given > 1 else ","
    inner = call.constant(2) if given > 2 else "="
    assert outer is not None
    assert inner is not None
    one, two = text_literal(outer), text_literal(inner)
    entry = (
        f"{{'k': split_part(e, {two}, 1), 'v': CASE WHEN contains(e, {two}) "
        f"THEN substr(e, position({two} IN e) + {len(inner)}) END}}"
    )
    sql = f"map_from_entries(list_transform(string_split($0, {one}), lambda e: {entry}))"
    return filled(sql, DataType("MAP", fields=(("", STRING), ("", STRING))), call.take(0, "s"))


def _parse_url(call: Call) -> Typed:
    given = call.count(2, 3)
    part = (call.constant(1) or "").upper()
    patterns = {
        "HOST": r"^[^:/?#]+://(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]*)",
        "PATH": r"^[^:/?#]+://[^/?#]*([^?#]*)",
        "QUERY": r"\?([^#]*)",
        "REF": r"#(.*)$",
        "PROTOCOL": r"^([^:/?#]+):",
        "FILE": r"^[^:/?#]+://[^/?#]*([^#]*)",
        "AUTHORITY": r"^[^:/?#]+://([^/?#]*)",
        "USERINFO": r"^[^:/?#]+://([^@/?#]*)@",
    }
    if part not in patterns or (given == 3 and part != "QUERY"):
        raise call.refused("the part must be one of " + ", ".join(patterns) + ", a key with QUERY")
    url = call.take(0, "s")
    if given == 3:
        key = call.constant(2)
        if key is None:
            raise call.refused("the key must be a literal")
        pattern = rf"[?&]{re.escape(key)}=([^&#]*)"
    else:
        pattern = patterns[part]
    found = text_literal(pattern)
    return filled(
        f"(CASE WHEN regexp_matches($0, {found}) THEN regexp_extract($0, {found}, 1) END)",
        STRING, url,
    )  # fmt: skip


def _encoded(call: Call) -> Typed:
    """ENCODE and DECODE, in the charset UTF-8 (and US-ASCII, which is a part of it)."""
    call.count(2)
    charset = (call.constant(1) or "").upper()
    if charset not in ("UTF-8", "US-ASCII"):
        raise call.refused("the charset must be 'UTF-8' or 'US-ASCII'", needs_flink=True)
    if call.name == "ENCODE":
        return filled("encode($0)", BYTES, call.take(0, "s"))
    return filled("decode($0)", STRING, call.take(0, "B"))


def _base64(call: Call) -> Typed:
    call.count(1)
    if call.arguments[0].type.name in BINARIES:
        return filled("to_base64($0)", STRING, call.arguments[0])
    return filled("to_base64(encode($0))", STRING, call.take(0, "s"))


def _hash(name: str) -> Function:
    return plain("Hash functions", f"{name}(string)", "s", STRING, f"{name.lower()}($0)")


def _sha2(call: Call) -> Typed:
    call.count(2)
    if call.constant(1) != "256":
        raise call.refused("the length must be 256", needs_flink=True)
    return filled("sha256($0)", STRING, call.take(0, "s"))


_TITLE = (
    "coalesce(list_aggregate(list_transform("
    "regexp_extract_all(lower($0), '[\\p{L}\\p{N}]+|[^\\p{L}\\p{N}]+'), "
    "lambda w: upper(left(w, 1)) || substr(w, 2)), 'string_agg', ''), "
    "CASE WHEN $0 = '' THEN '' END)"
)

STRINGS_FUNCTIONS = (
    plain(_KIND, "CHAR_LENGTH(string)", "s", INT, "CAST(length($0) AS INTEGER)"),
    plain(_KIND, "CHARACTER_LENGTH(string)", "s", INT, "CAST(length($0) AS INTEGER)"),
    plain(_KIND, "UPPER(string)", "s", STRING, "upper($0)"),
    plain(_KIND, "LOWER(string)", "s", STRING, "lower($0)"),
    plain(_KIND, "UCASE(string)", "s", STRING, "upper($0)"),
    plain(_KIND, "LCASE(string)", "s", STRING, "lower($0)"),
    plain(_KIND, "INITCAP(string)", "s", STRING, _TITLE),
    plain(_KIND, "REVERSE(string)", "s", STRING, "reverse($0)"),
    plain(_KIND, "REPEAT(string, times)", "si", STRING,
          "repeat($0, CASE WHEN $1 < 0 THEN 0 ELSE $1 END)"),
    plain(_KIND, "REPLACE(string, from, to)", "sss", STRING, "replace($0, $1, $2)"),
    plain(_KIND, "TRANSLATE(string, from, to)", "sss", STRING, "translate($0, $1, $2)"),
    plain(_KIND, "LEFT(string, length)", "si", STRING,
          "left($0, CASE WHEN $1 < 0 THEN 0 ELSE $1 END)"),
    plain(_KIND, "RIGHT(string, length)", "si", STRING,
          "right($0, CASE WHEN $1 < 0 THEN 0 ELSE $1 END)"),
    plain(_KIND, "POSITION(string IN string)", "ss", INT, "CAST(position($0 IN $1) AS INTEGER)"),
    plain(_KIND, "LOCATE(string, string [, start])", "ss?i", INT,
          "CAST(CASE WHEN $0 = '' THEN 1 WHEN $2 < 1 THEN position($0 IN $1) "
          "WHEN position($0 IN substr($1, $2)) = 0 THEN 0 "
          "ELSE position($0 IN substr($1, $2)) + $2 - 1 END AS INTEGER)",
          "CAST(position($0 IN $1) AS INTEGER)"),
    plain(_KIND, "INSTR(string, string)", "ss", INT, "CAST(instr($0, $1) AS INTEGER)"),
    plain(_KIND, "STARTSWITH(string, string)", "ss", BOOLEAN, "starts_with($0, $1)"),
    plain(_KIND, "ENDSWITH(string, string)", "ss", BOOLEAN, "ends_with($0, $1)"),
    plain(_KIND, "ASCII(string)", "s", INT,
          "CAST(CASE WHEN $0 = '' THEN 0 ELSE ascii($0) END AS INTEGER)"),
    plain(_KIND, "CHR(number)", "i", STRING,
          "chr(CAST(CASE WHEN $0 < 0 THEN 0 ELSE $0 % 256 END AS INTEGER))"),
    _trim("TRIM", "trim", "TRIM([BOTH] [string FROM] string)"),
    _trim("TRIM LEADING", "ltrim", "TRIM(LEADING [string FROM] string)"),
    _trim("TRIM TRAILING", "rtrim", "TRIM(TRAILING [string FROM] string)"),
    _trim("BTRIM", "trim", "BTRIM(string [, characters])"),
    _trim("LTRIM", "ltrim", "LTRIM(string [, characters])"),
    _trim("RTRIM", "rtrim", "RTRIM(string [, characters])"),
    _pad("LPAD"),
    _pad("RPAD"),
    Function("SUBSTRING", _KIND,
             ("SUBSTRING(string FROM start [FOR length])", "SUBSTRING(string, start [, length])"),
             _substring),
    Function("SUBSTR", _KIND, ("SUBSTR(string, start [, length])",), _substring),
    Function("OVERLAY", _KIND,
             ("OVERLAY(string PLACING string FROM start [FOR length])",), _overlay),
    Function("CONCAT", _KIND, ("CONCAT(value, …)",), _concat),
    Function("CONCAT_WS", _KIND, ("CONCAT_WS(separator, value, …)",), _concat_ws),
    Function("||", _KIND, ("string || string",), _joined),
    Function("REGEXP", _KIND, ("REGEXP(string, regex)",), _regexp),
    Function("REGEXP_EXTRACT", _KIND,
             ("REGEXP_EXTRACT(string, regex [, group])",), _regexp_extract),
    Function("REGEXP_EXTRACT_ALL", _KIND, ("REGEXP_EXTRACT_ALL(string, regex [, group])",),
             _regexp_extract_all),
    Function("REGEXP_REPLACE", _KIND,
             ("REGEXP_REPLACE(string, regex, replacement)",), _regexp_replace),
    plain(_KIND, "SPLIT(string, separator)", "ss", DataType("ARRAY", fields=(("", STRING),)),
          "CASE WHEN $0 = '' THEN CAST([] AS VARCHAR[]) ELSE string_split($0, $1) END"),
    Function("SPLIT_INDEX", _KIND, ("SPLIT_INDEX(string, separator, index)",), _split_index),
    Function("STR_TO_MAP", _KIND, ("STR_TO_MAP(string [, delimiter [, delimiter]])",), _str_to_map),
    Function("PARSE_URL", _KIND, ("PARSE_URL(url, part [, key])",), _parse_url),
    Function("ENCODE", _KIND, ("ENCODE(string, charset)",), _encoded),
    Function("DECODE", _KIND, ("DECODE(bytes, charset)",), _encoded),
    Function("TO_BASE64", _KIND, ("TO_BASE64(string or bytes)",), _base64),
    plain(_KIND, "FROM_BASE64(string)", "s", STRING, "decode(from_base64($0))"),
    _hash("MD5"),
    _hash("SHA1"),
    _hash("SHA256"),
    Function("SHA2", "Hash functions", ("SHA2(string, 256)",), _sha2),
)  # fmt: skip
