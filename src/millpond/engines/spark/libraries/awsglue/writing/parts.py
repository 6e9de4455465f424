"""Rows written to files by the engine's workers, a file or more for each task and partition."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .. import places
from ..casts import to_text
from ..columns import select
from ..gluetypes import Field, LongType, StringType, StructType
from ..paths import find_path
from ..places import Access
from ..plan import Errors, Rows
from ..reading import NULL_PARTITION
from ..values import _reader, from_records
from .files import FileWriter, find_writer
from .uploads import Upload, Uploading, abandon, complete

FILE_BYTES = 256 << 20
"""A file that is larger gets no more rows."""
_OPEN_MAX = 32
_ESCAPED = {*"\"#%'*/:=?\\{[]^", *map(chr, range(1, 32)), "\x7f"}
"""What Hive escapes in the folder of a partition (FileUtils.escapePathName)."""
_TOLD = StructType(
    [
        Field("uri", StringType()),
        Field("ticket", StringType()),
        Field("parts", StringType()),
        Field("size", LongType()),
        Field("rows", LongType()),
        Field("partition", StringType()),
    ]
)


@dataclass(frozen=True)
class Part:
    """A file that was written, the rows in it, and the values of its partition as text."""

    uri: str
    size: int
    rows: int
    partition: tuple[str, ...]


def write_parts(
    rows: Rows,
    path: str,
    format_name: str,
    options: Mapping[str, Any],
    partition_keys: Sequence[str],
    compression: str | None = None,
) -> list[Part]:
    """Write all rows below a path, and let the files appear together.

    Raises:
        ValueError: a partition key is not among the columns, or there are no others.
    """
    keys = _keys(rows.schema, partition_keys)
    inner = StructType([field for field in rows.schema if field.name not in keys])
    if rows.schema.fields and not inner.fields:
        raise ValueError("Cannot use all columns for partition columns.")
    find_writer(format_name, options, compression, inner)
    mark = f"run-{uuid.uuid4().hex}"
    work = _Work(
        path, mark, format_name, dict(options), compression, rows.schema, tuple(keys), inner,
        places.job_access(),
    )  # fmt: skip
    try:
        told = rows.run(work.run, _TOLD).collect()
    except BaseException:
        abandon(path, mark)
        raise
    uploads = [
        Upload(r["uri"], r["ticket"], tuple(json.loads(r["parts"])), r["size"]) for r in told
    ]
    complete(uploads)
    return [Part(r["uri"], r["size"], r["rows"], tuple(json.loads(r["partition"]))) for r in told]


def _keys(schema: StructType, wanted: Sequence[str]) -> list[str]:
    keys = []
    for name in wanted:
        path = find_path(schema, name, case_sensitive=False)
        if path is None or len(path) != 1:
            raise ValueError(f"The partition key {name} is not a column.")
        keys.append(path[0])
    return keys


def folder_of(names: Sequence[str], values: Sequence[str]) -> str:
    """The folders of a partition, as Hive calls them."""
    return "/".join(f"{name}={_escape(value)}" for name, value in zip(names, values, strict=False))


def _escape(value: str) -> str:
    escaped = "".join(f"%{ord(c):02X}" if c in _ESCAPED else c for c in value)
    return escaped or NULL_PARTITION


@dataclass(frozen=True)
class _Work:
    path: str
    mark: str
    format_name: str
    options: dict[str, Any]
    compression: str | None
    schema: StructType
    keys: tuple[str, ...]
    inner: StructType
    access: Access

    def run(self, batches: Iterator[pa.RecordBatch], errors: Errors) -> Iterator[pa.RecordBatch]:
        task = uuid.uuid4().hex[:12]
        open_files: dict[tuple[str, ...], _Open] = {}
        done: list[dict[str, Any]] = []
        count = 0
        make, ending = find_writer(self.format_name, self.options, self.compression, self.inner)
        for batch in batches:
            for values, some in self._split(batch):
                if some.num_rows == 0:
                    continue
                held = open_files.get(values)
                if held is None:
                    if len(open_files) >= _OPEN_MAX:
                        largest = max(open_files, key=lambda one: open_files[one].upload.size)
                        done.append(open_files.pop(largest).finish())
                    uri = self._uri(values, task, count, ending)
                    count += 1
                    held = open_files[values] = _Open(uri, self.access, make, values)
                held.add(some)
                if held.upload.size >= FILE_BYTES:
                    done.append(open_files.pop(values).finish())
        done += [held.finish() for held in open_files.values()]
        if done:
            yield from_records(done, _TOLD)

    def _uri(self, values: tuple[str, ...], task: str, count: int, ending: str) -> str:
        folder = folder_of(self.keys, values)
        path = places.join(self.path, folder) if folder else self.path
        bucket, key = places.split(path)
        plain = f"s3://{bucket}/{key}" if bucket else key
        return places.join(plain, f"{self.mark}-part-{task}-{count:05d}{ending}")

    def _split(self, batch: pa.RecordBatch) -> Iterator[tuple[tuple[str, ...], pa.RecordBatch]]:
        if not self.keys:
            yield (), batch
            return
        names = [field.name for field in self.schema]
        columns = []
        for key in self.keys:
            at = names.index(key)
            read = _reader(self.schema.fields[at].dataType)
            found = [read(value) for value in batch.column(at).to_pylist()]
            columns.append(["" if v is None else to_text(v) for v in found])
        groups: dict[tuple[str, ...], list[int]] = {}
        for row, values in enumerate(zip(*columns, strict=False)):
            groups.setdefault(tuple(v or NULL_PARTITION for v in values), []).append(row)
        inner = select(batch, self.schema, self.inner)
        for values, rows in groups.items():
            yield values, inner.take(pa.array(rows, pa.int64()))


class _Open:
    def __init__(
        self, uri: str, access: Access, make: Callable[[Any], FileWriter], values: tuple[str, ...]
    ) -> None:
        self.upload = Uploading(uri, access)
        self._writer = make(self.upload)
        self._values, self._rows = values, 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._writer.add(batch)
        self._rows += batch.num_rows

    def finish(self) -> dict[str, Any]:
        self._writer.close()
        made = self.upload.finish()
        return {
            "uri": made.uri,
            "ticket": made.ticket,
            "parts": json.dumps(made.parts),
            "size": made.size,
            "rows": self._rows,
            "partition": json.dumps(self._values),
        }
