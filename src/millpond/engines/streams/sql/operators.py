"""Arithmetic and comparison: Flink's result types, exact in value.

Whole numbers stay whole (7 / 2 is 3), DECIMALs grow by Flink's rules and round half up where 38
digits are not enough, anything with a DOUBLE is a DOUBLE. What does not fit a whole number's type
is an error (Flink wraps around); so is division by zero of whole numbers and DECIMALs.

Source: Apache Flink 2.x, LogicalTypeMerging (find…DecimalType), FlinkTypeSystem.
"""

from collections.abc import Sequence

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.casts import cast, cast_to_fit
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.sql.types import (
    APPROXIMATE,
    INTEGERS,
    NUMBERS,
    STRINGS,
    TIMES,
    bare,
    common_type,
    decimal_of,
    decimal_type,
    same,
)
from millpond.engines.streams.sql.values import INTERVAL, filled, made, scaled, unscaled
from millpond.engines.streams.types import BOOLEAN, DataType

_SIGNS: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%",
}  # fmt: skip
_NARROW_MAX = 18
"""DuckDB multiplies DECIMALs of this many digits in 64 bits, and then has no room for more."""
COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM",
}  # fmt: skip


def arithmetic(kind: type[exp.Expr], left: Typed, right: Typed, at: Position) -> Typed:
    """`left + right` and the like.

    Raises:
        Refused: these types have no such operation.
    """
    sign = _SIGNS[kind]
    if INTERVAL in (left.type, right.type) or {left.type.name, right.type.name} & set(TIMES):
        return _with_interval(sign, left, right, at)
    if "NULL" in (left.type.name, right.type.name):
        known = right.type if left.type.name == "NULL" else left.type
        if known.name not in (*NUMBERS, "NULL"):
            raise _cannot(sign, left, right, at)
        left, right = cast_to_fit(left, known), cast_to_fit(right, known)
    if left.type.name not in NUMBERS or right.type.name not in NUMBERS:
        raise _cannot(sign, left, right, at)
    names = {left.type.name, right.type.name}
    if names & set(APPROXIMATE) or names <= set(INTEGERS):
        result = common_type([left.type, right.type])
        assert result is not None
        word = "//" if sign == "/" and result.name in INTEGERS else sign
        found = filled(
            f"($0 {word} $1)", result, cast_to_fit(left, result), cast_to_fit(right, result)
        )
        is_remainder = sign == "%" and result.name in INTEGERS
        return cast_to_fit(found, right.type) if is_remainder else found
    return _decimal(sign, left, right)


def _decimal(sign: str, left: Typed, right: Typed) -> Typed:
    (p1, s1), (p2, s2) = decimal_of(left.type), decimal_of(right.type)
    match sign:
        case "+" | "-":
            scale = max(s1, s2)
            result = decimal_type(max(p1 - s1, p2 - s2) + scale + 1, scale)
            return filled(
                f"CAST($0 {sign} $1 AS {result.duckdb()})",
                result,
                _as_decimal(left, result),
                _as_decimal(right, result),
            )
        case "*":
            result = decimal_type(p1 + p2 + 1, s1 + s2)
            width = p1 if p1 + p2 <= _NARROW_MAX else 38
            return filled(
                f"CAST($0 * $1 AS {result.duckdb()})",
                result,
                _exact(left, width, s1),
                _exact(right, p2, s2),
            )
        case "%":
            scale = max(s1, s2)
            result = decimal_type(min(p1 - s1, p2 - s2) + scale, scale)
            wide = decimal_type(max(p1 - s1, p2 - s2) + scale, scale)
            return filled(
                f"CAST($0 % $1 AS {result.duckdb()})",
                result,
                _as_decimal(left, wide),
                _as_decimal(right, wide),
            )
    scale = max(6, s1 + p2 + 1)
    result = decimal_type(p1 - s1 + s2 + scale, scale)
    return _quotient(left, right, s1, s2, result)


def _as_decimal(value: Typed, kind: DataType) -> Typed:
    return made(f"CAST({value.sql} AS {kind.duckdb()})", kind, [value])


def _exact(value: Typed, precision: int, scale: int) -> Typed:
    return _as_decimal(value, DataType("DECIMAL", (precision, scale)))


def _quotient(left: Typed, right: Typed, s1: int, s2: int, result: DataType) -> Typed:
    """Long division in whole numbers, rounded half up: DuckDB divides DECIMALs as DOUBLEs."""
    scale = result.parameters[1]
    shift = scale - s1 + s2
    over, under = (f"CAST(1{'0' * max(power, 0)} AS HUGEINT)" for power in (shift, -shift))
    up, down = f"({unscaled('$0')} * {over})", f"({unscaled('$1')} * {under})"
    rest = f"(abs({up}) % abs({down}))"
    rounded = (
        f"(sign({up}) * sign({down}) * ((abs({up}) // abs({down})) + "
        f"CASE WHEN {rest} >= abs({down}) - {rest} THEN 1 ELSE 0 END))"
    )
    left, right = (
        value if value.type.name == "DECIMAL" else _exact(value, *decimal_of(value.type))
        for value in (left, right)
    )
    return filled(scaled(rounded, scale, result), result, left, right)


def _with_interval(sign: str, left: Typed, right: Typed, at: Position) -> Typed:
    if sign == "*" and left.type in (INTERVAL,) and right.type.name in INTEGERS:
        return filled("($0 * $1)", INTERVAL, left, right)
    if sign == "*" and right.type == INTERVAL and left.type.name in INTEGERS:
        return filled("($1 * $0)", INTERVAL, left, right)
    if sign not in "+-":
        raise _cannot(sign, left, right, at)
    if left.type == INTERVAL and right.type == INTERVAL:
        return filled(f"($0 {sign} $1)", INTERVAL, left, right)
    if left.type == INTERVAL and sign == "+":
        left, right = right, left
    if right.type != INTERVAL or left.type.name not in TIMES:
        raise _cannot(sign, left, right, at)
    if left.type.name == "DATE":
        return filled(f"CAST($0 {sign} $1 AS DATE)", left.type, left, right)
    kind = bare(left.type)
    if kind.name in ("TIMESTAMP", "TIMESTAMP_LTZ") and kind.parameters[0] < 3:
        kind = DataType(kind.name, (3,))
    return filled(f"($0 {sign} $1)", kind, left, right)


def negated(value: Typed, at: Position) -> Typed:
    if value.type.name not in (*NUMBERS, "NULL") and value.type != INTERVAL:
        raise Refused(f"Cannot apply '-' to {value.type.flink()}", at.line, at.column)
    if value.type == INTERVAL:
        return filled("($0 * -1)", INTERVAL, value)
    return filled("(-$0)", bare(value.type), value)


def compared(kind: type[exp.Expr], left: Typed, right: Typed, at: Position) -> Typed:
    """`left < right` and the like.

    Raises:
        Refused: these types cannot be compared.
    """
    sign = COMPARISONS[kind]
    left, right = comparable([left, right], sign, at)
    if left.type.name in ("MAP", "MULTISET") and sign not in ("=", "<>"):
        raise _cannot(sign, left, right, at)
    return filled(f"($0 {sign} $1)", BOOLEAN, left, right)


def comparable(values: Sequence[Typed], sign: str, at: Position) -> list[Typed]:
    """The values as one type by which they can be compared: a string beside a time is read as one.

    Raises:
        Refused: they have none.
    """
    times = [value for value in values if value.type.name in TIMES]
    if times and len(times) < len(values):
        kind = common_type([value.type for value in times])
        if kind is not None:
            values = [
                cast(value, _finest(kind), at) if value.type.name in STRINGS else value
                for value in values
            ]
    kind = common_type([value.type for value in values])
    if kind is None:
        raise _cannot(sign, values[0], values[-1], at)
    if kind.name in STRINGS or all(same(value.type, kind) for value in values):
        return list(values)
    return [cast_to_fit(value, kind) for value in values]


def _finest(kind: DataType) -> DataType:
    return DataType(kind.name, (6,)) if kind.name.startswith("TIMESTAMP") else kind


def _cannot(sign: str, left: Typed, right: Typed, at: Position) -> Refused:
    return Refused(
        f"Cannot apply '{sign}' to arguments of type <{left.type.flink()}> {sign}"
        f" <{right.type.flink()}>",
        at.line,
        at.column,
    )
