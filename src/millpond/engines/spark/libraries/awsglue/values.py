"""Rows of Arrow as Python's records, and back, by Glue's types.

In Python a choice is simply its value; in Arrow it is a struct with one field per type.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from .conversions import arrow_schema, to_arrow
from .gluetypes import (
    ArrayType,
    ChoiceType,
    DataType,
    DynamicRecord,
    MapType,
    NullType,
    StructType,
    UnknownType,
)
from .shapes import observe

_SAME: Callable[[Any], Any] = lambda value: value  # noqa: E731 - compared with `is`


def to_records(batch: pa.RecordBatch, schema: StructType) -> list[DynamicRecord]:
    """The rows, times as naive UTC."""
    columns = []
    for index, field in enumerate(schema):
        read = _reader(field.dataType)
        values = batch.column(index).to_pylist()
        columns.append(values if read is _SAME else [read(value) for value in values])
    names = [field.name for field in schema]
    if not columns:
        return [DynamicRecord() for _ in range(batch.num_rows)]
    return [DynamicRecord(zip(names, row, strict=False)) for row in zip(*columns, strict=False)]


def from_records(records: Sequence[dict[str, Any]], schema: StructType) -> pa.RecordBatch:
    """The rows of records whose values all are of the schema's types. Fields that a record has
    not, are null; those that the schema has not, are left out."""
    arrays = []
    for field in schema:
        values = [record.get(field.name) for record in records]
        arrays.append(to_array(values, field.dataType))
    if not arrays:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * len(records), pa.struct([])))
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(schema))


def to_array(values: Sequence[Any], kind: DataType) -> pa.Array:
    write = _writer(kind)
    given = values if write is _SAME else [write(value) for value in values]
    return pa.array(given, to_arrow(kind))


def _reader(kind: DataType) -> Callable[[Any], Any]:
    if isinstance(kind, StructType):
        readers = [(f.name, _reader(f.dataType)) for f in kind]

        def read_struct(value: Any) -> Any:
            if value is None:
                return None
            return DynamicRecord((name, read(value[name])) for name, read in readers)

        return read_struct
    if isinstance(kind, ChoiceType):
        choices = [(one.typeName(), _reader(one)) for one in kind.sorted()]

        def read_choice(value: Any) -> Any:
            for name, read in choices if value is not None else ():
                if value[name] is not None:
                    return read(value[name])
            return None

        return read_choice
    if isinstance(kind, ArrayType):
        read_one = _reader(kind.elementType)
        if read_one is _SAME:
            return _SAME
        return lambda value: None if value is None else [read_one(one) for one in value]
    if isinstance(kind, MapType):
        read_item = _reader(kind.valueType)
        return lambda value: (
            None if value is None else {name: read_item(one) for name, one in value}
        )
    if kind.typeName() == "timestamp":
        return _naive
    return _SAME


def _naive(value: Any) -> Any:
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value


def _writer(kind: DataType) -> Callable[[Any], Any]:
    if isinstance(kind, (NullType, UnknownType)):
        return lambda value: None
    if isinstance(kind, StructType):
        writers = [(f.name, _writer(f.dataType)) for f in kind]

        def write_struct(value: Any) -> Any:
            if not isinstance(value, dict):
                return None
            return {name: write(value.get(name)) for name, write in writers}

        return write_struct
    if isinstance(kind, ChoiceType):
        return _choice_writer(kind)
    if isinstance(kind, ArrayType):
        write_one = _writer(kind.elementType)
        return lambda value: None if value is None else [write_one(one) for one in value]
    if isinstance(kind, MapType):
        write_item = _writer(kind.valueType)
        return lambda value: (
            None if value is None else [(name, write_item(one)) for name, one in value.items()]
        )
    if kind.typeName() == "binary":
        return lambda value: None if value is None else bytes(value)
    if kind.typeName() in ("float", "double"):
        return lambda value: None if value is None else float(value)
    return _SAME


def _choice_writer(kind: ChoiceType) -> Callable[[Any], Any]:
    writers = {one.typeName(): _writer(one) for one in kind.sorted()}

    def write_choice(value: Any) -> Any:
        seen: dict[str, Any] = {}
        observe(seen, value, kind)
        for name in seen:
            if name in writers:
                return {name: writers[name](value)}
        return None

    return write_choice
