"""Where the entries of a log lie, in eight numbers for each frame or chunk.

A place is a frame in a journal or a chunk in a segment: both hold the positions from `position` up
to `end`. Rows are kept in one array of 64 bytes each, so that a million of them are no burden, and
are stored as they are.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

_WIDTH = 8
_POSITION, _END, _TIME_LAST, _FILE = 0, 1, 3, 4
LOST = 0
"""The file of a place whose bytes are known to be gone; real files are counted from 1."""


class Place(NamedTuple):
    """Entries from `position` up to `end`, of times `time_ms_first` to `time_ms_last`, in `size`
    bytes at `offset` of file number `file`. `crc` is a frame's; a chunk has its own inside."""

    position: int
    end: int
    time_ms_first: int
    time_ms_last: int
    file: int
    offset: int
    size: int
    crc: int


class Places:
    """Rows in order of position (and so of time, and of file)."""

    __slots__ = ("_rows",)

    def __init__(self, stored: bytes = b"") -> None:
        self._rows = array("Q", stored)

    def __len__(self) -> int:
        return len(self._rows) // _WIDTH

    def __getitem__(self, number: int) -> Place:
        return Place._make(self._rows[number * _WIDTH : (number + 1) * _WIDTH])

    def __iter__(self) -> Iterator[Place]:
        return (self[number] for number in range(len(self)))

    def append(self, place: Place) -> None:
        self._rows.extend(place)

    def at(self, position: int) -> int:
        """The number of the first row that ends after `position`."""
        return bisect_right(range(len(self)), position, key=self._column(_END))

    def since(self, time_ms: int) -> int:
        """The number of the first row whose last time is `time_ms` or later."""
        return bisect_left(range(len(self)), time_ms, key=self._column(_TIME_LAST))

    def before_file(self, file: int) -> int:
        """How many rows lie in files of lower numbers (when numbers grow from row to row)."""
        return bisect_left(range(len(self)), file, key=self._column(_FILE))

    def drop(self, count: int) -> list[Place]:
        """Take the first `count` rows away; these are they."""
        dropped = [self[number] for number in range(count)]
        del self._rows[: count * _WIDTH]
        return dropped

    def _column(self, column: int):  # type: ignore[no-untyped-def]
        rows = self._rows
        return lambda number: rows[number * _WIDTH + column]

    def stored(self) -> bytes:
        """What `Places(stored)` takes."""
        return self._rows.tobytes()
