"""Numbers that aggregates give, as SQL.

Types are Flink's: SUM and AVG of integers wrap around and truncate, AVG of a DECIMAL is rounded
half up. Sums of FLOAT are made in double precision, and so are deviations, whatever their type.
"""

from typing import Final

from millpond.engines.streams.types import DataType

_INTEGER_BITS: Final = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}
_FINEST: Final = 38


def sum_type(kind: DataType) -> str:
    """The DuckDB type in which a sum of values of this type is kept."""
    if kind.name in _INTEGER_BITS:
        return "BIGINT"
    return f"DECIMAL(38, {kind.parameters[1]})" if kind.name == "DECIMAL" else "DOUBLE"


def total(kind: DataType, found: str) -> str:
    """A sum of values of this type as its state keeps it: of integers modulo 2**64."""
    return _wrapped(found, 64) if kind.name in _INTEGER_BITS else found


def as_integer(value: str, kind: DataType) -> str:
    """A sum in its result's type: integers wrap around, as Java's do."""
    bits = _INTEGER_BITS.get(kind.name, 64)
    return _wrapped(value, bits) if bits < 64 else value


def mean(kind: DataType, result: DataType, total: str, count: str) -> str:
    """The mean of values of type `kind`, from their sum and count, in the type `result`."""
    some = f"nullif({count}, 0)"
    if kind.name in _INTEGER_BITS and result.name in _INTEGER_BITS:
        return as_integer(f"({total} // {some})", result)
    if result.name == "DECIMAL" and kind.name in (*_INTEGER_BITS, "DECIMAL"):
        scale = kind.parameters[1] if kind.name == "DECIMAL" else 0
        return _decimal_mean(total, some, scale, result.parameters[1])
    return from_double(f"(CAST({total} AS DOUBLE) / {some})", result)


def from_double(value: str, kind: DataType) -> str:
    """What was computed in double precision, in its result's type."""
    return f"trunc({value})" if kind.name in _INTEGER_BITS else value


def _wrapped(value: str, bits: int) -> str:
    half, all_ = 1 << (bits - 1), 1 << bits
    wide = f"CAST({value} AS HUGEINT)"
    return (
        f"CASE WHEN {value} BETWEEN {-half} AND {half - 1} THEN {value} "
        f"ELSE (({wide} + {half}) % {all_} + {all_}) % {all_} - {half} END"
    )


def _decimal_mean(total: str, count: str, scale: int, result_scale: int) -> str:
    """A DECIMAL sum of `scale` by a count, rounded half up, in whole numbers all the way: DuckDB
    itself divides decimals as doubles."""
    digits = f"CAST(replace(CAST({total} AS VARCHAR), '.', '') AS HUGEINT)"
    count = f"CAST({count} AS HUGEINT)"
    finer = 10 ** max(result_scale - scale, 0)
    coarser = 10 ** max(scale - result_scale, 0)
    by = f"({count} * {coarser})"
    rest = f"(({digits} % {by}) * {finer})"
    half_up = f"(({rest} * 2 + CASE WHEN {rest} < 0 THEN -{by} ELSE {by} END) // ({by} * 2))"
    unscaled = f"(({digits} // {by}) * {finer} + {half_up})"
    width = min(result_scale + 1, _FINEST)
    unit = f"CAST('{_unit(result_scale)}' AS DECIMAL({width}, {result_scale}))"
    return f"CAST({unscaled} AS DECIMAL(38, 0)) * {unit}"


def _unit(scale: int) -> str:
    return "1" if scale == 0 else "0." + "0" * (scale - 1) + "1"
