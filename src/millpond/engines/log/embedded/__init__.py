"""Logs in this process."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from millpond.engines.log.interface import Appended, Batch, Bounds, Entry, Read, Sealed
from millpond.kernel.clock import Clock


class EmbeddedLog:
    """Keeps entries in memory, to begin with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logs: dict[bytes, list[Entry]] = {}
        self._sealed: set[bytes] = set()
        self._grown = asyncio.Condition()

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> "EmbeddedLog":
        return cls(clock)

    async def append(self, batches: Sequence[Batch]) -> list[Appended]:
        if any(batch.log in self._sealed for batch in batches):
            raise Sealed("The log is sealed.")
        now_ms = self._clock.now_ms()
        answers = []
        for log, entries in batches:
            kept = self._logs.setdefault(log, [])
            answers.append(Appended(len(kept), now_ms))
            for key, value in entries:
                kept.append(Entry(len(kept), now_ms, key, value))
        async with self._grown:
            self._grown.notify_all()
        return answers

    async def read(
        self, log: bytes, position: int, *, entries_max: int, size_bytes_max: int
    ) -> Read:
        found: list[Entry] = []
        size = 0
        for entry in self._logs.get(log, [])[position : position + entries_max]:
            size += len(entry.key) + len(entry.value)
            if found and size > size_bytes_max:
                break
            found.append(entry)
        return Read(found, position + len(found))

    async def wait(self, log: bytes, position: int) -> None:
        async with self._grown:
            while len(self._logs.get(log, [])) <= position and log not in self._sealed:
                await self._grown.wait()

    def bounds(self, log: bytes) -> Bounds:
        kept = self._logs.get(log, [])
        size = sum(len(entry.key) + len(entry.value) for entry in kept)
        return Bounds(0, len(kept), log in self._sealed, kept[-1].time_ms if kept else 0, size)

    async def find(self, log: bytes, time_ms: int) -> int:
        kept = self._logs.get(log, [])
        return next((entry.position for entry in kept if entry.time_ms >= time_ms), len(kept))

    async def next_readable(self, log: bytes, position: int) -> int:
        return position

    async def seal(self, log: bytes) -> int:
        self._sealed.add(log)
        async with self._grown:
            self._grown.notify_all()
        return len(self._logs.get(log, []))

    async def trim(self, log: bytes, before_ms: int) -> None:
        return None

    async def delete(self, log: bytes) -> None:
        self._logs.pop(log, None)
        self._sealed.discard(log)

    async def close(self) -> None:
        return None
