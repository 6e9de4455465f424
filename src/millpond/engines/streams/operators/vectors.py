"""Columns as numpy computes with them, and its results as columns again.

Numbers and times are themselves; a DECIMAL of up to 18 digits is its digits as a 64-bit number;
what is longer, or no number, is a Python object each (a DECIMAL's digits as an int).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millpond.engines.streams.types import DataType

Numbers = npt.NDArray[Any]
Array = Any
"""A column in one piece (`pyarrow.Array`), whose stubs tell each type of value apart."""
Mask = npt.NDArray[np.bool_]

_SHORT_DIGITS: Final = 18
_SAFE_DIGITS: Final = 11
"""Sums of DECIMALs of up to so many digits stay within 64 bits for 92 million rows."""
_DIGITS_MAX: Final = 38


def array_of(column: Array) -> Array:
    """The column in one piece."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks()


def stored(column: Array, kind: DataType) -> Array:
    """The column as it is remembered: what `numbers` sees without conversion, where it can."""
    if kind.name == "DECIMAL" and kind.parameters[0] <= _SHORT_DIGITS:
        halves = np.frombuffer(column.buffers()[1], np.int64)
        low = halves[2 * column.offset : 2 * (column.offset + len(column)) : 2]
        return pa.array(np.ascontiguousarray(low), mask=mask_of(column, invalid=True))
    return column


def is_number(kind: DataType) -> bool:
    """Whether what is `stored` is a number to numpy."""
    if kind.name == "DECIMAL":
        return kind.parameters[0] <= _SHORT_DIGITS
    return is_integer(kind) or is_float(kind) or kind.name in _TIMES


def is_integer(kind: DataType) -> bool:
    return kind.name in _INTEGERS


def is_float(kind: DataType) -> bool:
    return kind.name in ("FLOAT", "DOUBLE")


def is_wide(kind: DataType) -> bool:
    """Whether sums of it need more than 64 bits."""
    return kind.name == "DECIMAL" and kind.parameters[0] > _SAFE_DIGITS


def mask_of(column: Array, *, invalid: bool = False) -> Mask | None:
    """Where the column is (not) NULL; None if nowhere."""
    if not column.null_count:
        return None
    mask = column.is_null() if invalid else column.is_valid()
    found: Mask = mask.to_numpy(zero_copy_only=False)
    return found


def numbers(column: Array) -> Numbers:
    """The values of a stored column of numbers; NULLs are 0."""
    kind = column.type
    if pa.types.is_temporal(kind):
        width = pa.int32() if kind.bit_width == 32 else pa.int64()
        column = column.view(width)
    if column.null_count:
        column = column.fill_null(0)
    values: Numbers = column.to_numpy()
    return values


def objects(column: Array) -> Numbers:
    """The values of any column as Python's objects, of DECIMALs the digits."""
    values = np.empty(len(column), object)
    if pa.types.is_decimal(column.type):
        words = np.frombuffer(column.buffers()[1], np.uint64).reshape(-1, 2)
        words = words[column.offset : column.offset + len(column)]
        values[:] = (words[:, 1].view(np.int64).astype(object) << 64) | words[:, 0].astype(object)
        invalid = mask_of(column, invalid=True)
        if invalid is not None:
            values[invalid] = None
        return values
    values[:] = column.to_pylist()
    return values


def widened(values: Numbers) -> Numbers:
    """Numbers in the 64 bits that are computed with."""
    if values.dtype == np.float32:
        return values.astype(np.float64)
    if values.dtype.kind in "iu" and values.dtype.itemsize < 8:
        return values.astype(np.int64)
    return values


def column_of(values: Numbers, valid: Mask | None, kind: DataType) -> Array:
    """Computed values (of a DECIMAL its digits) as a column of a type. Integers that are too long
    wrap around as Java's do, a DECIMAL that is too long is NULL, as in Flink."""
    if kind.name == "DECIMAL":
        return _decimals(values, valid, kind)
    target = kind.arrow()
    if values.dtype == object and is_integer(kind):
        values = np.array([_wrapped(value) for value in values.tolist()], np.int64)
    if values.dtype == object:
        missing = None if valid is None else ~valid
        return pa.array(values, target, mask=missing)
    mask = None if valid is None else ~valid
    if is_integer(kind):
        return pa.array(values.astype(target.to_pandas_dtype()), target, mask=mask)
    if is_float(kind):
        with np.errstate(over="ignore"):
            return pa.array(values.astype(target.to_pandas_dtype()), target, mask=mask)
    width = pa.int32() if target.bit_width == 32 else pa.int64()
    return pa.array(values.astype(width.to_pandas_dtype()), width, mask=mask).view(target)


def _decimals(values: Numbers, valid: Mask | None, kind: DataType) -> Array:
    words = np.empty((len(values), 2), np.uint64)
    if values.dtype == object:
        most = 10 ** min(kind.parameters[0], _DIGITS_MAX)
        fits = np.fromiter(
            (value is not None and -most < value < most for value in values), np.bool_, len(values)
        )
        valid = fits if valid is None else fits & valid
        assert valid is not None
        whole = [int(value) if fit else 0 for value, fit in zip(values, valid, strict=True)]
        words[:, 0] = [value & ((1 << 64) - 1) for value in whole]
        words[:, 1] = [(value >> 64) & ((1 << 64) - 1) for value in whole]
    else:
        digits = np.ascontiguousarray(values, np.int64)
        words[:, 0] = digits.view(np.uint64)
        words[:, 1] = (digits >> 63).view(np.uint64)
    bitmap = None if valid is None else _buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind.arrow(), len(values), [bitmap, _buffer(words)])


def _buffer(values: Any) -> pa.Buffer:
    return pa.py_buffer(values)


def scale_of(kind: DataType) -> int:
    """How many digits after the point its digits hold."""
    return kind.parameters[1] if kind.name == "DECIMAL" else 0


def averages(sums: Numbers, counts: Numbers, kind: DataType, result: DataType) -> Numbers:
    """`sums` of `kind` divided by `counts` (nowhere 0): integers without their fraction, DECIMALs
    rounded half away from zero to the result's scale."""
    if is_float(result):
        return sums.astype(np.float64) / counts
    if result.name == "DECIMAL":
        shift = 10 ** (scale_of(result) - scale_of(kind))
        quotients = np.empty(len(sums), object)
        quotients[:] = [
            _divided(total * shift, count)
            for total, count in zip(sums.tolist(), counts.tolist(), strict=True)
        ]
        return quotients
    magnitudes = np.abs(sums) // counts
    return np.where(sums < 0, -magnitudes, magnitudes)


def _wrapped(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def _divided(total: int, count: int) -> int:
    magnitude = (2 * abs(total) + count) // (2 * count)
    return -magnitude if total < 0 else magnitude


_INTEGERS: Final = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_TIMES: Final = ("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ")
