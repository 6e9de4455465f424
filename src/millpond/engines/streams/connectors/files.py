"""Reads the files of a table: which they are, and what rows they hold.

A file lies on this machine while it is read. What its name tells (partition columns as
`column=value` folders, compression by its ending) belongs to its rows.
"""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from millpond.engines.streams.connectors.interface import RecordError, SourceFailed
from millpond.engines.streams.formats.registry import make_decoder
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import Column, schema_of

ROWS_AT_ONCE = 20_000
LINE_SIZE_BYTES_MAX = 64 << 20
DEFAULT_PARTITION = "__DEFAULT_PARTITION__"
_HIVE_DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_HIDDEN = ("_", ".")


class Place(NamedTuple):
    """Where a table's files lie."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on S3; `modified_ms` is epoch milliseconds."""

    bucket: str
    key: str
    size_bytes: int
    modified_ms: int

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Piece(NamedTuple):
    """Some rows of a file, with the table's physical and metadata columns. `records_end` counts
    the file's records up to and with them; it is what reading on begins with."""

    rows: pa.Table
    records_end: int
    errors: tuple[RecordError, ...]
    size_bytes: int


def place_of(table: Table) -> Place:
    """The folder (or file) that the option `path` names."""
    parts = urlsplit(table.option("path") or "")
    return Place(parts.netloc, unquote(parts.path).lstrip("/"))


def is_of_table(key: str, place: Place) -> bool:
    """Whether an object is a file of the table: neither hidden nor the mark of a folder."""
    if key.endswith("/") or (
        place.prefix and key != place.prefix and not key.startswith(place.prefix.rstrip("/") + "/")
    ):
        return False
    inside = key[len(place.prefix) :].strip("/").split("/")
    return not any(part.startswith(_HIDDEN) for part in inside)


class FileReader:
    """Reads files of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._default = table.option("partition.default-name") or DEFAULT_PARTITION
        self._partitioned_by = set(table.partitioned_by)
        self._stored = tuple(c for c in table.columns if c.name not in self._partitioned_by)
        self._is_parquet = table.option("format") == "parquet"
        self._decoder = None if self._is_parquet else make_decoder(table, self._stored)
        columns = (*table.columns, *(each.column for each in table.metadata))
        self.schema = schema_of(columns)

    def read(self, file: StoredFile, local: Path, skip: int = 0) -> Iterator[Piece]:
        """The rows of a file, which lies at `local`, after its first `skip` records.

        Raises:
            SourceFailed: it is no file of the table's format.
        """
        try:
            if self._is_parquet:
                yield from self._read_parquet(file, local, skip)
            else:
                yield from self._read_lines(file, local, skip)
        except (pa.ArrowException, OSError, EOFError, zlib.error, ValueError) as error:
            raise SourceFailed(f"{file.uri} cannot be read: {error}") from error

    def _read_parquet(self, file: StoredFile, local: Path, skip: int) -> Iterator[Piece]:
        with pq.ParquetFile(local) as parquet:
            there = set(parquet.schema_arrow.names)
            wanted = [column.name for column in self._stored if column.name in there]
            done = 0
            for batch in parquet.iter_batches(ROWS_AT_ONCE, columns=wanted):
                done += batch.num_rows
                if done <= skip:
                    continue
                first = max(0, batch.num_rows - (done - skip))
                rows = pa.Table.from_batches([batch.slice(first)])
                yield self._piece(file, rows, done, (), rows.nbytes)

    def _read_lines(self, file: StoredFile, local: Path, skip: int) -> Iterator[Piece]:
        assert self._decoder is not None
        done = 0
        with _opened(local, file.key) as content:
            for lines in _lines(content):
                done += len(lines)
                if done <= skip:
                    continue
                left = lines[max(0, len(lines) - (done - skip)) :]
                decoded = self._decoder.decode(pa.array(left, pa.binary()))
                size = sum(map(len, left))
                yield self._piece(file, decoded.rows, done, tuple(decoded.errors), size)

    def _piece(
        self,
        file: StoredFile,
        rows: pa.Table,
        records_end: int,
        errors: tuple[RecordError, ...],
        size_bytes: int,
    ) -> Piece:
        values = _partition_values(file.key, self._default)
        count = rows.num_rows
        columns: list[Any] = []
        for column in self._table.columns:
            kind: Any = column.type.arrow()
            if column.name in self._partitioned_by:
                columns.append(_repeated(_typed(values.get(column.name), column), kind, count))
            elif column.name in rows.column_names:
                columns.append(rows.column(column.name).cast(kind))
            else:
                columns.append(pa.nulls(count, kind))
        told: dict[str, Any] = {
            "file.path": file.uri,
            "file.name": file.key.rpartition("/")[2],
            "file.size": file.size_bytes,
            "file.modification-time": file.modified_ms * 1_000,
        }
        for each in self._table.metadata:
            kind = each.column.type.arrow()
            value = told[each.key]
            if each.key == "file.modification-time":
                array = pa.array([value] * count, pa.int64()).cast(pa.timestamp("us", "UTC"))
                columns.append(array.cast(kind))
            else:
                columns.append(pa.array([value] * count).cast(kind))
        return Piece(pa.table(columns, schema=self.schema), records_end, errors, size_bytes)


def _opened(local: Path, key: str) -> AbstractContextManager[IO[bytes]]:
    if key.endswith((".gz", ".gzip")):
        return cast(AbstractContextManager[IO[bytes]], gzip.open(local, "rb"))
    if key.endswith(".bz2"):
        return cast(AbstractContextManager[IO[bytes]], bz2.open(local, "rb"))
    return local.open("rb")


def _lines(content: IO[bytes]) -> Iterator[list[bytes]]:
    """Lines that hold something, without their ends, some thousand at a time."""
    held = b""
    while block := content.read(4 << 20):
        block = held + block
        end = block.rfind(b"\n")
        held = block[end + 1 :]
        if len(held) > LINE_SIZE_BYTES_MAX:
            raise ValueError(f"a line is longer than {LINE_SIZE_BYTES_MAX} bytes")
        yield from _parts(block[: end + 1])
    yield from _parts(held)


def _parts(text: bytes) -> Iterator[list[bytes]]:
    lines = [line for line in text.replace(b"\r\n", b"\n").split(b"\n") if line]
    for first in range(0, len(lines), ROWS_AT_ONCE):
        yield lines[first : first + ROWS_AT_ONCE]


def _partition_values(key: str, default: str) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for part in key.split("/")[:-1]:
        name, equals, value = part.partition("=")
        if equals:
            missing = value in (default, _HIVE_DEFAULT_PARTITION)
            values[unquote(name)] = None if missing else unquote(value)
    return values


def _typed(value: str | None, column: Column) -> Any:
    if value is None:
        return None
    return pa.array([value], pa.string()).cast(column.type.arrow())[0].as_py()


def _repeated(value: Any, kind: Any, count: int) -> Any:
    return pa.nulls(count, kind) if value is None else pa.array([value] * count, kind)
