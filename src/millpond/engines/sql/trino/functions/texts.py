"""String functions, comparisons of values, conversion to text.

Source: trino.io/docs/current/functions/{string,comparison,conversion,uuid}.html.
"""

import re
from collections.abc import Callable, Sequence

from millpond.engines.sql.trino.convert import let, text_of
from millpond.engines.sql.trino.functions.registry import constant_of, invalid_argument, scalar
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import VARCHAR, Type, quote_text, varchar


def _joined(kinds: Sequence[Type]) -> Type:
    if all(kind.name == "varchar" for kind in kinds):
        return varchar(sum(kind.precision for kind in kinds))
    return VARCHAR


def _concat(*texts: Typed) -> str:
    return balanced([text.sql for text in texts])


def joined(texts: str, by: Typed) -> str:
    """The texts of a list with a separator between them, NULLs left out."""
    return f"{'t_join' if by.is_constant else 't_join_by'}({texts}, {by.sql})"


def balanced(parts: Sequence[str]) -> str:
    """`a || b || …` in nested halves, since DuckDB bounds how deep expressions may be."""
    if len(parts) <= 8:
        return "(" + " || ".join(parts) + ")"
    half = len(parts) // 2
    return f"({balanced(parts[:half])} || {balanced(parts[half:])})"


scalar("chr", "(bigint) -> varchar", "t_chr({0})", lambda kinds: varchar(1))
scalar("codepoint", "(varchar) -> integer", "unicode({0})")
scalar("concat", "(varchar, varchar...) -> varchar", _concat, _joined)
scalar("concat_ws", "(varchar, array(varchar)) -> varchar", lambda by, a: joined(a.sql, by))
scalar(
    "concat_ws",
    "(varchar, varchar...) -> varchar",
    lambda by, *texts: joined(f"[{', '.join(text.sql for text in texts)}]", by),
)
scalar("hamming_distance", "(varchar, varchar) -> bigint", "t_hamming({0}, {1})")
scalar("length", "(varchar) -> bigint", "length({0})")
scalar("levenshtein_distance", "(varchar, varchar) -> bigint", "levenshtein({0}, {1})")
scalar("lower", "(varchar) -> =0", "lower({0})")
scalar("upper", "(varchar) -> =0", "t_upper({0})")
scalar("lpad", "(varchar, bigint, varchar) -> varchar",
       "lpad({0}, CAST(t_pad_size({1}) AS INTEGER), t_pad_with({2}))")  # fmt: skip
scalar("rpad", "(varchar, bigint, varchar) -> varchar",
       "rpad({0}, CAST(t_pad_size({1}) AS INTEGER), t_pad_with({2}))")  # fmt: skip
for _name, _where in (("trim", "trim"), ("ltrim", "ltrim"), ("rtrim", "rtrim")):
    scalar(_name, "(varchar) -> =0", f"{_where}({{0}}, chr(9) || chr(10) || chr(11) || chr(12)"
           " || chr(13) || chr(28) || chr(29) || chr(30) || chr(31) || ' ')")  # fmt: skip
    scalar(_name, "(varchar, varchar) -> =0", f"{_where}({{0}}, {{1}})")
scalar("luhn_check", "(varchar) -> boolean", "p_luhn_check({0})")
scalar("normalize", "(varchar) -> varchar", "p_normalize({0}, 'NFC')")
scalar("normalize", "(varchar, varchar) -> varchar", "p_normalize({0}, {1})")
scalar("replace", "(varchar, varchar) -> varchar", "replace({0}, {1}, '')")
scalar(
    "replace",
    "(varchar, varchar, varchar) -> varchar",
    "CASE WHEN {1} = '' THEN p_interleave({0}, {2}) ELSE replace({0}, {1}, {2}) END",
)
scalar("reverse", "(varchar) -> =0", "reverse({0})")
scalar("reverse", "(array(T)) -> =0", "list_reverse({0})")
scalar("soundex", "(varchar) -> varchar", "p_soundex({0})", lambda kinds: varchar(4))
scalar("split", "(varchar, varchar) -> array(varchar)", "t_split({0}, {1})")
scalar("split", "(varchar, varchar, bigint) -> array(varchar)", "t_split_limit({0}, {1}, {2})")
scalar("split_part", "(varchar, varchar, bigint) -> varchar", "t_split_part({0}, {1}, {2})")
scalar(
    "split_to_map",
    "(varchar, varchar, varchar) -> map(varchar, varchar)",
    "t_split_to_map({0}, {1}, {2})",
)
scalar(
    "split_to_multimap",
    "(varchar, varchar, varchar) -> map(varchar, array(varchar))",
    "t_split_to_multimap({0}, {1}, {2})",
)
scalar("starts_with", "(varchar, varchar) -> boolean", "starts_with({0}, {1})")
scalar("ends_with", "(varchar, varchar) -> boolean", "suffix({0}, {1})")
scalar("strpos position", "(varchar, varchar) -> bigint", "CAST(strpos({0}, {1}) AS BIGINT)")
scalar(
    "strpos",
    "(varchar, varchar, bigint) -> bigint",
    "CASE WHEN {0} IS NULL THEN NULL ELSE CAST(t_strpos({0}, {1}, {2}) AS BIGINT) END",
)
scalar("substr substring", "(varchar, bigint) -> =0", "t_substr({0}, {1})")
scalar("substr substring", "(varchar, bigint, bigint) -> =0", "t_substr3({0}, {1}, {2})")
scalar("translate", "(varchar, varchar, varchar) -> varchar", "translate({0}, {1}, {2})")
scalar("uuid", "() -> uuid", "uuid()", volatile=True)


def _typeof(x: Typed) -> Typed:
    text = str(x.type)
    return Typed(quote_text(text), varchar(len(text)), text)


scalar("typeof", "(T) -> varchar", _typeof)


def _extreme(function: str) -> Callable[..., str]:
    def emit(*values: Typed) -> str:
        items = f"[{', '.join(value.sql for value in values)}]"
        return let(
            items, lambda v: f"CASE WHEN list_count({v}) = {len(values)} THEN {function}({v}) END"
        )

    return emit


scalar("greatest", "(T, T...) -> T", _extreme("list_max"))
scalar("least", "(T, T...) -> T", _extreme("list_min"))

_SPECIFIER = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")


def _format(template: Typed, *values: Typed) -> str:
    """Java's format for a literal template: %s %d %x %o %f %e %c %b %% %n, widths and flags."""
    text = constant_of(template, "A format")
    parts: list[str] = []
    at = next_value = 0
    for found in _SPECIFIER.finditer(text):
        parts.append(quote_text(text[at : found.start()]))
        at = found.end()
        index, flags, width, digits, letter = found.groups()
        if letter in "%n":
            parts.append(quote_text("%" if letter == "%" else "\n"))
            continue
        place = int(index) - 1 if index else next_value
        next_value += not index
        if place >= len(values):
            raise invalid_argument(f"Invalid format string: {text} (arguments are missing)")
        parts.append(_format_one(values[place], flags, width, digits, letter, text))
    if "%" in text[at:]:
        raise invalid_argument(f"Invalid format string: {text}")
    parts.append(quote_text(text[at:]))
    return "(" + " || ".join(parts) + ")"


def _format_one(
    value: Typed, flags: str, width: str | None, digits: str | None, letter: str, text: str
) -> str:
    comma = "," if "," in flags else ""
    sign = "+" if "+" in flags else " " if " " in flags else ""
    name = value.type.name
    if set(flags) - set("-0,+ "):
        raise invalid_argument(f"Invalid format string: {text} (a flag that is not supported)")
    if letter in "dxXo" and name in ("tinyint", "smallint", "integer", "bigint"):
        shown = f"format('{{:{sign}{comma}{letter}}}', {value.sql})"
    elif letter in "fe" and name in ("double", "real", "decimal"):
        number = f"CAST({value.sql} AS DOUBLE)"
        shown = f"format('{{:{sign}{comma}.{digits or 6}{letter}}}', {number})"
        if name == "decimal" and letter == "f" and not sign:
            exact = f"CAST({value.sql} AS DECIMAL(38,{min(int(digits or 6), 38)}))"
            shown = (
                f"format('{{:{comma}.{digits or 6}f}}', {number})"
                if comma
                else (f"CAST({exact} AS VARCHAR)")
            )
    elif letter in "sS":
        shown = _shown(value)
        shown = f"left({shown}, {digits})" if digits else shown
        shown = f"upper({shown})" if letter == "S" else shown
    elif letter == "b":
        shown = f"CASE WHEN {value.sql} IS NULL THEN 'false' ELSE {_shown(value)} END"
    else:
        raise invalid_argument(f"Invalid format string: {text} ({letter} != {value.type})")
    if not width:
        return shown
    if "-" in flags:
        return f"rpad({shown}, CAST(greatest({width}, length({shown})) AS INTEGER), ' ')"
    if "0" in flags and letter in "dxXof":
        signed = f"CASE WHEN {shown}[1] IN ('-', '+') THEN {shown}[1] ELSE '' END"
        bare = f"ltrim({shown}, '-+')"
        room = f"greatest({width} - length({signed}), length({bare}))"
        return f"(({signed}) || lpad({bare}, CAST({room} AS INTEGER), '0'))"
    return f"lpad({shown}, CAST(greatest({width}, length({shown})) AS INTEGER), ' ')"


def _shown(value: Typed) -> str:
    if value.type.name in ("double", "real"):
        return f"coalesce(t_java_double(CAST({value.sql} AS DOUBLE)), 'null')"
    if value.type.name == "unknown":
        return "'null'"
    return f"coalesce({text_of(value.sql, value.type)}, 'null')"


def _format_any(template: Typed, *values: Typed) -> str:
    return _format(template, *values)


for _count in range(1, 12):
    _letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: _count - 1]
    scalar("format", f"(varchar{''.join(f', {letter}' for letter in _letters)}) -> varchar",
           _format_any)  # fmt: skip
