"""Events of a stream in the order of time, forward or backward.

Events lie in the log batch by batch as they came in; a batch is in order, but batches overlap. A
walk opens a batch once the order of time reaches it, and merges those that are open: it keeps a
few events of each and never more. Two events of one time stand in the order they came in.
"""

import asyncio
import heapq
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from millpond.engines.log.interface import Entry, Log
from millpond.engines.records.interface import Transaction
from millpond.kernel.errors import Damaged
from millpond.services.logs import store
from millpond.services.logs.model.batches import BATCH_SIZE_BYTES_MAX
from millpond.services.logs.model.groups import DAY_MS, Stream

CHUNK_ENTRIES = 64
"""Events of a batch that are read at once."""
SEARCHED_ENTRIES = 1024
"""The same, where few of them may be wanted."""

Matches = Callable[[bytes], bool]

_log = logging.getLogger(__name__)


class Place(NamedTuple):
    """A place in the order of a stream: before the event of this time and position."""

    time_ms: int
    position: int = 0


END = Place(2**62)
"""After all events."""


class Event(NamedTuple):
    """An event; with an empty message, a milestone: the search came this far without a match."""

    time_ms: int
    position: int
    ingested_ms: int
    message: bytes

    @property
    def place(self) -> Place:
        return Place(self.time_ms, self.position)


class Stretch(NamedTuple):
    """From the place `low` up to, not including, `high`."""

    low: Place = Place(0)
    high: Place = END


class Cursor:
    """Walks through the part of a batch that lies in a stretch.

    With `matches` it gives the events whose messages match, and for each chunk that ends with
    another one a milestone.
    """

    def __init__(
        self, log: Log, name: bytes, batch: store.Batch, backward: bool, matches: Matches | None
    ) -> None:
        self._log = log
        self._name = name
        self._batch = batch
        self._backward = backward
        self._matches = matches
        self._chunk_entries = CHUNK_ENTRIES if matches is None else SEARCHED_ENTRIES
        self._low = batch.position
        self._high = batch.position + batch.count
        self._chunk: list[Entry] = []

    async def narrow(self, stretch: Stretch) -> None:
        """Pass over what is not in the stretch."""
        if self._batch.first_ms <= stretch.low.time_ms:
            self._low = await self._find(stretch.low)
        if self._batch.last_ms >= stretch.high.time_ms:
            self._high = await self._find(stretch.high)

    async def next(self) -> Event | None:
        """The next event; None at the end."""
        while not self._chunk and self._low < self._high:
            if self._backward:
                middle = max(self._low, self._high - self._chunk_entries)
                self._chunk = await self._read(middle, self._high)
                self._high = middle
            else:
                middle = min(self._high, self._low + self._chunk_entries)
                self._chunk = await self._read(self._low, middle)
                self._chunk.reverse()
                self._low = middle
            if self._matches is not None:
                self._chunk = self._choose(self._matches, self._chunk)
                await asyncio.sleep(0)
        if not self._chunk:
            return None
        entry = self._chunk.pop()
        return Event(_time_of(entry), entry.position, entry.time_ms, entry.value)

    def _choose(self, matches: Matches, chunk: list[Entry]) -> list[Entry]:
        """Of a chunk, the last entry first, those that match; and the last one in any case."""
        chosen = [entry for entry in chunk if matches(entry.value)]
        if chunk and (not chosen or chosen[0] is not chunk[0]):
            chosen.insert(0, msgspec.structs.replace(chunk[0], value=b""))
        return chosen

    async def _find(self, place: Place) -> int:
        """The first position of the batch that is at `place` or after it."""
        low, high = self._low, self._high
        while low < high:
            middle = (low + high) // 2
            found = await self._read(middle, middle + 1)
            if found and Place(_time_of(found[0]), middle) < place:
                low = middle + 1
            else:
                high = middle
        return low

    async def _read(self, low: int, high: int) -> list[Entry]:
        """The entries of some positions that are there and whole."""
        found: list[Entry] = []
        while low < high:
            try:
                read = await self._log.read(
                    self._name,
                    low,
                    entries_max=high - low,
                    size_bytes_max=BATCH_SIZE_BYTES_MAX,
                )
            except Damaged as error:
                _log.error("Events are damaged and passed over: %s", error)
                low = await self._log.next_readable(self._name, low)
                continue
            if not read.entries:
                break
            found += [entry for entry in read.entries if entry.position < high]
            low = read.next_position
        return found


@dataclass(slots=True)
class _Merge:
    """Open cursors by their next event. The heap's first two members tell their order."""

    backward: bool
    heap: list[tuple[int, int, Event, Cursor]] = field(default_factory=list)

    async def push(self, cursor: Cursor) -> None:
        event = await cursor.next()
        if event is not None:
            sign = -1 if self.backward else 1
            key = (sign * event.time_ms, sign * event.position)
            heapq.heappush(self.heap, (*key, event, cursor))

    async def pop(self) -> Event:
        _, _, event, cursor = heapq.heappop(self.heap)
        await self.push(cursor)
        return event

    def reaches(self, time_ms: int) -> bool:
        """Whether the order of time has come to `time_ms`, or nothing is open."""
        if not self.heap:
            return True
        next_ms = self.heap[0][2].time_ms
        return time_ms >= next_ms if self.backward else time_ms <= next_ms


async def walk(
    log: Log,
    transaction: Transaction,
    stream: Stream,
    stretch: Stretch,
    *,
    backward: bool = False,
    matches: Matches | None = None,
) -> AsyncIterator[Event]:
    """The events of a stream that lie in a stretch, in the order of time or against it.

    With `matches`, those whose messages match, and milestones between them (see `Event`).
    """
    merge = _Merge(backward)
    async for batch in _batches(transaction, stream, stretch, backward):
        reached = batch.last_ms if backward else batch.first_ms
        while not merge.reaches(reached):
            yield await merge.pop()
        cursor = Cursor(log, stream.log, batch, backward, matches)
        await cursor.narrow(stretch)
        await merge.push(cursor)
    while merge.heap:
        yield await merge.pop()


async def _batches(
    transaction: Transaction, stream: Stream, stretch: Stretch, backward: bool
) -> AsyncIterator[store.Batch]:
    """The batches that reach into a stretch, by their first or, backward, by their last events.

    A batch spans a day at most: those that begin earlier, or end later, need not be looked at.
    """
    low_ms, high_ms = stretch.low.time_ms, stretch.high.time_ms
    if backward:
        async for batch in store.scan_batches_back(transaction, stream.id, high_ms + DAY_MS + 1):
            if batch.last_ms < low_ms:
                return
            if batch.first_ms <= high_ms:
                yield batch
    else:
        async for batch in store.scan_batches(transaction, stream.id, low_ms - DAY_MS):
            if batch.first_ms > high_ms:
                return
            if batch.last_ms >= low_ms:
                yield batch


def _time_of(entry: Entry) -> int:
    return int.from_bytes(entry.key)
