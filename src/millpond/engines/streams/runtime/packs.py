"""Packs: files that hold chunks of Arrow rows one after another, written once and never changed.

A pack's file is removed (`collect`) when nothing names it any more: no state, no checkpoint that is
being written, no manifest that is kept. Each of those holds the `Pack` object, so nothing counts.
"""

import threading
import weakref
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from millpond.kernel.files import Files, write_all

PACK_SIZE_BYTES = 64 << 20
_ALIGNMENT = 64
_SLACK_BYTES = 512
_SUFFIX = ".arrows"

ReadPart = Callable[[Path, int, int], pa.Buffer]
"""`(path, offset, size)` -> those bytes of a file."""


class Damaged(Exception):
    """What a checkpoint names is not there, or not what it was; the text says which file."""


def map_part(path: Path, offset: int, size: int) -> pa.Buffer:
    """Those bytes of a file, mapped: they take memory only while something reads them."""
    with pa.memory_map(str(path)) as mapped:
        mapped.seek(offset)
        part: pa.Buffer = mapped.read_buffer(size)
        return part


class Pack:
    """A file of chunks. `is_synced`: its bytes and its name are on disk."""

    __slots__ = ("__weakref__", "is_synced", "name", "size_bytes")

    def __init__(self, name: str, size_bytes: int, *, is_synced: bool = False) -> None:
        self.name = name
        self.size_bytes = size_bytes
        self.is_synced = is_synced


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk lies, and the CRC-32 of its bytes."""

    pack: Pack
    offset: int
    size_bytes: int
    crc: int


class Packs:
    """The packs of one application. To be used from any thread."""

    def __init__(
        self,
        folder: Path,
        files: Files,
        read_part: ReadPart = map_part,
    ) -> None:
        self._folder = folder
        self._files = files
        self._read_part = read_part
        self._known: weakref.WeakValueDictionary[str, Pack] = weakref.WeakValueDictionary()
        self._forgotten: deque[str] = deque()
        self._writing = threading.Lock()
        self._next = 1

    def write(self, tables: Sequence[pa.Table]) -> list[Place]:
        """Write chunks; they are not synced yet. All or none.

        Raises:
            OSError: they could not be written.
        """
        with self._writing:
            places: list[Place] = []
            rest = deque(tables)
            while rest:
                places += self._write_one(rest)
            return places

    def read(self, place: Place) -> pa.Table:
        """The rows of a chunk.

        Raises:
            OSError: its file cannot be read.
        """
        path = self._folder / place.pack.name
        part = self._read_part(path, place.offset, place.size_bytes)
        with pa.ipc.open_stream(part) as reader:
            return reader.read_all()

    def check(self, place: Place) -> None:
        """Read a chunk and compare its sum.

        Raises:
            Damaged: it is not what was written, or not there.
            OSError: it cannot be read now.
        """
        path = self._folder / place.pack.name
        try:
            part = self._read_part(path, place.offset, place.size_bytes)
        except (FileNotFoundError, pa.ArrowInvalid) as error:
            raise Damaged(f"{place.pack.name} is missing or too short") from error
        if part.size != place.size_bytes or zlib.crc32(part) != place.crc:
            raise Damaged(f"{place.pack.name} is damaged")

    def sync(self, packs: Iterable[Pack]) -> None:
        """Return once these are on disk.

        Raises:
            OSError: they may not be; what they hold has to be written anew.
        """
        waiting = [pack for pack in packs if not pack.is_synced]
        for pack in waiting:
            descriptor = self._files.open(self._folder / pack.name)
            try:
                self._files.sync(descriptor)
            finally:
                self._files.close(descriptor)
        if waiting:
            self._files.sync_folder(self._folder)
        for pack in waiting:
            pack.is_synced = True

    def known(self, name: str, size_bytes: int) -> Pack:
        """The pack of this name, which a manifest holds."""
        pack = self._known.get(name)
        if pack is None:
            pack = self._watched(Pack(name, size_bytes, is_synced=True))
            self._next = max(self._next, _number(name) + 1)
        return pack

    def collect(self) -> None:
        """Remove the files that nothing names any more.

        Raises:
            OSError: one could not be removed; it is tried again.
        """
        while self._forgotten:
            name = self._forgotten[0]
            if name not in self._known:
                self._unlink(name)
            self._forgotten.popleft()

    def sweep(self) -> None:
        """Remove what an earlier run left and no manifest names; before anything is written."""
        for name in self._names():
            if name not in self._known:
                self._unlink(name)

    def _write_one(self, rest: deque[pa.Table]) -> list[Place]:
        name = f"{self._next:012d}{_SUFFIX}"
        self._next += 1
        pack = Pack(name, 0)
        places: list[Place] = []
        path = self._folder / name
        descriptor = self._files.create(path)
        try:
            while rest and pack.size_bytes < PACK_SIZE_BYTES:
                data = encoded(rest.popleft())
                write_all(self._files, descriptor, memoryview(data), pack.size_bytes)
                places.append(Place(pack, pack.size_bytes, data.size, zlib.crc32(data)))
                pack.size_bytes += -(-data.size // _ALIGNMENT) * _ALIGNMENT
        except OSError:
            self._forgotten.append(name)
            raise
        finally:
            self._files.close(descriptor)
        self._watched(pack)
        return places

    def _watched(self, pack: Pack) -> Pack:
        self._known[pack.name] = pack
        weakref.finalize(pack, self._forgotten.append, pack.name).atexit = False
        return pack

    def _unlink(self, name: str) -> None:
        try:
            self._files.unlink(self._folder / name)
        except FileNotFoundError:
            return

    def _names(self) -> Iterator[str]:
        return (name for name in self._files.names(self._folder) if name.endswith(_SUFFIX))


def encoded(rows: pa.Table) -> pa.Buffer:
    """Rows as an Arrow stream, without what they do not use of their buffers."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue()


def compacted(rows: pa.Table) -> pa.Table:
    """Rows that hold no more memory than they need: a few of a large table keep it all alive."""
    if rows.get_total_buffer_size() <= 2 * rows.nbytes + _SLACK_BYTES:
        return rows
    with pa.ipc.open_stream(encoded(rows)) as reader:
        return reader.read_all()


def _number(name: str) -> int:
    return int(name.removesuffix(_SUFFIX))
