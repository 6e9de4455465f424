"""Reading the bytes of a place: a frame of a journal, or the frames of a chunk in a segment.

A chunk is a group whose items are frames of one log. What does not match its checksum comes back
without bytes, frame by frame; a chunk that has lost both its indexes is one piece without bytes.
"""

import errno
from pathlib import Path
from typing import NamedTuple

from awscrt.checksums import crc32c

from millpond.engines.log.embedded.groups import Group, read_end, read_start
from millpond.engines.log.embedded.items import APPEND, unpack
from millpond.engines.log.embedded.places import Place
from millpond.engines.log.files import Files, read_all

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


def read_place(
    files: Files, path: Path | None, place: Place, nonce: int | None, log_id: int
) -> list[Piece]:
    """What lies at a place of file `path`; `nonce` is the segment's, None in a journal.

    Raises:
        FileNotFoundError: the file is not there.
        OSError: it cannot be read now.
    """
    if not place.size:
        return [lost(place)]
    if path is None:
        raise FileNotFoundError(place.file)
    descriptor = files.open(path)
    try:
        data = read_all(files, descriptor, place.size, place.offset)
    except OSError as error:
        if error.errno not in _CANNOT_BE_READ:
            raise
        return [lost(place)]
    finally:
        files.close(descriptor)
    if nonce is None:
        if len(data) < place.size or crc32c(data) != place.crc:
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
