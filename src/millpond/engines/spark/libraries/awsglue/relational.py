"""Relationalize: flat tables of nested records, and a table of its own for every array.

A struct's fields become columns by their paths (`address.city`). An array becomes a number in its
table, and rows in another one that have it as `id`, the element's `index`, and the element as
`<array>.val`, or its fields as `<array>.val.<field>`; that table's name is the table's and the
array's with `_` between. A map is an array of its `key` and `value`.

The rows are written to the staging path first (as Parquet), and counted: so that they are read
alike by every table, and numbered from 1 on.

Source: "Relationalize class", and the sample "Joining and relationalizing data" (AWS Glue).
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from . import places
from .columns import at_path, make_batch, unnested
from .conversions import to_arrow
from .gluetypes import ArrayType, DataType, Field, LongType, MapType, StringType, StructType
from .places import Access
from .plan import Errors, Rows, Step
from .writing.parts import write_parts

_ROWS = 8192
Staged = tuple[tuple[str, int, int], ...]
"""Files with their sizes, and the number of the row before their first one."""


def unnest(schema: StructType) -> tuple[StructType, Step]:
    """The schema with the fields of structs as columns, and the step that makes it."""
    leaves = unnested(schema)
    made = StructType([Field(".".join(path), kind) for path, kind in leaves])

    def step(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        arrays = [at_path(batch, schema, path) for path, _ in leaves]
        return make_batch(arrays, made, batch.num_rows)

    return made, step


def relationalize(rows: Rows, name: str, staging_path: str) -> dict[str, Rows]:
    """The tables by their names."""
    place = places.join(staging_path, f"relationalize-{uuid.uuid4().hex}")
    tables: dict[str, Rows] = {}
    _table(rows, name, place, tables)
    return tables


def _table(rows: Rows, name: str, place: str, tables: dict[str, Rows]) -> None:
    schema, step = unnest(rows.schema)
    flat = rows.then(step, schema)
    pivoted = [f for f in schema if isinstance(f.dataType, (ArrayType, MapType))]
    if not pivoted:
        tables[name] = flat
        return
    folder = places.join(place, str(len(tables)))
    staged = _stage(flat, folder)
    access = places.job_access()
    numbered = functools.partial(_read_numbered, staged, schema, access)
    plain = StructType([Field(f.name, LongType()) if f in pivoted else f for f in schema])
    tables[name] = Rows(
        rows.session,
        plain,
        source=functools.partial(_read_root, numbered, schema, plain),
        tasks=len(staged),
    )
    for field in pivoted:
        element = _element(field.dataType)
        child = StructType(
            [
                Field("id", LongType()),
                Field("index", LongType()),
                Field(f"{field.name}.val", element),
            ]
        )
        source = functools.partial(_read_child, numbered, schema, field.name, child)
        inner = Rows(rows.session, child, source=source, tasks=len(staged))
        _table(inner, f"{name}_{field.name}", place, tables)


def _element(kind: DataType) -> DataType:
    if isinstance(kind, ArrayType):
        return kind.elementType
    assert isinstance(kind, MapType)
    return StructType([Field("key", StringType()), Field("value", kind.valueType)])


def _stage(rows: Rows, folder: str) -> Staged:
    parts = write_parts(rows, folder, "parquet", {}, ())
    files, count = [], 0
    for part in sorted(parts, key=lambda part: part.uri):
        files.append((part.uri, part.size, count))
        count += part.rows
    return tuple(files)


def _read_numbered(
    staged: Staged, schema: StructType, access: Access, task: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    from pyarrow import parquet  # noqa: PLC0415 - in workers only

    uri, size, before = staged[task]
    file = parquet.ParquetFile(pa.PythonFile(places.Ranges(uri, size, access), "r"))
    for batch in file.iter_batches(_ROWS, use_threads=False):
        arrays = []
        for column, field in zip(batch.columns, schema, strict=False):
            arrays.append(column.cast(to_arrow(field.dataType)))
        yield before, make_batch(arrays, schema, batch.num_rows)
        before += batch.num_rows


_Numbered = Any


def _read_root(
    numbered: _Numbered, schema: StructType, plain: StructType, task: int, errors: Errors
) -> Iterator[pa.RecordBatch]:
    for before, batch in numbered(task):
        ids = pa.array(range(before + 1, before + 1 + batch.num_rows), pa.int64())
        arrays = [
            pc.if_else(column.is_valid(), ids, pa.scalar(None, pa.int64()))
            if isinstance(field.dataType, (ArrayType, MapType))
            else column
            for column, field in zip(batch.columns, schema, strict=False)
        ]
        yield make_batch(arrays, plain, batch.num_rows)


def _read_child(
    numbered: _Numbered,
    schema: StructType,
    name: str,
    child: StructType,
    task: int,
    errors: Errors,
) -> Iterator[pa.RecordBatch]:
    at = [field.name for field in schema].index(name)
    for before, batch in numbered(task):
        column = batch.column(at)
        if isinstance(schema.fields[at].dataType, MapType):
            column = _entries(column, child.fields[2].dataType)
        values = column.flatten()
        if not len(values):
            continue
        parents = pc.list_parent_indices(column).cast(pa.int64())
        lengths: Sequence[Any] = pc.list_value_length(column).to_pylist()
        index = [one for length in lengths if length for one in range(length)]
        arrays = [pc.add(parents, before + 1), pa.array(index, pa.int64()), values]
        yield make_batch(arrays, child, len(values))


def _entries(column: pa.Array, kind: DataType) -> pa.Array:
    rows = [
        None if row is None else [{"key": key, "value": value} for key, value in row]
        for row in column.to_pylist()
    ]
    return pa.array(rows, pa.list_(to_arrow(kind)))
