"""Segments: files of chunks, written once and synced before anything refers to them.

A chunk is a group whose items are frames of one log in a row, some 256 KiB together; its place
(file, offset, size) stands in the catalog. A log with much to store gets a segment of its own, the
others share one, each with its chunks in a row.
"""

import contextlib
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from millpond.engines.log.embedded.groups import group_edges
from millpond.engines.log.embedded.items import APPEND, pack
from millpond.engines.log.embedded.journal import file_name
from millpond.engines.log.embedded.places import Place
from millpond.kernel.files import Files, write_all

SEGMENT_FOLDER = "segments"
CHUNK_SIZE_BYTES = 256 * 1024
CHUNK_FRAMES_MAX = 1_024
_WRITE_SIZE_BYTES = 1024 * 1024
OWN = -1
"""The level of a segment that holds one log alone."""


class Segment(NamedTuple):
    """A segment file. `level` counts how often what it holds was gathered from other shared
    segments, or is OWN."""

    number: int
    nonce: int
    size: int
    level: int

    @property
    def name(self) -> str:
        return file_name(self.number, self.nonce)


class RawFrame(NamedTuple):
    """A frame as it is stored, checked or not; a lost one has no bytes and a sum that is wrong."""

    position: int
    entry_count: int
    time_ms: int
    crc: int
    data: bytes


LOST_CRC = 1


class SegmentFile:
    """A segment that is being written."""

    def __init__(self, files: Files, folder: Path, number: int) -> None:
        self._files = files
        self.number = number
        self.nonce = secrets.randbits(64)
        self.path = folder / file_name(number, self.nonce)
        self._descriptor: int | None = files.create(self.path)
        self._written = 0
        self._waiting: list[bytes] = []
        self._waiting_size = 0

    def add(self, log_id: int, frames: Iterable[RawFrame]) -> list[Place]:
        """Write the frames of a log, which follow one another; the places of their chunks."""
        places = []
        chunk: list[RawFrame] = []
        size = 0
        for frame in frames:
            chunk.append(frame)
            size += len(frame.data)
            if size >= CHUNK_SIZE_BYTES or len(chunk) >= CHUNK_FRAMES_MAX:
                places.append(self._add_chunk(log_id, chunk, size))
                chunk, size = [], 0
        if chunk:
            places.append(self._add_chunk(log_id, chunk, size))
        return places

    def _add_chunk(self, log_id: int, chunk: Sequence[RawFrame], size: int) -> Place:
        index = pack(
            [
                (APPEND, log_id, position, entry_count, time_ms, len(data), crc)
                for position, entry_count, time_ms, crc, data in chunk
            ]
        )
        offset = self._written + self._waiting_size
        start, end = group_edges(self.nonce, offset, index, size)
        data = b"".join((start, *(frame.data for frame in chunk), end))
        self._waiting.append(data)
        self._waiting_size += len(data)
        if self._waiting_size >= _WRITE_SIZE_BYTES:
            self._flush()
        first, last = chunk[0], chunk[-1]
        return Place(
            first.position,
            last.position + last.entry_count,
            first.time_ms,
            last.time_ms,
            self.number,
            offset,
            len(data),
            0,
        )

    def _flush(self) -> None:
        assert self._descriptor is not None
        write_all(self._files, self._descriptor, b"".join(self._waiting), self._written)
        self._written += self._waiting_size
        self._waiting, self._waiting_size = [], 0

    def finish(self, level: int) -> Segment:
        """Return once it is on disk, but for its name."""
        self._flush()
        assert self._descriptor is not None
        self._files.sync(self._descriptor)
        self._close()
        return Segment(self.number, self.nonce, self._written, level)

    def discard(self) -> None:
        """It is not needed."""
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            self._files.unlink(self.path)

    def _close(self) -> None:
        """Once only: a number that was closed may be that of another file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._files.close(descriptor)
