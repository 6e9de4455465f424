"""A walk over a range of keys: what the snapshot holds, merged with the transaction's own writes.

The walk remembers how far it came, so that a change beyond what was looked at is no conflict.
Writes made after the walk began are not part of it: deleting each key as it comes is safe.
"""

import asyncio
from collections.abc import Iterator
from typing import Any, Protocol

import lmdb

from millpond.engines.records.embedded.history import Range
from millpond.engines.records.embedded.seal import unseal
from millpond.engines.records.embedded.snapshots import Snapshot
from millpond.engines.records.embedded.trouble import read_trouble

STEPS_BETWEEN_PAUSES = 64

Entry = tuple[bytes, bytes]


class Source(Protocol):
    """What a scan needs of its transaction."""

    async def snapshot(self) -> Snapshot: ...

    def written_in(self, start: bytes, end: bytes) -> list[tuple[bytes, bytes | None]]: ...


class Scan:
    """Keys and values in `[start, end)`, forward or backward."""

    def __init__(self, source: Source, start: bytes, end: bytes, reverse: bool) -> None:
        self._source = source
        self._start = start
        self._end = end
        self._reverse = reverse
        self._steps = 0
        self._last: bytes | None = None
        self._exhausted = start >= end
        self._stored: Iterator[Entry] = iter(())
        self._own: Iterator[tuple[bytes, bytes | None]] = iter(())
        self._next_stored: Entry | None = None
        self._next_own: tuple[bytes, bytes | None] | None = None

    def __aiter__(self) -> "Scan":
        return self

    async def __anext__(self) -> Entry:
        if self._exhausted:
            raise StopAsyncIteration
        if self._steps == 0:
            snapshot = await self._source.snapshot()
            await asyncio.sleep(0)
            self._begin(snapshot)
        elif self._steps % STEPS_BETWEEN_PAUSES == 0:
            await asyncio.sleep(0)
        self._steps += 1
        try:
            entry = self._step()
        except lmdb.Error as error:
            raise read_trouble(error) from error
        if entry is None:
            self._exhausted = True
            raise StopAsyncIteration
        self._last = entry[0]
        return entry

    def seen(self) -> Range | None:
        """The part of the range whose content is known to the reader; None when none is."""
        if self._exhausted:
            return (self._start, self._end)
        if self._last is None:
            return None
        if self._reverse:
            return (self._last, self._end)
        return (self._start, self._last + b"\x00")

    def _begin(self, snapshot: Snapshot) -> None:
        own = sorted(self._source.written_in(self._start, self._end), reverse=self._reverse)
        self._own = iter(own)
        self._next_own = next(self._own, None)
        try:
            self._stored = self._walk(snapshot.reads.cursor())
            self._next_stored = self._advance()
        except lmdb.Error as error:
            raise read_trouble(error) from error

    def _walk(self, cursor: Any) -> Iterator[Entry]:
        """The snapshot's entries from the right end of the range on, and on beyond the range."""
        if not self._reverse:
            found = cursor.set_range(self._start) if self._start else cursor.first()
            return cursor.iternext() if found else iter(())
        found = cursor.prev() if cursor.set_range(self._end) else cursor.last()
        return cursor.iterprev() if found else iter(())

    def _advance(self) -> Entry | None:
        """The next stored entry inside the range."""
        entry = next(self._stored, None)
        if entry is None:
            return None
        outside = entry[0] < self._start if self._reverse else entry[0] >= self._end
        return None if outside else entry

    def _step(self) -> Entry | None:
        """The next entry of both: an own write hides the stored value of its key."""
        while True:
            stored, own = self._next_stored, self._next_own
            if own is None or (stored is not None and self._is_before(stored[0], own[0])):
                if stored is None:
                    return None
                self._next_stored = self._advance()
                return stored[0], unseal(*stored)
            self._next_own = next(self._own, None)
            if stored is not None and stored[0] == own[0]:
                self._next_stored = self._advance()
            if own[1] is not None:
                return own[0], own[1]

    def _is_before(self, one: bytes, other: bytes) -> bool:
        return one > other if self._reverse else one < other
