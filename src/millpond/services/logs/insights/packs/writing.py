"""Writing batches of events into a Parquet file, straight from the log."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from millpond.engines.log.interface import Entry, Log
from millpond.kernel.errors import Damaged
from millpond.services.logs.insights.model import Waiting
from millpond.services.logs.insights.packs.parquet import ParquetWriter, RowGroup, Run
from millpond.services.logs.model.batches import EVENT_OVERHEAD_BYTES
from millpond.services.logs.model.groups import Stream

GROUP_ROWS = 122_880
GROUP_BYTES_MAX = 32 << 20
_READ_BYTES = 4 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds: rows, what they count for, its own size, and the times of its first and
    last event."""

    rows: int
    size_bytes: int
    file_size_bytes: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class _Gathered:
    """Events of a row group to be."""

    times: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    ingested: list[Run] = field(default_factory=list)
    streams: list[Run] = field(default_factory=list)
    names: list[Run] = field(default_factory=list)
    size_bytes: int = 0

    def take(self, batch: Waiting, entries: Sequence[Entry]) -> None:
        self.times += [int.from_bytes(entry.key) for entry in entries]
        self.positions += [entry.position for entry in entries]
        self.messages += [entry.value for entry in entries]
        self.size_bytes += sum(len(entry.value) for entry in entries)
        count = len(entries)
        if entries[0].time_ms == entries[-1].time_ms:
            _extend(self.ingested, entries[0].time_ms, count)
        else:
            for entry in entries:
                _extend(self.ingested, entry.time_ms, 1)
        _extend(self.streams, batch.stream_id.encode(), count)
        _extend(self.names, batch.stream.encode(), count)

    @property
    def bounds(self) -> tuple[int, int]:
        """The times of the first and the last event."""
        return min(self.times), max(self.times)

    def made(self) -> RowGroup:
        return RowGroup(
            self.times,
            self.positions,
            [len(message) + EVENT_OVERHEAD_BYTES for message in self.messages],
            self.messages,
            self.ingested,
            self.streams,
            self.names,
        )


def _extend(runs: list[Run], value: int | bytes, count: int) -> None:
    if runs and runs[-1][0] == value:
        runs[-1] = (value, runs[-1][1] + count)
    else:
        runs.append((value, count))


async def write_batches(
    log: Log, batches: Sequence[Waiting], path: Path, *, durable: bool
) -> Written:
    """Write the events of some batches into a new file, which survives a power cut if `durable`.

    Events that are damaged are passed over and told in the server's own log; those that a deleted
    stream has lost are not there.

    Raises:
        OSError: the file cannot be written.
    """
    first_ms, last_ms, size_bytes = 2**62, 0, 0
    with path.open("wb") as target:
        writer = ParquetWriter(target)
        gathered = _Gathered()
        for batch in _joined(batches):
            async for entries in _events(log, batch):
                gathered.take(batch, entries)
                size_bytes += sum(map(_counted, entries))
                if len(gathered.times) >= GROUP_ROWS or gathered.size_bytes >= GROUP_BYTES_MAX:
                    first_ms = min(first_ms, *gathered.bounds)
                    last_ms = max(last_ms, *gathered.bounds)
                    await asyncio.to_thread(writer.add, gathered.made())
                    gathered = _Gathered()
        if gathered.times:
            first_ms = min(first_ms, *gathered.bounds)
            last_ms = max(last_ms, *gathered.bounds)
            await asyncio.to_thread(writer.add, gathered.made())
        file_size_bytes = writer.finish()
        if durable:
            target.flush()
            await asyncio.to_thread(os.fsync, target.fileno())
    if durable:
        await asyncio.to_thread(_sync_folder, path.parent)
    return Written(writer.rows, size_bytes, file_size_bytes, first_ms, last_ms)


def _joined(batches: Sequence[Waiting]) -> Iterator[Waiting]:
    """The batches, those that lie one after the other in a log as one."""
    last: Waiting | None = None
    for batch in batches:
        if last is None:
            last = batch
        elif batch.stream_id == last.stream_id and batch.position == last.position + last.count:
            last = msgspec.structs.replace(last, count=last.count + batch.count)
        else:
            yield last
            last = batch
    if last is not None:
        yield last


def _counted(entry: Entry) -> int:
    return len(entry.value) + EVENT_OVERHEAD_BYTES


async def _events(log: Log, batch: Waiting) -> AsyncIterator[list[Entry]]:
    name = Stream(id=batch.stream_id, name="", created_ms=0).log
    low, high = batch.position, batch.position + batch.count
    while low < high:
        try:
            read = await log.read(name, low, entries_max=high - low, size_bytes_max=_READ_BYTES)
        except Damaged as error:
            _log.error("Events are damaged and passed over: %s", error)
            low = await log.next_readable(name, low)
            continue
        entries = read.entries
        if entries and entries[-1].position >= high:
            entries = [entry for entry in entries if entry.position < high]
        if not entries:
            return
        yield entries
        low = read.next_position


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
