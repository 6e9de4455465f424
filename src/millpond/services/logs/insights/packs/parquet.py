"""Writing Parquet: files of events, a row group at a time.

The server's own process writes them, without Arrow: the columns are few and none is nested or
missing anywhere, so a row group is a page for each column, and the values of most lie in the log
as they lie in the page. What repeats from event to event (a batch's ingestion time, a stream's
name) is a dictionary and runs.

Source: github.com/apache/parquet-format (parquet.thrift, Encodings.md).
"""

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from millpond.services.logs.insights.packs.thrift import Int, Struct, encode, varint

_MAGIC = b"PAR1"
_INT64, _BYTES = Int(2), Int(6)
_PLAIN, _RLE, _DICTIONARY = Int(0), Int(3), Int(8)
_ZSTD = Int(6)
_REQUIRED, _UTF8 = Int(0), Int(0)
_DATA_PAGE, _DICTIONARY_PAGE = Int(0), Int(2)
_LEVEL = 1
_size_of = struct.Struct("<I").pack
_number_of = struct.Struct("<q").pack

_SCHEMA = (
    (b"timestamp", _INT64),
    (b"position", _INT64),
    (b"size", _INT64),
    (b"message", _BYTES),
    (b"ingested", _INT64),
    (b"stream", _BYTES),
    (b"name", _BYTES),
)

Run = tuple[int | bytes, int]
"""A value, and how often it comes in a row."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Events in columns. `ingested`, `streams` and `names` come in runs."""

    times: Sequence[int]
    positions: Sequence[int]
    sizes: Sequence[int]
    messages: Sequence[bytes]
    ingested: Sequence[Run]
    streams: Sequence[Run]
    names: Sequence[Run]


class ParquetWriter:
    """Writes row groups into a file, and its footer at the end."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._at = 0
        self._groups: list[Struct] = []
        self.rows = 0
        self._write(_MAGIC)

    def add(self, group: RowGroup) -> None:
        """Append a row group."""
        count = len(group.times)
        columns: list[Struct] = [
            self._plain(b"timestamp", _numbers(group.times), count, _INT64, _bounds(group.times)),
            self._plain(b"position", _numbers(group.positions), count, _INT64),
            self._plain(b"size", _numbers(group.sizes), count, _INT64),
            self._plain(b"message", _texts(group.messages), count, _BYTES),
            self._runs(b"ingested", group.ingested, count, _INT64),
            self._runs(b"stream", group.streams, count, _BYTES),
            self._runs(b"name", group.names, count, _BYTES),
        ]
        sizes = [_metadata(column)[6] for column in columns]
        total = sum(size for size in sizes if isinstance(size, int))
        self._groups.append({1: columns, 2: total, 3: count})
        self.rows += count

    def finish(self) -> int:
        """Write the footer; the size of the file in bytes."""
        schema: list[Struct] = [{4: b"events", 5: Int(7)}]
        for name, kind in _SCHEMA:
            column: Struct = {1: kind, 3: _REQUIRED, 4: name}
            schema.append(column | {6: _UTF8} if kind == _BYTES else column)
        orders: list[Struct] = [{1: {}} for _ in _SCHEMA]
        footer = encode(
            {1: Int(1), 2: schema, 3: self.rows, 4: self._groups, 6: b"millpond", 7: orders}
        )
        self._write(footer + _size_of(len(footer)) + _MAGIC)
        return self._at

    def _plain(
        self, name: bytes, data: bytes, count: int, kind: Int, statistics: Struct | None = None
    ) -> Struct:
        start = self._at
        size = self._page(data, count, _PLAIN)
        column: Struct = {1: kind, 2: [_PLAIN, _RLE], 3: [name], 4: _ZSTD, 5: count,
                          6: size, 7: self._at - start, 9: start}  # fmt: skip
        if statistics is not None:
            column[12] = statistics
        return {2: start, 3: column}

    def _runs(self, name: bytes, runs: Sequence[Run], count: int, kind: Int) -> Struct:
        """A column of runs: its different values once, then which of them comes how often."""
        places = {value: place for place, value in enumerate(dict.fromkeys(v for v, _ in runs))}
        values = b"".join(
            _number_of(value) if isinstance(value, int) else _size_of(len(value)) + value
            for value in places
        )
        width = max(1, (len(places) - 1).bit_length())
        taken = (width + 7) // 8
        data = bytes((width,)) + b"".join(
            varint(length << 1) + places[value].to_bytes(taken, "little") for value, length in runs
        )
        start = self._at
        size = self._page(values, len(places), _PLAIN, is_dictionary=True)
        data_start = self._at
        size += self._page(data, count, _DICTIONARY)
        return {
            2: start,
            3: {1: kind, 2: [_PLAIN, _DICTIONARY, _RLE], 3: [name], 4: _ZSTD, 5: count,
                6: size, 7: self._at - start, 9: data_start, 11: start},
        }  # fmt: skip

    def _page(self, data: bytes, count: int, encoding: Int, *, is_dictionary: bool = False) -> int:
        """Write a page; what it takes uncompressed, with its header."""
        packed = _compress(data)
        header: Struct = {2: Int(len(data)), 3: Int(len(packed))}
        if is_dictionary:
            header |= {1: _DICTIONARY_PAGE, 7: {1: Int(count), 2: encoding}}
        else:
            header |= {1: _DATA_PAGE, 5: {1: Int(count), 2: encoding, 3: _RLE, 4: _RLE}}
        head = encode(header)
        self._write(head)
        self._write(packed)
        return len(head) + len(data)

    def _write(self, data: bytes) -> None:
        self._target.write(data)
        self._at += len(data)


def _metadata(column: Struct) -> Struct:
    found = column[3]
    assert isinstance(found, dict)
    return found


def _compress(data: bytes) -> bytes:
    # The library comes with the SQL engine; a server without it has no queries to write for.
    import cramjam  # noqa: PLC0415

    return bytes(cramjam.zstd.compress(data, level=_LEVEL))


def _numbers(values: Sequence[int]) -> bytes:
    numbers = array("q", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _texts(values: Sequence[bytes]) -> bytes:
    sizes = map(_size_of, map(len, values))
    return b"".join(chain.from_iterable(zip(sizes, values, strict=True)))


def _bounds(values: Sequence[int]) -> Struct:
    return {3: 0, 5: _number_of(max(values)), 6: _number_of(min(values))}
