"""Writes a table's rows to files on S3: `filesystem`.

Rows are written to files of this machine first. A checkpoint closes and syncs them; once it is
durable they are uploaded, under names that were chosen before, and then removed here. So a file
appears once, whole, and only if its checkpoint does: uploading again after a loss puts the same
bytes under the same name.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from millpond.engines.streams.connectors.aws import AwsError
from millpond.engines.streams.connectors.files import DEFAULT_PARTITION, place_of
from millpond.engines.streams.connectors.interface import SinkFailed, World
from millpond.engines.streams.connectors.options import size_bytes
from millpond.engines.streams.connectors.s3 import S3
from millpond.engines.streams.connectors.staging import Staging
from millpond.engines.streams.formats.registry import make_encoder, options_of
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import Column, schema_of

FILE_SIZE_BYTES_MAX = 128 << 20
OPEN_FILES_MAX = 200
ROW_GROUP_ROWS = 100_000
UPLOADS_AT_ONCE = 4


class FilesystemSink:
    """Writes files; they appear with the checkpoint that they belong to."""

    def __init__(self, table: Table, world: World) -> None:
        self._table = table
        self._world = world
        self._s3 = S3(world.credentials)
        self._place = place_of(table)
        self._stored = tuple(c for c in table.columns if c.name not in set(table.partitioned_by))
        self._size_max = size_bytes(
            table.option("sink.rolling-policy.file-size") or str(FILE_SIZE_BYTES_MAX)
        )
        self._marks = "success-file" in (table.option("sink.partition-commit.policy.kind") or "")
        self._mark = table.option("sink.partition-commit.success-file.name") or "_SUCCESS"
        self._staging = Staging(world)
        self._open: dict[str, _OpenFile] = {}

    async def open(self, committed: Any) -> None:
        try:
            if not await self._s3.has_bucket(self._place.bucket):
                raise SinkFailed(f"There is no bucket {self._place.bucket}.")
        except AwsError as error:
            raise SinkFailed(f"s3://{self._place.bucket} cannot be written: {error}") from error
        self._staging.make()
        if committed is not None:
            await self.commit(0, committed)
        self._staging.clear()

    async def write(self, rows: pa.Table) -> None:
        if rows.num_rows:
            await asyncio.to_thread(self._write, rows)

    async def prepare(self, checkpoint: int) -> Any:
        return await asyncio.to_thread(self._prepare)

    async def commit(self, checkpoint: int, prepared: Any) -> None:
        places = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def upload(path: Path, file: dict[str, Any]) -> None:
            async with places:
                await self._s3.put_file(self._place.bucket, file["key"], path)
                self._staging.remove(path, file)

        uploads = [upload(path, file) for path, file in self._staging.waiting(prepared)]
        results = await asyncio.gather(*uploads, return_exceptions=True)
        try:
            for result in results:
                if result is not None:
                    raise result
            if self._marks:
                for folder in sorted(
                    {file["key"].rpartition("/")[0] for file in prepared["files"]}
                ):
                    await self._s3.put(self._place.bucket, f"{folder}/{self._mark}", b"")
        except AwsError as error:
            raise SinkFailed(f"s3://{self._place.bucket} cannot be written: {error}") from error
        self._staging.forget(prepared)

    async def close(self) -> None:
        for file in self._open.values():
            file.abandon()
        self._open.clear()
        await self._s3.close()

    def _write(self, rows: pa.Table) -> None:
        for folder, part in _by_partition(rows, self._table):
            file = self._open.get(folder)
            if file is None:
                if len(self._open) >= OPEN_FILES_MAX:
                    self._close(next(iter(self._open)))
                file = self._open[folder] = self._new_file(folder)
            file.write(part.select([column.name for column in self._stored]))
            if file.size_bytes >= self._size_max:
                self._close(folder)

    def _new_file(self, folder: str) -> "_OpenFile":
        kind = self._table.option("format") or ""
        path = self._staging.new_path("part", ".parquet" if kind == "parquet" else "")
        places = (self._place.prefix.rstrip("/"), folder, path.name)
        key = "/".join(place for place in places if place)
        if kind == "parquet":
            return _ParquetFile(path, key, self._stored, options_of(self._table))
        return _LineFile(path, key, self._table, self._stored)

    def _close(self, folder: str) -> None:
        file = self._open.pop(folder)
        file.finish()
        self._staging.add(file.path, file.rows, key=file.key)

    def _prepare(self) -> Any:
        for folder in list(self._open):
            self._close(folder)
        return self._staging.prepare()


class _OpenFile:
    """A file that is being written."""

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        self.rows = 0
        self._file = path.open("wb")

    @property
    def size_bytes(self) -> int:
        return self._file.tell()

    def write(self, rows: pa.Table) -> None:
        self.rows += rows.num_rows
        self._put(rows)

    def finish(self) -> None:
        """Complete and sync it."""
        self._end()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        self._end()
        self._file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _put(self, rows: pa.Table) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        """Nothing follows the last row of most formats."""


class _LineFile(_OpenFile):
    def __init__(self, path: Path, key: str, table: Table, columns: tuple[Column, ...]) -> None:
        super().__init__(path, key)
        self._encoder = make_encoder(table, columns)

    def _put(self, rows: pa.Table) -> None:
        records: list[Any] = self._encoder.encode(rows).to_pylist()
        self._file.writelines(record + b"\n" for record in records)


class _ParquetFile(_OpenFile):
    """Gathers rows until they make a row group."""

    def __init__(
        self, path: Path, key: str, columns: tuple[Column, ...], options: dict[str, str]
    ) -> None:
        super().__init__(path, key)
        self._schema = schema_of(columns)
        compression: Any = options.get("compression", "SNAPPY").lower()
        self._writer = pq.ParquetWriter(
            self._file,
            self._schema,
            compression="none" if compression == "uncompressed" else compression,
            use_dictionary=options.get("enable.dictionary", "true").lower() == "true",
            coerce_timestamps="us",
        )
        self._gathered: list[pa.Table] = []
        self._gathered_rows = 0
        self._gathered_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._file.tell() + self._gathered_bytes

    def _put(self, rows: pa.Table) -> None:
        self._gathered.append(rows)
        self._gathered_rows += rows.num_rows
        self._gathered_bytes += rows.nbytes
        if self._gathered_rows >= ROW_GROUP_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        if self._gathered:
            self._writer.write_table(pa.concat_tables(self._gathered).cast(self._schema))
        self._gathered.clear()
        self._gathered_rows = self._gathered_bytes = 0

    def _end(self) -> None:
        self._write_group()
        self._writer.close()


def _by_partition(rows: pa.Table, table: Table) -> Iterator[tuple[str, pa.Table]]:
    """Rows by the folder that their partition columns make (`a=1/b=2`)."""
    names = table.partitioned_by
    default = table.option("partition.default-name") or DEFAULT_PARTITION
    if not names:
        yield "", rows
        return
    texts = [pc.cast(rows.column(name), pa.string()).to_pylist() for name in names]
    places: dict[str, list[int]] = {}
    for at, values in enumerate(zip(*texts, strict=True)):
        folder = "/".join(
            f"{quote(name, safe='')}={_folder_value(value) or default}"
            for name, value in zip(names, values, strict=True)
        )
        places.setdefault(folder, []).append(at)
    for folder, taken in places.items():
        yield folder, rows.take(pa.array(taken, pa.int64()))


def _folder_value(value: str | None) -> str:
    return quote(value or "", safe=" .-_+@~,;!()'")
