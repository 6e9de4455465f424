"""JSON functions. Paths are literals: `$`, `.name`, `['name']`, `[index]`, `[*]`, `.*`, with
`lax`, or `strict` (or nothing: strict, as in Flink), before them.

Source: Apache Flink 2.x, System (Built-in) Functions, JSON Functions.
"""

import re
from collections.abc import Callable

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.casts import as_text, cast, cast_to_fit
from millpond.engines.streams.sql.functions.calls import Call
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.sql.types import NUMBERS, STRINGS
from millpond.engines.streams.sql.values import filled, made, text_literal
from millpond.engines.streams.types import BOOLEAN, STRING, DataType

SIGNATURES: dict[str, str] = {
    "JSON_EXISTS": "JSON_EXISTS(string, path [{TRUE | FALSE | UNKNOWN | ERROR} ON ERROR])",
    "JSON_VALUE": "JSON_VALUE(string, path [RETURNING type] [{NULL | ERROR | DEFAULT value}"
    " ON EMPTY] [{NULL | ERROR | DEFAULT value} ON ERROR])",
    "JSON_QUERY": "JSON_QUERY(string, path [RETURNING {STRING | ARRAY<STRING>}] [{WITHOUT | WITH"
    " CONDITIONAL | WITH UNCONDITIONAL} [ARRAY] WRAPPER] [{NULL | EMPTY ARRAY | EMPTY OBJECT |"
    " ERROR} ON EMPTY] [{NULL | EMPTY ARRAY | EMPTY OBJECT | ERROR} ON ERROR])",
    "JSON_OBJECT": "JSON_OBJECT([KEY name VALUE value, …] [{NULL | ABSENT} ON NULL])",
    "JSON_ARRAY": "JSON_ARRAY([value, …] [{NULL | ABSENT} ON NULL])",
    "JSON_STRING": "JSON_STRING(value)",
    "IS JSON": "string IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]",
}

_STEP = re.compile(
    r"\.(?P<name>[\w$-]+)|\.(?P<all>\*)|\[\s*(?P<index>\d+)\s*\]|\[\s*(?P<each>\*)\s*\]"
    r"|\[\s*'(?P<single>[^']*)'\s*\]|\[\s*\"(?P<double>[^\"]*)\"\s*\]"
)
_SCALARS = "('OBJECT', 'ARRAY')"
_PLAIN = (*NUMBERS, *STRINGS, "BOOLEAN", "NULL")
_RETURNED = ("STRING", "VARCHAR", "CHAR", "BOOLEAN", "INT", "BIGINT", "DOUBLE")


class _Path:
    """A path as DuckDB writes it."""

    def __init__(self, call: Call):
        written = call.constant(1)
        if written is None:
            raise call.refused("the path must be a literal", needs_flink=True)
        match = re.fullmatch(r"\s*(?:(lax|strict)\s+)?\$(.*)", written, re.IGNORECASE | re.DOTALL)
        if match is None:
            raise call.refused(f"'{written}' is not a path; it begins with $")
        self.strict = (match[1] or "").lower() != "lax"
        steps, end, rest = ["$"], 0, match[2].rstrip()
        for step in _STEP.finditer(rest):
            if step.start() != end:
                break
            end = step.end()
            steps.append(_step(step))
        if end != len(rest):
            raise call.refused(f"the path '{written}' is not supported", needs_flink=True)
        self.many = any(step.endswith("*") or step == "[*]" for step in steps)
        self.sql = text_literal("".join(steps))


def _step(step: re.Match[str]) -> str:
    if step["index"] is not None:
        return f"[{step['index']}]"
    if step["each"]:
        return "[*]"
    if step["all"]:
        return ".*"
    name = next(step[key] for key in ("name", "single", "double") if step[key] is not None)
    return f'."{name}"'


def json_call(call: Call, node: exp.Expr, translate: Callable[[exp.Expr], Typed]) -> Typed:
    """A call whose behaviour is written with words.

    Raises:
        Refused: its arguments or words do not fit.
    """
    if call.name in ("JSON_OBJECT", "JSON_ARRAY"):
        return _constructed(call, node)
    call.count(2)
    document, path = call.take(0, "s"), _Path(call)
    behaviours = {
        name: _behaviour(node.args.get(name), translate) for name in ("on_empty", "on_error")
    }
    if call.name == "JSON_EXISTS":
        return _exists(call, document, path, node.args.get("on_error"))
    if call.name == "JSON_VALUE":
        return _value(call, document, path, node, behaviours)
    return _query(call, document, path, node, behaviours)


def _behaviour(given: str | exp.Expr | None, translate: Callable[[exp.Expr], Typed]) -> str | Typed:
    if given is None:
        return "NULL"
    return given if isinstance(given, str) else translate(given)


def _exists(call: Call, document: Typed, path: _Path, on_error: str | exp.Expr | None) -> Typed:
    word = "FALSE" if on_error is None else str(on_error)
    if not isinstance(on_error, str | None) or word not in ("TRUE", "FALSE", "UNKNOWN", "ERROR"):
        raise call.refused("ON ERROR takes TRUE, FALSE, UNKNOWN or ERROR")
    failed = {
        "UNKNOWN": "CAST(NULL AS BOOLEAN)",
        "ERROR": "error('JSON_EXISTS: the text is no JSON or lacks the path')",
    }.get(word, word)
    found = (
        f"len(TRY(json_extract($0, {path.sql}))) > 0"
        if path.many
        else f"TRY(json_exists($0, {path.sql}))"
    )
    missing = f"WHEN {found} THEN TRUE ELSE {failed if path.strict else 'FALSE'}"
    return filled(
        f"(CASE WHEN $0 IS NULL THEN NULL WHEN NOT json_valid($0) THEN {failed} {missing} END)",
        BOOLEAN, document,
    )  # fmt: skip


def _otherwise(call: Call, behaviour: str | Typed, kind: DataType, when: str) -> Typed:
    """What a behaviour gives, as the type of the call."""
    if isinstance(behaviour, Typed):
        return cast(behaviour, kind, call.at)
    match behaviour:
        case "NULL":
            return Typed(f"CAST(NULL AS {kind.duckdb()})", kind)
        case "ERROR":
            return Typed(f"error('{call.name}: {when}')", kind)
        case "EMPTY ARRAY" | "EMPTY OBJECT" if call.name == "JSON_QUERY":
            if kind.name == "ARRAY":
                return Typed("[]", kind)
            return Typed("'[]'" if behaviour == "EMPTY ARRAY" else "'{}'", kind)
    raise call.refused(f"{behaviour} cannot be given here")


def _value(
    call: Call, document: Typed, path: _Path, node: exp.Expr, behaviours: dict[str, str | Typed]
) -> Typed:
    returning = node.args.get("returning")
    kind = returning.type_named if returning else STRING
    if kind.name not in _RETURNED:
        raise call.refused(f"RETURNING {kind.flink()} is not supported")
    if path.many:
        raise call.refused("a path with * gives more than one value; use JSON_QUERY")
    empty = _otherwise(call, behaviours["on_empty"], kind, "the path is empty")
    failed = _otherwise(call, behaviours["on_error"], kind, "the text has no such value")
    text = Typed(f"TRY(json_extract_string({document.sql}, {path.sql}))", STRING)
    read = cast(text, kind, call.at, safe=True)
    converted = read.sql
    if kind.name not in STRINGS:
        converted = f"(CASE WHEN {read.sql} IS NULL THEN {failed.sql} ELSE {read.sql} END)"
    missing = failed.sql if path.strict else empty.sql
    kind_of = f"TRY(json_type({document.sql}, {path.sql}))"
    sql = (
        f"(CASE WHEN {document.sql} IS NULL THEN NULL WHEN ({kind_of}) IS NULL "
        f"THEN CASE WHEN json_valid({document.sql}) THEN {missing} ELSE {failed.sql} END "
        f"WHEN ({kind_of}) = 'NULL' THEN {'NULL' if path.strict else empty.sql} "
        f"WHEN ({kind_of}) IN {_SCALARS} THEN {failed.sql} ELSE {converted} END)"
    )
    return made(sql, kind, [document, empty, failed])


def _query(
    call: Call, document: Typed, path: _Path, node: exp.Expr, behaviours: dict[str, str | Typed]
) -> Typed:
    returning = node.args.get("returning")
    kind = returning.type_named if returning else STRING
    strings = DataType("ARRAY", fields=(("", STRING),))
    if kind not in (STRING, strings):
        raise call.refused(f"RETURNING {kind.flink()} is not supported")
    empty = _otherwise(call, behaviours["on_empty"], kind, "the path is empty")
    failed = _otherwise(call, behaviours["on_error"], kind, "the text has no such value")
    found = f"TRY(json_extract({document.sql}, {path.sql}))"
    if path.many:
        kind_of = f"CASE WHEN json_valid({document.sql}) THEN 'ARRAY' END"
        found = f"to_json({found})"
    else:
        kind_of = f"TRY(json_type({document.sql}, {path.sql}))"
    text = f"CAST({found} AS VARCHAR)"
    wrapper = node.args.get("wrapper") or "WITHOUT"
    if wrapper == "UNCONDITIONAL":
        result = f"'[' || {text} || ']'"
    elif wrapper == "CONDITIONAL":
        result = f"CASE WHEN ({kind_of}) = 'ARRAY' THEN {text} ELSE '[' || {text} || ']' END"
    else:
        result = f"CASE WHEN ({kind_of}) IN {_SCALARS} THEN {text} ELSE {failed.sql} END"
    if kind == strings:
        if wrapper != "WITHOUT":
            raise call.refused("a WRAPPER gives no ARRAY", needs_flink=True)
        elements = f"json_extract_string({found}, '$[*]')"
        result = f"CASE WHEN ({kind_of}) = 'ARRAY' THEN {elements} ELSE {failed.sql} END"
    missing = failed.sql if path.strict else empty.sql
    sql = (
        f"(CASE WHEN {document.sql} IS NULL THEN NULL WHEN ({kind_of}) IS NULL "
        f"THEN CASE WHEN json_valid({document.sql}) THEN {missing} ELSE {failed.sql} END "
        f"WHEN ({kind_of}) = 'NULL' THEN {empty.sql} ELSE {result} END)"
    )
    return made(sql, kind, [document, empty, failed])


def _as_json(call: Call, value: Typed, node: exp.Expr | None) -> str:
    """A value as the text of JSON; what another constructor made stays JSON."""
    if node is not None and node.key == "jsoncall" and node.this in ("JSON_OBJECT", "JSON_ARRAY"):
        return value.sql
    if value.type.name in _PLAIN:
        return f"CAST(to_json({value.sql}) AS VARCHAR)"
    if value.type.name in ("ARRAY", "ROW", "MAP") and _is_plain(value.type):
        return f"CAST(to_json({value.sql}) AS VARCHAR)"
    text = as_text(value.sql, value.type) if value.type.name in ("DATE", "TIMESTAMP") else None
    if text is None:
        raise call.refused(f"{value.type.flink()} as JSON is not supported", needs_flink=True)
    return f"CAST(to_json(replace({text}, ' ', 'T')) AS VARCHAR)"


def _is_plain(kind: DataType) -> bool:
    if kind.name == "MAP" and kind.fields[0][1].name not in STRINGS:
        return False
    return all(
        part.name in _PLAIN or (part.name in ("ARRAY", "ROW", "MAP") and _is_plain(part))
        for _, part in kind.fields
    )


def _constructed(call: Call, node: exp.Expr) -> Typed:
    absent = (node.args.get("on_null") or ("NULL" if call.name == "JSON_OBJECT" else "ABSENT")) == (
        "ABSENT"
    )
    step = 2 if call.name == "JSON_OBJECT" else 1
    members = []
    for index in range(0, len(call.arguments), step):
        value = call.arguments[index + step - 1]
        text = _as_json(call, value, call.nodes[index + step - 1])
        if not absent:
            text = f"coalesce({text}, 'null')"
        if step == 2:
            key = call.take(index, "s")
            text = f"CAST(to_json({key.sql}) AS VARCHAR) || ':' || {text}"
        members.append(text)
    listed = f"[{', '.join(members)}]" if members else "CAST([] AS VARCHAR[])"
    kept = f"list_filter({listed}, lambda e: e IS NOT NULL)" if absent and members else listed
    opening, closing = ("'{'", "'}'") if step == 2 else ("'['", "']'")
    sql = f"({opening} || array_to_string({kept}, ',') || {closing})"
    return made(sql, STRING, call.arguments)


def json_string(call: Call) -> Typed:
    """JSON_STRING: any value as the text of JSON."""
    call.count(1)
    value = call.arguments[0]
    if value.type.name == "NULL":
        return cast_to_fit(value, STRING)
    sql = f"(CASE WHEN {value.sql} IS NOT NULL THEN {_as_json(call, value, None)} END)"
    return made(sql, STRING, [value])


def is_json(value: Typed, kind: str, at: Position) -> Typed:
    """`value IS JSON kind`.

    Raises:
        Refused: the value is no string.
    """
    if value.type.name not in (*STRINGS, "NULL"):
        raise Refused(f"IS JSON takes a string, not {value.type.flink()}", at.line, at.column)
    text = cast_to_fit(value, STRING)
    wanted = {
        "VALUE": "TRUE",
        "SCALAR": f"TRY(json_type($0)) NOT IN {_SCALARS}",
        "ARRAY": "TRY(json_type($0)) = 'ARRAY'",
        "OBJECT": "TRY(json_type($0)) = 'OBJECT'",
    }[kind]
    return filled(
        f"(CASE WHEN $0 IS NOT NULL AND json_valid($0) THEN {wanted} ELSE FALSE END)", BOOLEAN, text
    )
