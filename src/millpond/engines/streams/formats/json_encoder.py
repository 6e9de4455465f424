"""Writes rows as JSON objects, fields in the order of the columns.

Source: RowDataToJsonConverters of Apache Flink 2.x.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.connectors.options import boolean
from millpond.engines.streams.formats import printed, texts
from millpond.engines.streams.types import Column, DataType


class JsonEncoder:
    """Writes rows of these columns."""

    def __init__(self, columns: Sequence[Column], options: Mapping[str, str]) -> None:
        self._columns = tuple(columns)
        self._standard = options.get("timestamp-format.standard", texts.SQL).upper()
        self._plain = boolean(options.get("encode.decimal-as-plain-number", "false"))
        self._skips_nulls = boolean(options.get("encode.ignore-null-fields", "false"))

    def encode(self, rows: pa.Table) -> Array:
        """One record (binary) for each row; without a line end."""
        names = [column.name for column in self._columns]
        values = [
            self._values(_one(rows.column(column.name)), column.type) for column in self._columns
        ]
        documents = self._objects(names, values)
        encode = msgspec.json.Encoder().encode
        return pa.array(map(encode, documents), pa.binary(), size=rows.num_rows)

    def _objects(self, names: list[str], columns: list[list[Any]]) -> list[dict[str, Any]]:
        rows = zip(*columns, strict=True)
        if self._skips_nulls:
            return [
                {n: v for n, v in zip(names, row, strict=True) if v is not None} for row in rows
            ]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _values(self, array: Array, kind: DataType) -> list[Any]:
        """What msgspec writes for each value."""
        name = kind.name
        if kind.is_time:
            array = printed.timestamps(array, kind, self._standard)
        elif name == "TIME":
            array = printed.times(array)
        elif name == "DATE":
            array = array.cast(pa.string())
        elif name in ("FLOAT", "DOUBLE"):
            return _finite(printed.floats(array) if name == "FLOAT" else array)
        elif name == "DECIMAL":
            return [
                None
                if value is None
                else msgspec.Raw(printed.decimal(value, plain=self._plain).encode())
                for value in array.to_pylist()
            ]
        elif name == "ROW":
            return self._structs(array, kind)
        elif name == "ARRAY":
            inner = self._values(array.flatten(), kind.fields[0][1])
            return [None if span is None else inner[span[0] : span[1]] for span in _spans(array)]
        elif name in ("MAP", "MULTISET"):
            return self._maps(array, kind)
        values: list[Any] = array.to_pylist()
        return values

    def _structs(self, array: Array, kind: DataType) -> list[Any]:
        names = [name for name, _ in kind.fields]
        columns = [
            self._values(child, inner)
            for child, (_, inner) in zip(array.flatten(), kind.fields, strict=True)
        ]
        objects = self._objects(names, columns)
        if array.null_count:
            there = array.is_valid().to_pylist()
            return [
                made if is_there else None for made, is_there in zip(objects, there, strict=True)
            ]
        return objects

    def _maps(self, array: Array, kind: DataType) -> list[Any]:
        entries = array.cast(
            pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)]))
        ).flatten()
        keys = entries.field("key").to_pylist()
        items = self._values(entries.field("value"), kind.fields[-1][1])
        pairs = list(zip(keys, items, strict=True))
        return [None if span is None else dict(pairs[span[0] : span[1]]) for span in _spans(array)]


def _one(column: Any) -> Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _finite(array: Array) -> list[Any]:
    values: list[Any] = array.to_pylist()
    if pc.all(pc.is_finite(array)).as_py() is False:
        return [_worded(value) for value in values]
    return values


def _worded(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinity; Jackson writes their names as strings."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _spans(array: Array) -> list[tuple[int, int] | None]:
    """Where each list's elements are among all; None of a NULL."""
    spans: list[tuple[int, int] | None] = []
    at = 0
    sizes = pc.list_value_length(array) if not pa.types.is_map(array.type) else _map_sizes(array)
    for size in sizes.to_pylist():
        spans.append(None if size is None else (at, at + size))
        at += size or 0
    return spans


def _map_sizes(array: Array) -> Array:
    plain = pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)]))
    return pc.list_value_length(array.cast(plain))
