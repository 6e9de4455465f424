"""Reading the bytes of a place: a frame of a journal, or the frames of a chunk in a segment.

A chunk is a group whose items are frames of one log. What does not match its checksum comes back
without bytes, frame by frame; a chunk that has lost both its indexes is one piece without bytes.
"""

import contextlib
import errno
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from awscrt.checksums import crc32c

from millpond.engines.log.embedded.groups import Group, read_end, read_start
from millpond.engines.log.embedded.items import APPEND, unpack
from millpond.engines.log.embedded.places import Place
from millpond.kernel.files import Files, read_all

Find = Callable[[bool, int], tuple[Path, int] | None]

_CANNOT_BE_READ = {errno.EIO, errno.EBADMSG, errno.EUCLEAN}


class Piece(NamedTuple):
    """`entry_count` entries from `position` on, of one time; without `data` they are damaged."""

    position: int
    entry_count: int
    time_ms: int
    data: bytes | None

    @property
    def end(self) -> int:
        return self.position + self.entry_count


def lost(place: Place) -> Piece:
    """A place nothing can be read of."""
    return Piece(place.position, place.end - place.position, place.time_ms_first, None)


class OpenFiles:
    """Files to read places from, each opened once: for one thread and one piece of work.

    `find` gives the path of a file and its nonce, from whether it is a segment and its number;
    None when it was removed.
    """

    def __init__(self, files: Files, find: Find) -> None:
        self._files = files
        self._find = find
        self._open: dict[tuple[bool, int], tuple[int, int]] = {}

    def __enter__(self) -> "OpenFiles":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for descriptor, _ in self._open.values():
            with contextlib.suppress(OSError):
                self._files.close(descriptor)

    def read(self, place: Place, stored: bool) -> tuple[bytes, int]:
        """The bytes at a place, fewer or none if the disk has lost them, and the file's nonce.

        Raises:
            FileNotFoundError: the file is not there (any more).
            OSError: it cannot be read now.
        """
        if not place.size:
            return b"", 0
        key = (stored, place.file)
        if key not in self._open:
            found = self._find(stored, place.file)
            if found is None:
                raise FileNotFoundError(errno.ENOENT, "A file of the log is gone", str(place.file))
            path, nonce = found
            self._open[key] = (self._files.open(path), nonce)
        descriptor, nonce = self._open[key]
        try:
            return read_all(self._files, descriptor, place.size, place.offset), nonce
        except OSError as error:
            if error.errno not in _CANNOT_BE_READ:
                raise
            return b"", nonce


def read_pieces(files: OpenFiles, place: Place, *, stored: bool, log_id: int) -> list[Piece]:
    """What lies at a place: a chunk if it is `stored`, a frame if not.

    Raises:
        FileNotFoundError: the file is not there (any more).
        OSError: it cannot be read now.
    """
    data, nonce = files.read(place, stored)
    if not stored:
        if not place.size or len(data) < place.size or crc32c(data) != place.crc:
            return [lost(place)]
        return [Piece(place.position, place.end - place.position, place.time_ms_first, data)]
    group = read_chunk(data, place, nonce)
    return [lost(place)] if group is None else _pieces(group, data, place, log_id)


def read_chunk(data: bytes, place: Place, nonce: int) -> Group | None:
    """The group that is the chunk, if one of its indexes can be read."""
    return read_start(data, 0, nonce, place.offset) or read_end(
        data, place.size, nonce, place.offset
    )


def _pieces(group: Group, data: bytes, place: Place, log_id: int) -> list[Piece]:
    pieces = []
    at = group.payload_offset - place.offset
    for kind, its_log, position, count, time_ms, size, crc in unpack(group.index):
        frame = data[at : at + size]
        right = kind == APPEND and its_log == log_id and crc32c(frame) == crc
        pieces.append(Piece(position, count, time_ms, frame if right else None))
        at += size
    return pieces
