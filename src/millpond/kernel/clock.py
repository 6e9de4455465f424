"""Time as a value that is handed in, so that tests move it instead of waiting for it."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time and waiting."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed on this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until `advance` is called."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self._now_ms

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_ms + int(seconds * 1000), sleeper))
        await sleeper

    def advance(self, seconds: float) -> None:
        """Move the time on and wake whoever slept until then."""
        self._now_ms += int(seconds * 1000)
        due = [sleeper for wake_ms, sleeper in self._sleepers if wake_ms <= self._now_ms]
        self._sleepers = [entry for entry in self._sleepers if entry[0] > self._now_ms]
        for sleeper in due:
            if not sleeper.done():
                sleeper.set_result(None)
