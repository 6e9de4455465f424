"""Where the entries of a log lie, in eight numbers for each frame or chunk.

A place is a frame in a journal or a chunk in a segment: both hold the positions from `position` up
to `end`. Rows are kept in one array of 64 bytes each, so that a million of them are no burden, and
are stored as they are.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

_WIDTH = 8
_END, _TIME_LAST, _FILE, _SIZE = 1, 3, 4, 6


class Place(NamedTuple):
    """Entries from `position` up to `end`, of times `time_ms_first` to `time_ms_last`, in `size`
    bytes at `offset` of file number `file`; none when they are known to be lost. `crc` is a
    frame's; a chunk has its own inside."""

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

    def __init__(self, stored: bytes = b"", rows: Iterable[Place] = ()) -> None:
        self._rows = array("Q", stored)
        for row in rows:
            self._rows.extend(row)

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

    def head(self, count: int) -> "Places":
        """A copy of the first `count` rows."""
        return Places(self._rows[: count * _WIDTH].tobytes())

    def touches(self, files: frozenset[int]) -> bool:
        """Whether a row lies in one of `files`."""
        return not files.isdisjoint(self._rows[_FILE::_WIDTH])

    def sizes(self) -> Iterable[tuple[int, int]]:
        """`(file, size)` of each row."""
        return zip(self._rows[_FILE::_WIDTH], self._rows[_SIZE::_WIDTH], strict=True)

    def stored(self) -> bytes:
        """What `Places(stored)` takes."""
        return self._rows.tobytes()

    def _column(self, column: int) -> Callable[[int], int]:
        rows = self._rows
        return lambda number: rows[number * _WIDTH + column]
