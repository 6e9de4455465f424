"""Reading the syntax tree: what a node may carry, and what a type is called in it."""

from sqlglot import exp

from millpond.engines.sql.trino.errors import Position, StatementError, not_supported
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.types import VARCHAR_UNBOUNDED as UNBOUNDED
from millpond.engines.sql.trino.types import (
    Type,
    array,
    decimal_type,
    map_of,
    parse_type,
    row,
    timed_type,
    unknown_type,
    varchar,
)

_DESCRIBED = {
    "qualify": "QUALIFY",
    "distinct": "DISTINCT ON",
    "sample": "TABLESAMPLE here",
    "pivots": "PIVOT",
    "match": "MATCH_RECOGNIZE",
    "version": "Time travel (FOR VERSION or TIMESTAMP AS OF)",
    "laterals": "LATERAL VIEW",
    "hints": "Table hints",
    "all": "GROUP BY ALL or DISTINCT",
}


def only(node: exp.Expr, *allowed: str) -> None:
    """Refuse a node that carries more than what is read of it.

    Raises:
        StatementError: NOT_SUPPORTED, naming it.
    """
    for name, value in node.args.items():
        if value and name not in allowed:
            raise not_supported(
                _DESCRIBED.get(name.rstrip("_"), name.rstrip("_").upper().replace("_", " ")),
                position_of(node),
            )


_NAMES = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INT": "integer",
    "BIGINT": "bigint", "FLOAT": "real", "DOUBLE": "double", "VARBINARY": "varbinary",
    "DATE": "date", "JSON": "json", "UUID": "uuid", "TEXT": "varchar",
}  # fmt: skip


def type_of(node: exp.Expr) -> Type:
    """The type that a CAST or a typed literal names.

    Raises:
        StatementError: TYPE_NOT_FOUND or NOT_SUPPORTED.
    """
    position = position_of(node)
    if not isinstance(node, exp.DataType):
        raise unknown_type(node.sql(), position)
    if isinstance(node.this, exp.Interval):
        return _interval(node.this, position)
    name = getattr(node.this, "name", str(node.this))
    numbers = _numbers(node)
    text = node.sql("trino").lower()
    match name:
        case "DECIMAL":
            return decimal_type(numbers, text, position)
        case "VARCHAR":
            return varchar(numbers[0] if numbers else UNBOUNDED)
        case "CHAR":
            return Type("char", numbers[0] if numbers else 1)
        case "TIME" | "TIMETZ" | "TIMESTAMP" | "TIMESTAMPTZ":
            precision = numbers[0] if numbers else 3
            zoned = name.endswith("TZ")
            return timed_type(name.removesuffix("TZ").lower(), precision, zoned, text, position)
        case "ARRAY" if len(node.expressions) == 1:
            return array(type_of(node.expressions[0]))
        case "MAP" if len(node.expressions) == 2:
            return map_of(*map(type_of, node.expressions))
        case "STRUCT" if node.expressions:
            return row([_field(one) for one in node.expressions])
    if name in _NAMES and not node.expressions:
        return parse_type(_NAMES[name])
    raise unknown_type(text, position)


def _numbers(node: exp.DataType) -> list[int]:
    found = []
    for one in node.expressions:
        value = one.this if isinstance(one, exp.DataTypeParam) else None
        if isinstance(value, exp.Literal) and not value.is_string and value.this.isdigit():
            found.append(int(value.this))
    return found


def _field(node: exp.Expr) -> tuple[str | None, Type]:
    if isinstance(node, exp.ColumnDef):
        return node.this.name, type_of(node.args["kind"])
    return None, type_of(node)


def _interval(node: exp.Interval, position: Position | None) -> Type:
    unit = node.args.get("unit")
    if isinstance(unit, exp.IntervalSpan):
        text = f"interval {unit.this.name} to {unit.expression.name}".lower()
        if text in ("interval day to second", "interval year to month"):
            return Type(text)
    raise unknown_type(node.sql(), position)


def interval_value(node: exp.Interval) -> tuple[int, str]:
    """The months or milliseconds of an interval literal, and its type's name.

    Raises:
        StatementError: INVALID_LITERAL.
    """
    position = position_of(node)
    literal, unit = node.this, node.args.get("unit")
    sign = 1
    while isinstance(literal, exp.Neg):
        sign, literal = -sign, literal.this
    if not isinstance(literal, exp.Literal) or not isinstance(unit, exp.Var | exp.IntervalSpan):
        raise StatementError("INVALID_LITERAL", "Invalid INTERVAL literal", position)
    start, end = (
        (unit.this.name.upper(), unit.expression.name.upper())
        if isinstance(unit, exp.IntervalSpan)
        else (unit.name.upper(), unit.name.upper())
    )
    try:
        value, kind = _measure(literal.this.strip(), start.rstrip("S"), end.rstrip("S"))
    except (ValueError, IndexError) as error:
        raise StatementError(
            "INVALID_LITERAL", f"'{literal.this}' is not a valid INTERVAL literal", position
        ) from error
    return sign * value, kind


_SECONDS = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000}
_UNITS = tuple(_SECONDS)


def _measure(text: str, start: str, end: str) -> tuple[int, str]:
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    if start in ("YEAR", "MONTH"):
        if start == end:
            return sign * int(text) * (12 if start == "YEAR" else 1), "interval year to month"
        years, months = text.split("-")
        return sign * (int(years) * 12 + int(months)), "interval year to month"
    if start == "WEEK" and end == "WEEK":
        return sign * int(text) * 7 * _SECONDS["DAY"], "interval day to second"
    units = _UNITS[_UNITS.index(start) : _UNITS.index(end) + 1]
    parts = text.replace(" ", ":").split(":")
    if not 1 <= len(parts) <= len(units):
        raise ValueError(text)
    total = 0
    for unit, part in zip(units, parts, strict=False):
        if unit == "SECOND":
            whole, _, fraction = part.partition(".")
            total += int(whole or 0) * 1000 + int(fraction[:3].ljust(3, "0") if fraction else 0)
        else:
            total += int(part) * _SECONDS[unit]
    return sign * total, "interval day to second"
