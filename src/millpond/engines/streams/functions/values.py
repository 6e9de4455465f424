"""Values between Arrow and Python functions: as PyFlink gives them to functions and takes them.

A ROW is a `Row`, a MAP a dict, a TIMESTAMP_LTZ a datetime in UTC; NULL is None.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from millpond.engines.streams.functions.flink.row import Row, named_row
from millpond.engines.streams.types import DataType

Convert = Callable[[Any], Any]


def python_values(column: pa.Array[Any]) -> list[Any]:
    """An array's values for a function."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _datetimes(column)
    values: list[Any] = column.to_pylist()
    convert = _from_arrow(kind)
    return values if convert is None else [convert(value) for value in values]


def _datetimes(column: pa.Array[Any]) -> list[Any]:
    """Through numpy, which takes a thirtieth of the time."""
    naive = column.cast(pa.timestamp("us")) if column.type.unit != "us" else column
    values: list[Any] = naive.to_numpy(zero_copy_only=False).tolist()
    if column.type.tz is None:
        return values
    return [value and value.replace(tzinfo=datetime.UTC) for value in values]


def _from_arrow(kind: pa.DataType) -> Convert | None:
    """How a value that Arrow gives becomes one for a function; None: it is one."""
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        inner = [_from_arrow(field.type) for field in kind]
        if not any(inner):
            return lambda value: value and named_row(names, value.values())
        return lambda value: (
            value
            and named_row(
                names, (_apply(one, part) for one, part in zip(inner, value.values(), strict=True))
            )
        )
    if pa.types.is_map(kind):
        key, item = _from_arrow(kind.key_type), _from_arrow(kind.item_type)
        return lambda value: (
            None
            if value is None
            else {_apply(key, left): _apply(item, right) for left, right in value}
        )
    if pa.types.is_list(kind):
        element = _from_arrow(kind.value_type)
        return element and (lambda value: value and [_apply(element, part) for part in value])
    return None


def _apply(convert: Convert | None, value: Any) -> Any:
    return value if convert is None else convert(value)


def arrow_values(values: Sequence[Any], kind: DataType) -> pa.Array[Any]:
    """What a function gave, as an array of its result type.

    Raises:
        TypeError, ValueError: one is not of that type.
    """
    convert = _to_arrow(kind)
    if convert is not None:
        values = [None if value is None else convert(value) for value in values]
    try:
        return pa.array(values, kind.arrow())
    except (pa.ArrowException, OverflowError, AttributeError) as error:
        raise TypeError(f"its result is no {kind.flink()}: {error}") from None


def _to_arrow(kind: DataType) -> Convert | None:
    """How a value that a function gave becomes one that Arrow takes; None: it is one."""
    match kind.name:
        case "ROW":
            names = [name for name, _ in kind.fields]
            inner = [_to_arrow(field) for _, field in kind.fields]
            return lambda value: _row_values(value, names, inner)
        case "MAP":
            key, item = (_to_arrow(field) for _, field in kind.fields)
            return lambda value: [
                (_given(key, left), _given(item, right)) for left, right in dict(value).items()
            ]
        case "ARRAY" | "MULTISET":
            element = _to_arrow(kind.fields[0][1])
            return element and (lambda value: [_given(element, part) for part in value])
    return None


def _given(convert: Convert | None, value: Any) -> Any:
    return value if value is None or convert is None else convert(value)


def _row_values(
    value: Any, names: Sequence[str], inner: Sequence[Convert | None]
) -> dict[str, Any]:
    if isinstance(value, dict):
        if unknown := set(value) - set(names):
            raise ValueError(f"The ROW has no field {sorted(map(str, unknown))[0]!r}.")
        parts = [value.get(name) for name in names]
    elif isinstance(value, Row | tuple | list):
        parts = list(value)
    else:
        raise TypeError(f"{type(value).__name__} is no value of a ROW.")
    if len(parts) != len(names):
        raise ValueError(f"The ROW has {len(names)} fields, not {len(parts)}.")
    return {
        name: _given(convert, part) for name, convert, part in zip(names, inner, parts, strict=True)
    }
