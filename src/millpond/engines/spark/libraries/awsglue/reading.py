"""Files as rows: listed by the driver, read by the engine's workers.

A schema is found by a look at all records first, on the workers too; few bytes are looked at in
the driver. Parquet is read by the engine's own reader where that sees the same rows.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from . import places, splits
from .casts import cast_value
from .columns import make_batch
from .conversions import to_arrow, to_spark
from .formats import Format, find_format
from .gluetypes import Field, NullType, StringType, StructType
from .places import Access, File
from .plan import Errors, Rows
from .shapes import Shape, merge, record_type
from .splits import Piece
from .values import from_records

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_LOOKED_AT_HERE_BYTES = 4 << 20
_NATIVE_PARTITIONS_MAX = 64
_SHAPE = StructType([Field("shape", StringType())])
Listed = list[tuple[File, tuple[str, ...]]]
"""Files, each with the values of its partition."""


def list_paths(
    paths: Iterable[str], recurse: bool, exclusions: Sequence[str] = ()
) -> tuple[list[str], Listed]:
    """The files at paths, and the names of the partitions that their folders tell (`year=2017`).

    Without `recurse` files in folders are left out, but for those of partitions.
    """
    found: list[tuple[File, dict[str, str]]] = []
    for path in paths:
        root = _fixed(path)
        for file in places.list_prefix(root) if root != path else places.list_files(path):
            below = file.uri[len(_plain(root).rstrip("/")) :].strip("/")
            folders = below.split("/")[:-1]
            plain = [name for name in folders if "=" not in name]
            if root != path:
                if not fnmatch.fnmatchcase(file.uri, _plain(path).rstrip("/") + "*"):
                    continue
            elif plain and not recurse:
                continue
            if _is_hidden(file, folders) or _is_excluded(file.uri, below, exclusions):
                continue
            found.append((file, _partition(folders)))
    names = list(dict.fromkeys(name for _, values in found for name in values))
    return names, [
        (file, tuple(values.get(name, NULL_PARTITION) for name in names)) for file, values in found
    ]


def _fixed(path: str) -> str:
    """The path up to its first wildcard."""
    for at, char in enumerate(path):
        if char in "*?[":
            return path[:at]
    return path


def _plain(uri: str) -> str:
    bucket, key = places.split(uri)
    return f"s3://{bucket}/{key}" if bucket else key


def _is_hidden(file: File, folders: Sequence[str]) -> bool:
    names = [*folders, file.uri.rpartition("/")[2]]
    hidden = any(n.startswith((".", "_")) and "=" not in n for n in names)
    return hidden or file.size == 0 or file.uri.endswith(("/", "_$folder$"))


def _is_excluded(uri: str, below: str, exclusions: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(text, pattern.replace("**", "*"))
        for pattern in exclusions
        for text in (uri, below)
    )


def _partition(folders: Sequence[str]) -> dict[str, str]:
    pairs = (name.partition("=") for name in folders if "=" in name)
    return {name: urllib.parse.unquote(value) for name, _, value in pairs}


def read_files(
    session: Any,
    files: Listed,
    partition: Sequence[Field],
    format_name: str,
    options: Mapping[str, Any],
    declared: StructType | None = None,
) -> Rows:
    """The rows of files. Columns of partitions come last."""
    format_ = find_format(format_name, options, declared)
    if format_name.lower() in ("parquet", "glueparquet"):
        rows = _native_parquet(session, files, partition)
        if rows is not None:
            return rows
    access = places.job_access()
    tasks = splits.cut(files, format_.may_cut)
    schema = _find_schema(session, tasks, format_, access, declared)
    names = {field.name for field in partition}
    inner = StructType([field for field in schema if field.name not in names])
    whole = StructType([*inner, *partition])
    source = functools.partial(_read_task, tasks, format_, inner, tuple(partition), access)
    return Rows(session, whole, source=source, tasks=len(tasks), can_fail=True)


def _read_task(
    tasks: Sequence[tuple[Piece, ...]],
    format_: Format,
    schema: StructType,
    partition: tuple[Field, ...],
    access: Access,
    task: int,
    errors: Errors,
) -> Iterator[pa.RecordBatch]:
    whole = StructType([*schema, *partition])
    for piece in tasks[task]:
        values = [
            _value(text, field) for text, field in zip(piece.partition, partition, strict=False)
        ]
        for batch in format_.read(piece, schema, access, errors):
            if not partition:
                yield batch
                continue
            constants = [
                pa.repeat(pa.scalar(value, to_arrow(field.dataType)), batch.num_rows)
                for value, field in zip(values, partition, strict=False)
            ]
            columns = list(batch.columns) if schema.fields else []
            yield make_batch([*columns, *constants], whole, batch.num_rows)


def _value(text: str, field: Field) -> Any:
    return None if text == NULL_PARTITION else cast_value(text, field.dataType)


def _find_schema(
    session: Any,
    tasks: Sequence[tuple[Piece, ...]],
    format_: Format,
    access: Access,
    declared: StructType | None,
) -> StructType:
    if not tasks:
        return declared or StructType()
    fixed = format_.fixed_schema(tasks[0][0], access)
    if fixed is not None:
        return fixed
    shape = _gather(session, tasks, format_, access)
    found = record_type(shape)
    if declared is None:
        return found
    known = [found.field_map.get(field.name, field) for field in declared]
    kept = [
        field if isinstance(one.dataType, NullType) else one
        for one, field in zip(known, declared, strict=False)
    ]
    return StructType([*kept, *(one for one in found if not declared.hasField(one.name))])


def _gather(
    session: Any, tasks: Sequence[tuple[Piece, ...]], format_: Format, access: Access
) -> Shape:
    whole: Shape = {}
    size = sum(piece.end - piece.start for task in tasks for piece in task)
    if size <= _LOOKED_AT_HERE_BYTES:
        for task in tasks:
            merge(whole, _look(task, format_, access))
        return whole
    source = functools.partial(_look_at_task, tasks, format_, access)
    looked = Rows(session, _SHAPE, source=source, tasks=len(tasks)).data_frame().collect()
    for row in looked:
        merge(whole, json.loads(row[0]))
    return whole


def _look_at_task(
    tasks: Sequence[tuple[Piece, ...]], format_: Format, access: Access, task: int, errors: Errors
) -> Iterator[pa.RecordBatch]:
    yield from_records([{"shape": json.dumps(_look(tasks[task], format_, access))}], _SHAPE)


def _look(task: Iterable[Piece], format_: Format, access: Access) -> Shape:
    shape: Shape = {}
    for piece in task:
        merge(shape, format_.observe(piece, access))
    return shape


def _native_parquet(session: Any, files: Listed, partition: Sequence[Field]) -> Rows | None:
    """The rows as the engine reads them; None where it cannot read them as one table."""
    from pyspark.errors import PySparkException  # noqa: PLC0415 - not for workers
    from pyspark.sql import functions  # noqa: PLC0415

    by_partition: dict[tuple[str, ...], list[str]] = {}
    for file, values in files:
        by_partition.setdefault(values, []).append(file.uri)
    if not files or len(by_partition) > _NATIVE_PARTITIONS_MAX:
        return None
    try:
        all_files = session.read.option("mergeSchema", "true").parquet(*(f.uri for f, _ in files))
        whole = Rows.of(all_files, session).schema
    except PySparkException:
        return None
    if not partition:
        return Rows.of(all_files, session)
    names = {field.name for field in partition}
    inner = StructType([field for field in whole if field.name not in names])
    made = None
    for values, uris in by_partition.items():
        frame = session.read.schema(to_spark(inner)).parquet(*uris)
        for text, field in zip(values, partition, strict=False):
            value = functions.lit(_value(text, field)).cast(to_spark(field.dataType))
            frame = frame.withColumn(field.name, value)
        made = frame if made is None else made.union(frame)
    rows = Rows.of(made, session)
    return replace(rows, schema=StructType([*inner, *partition]))
