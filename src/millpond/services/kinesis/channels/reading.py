"""Reads the records of windows: what a stream's logs hold, without the limits of readers."""

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from millpond.engines.log.interface import Entry
from millpond.kernel.errors import Damaged
from millpond.services.kinesis.channels.channel import RecordFormat
from millpond.services.kinesis.channels.formats import DAMAGED, Fault, fault_of
from millpond.services.kinesis.channels.progress import Range
from millpond.services.kinesis.encryption import decrypt
from millpond.services.kinesis.model.entries import unpack_key
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs

READ_ENTRIES = 10_000
READ_BYTES = 1024 * 1024
_MARK = 0xFF


class Piece(NamedTuple):
    """A few entries of a shard, in order; or positions `first` to `end` that cannot be read."""

    shard_index: int
    first: int
    end: int
    entries: Sequence[Entry]


@dataclass(slots=True)
class Faults:
    """Positions of records that cannot be delivered, ascending, by shard."""

    positions: dict[int, "array[int]"] = field(default_factory=dict)
    count: int = 0

    def add(self, shard_index: int, positions: Sequence[int]) -> None:
        self.count += len(positions)
        self.positions.setdefault(shard_index, array("Q")).extend(positions)

    def within(self, piece: Piece) -> frozenset[int]:
        """Those of a piece."""
        known = self.positions.get(piece.shard_index)
        if known is None:
            return frozenset()
        return frozenset(known[bisect_left(known, piece.first) : bisect_left(known, piece.end)])


async def read(needs: Needs, stream: Stream, part: Range) -> AsyncIterator[Piece]:
    """A range, piece by piece. What was trimmed since is left out."""
    log, position = stream.log_of(part.shard_index), part.first
    while position < part.end:
        left = part.end - position
        try:
            found = await needs.log.read(
                log, position, entries_max=min(READ_ENTRIES, left), size_bytes_max=READ_BYTES
            )
        except Damaged:
            first = max(position, needs.log.bounds(log).first)
            position = min(await needs.log.next_readable(log, first), part.end)
            yield Piece(part.shard_index, first, position, ())
            continue
        entries = found.entries
        if entries and entries[-1].position >= part.end:
            entries = [entry for entry in entries if entry.position < part.end]
        if not entries:
            return
        position = entries[-1].position + 1
        yield Piece(part.shard_index, entries[0].position, position, entries)


async def oldest_ms(needs: Needs, stream: Stream, places: Mapping[int, int]) -> int | None:
    """When the oldest of the records after these places arrived; None when there are none."""
    oldest: int | None = None
    for index in ends_after(needs, stream, places):
        try:
            found = await needs.log.read(
                stream.log_of(index), places[index], entries_max=1, size_bytes_max=1
            )
            time_ms = found.entries[0].time_ms if found.entries else None
        except Damaged:
            time_ms = needs.log.bounds(stream.log_of(index)).last_time_ms
        if time_ms is not None and (oldest is None or time_ms < oldest):
            oldest = time_ms
    return oldest


def ends_after(needs: Needs, stream: Stream, places: Mapping[int, int]) -> dict[int, int]:
    """How far the shards reach that hold records after these places."""
    ends = {}
    for index in sorted(places):
        bounds = needs.log.bounds(stream.log_of(index))
        if bounds.end > max(places[index], bounds.first):
            ends[index] = bounds.end
    return ends


def data_of(stream: Stream, entry: Entry) -> bytes:
    """The data of a record.

    Raises:
        Damaged: it is encrypted, and was changed since it was written.
    """
    if entry.key[0] == _MARK and unpack_key(entry.key).encrypted:
        return decrypt(stream.data_keys, entry.key, entry.value)
    return entry.value


def fault_in(stream: Stream, record_format: RecordFormat, entry: Entry) -> Fault | None:
    """Why a record cannot be delivered, or None."""
    try:
        return fault_of(record_format, data_of(stream, entry))
    except Damaged:
        return DAMAGED
