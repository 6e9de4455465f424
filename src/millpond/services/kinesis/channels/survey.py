"""Decides what goes into an object, and looks at all of it before the first byte is written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from millpond.services.kinesis.channels.channel import RecordFormat
from millpond.services.kinesis.channels.progress import Range, Window
from millpond.services.kinesis.channels.reading import Faults, Piece, data_of, fault_in, read
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs

OBJECT_BYTES_MAX = 64 * 1024 * 1024
OBJECT_RECORDS_MAX = 500_000
"""So much goes into one object, before it is compressed; a piece more at most."""


class Judged(NamedTuple):
    """What a piece holds: positions of records that cannot be delivered, and bytes of data."""

    faulty: list[int]
    size: int


@dataclass(slots=True)
class Survey:
    """What a window holds. `size`: bytes of data of all records, which are `count`."""

    ranges: list[Range] = field(default_factory=list)
    count: int = 0
    size: int = 0
    oldest_ms: int | None = None
    faults: Faults = field(default_factory=Faults)

    def window(self, now_ms: int) -> Window:
        return Window(tuple(self.ranges), now_ms if self.oldest_ms is None else self.oldest_ms)

    def take(self, piece: Piece, judged: Judged) -> None:
        self.count += len(piece.entries) or piece.end - piece.first
        self.size += judged.size
        self.faults.add(piece.shard_index, judged.faulty)
        for entry in piece.entries[:1]:
            if self.oldest_ms is None or entry.time_ms < self.oldest_ms:
                self.oldest_ms = entry.time_ms

    @property
    def is_full(self) -> bool:
        return self.size >= OBJECT_BYTES_MAX or self.count >= OBJECT_RECORDS_MAX


async def survey(
    needs: Needs,
    stream: Stream,
    record_format: RecordFormat,
    parts: Sequence[Range],
    *,
    bounded: bool,
) -> Survey:
    """Look at the records of `parts`; if `bounded`, at as many as go into one object. The survey's
    ranges say which those are."""
    found = Survey()
    for part in parts:
        end = part.first
        async for piece in read(needs, stream, part):
            judged = await asyncio.to_thread(_judge, stream, record_format, piece)
            found.take(piece, judged)
            end = piece.end
            if bounded and found.is_full:
                found.ranges.append(Range(part.shard_index, part.first, end))
                return found
        found.ranges.append(part)
    return found


def _judge(stream: Stream, record_format: RecordFormat, piece: Piece) -> Judged:
    if not piece.entries:
        return Judged(list(range(piece.first, piece.end)), 0)
    faulty = [entry.position for entry in piece.entries if fault_in(stream, record_format, entry)]
    bad = frozenset(faulty)
    size = sum(
        [len(data_of(stream, e)) if e.position not in bad else len(e.value) for e in piece.entries]
    )
    return Judged(faulty, size)
