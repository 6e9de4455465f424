"""Arithmetic and comparison: the result's type, and DuckDB's expression for it.

Source: io.trino.type.DecimalOperators (precision and scale), trino.io/docs/current/functions/
{math,comparison,datetime,decimal}.html.
"""

from millpond.engines.sql.trino.convert import coerce, let
from millpond.engines.sql.trino.errors import Position, StatementError
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import (
    DATE,
    DAY_TO_SECOND,
    INTEGERS,
    NUMBERS,
    YEAR_TO_MONTH,
    Type,
    as_decimal,
    common_type,
    decimal,
    quote_name,
)

_MS, _MONTH = DAY_TO_SECOND.name, YEAR_TO_MONTH.name
_TIMES = ("date", "time", "timestamp", "timestamp with time zone")


def refuse(left: Type, operator: str, right: Type, position: Position | None) -> StatementError:
    return StatementError(
        "TYPE_MISMATCH", f"Cannot apply operator: {left} {operator} {right}", position
    )


def arithmetic(left: Typed, operator: str, right: Typed, position: Position | None) -> Typed:
    """`left operator right` for + - * / %.

    Raises:
        StatementError: TYPE_MISMATCH.
    """
    if "unknown" in (left.type.name, right.type.name):
        other = right.type if left.type.name == "unknown" else left.type
        if other.name == "unknown":
            return Typed("CAST(NULL AS INTEGER)", other)
        left, right = (one if one.type.name != "unknown" else coerce(one, other)
                       for one in (left, right))  # fmt: skip
    names = (left.type.name, right.type.name)
    if names[0] in NUMBERS and names[1] in NUMBERS:
        return _numbers(left, operator, right)
    found = _with_intervals(left, operator, right)
    if found is None and operator == "+":
        found = _with_intervals(right, operator, left)
    if found is None:
        raise refuse(left.type, operator, right.type, position)
    return found


def _numbers(left: Typed, operator: str, right: Typed) -> Typed:
    kinds = (left.type.name, right.type.name)
    if "double" in kinds or "real" in kinds or "decimal" not in kinds:
        kind = common_type(left.type, right.type)
        assert kind is not None
        one, other = coerce(left, kind).sql, coerce(right, kind).sql
        sign = "//" if operator == "/" and kind.name in INTEGERS else operator
        return Typed(_in_type(f"({one} {sign} {other})", kind), kind)
    return _decimals(left, operator, right)


def _in_type(sql: str, kind: Type) -> str:
    """DuckDB widens the smallest integers; Trino does not."""
    return f"CAST({sql} AS {kind.duck})" if kind.name in ("tinyint", "smallint") else sql


def _decimals(left: Typed, operator: str, right: Typed) -> Typed:
    one, other = as_decimal(left.type), as_decimal(right.type)
    a, b = coerce(left, one).sql, coerce(right, other).sql
    scale = max(one.scale, other.scale)
    whole = max(one.precision - one.scale, other.precision - other.scale)
    match operator:
        case "+" | "-":
            kind = decimal(whole + scale + 1, scale)
        case "*":
            if one.scale + other.scale > 38:
                raise StatementError(
                    "INVALID_FUNCTION_ARGUMENT", "DECIMAL scale must be in range [0, 38]"
                )
            kind = decimal(one.precision + other.precision, one.scale + other.scale)
        case "/":
            kind = decimal(one.precision + other.scale + max(other.scale - one.scale, 0), scale)
            return Typed(_divide(a, one, b, other, kind), kind)
        case _:
            least = min(one.precision - one.scale, other.precision - other.scale)
            kind = decimal(least + scale, scale)
    return Typed(f"CAST(({a} {operator} {b}) AS {kind.duck})", kind)


def unscaled(sql: str, kind: Type) -> str:
    """A decimal as the whole number that it is at its scale."""
    if kind.scale == 0:
        return f"CAST({sql} AS HUGEINT)"
    return f"CAST({sql} * CAST({10**kind.scale} AS DECIMAL(38,0)) AS HUGEINT)"


def rescaled(sql: str, kind: Type) -> str:
    """The decimal that a whole number is at `kind`'s scale."""
    if kind.scale == 0:
        return f"CAST({sql} AS {kind.duck})"
    unit = f"CAST('0.{'0' * (kind.scale - 1)}1' AS DECIMAL({kind.scale + 1},{kind.scale}))"
    return f"CAST(CAST({sql} AS DECIMAL(38,0)) * {unit} AS {kind.duck})"


def _divide(a: str, one: Type, b: str, other: Type, kind: Type) -> str:
    shift = 10 ** (kind.scale + other.scale - one.scale)
    top = f"({unscaled(a, one)} * CAST('{shift}' AS HUGEINT))"
    return let(
        f"struct_pack(n := {top}, d := {unscaled(b, other)})",
        lambda v: rescaled(f"t_divide_round({v}.n, {v}.d)", kind),
    )


def _with_intervals(left: Typed, operator: str, right: Typed) -> Typed | None:
    kinds = (left.type.name, right.type.name)
    if operator in "+-" and kinds[0] in _TIMES and kinds[1] in (_MS, _MONTH):
        return _shift(left, operator, right)
    if operator in "+-" and kinds[0] == kinds[1] and kinds[0] in (_MS, _MONTH):
        return Typed(f"({left.sql} {operator} {right.sql})", left.type)
    if operator == "-" and kinds[0] in (*_TIMES[2:], "date") and kinds[1] in _TIMES:
        kind = common_type(left.type, right.type)
        if kind is not None and kind.name != "time":
            one, other = instant(coerce(left, kind)), instant(coerce(right, kind))
            stamps = [f"CAST({sql} AS TIMESTAMP)" for sql in (one, other)]
            return Typed(f"(epoch_ms({stamps[0]}) - epoch_ms({stamps[1]}))", DAY_TO_SECOND)
    if operator in "*/" and kinds[0] in (_MS, _MONTH) and kinds[1] in NUMBERS:
        if kinds[1] in INTEGERS and operator == "*":
            return Typed(f"CAST({left.sql} * {right.sql} AS {left.type.duck})", left.type)
        amount = f"CAST({right.sql} AS DOUBLE)"
        made = f"CAST(trunc({left.sql} {operator} {amount}) AS {left.type.duck})"
        return Typed(made, left.type)
    if operator == "*" and kinds[1] in (_MS, _MONTH) and kinds[0] in NUMBERS:
        return _with_intervals(right, operator, left)
    return None


def _shift(at: Typed, operator: str, by: Typed) -> Typed | None:
    step = f"to_milliseconds({by.sql})" if by.type.name == _MS else f"to_months({by.sql})"
    match at.type.name:
        case "date":
            if by.type.name == _MS and isinstance(by.value, int) and by.value % 86_400_000:
                raise StatementError(
                    "INVALID_FUNCTION_ARGUMENT", "Cannot add hour, minutes or seconds to a date"
                )
            return Typed(f"CAST(({at.sql} {operator} {step}) AS DATE)", DATE)
        case "time" if by.type.name == _MS:
            return Typed(f"({at.sql} {operator} {step})", at.type)
        case "timestamp":
            kind = Type("timestamp", max(3, at.type.precision)) if by.type.name == _MS else at.type
            return Typed(f"({at.sql} {operator} {step})", kind)
        case "timestamp with time zone" if by.type.name == _MS:
            made = let(
                at.sql,
                lambda v: (
                    f"CASE WHEN {v} IS NULL THEN NULL ELSE"
                    f" struct_pack(t := {v}.t {operator} {step}, z := {v}.z) END"
                ),
            )
            return Typed(made, Type(at.type.name, max(3, at.type.precision)))
        case "timestamp with time zone":
            made = let(
                at.sql,
                lambda v: (
                    f"CASE WHEN {v} IS NULL THEN NULL ELSE"
                    f" t_zoned(t_local({v}) {operator} {step}, {v}.z) END"
                ),
            )
            return Typed(made, at.type)
    return None


def instant(value: Typed) -> str:
    """What a value is compared by: of a timestamp with time zone its instant."""
    return f"({value.sql}).t" if value.type.name == "timestamp with time zone" else value.sql


def refuse_maps(kind: Type, what: str, position: Position | None) -> None:
    """Refuse to gather equal values where maps are among them: DuckDB heeds their entries' order.

    Raises:
        StatementError: NOT_SUPPORTED.
    """
    if kind.name == "map":
        raise StatementError("NOT_SUPPORTED", f"{what} of {kind} is not supported", position)
    for inner in kind.arguments:
        refuse_maps(inner, what, position)


def comparable(
    left: Typed, operator: str, right: Typed, position: Position | None
) -> tuple[Typed, Typed]:
    """Both sides in the type in which they are compared.

    Raises:
        StatementError: TYPE_MISMATCH.
    """
    kind = common_type(left.type, right.type)
    if kind is None or (kind.name in ("map", "json") and operator not in ("=", "<>")):
        raise refuse(left.type, operator, right.type, position)
    if kind.name == "char":
        return _bare(left, kind), _bare(right, kind)
    return coerce(left, kind), coerce(right, kind)


def _bare(value: Typed, kind: Type) -> Typed:
    """A text as char compares it: without trailing spaces."""
    if value.type.name == "unknown":
        return coerce(value, kind)
    return Typed(f"rtrim({value.sql}, ' ')", kind)


def compare(left: Typed, operator: str, right: Typed, position: Position | None) -> str:
    """`left operator right` for = <> < <= > >=."""
    one, other = comparable(left, operator, right, position)
    return compared(one, operator, other)


def compared(one: Typed, operator: str, other: Typed) -> str:
    """The comparison of two values of one type. A NULL inside makes it unknown, as in Trino."""
    if operator in ("=", "<>") and one.type.name in ("row", "array", "map"):
        equal = _equal(one, other)
        return equal if operator == "=" else f"(NOT {equal})"
    if one.type.name in ("double", "real"):
        return _compared_numbers(one, operator, other)
    return f"({instant(one)} {operator} {instant(other)})"


def _compared_numbers(one: Typed, operator: str, other: Typed) -> str:
    """NaN is neither equal to anything nor before or behind it; DuckDB holds it for the greatest
    number and equal to itself."""
    text = f"{one.sql} {operator} {other.sql}"
    doubtful = [side.sql for side in (one, other) if not side.is_constant]
    if operator == "<>":
        return f"({' OR '.join([text, *(f'isnan({sql})' for sql in doubtful)])})"
    return f"({' AND '.join([text, *(f'NOT isnan({sql})' for sql in doubtful)])})"


def _equal(one: Typed, other: Typed) -> str:
    if one.type.name == "array":
        return f"(t_list_equal({one.sql}, {other.sql}))"
    if one.type.name == "map":
        return f"(t_map_equal({one.sql}, {other.sql}))"
    return let(one.sql, lambda a: let(other.sql, lambda b: _rows_equal(a, b, one.type)))


def _rows_equal(a: str, b: str, kind: Type) -> str:
    parts = [
        compared(
            Typed(f"{a}.{quote_name(name)}", inner), "=", Typed(f"{b}.{quote_name(name)}", inner)
        )
        for name, inner in zip(kind.field_names, kind.arguments, strict=True)
    ]
    joined = " AND ".join(parts)
    return f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL ELSE ({joined}) END"
