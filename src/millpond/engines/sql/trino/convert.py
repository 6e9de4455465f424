"""From one type to another: Trino's implicit coercions, CAST and TRY_CAST.

`convert` writes the DuckDB expression. Where DuckDB would take more than Trino does ('1e3' for an
integer, 'yes' for a boolean) the text is checked first; what cannot be converted raises Trino's
error, or is NULL for TRY_CAST.

Source: io.trino.type.VarcharOperators, DoubleOperators, DecimalCasts, DateTimes, JsonOperators.
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count

from millpond.engines.sql.trino.errors import Position, StatementError
from millpond.engines.sql.trino.macros import fail
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import (
    INTEGERS,
    NUMBERS,
    VARCHAR,
    VARCHAR_UNBOUNDED,
    Type,
    can_coerce,
    quote_name,
    quote_text,
)

_SHOWN = {
    "integer": "INT",
    "bigint": "BIGINT",
    "smallint": "SMALLINT",
    "tinyint": "TINYINT",
    "double": "DOUBLE",
    "real": "REAL",
    "boolean": "BOOLEAN",
}
_names: Iterator[int] = count()
_SIMPLE = re.compile(
    r"""[A-Za-z_]\w*(\.(\w+|"[^"]*"))*|'[^']*'|CAST\(('[^']*'|[\w.]+) AS [\w(),]+\)"""
)


def let(sql: str, body: Callable[[str], str]) -> str:
    """`body` of a name for the value of `sql`, so that the value is written and made once.

    Names and literals stand for themselves, and so does anything where the body holds a window
    function or a subquery, which DuckDB does not take in a lambda.
    """
    if _SIMPLE.fullmatch(sql):
        return body(sql)
    name = f"v{next(_names)}"
    made = body(name)
    if " OVER (" in made or "(SELECT " in made or "(WITH " in made:
        return body(sql)
    return f"list_transform([{sql}], lambda {name}: {made})[1]"


def coerce(value: Typed, target: Type) -> Typed:
    """The value where `target` is asked for; only for types that `can_coerce`."""
    if value.type == target:
        return value
    if value.type.name == "unknown":
        return Typed(f"CAST(NULL AS {target.duck})", target, value.value)
    if value.type.name == target.name == "varchar":
        return Typed(value.sql, target, value.value)
    sql = convert(value.sql, value.type, target, safe=False)
    if value.type.name in INTEGERS and target.name in INTEGERS:
        return Typed(sql, target, value.value)
    if isinstance(value.value, int | Decimal) and target.name in ("double", "real"):
        return Typed(sql, target, float(value.value))
    return Typed(sql, target)


def cast(value: Typed, target: Type, safe: bool, position: Position | None) -> Typed:
    """CAST (or, `safe`, TRY_CAST) as the user wrote it.

    Raises:
        StatementError: TYPE_MISMATCH, there is no such cast.
    """
    if value.type.name == "unknown":
        return Typed(f"CAST(NULL AS {target.duck})", target, None)
    if value.type == target:
        return value
    whole = {"json", "array", "map", "row"} & {value.type.name, target.name}
    try:
        sql = convert(value.sql, value.type, target, safe and not whole)
    except _NoCast as error:
        raise StatementError(
            "TYPE_MISMATCH", f"Cannot cast {value.type} to {target}", position
        ) from error
    if safe and whole:
        return Typed(f"TRY({sql})", target)
    is_text = value.type.name == target.name == "varchar" and isinstance(value.value, str)
    if is_text and len(value.value) <= target.precision:
        return Typed(sql, target, value.value)
    return Typed(sql, target)


class _NoCast(Exception):
    """There is no cast between these types."""


def convert(x: str, source: Type, target: Type, safe: bool) -> str:
    """The text of `x`, of type `source`, as a `target`."""
    if source == target:
        return x
    if source.name == "unknown":
        return f"CAST(NULL AS {target.duck})"
    if target.name == "json":
        return to_json(x, source)
    if source.name == "json":
        return from_json(x, target)
    match target.name:
        case "varchar":
            return _to_varchar(x, source, target, safe)
        case "char":
            text = _to_varchar(x, source, VARCHAR, safe)
            return f"rtrim(left({text}, {target.precision}), ' ')"
        case "boolean":
            return _to_boolean(x, source, safe)
        case "decimal":
            return _to_decimal(x, source, target, safe)
        case "real" | "double":
            return _to_float(x, source, target, safe)
        case "array" | "map" | "row":
            return _to_nested(x, source, target, safe)
        case "varbinary" if source.name == "varchar":
            return f"encode({x})"
        case "uuid" if source.name == "varchar":
            return f"{'TRY_CAST' if safe else 'CAST'}({x} AS UUID)"
        case name if name in INTEGERS:
            return _to_integer(x, source, target, safe)
    return _to_time(x, source, target, safe)


def _cast(x: str, duck: str, safe: bool) -> str:
    return f"{'TRY_CAST' if safe else 'CAST'}({x} AS {duck})"


def _checked(x: str, check: str, kind: str, safe: bool, macro: str = "t_check_cast") -> str:
    if safe:
        return let(x, lambda v: f"CASE WHEN {check}({v}) THEN {v} END")
    return let(x, lambda v: f"{macro}({check}({v}), {v}, {quote_text(kind)})")


def _to_integer(x: str, source: Type, target: Type, safe: bool) -> str:
    if source.name in ("varchar", "char"):
        return _cast(_checked(x, "t_is_whole", _SHOWN[target.name], safe), target.duck, safe)
    if source.name in ("double", "real"):
        return _cast(f"round({x})", target.duck, safe)
    if source.name in NUMBERS:
        return _cast(x, target.duck, safe)
    if source.name == "boolean":
        return _cast(x, target.duck, False)
    raise _NoCast


def _to_float(x: str, source: Type, target: Type, safe: bool) -> str:
    if source.name in ("varchar", "char"):
        text = _checked(x, "t_is_float", _SHOWN[target.name], safe)
        return _cast(text, target.duck, safe)
    if source.name in NUMBERS or source.name == "boolean":
        return _cast(x, target.duck, safe)
    raise _NoCast


def _to_decimal(x: str, source: Type, target: Type, safe: bool) -> str:
    if source.name in ("varchar", "char"):
        shown = f"DECIMAL({target.precision}, {target.scale})"
        return _cast(_checked(x, "t_is_decimal", shown, safe), target.duck, safe)
    if source.name in NUMBERS or source.name == "boolean":
        return _cast(x, target.duck, safe)
    raise _NoCast


def _to_boolean(x: str, source: Type, safe: bool) -> str:
    if source.name in NUMBERS:
        return f"({x} <> 0)"
    if source.name not in ("varchar", "char"):
        raise _NoCast
    if safe:
        return f"t_bool({x})"

    def checked(v: str) -> str:
        raised = fail("INVALID_CAST_ARGUMENT", f"'Cannot cast ''' || {v} || ''' to BOOLEAN'")
        return f"coalesce(t_bool({v}), CAST({raised} AS BOOLEAN))"

    return let(x, checked)


def text_of(x: str, source: Type) -> str:
    """The text that CAST(x AS varchar) gives, of any length.

    Raises:
        StatementError: TYPE_MISMATCH, there is none.
    """
    try:
        return _text_of(x, source)
    except _NoCast as error:
        raise StatementError("TYPE_MISMATCH", f"Cannot cast {source} to varchar") from error


def _text_of(x: str, source: Type) -> str:
    match source.name:
        case "varchar":
            return x
        case "char":
            return f"rpad({x}, {source.precision}, ' ')"
        case "double":
            return let(x, lambda v: f"t_double_text({v})")
        case "real":
            return let(x, lambda v: f"t_double_text(CAST(CAST({v} AS VARCHAR) AS DOUBLE))")
        case "timestamp":
            return f"t_timestamp_text({x}, {source.precision})"
        case "time":
            return f"t_time_text({x}, {source.precision})"
        case "timestamp with time zone":
            return let(x, lambda v: f"t_zoned_text({v}, {source.precision})")
        case "interval day to second":
            return f"t_days_text({x})"
        case "interval year to month":
            return f"t_months_text({x})"
        case "boolean" | "date" | "decimal" | "uuid":
            return f"CAST({x} AS VARCHAR)"
        case name if name in INTEGERS:
            return f"CAST({x} AS VARCHAR)"
    raise _NoCast


def _to_varchar(x: str, source: Type, target: Type, safe: bool) -> str:
    text = _text_of(x, source)
    length = target.precision
    if length == VARCHAR_UNBOUNDED or (source.name == "varchar" and source.precision <= length):
        return text
    if source.name in ("varchar", "char"):
        return f"left({text}, {length})"
    raised = fail(
        "INVALID_CAST_ARGUMENT", f"'Value ' || s || ' cannot be represented as varchar({length})'"
    )
    otherwise = "NULL" if safe else raised.replace(" s ", " {0} ")
    return let(
        text,
        lambda s: f"CASE WHEN length({s}) <= {length} THEN {s} ELSE {otherwise.format(s)} END",
    )


def _to_time(x: str, source: Type, target: Type, safe: bool) -> str:
    """To dates, times, timestamps and intervals."""
    match source.name, target.name:
        case (("varchar" | "char"), "date"):
            return _cast(
                f"t_trim({_checked(x, 't_is_date', 'date', safe, 't_check_value')})", "DATE", safe
            )
        case (("varchar" | "char"), "timestamp"):
            text = _checked(x, "t_is_timestamp", "timestamp", safe, "t_check_value")
            return _rounded(_cast(f"t_full_timestamp({text})", "TIMESTAMP", safe), 6, target)
        case (("varchar" | "char"), "time"):
            text = _checked(x, "t_is_time", "time", safe, "t_check_value")
            return _cast(f"t_full_timestamp({text})", "TIME", safe)
        case (("varchar" | "char"), "timestamp with time zone"):
            return let(x, lambda text: zoned_of_text(text, target, safe))
        case "timestamp", "date":
            return f"CAST({x} AS DATE)"
        case "date", "timestamp":
            return f"CAST({x} AS TIMESTAMP)"
        case "timestamp", "timestamp":
            return _rounded(x, source.precision, target)
        case "timestamp", "time":
            return f"CAST({_rounded(x, source.precision, target)} AS TIME)"
        case "time", "time":
            return f"CAST({_rounded('(DATE 1970-01-01 + {x})', source.precision, target)} AS TIME)"
        case "time", "timestamp":
            return f"(DATE '1970-01-01' + {x})"
        case (("date" | "timestamp"), "timestamp with time zone"):
            return let(
                _rounded(f"CAST({x} AS TIMESTAMP)", source.precision, target),
                lambda v: (
                    f"CASE WHEN {v} IS NULL THEN NULL ELSE struct_pack(t := {v}, z := 'UTC') END"
                ),
            )
        case "timestamp with time zone", "timestamp with time zone":
            return let(
                x,
                lambda v: (
                    f"CASE WHEN {v} IS NULL THEN NULL ELSE struct_pack("
                    f"t := {_rounded(f'{v}.t', source.precision, target)}, z := {v}.z) END"
                ),
            )
        case "timestamp with time zone", "timestamp":
            return let(x, lambda v: _rounded(f"t_local({v})", source.precision, target))
        case "timestamp with time zone", "date":
            return let(x, lambda v: f"CAST(t_local({v}) AS DATE)")
        case "timestamp with time zone", "time":
            return let(x, lambda v: f"CAST(t_local({v}) AS TIME)")
    raise _NoCast


def _rounded(x: str, precision: int, target: Type) -> str:
    return f"t_round_us({x}, {target.precision})" if precision > target.precision else x


def zoned_of_text(x: str, target: Type, safe: bool) -> str:
    """A timestamp with time zone of `2020-01-01 12:00 Europe/Paris`; without a zone it is UTC."""
    local = f"regexp_extract({x}, '^(\\s*\\S+(?: [0-9:.]+)?)\\s*(.*)$', 1)"
    zone = f"regexp_extract({x}, '^(\\s*\\S+(?: [0-9:.]+)?)\\s*(.*)$', 2)"
    checked = _checked(local, "t_is_timestamp", "timestamp with time zone", safe, "t_check_value")
    at = _rounded(_cast(f"t_full_timestamp({checked})", "TIMESTAMP", safe), 6, target)
    named = f"t_zone_name(CASE WHEN {zone} = '' THEN 'UTC' ELSE {zone} END)"
    return f"CASE WHEN {x} IS NULL THEN NULL ELSE t_zoned({at}, {named}) END"


def _to_nested(x: str, source: Type, target: Type, safe: bool) -> str:
    if source.name != target.name or len(source.arguments) != len(target.arguments):
        raise _NoCast
    if source.duck == target.duck and all(map(can_coerce, source.arguments, target.arguments)):
        return x
    match target.name:
        case "array":
            name = f"v{next(_names)}"
            body = convert(name, source.element, target.element, safe)
            return f"list_transform({x}, lambda {name}: {body})"
        case "map":
            return let(x, lambda m: _to_map(m, source, target, safe))
    return let(x, lambda r: _to_row(r, source, target, safe))


def _to_map(m: str, source: Type, target: Type, safe: bool) -> str:
    name = f"v{next(_names)}"
    sides = [
        f"list_transform(map_{part}({m}), lambda {name}: {convert(name, one, other, safe)})"
        for part, one, other in zip(
            ("keys", "values"), source.arguments, target.arguments, strict=True
        )
    ]
    return f"CASE WHEN {m} IS NULL THEN NULL ELSE t_map({sides[0]}, {sides[1]}) END"


def _to_row(r: str, source: Type, target: Type, safe: bool) -> str:
    fields = ", ".join(
        f"{quote_name(name)} := {convert(f'{r}.{quote_name(field)}', one, other, safe)}"
        for name, field, one, other in zip(
            target.field_names,
            source.field_names,
            source.arguments,
            target.arguments,
            strict=True,
        )
    )
    return f"CASE WHEN {r} IS NULL THEN NULL ELSE struct_pack({fields}) END"


def to_json(x: str, source: Type) -> str:
    """The JSON text of a value: CAST(x AS json)."""
    match source.name:
        case "json":
            return x
        case "boolean" | "decimal" | "tinyint" | "smallint" | "integer" | "bigint":
            return f"CAST({x} AS VARCHAR)"
        case "double" | "real":
            text = f"t_java_double(CAST(CAST({x} AS VARCHAR) AS DOUBLE))"
            return f"CASE WHEN isfinite({x}) THEN {text} ELSE '\"' || {text} || '\"' END"
        case "varchar" | "char":
            return f"CAST(to_json({x}) AS VARCHAR)"
        case "date" | "timestamp" | "timestamp with time zone":
            return f"'\"' || {_text_of(x, source)} || '\"'"
        case "array":
            name = f"v{next(_names)}"
            one = f"coalesce({to_json(name, source.element)}, 'null')"
            return f"('[' || t_join(list_transform({x}, lambda {name}: {one}), ',') || ']')"
        case "map":
            return let(x, lambda m: _map_to_json(m, source))
        case "row":
            return let(x, lambda r: _row_to_json(r, source))
    raise _NoCast


def _map_to_json(m: str, source: Type) -> str:
    key, value = source.arguments
    if key.name not in ("varchar", "char", "boolean", "decimal", "double", "real", *INTEGERS):
        raise _NoCast
    entry = f"v{next(_names)}"
    text = f"CAST(to_json({_text_of(f'{entry}.key', key)}) AS VARCHAR)"
    pairs = (
        f"list_sort(list_transform(map_entries({m}), lambda {entry}: {text} || ':' ||"
        f" coalesce({to_json(f'{entry}.value', value)}, 'null')))"
    )
    return f"CASE WHEN {m} IS NULL THEN NULL ELSE '{{' || t_join({pairs}, ',') || '}}' END"


def _row_to_json(r: str, source: Type) -> str:
    parts = [
        quote_text(f'"{"" if name is None else name}":')
        + f" || coalesce({to_json(f'{r}.{quote_name(field)}', kind)}, 'null')"
        for name, field, kind in zip(
            source.fields, source.field_names, source.arguments, strict=True
        )
    ]
    inner = " || ',' || ".join(parts)
    return f"CASE WHEN {r} IS NULL THEN NULL ELSE '{{' || {inner} || '}}' END"


def from_json(j: str, target: Type) -> str:
    """The value of a JSON text: CAST(j AS target). JSON's null is NULL."""
    match target.name:
        case "json":
            return j
        case "varchar":
            return let(
                j, lambda v: _to_varchar(f"t_json_scalar_text({v})", VARCHAR, target, safe=False)
            )
        case "boolean":
            return let(
                let(j, lambda v: f"t_json_scalar_text({v})"),
                lambda s: (
                    f"CASE WHEN t_is_float({s}) THEN CAST({s} AS DOUBLE) <> 0"
                    f" ELSE {_to_boolean(s, VARCHAR, safe=False)} END"
                ),
            )
        case "array":
            element = f"v{next(_names)}"
            body = from_json(f"CAST({element} AS VARCHAR)", target.element)
            items = let(j, lambda v: f"t_json_list({v})")
            return f"list_transform({items}, lambda {element}: {body})"
        case "map":
            return let(
                let(j, lambda v: f"t_json_object({v}, 'map')"), lambda o: _json_to_map(o, target)
            )
        case "row":
            return let(j, lambda v: _json_to_row(v, target))
        case name if name in NUMBERS:
            return let(
                let(j, lambda v: f"t_json_number_text({v}, '{name}')"),
                lambda s: _number_of_text(s, target),
            )
        case "date" | "timestamp":
            return let(
                let(j, lambda v: f"t_json_scalar_text({v})"),
                lambda s: convert(s, VARCHAR, target, safe=False),
            )
    raise _NoCast


def _number_of_text(s: str, target: Type) -> str:
    whole = convert(s, VARCHAR, target, safe=False)
    if target.name not in INTEGERS:
        return whole
    return (
        f"CASE WHEN t_is_float({s}) AND NOT t_is_whole({s})"
        f" THEN CAST(round(CAST({s} AS DOUBLE)) AS {target.duck}) ELSE {whole} END"
    )


def _json_to_map(o: str, target: Type) -> str:
    key, value = target.arguments
    name = f"v{next(_names)}"
    member = f"CAST(json_extract({o}, '$.' || CAST(to_json({name}) AS VARCHAR)) AS VARCHAR)"
    keys = convert(name, VARCHAR, key, safe=False)
    values = from_json(member, value)
    return (
        f"CASE WHEN {o} IS NULL THEN NULL ELSE"
        f" t_map(list_transform(json_keys({o}), lambda {name}: {keys}),"
        f" list_transform(json_keys({o}), lambda {name}: {values})) END"
    )


def _json_to_row(v: str, target: Type) -> str:
    """A row of a JSON object by its fields' names, or of an array by their places."""

    def fields(path: Callable[[int, str], str]) -> str:
        return ", ".join(
            f"{quote_name(name)} := "
            + from_json(f"CAST(json_extract({v}, {path(index, name)}) AS VARCHAR)", kind)
            for index, (name, kind) in enumerate(
                zip(target.field_names, target.arguments, strict=True)
            )
        )

    named = fields(lambda index, name: quote_text(f'$."{name}"'))
    placed = fields(lambda index, name: quote_text(f"$[{index}]"))
    return (
        f"CASE json_type({v}) WHEN 'ARRAY' THEN struct_pack({placed}) WHEN 'OBJECT' THEN"
        f" struct_pack({named}) WHEN 'NULL' THEN NULL ELSE"
        f" CASE WHEN t_json_object({v}, 'row') IS NULL THEN NULL END END"
    )


def require(value: Typed, target: Type, what: str, position: Position | None) -> Typed:
    """The value coerced to what a clause asks for.

    Raises:
        StatementError: TYPE_MISMATCH, beginning with `what`.
    """
    if not can_coerce(value.type, target):
        raise StatementError("TYPE_MISMATCH", f"{what}: {value.type}", position)
    return coerce(value, target)
