"""Sends entries in batches, several at a time, and no later than is needed.

A batch leaves when it is full, when no other is on its way, or when its first entry has waited for
as long as it may. So single rows leave at once, and a flood in full batches. Those who write wait
while as many batches are on their way as may be.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pyarrow as pa

LINGER_SECONDS_DEFAULT = 0.01
IN_FLIGHT_MAX_DEFAULT = 16
_ENTRIES_MAX_DEFAULT = 500
_PORTION_ROWS = 2_000
"""Encoding so many takes a few milliseconds."""

Send = Callable[[Sequence[Any]], Awaitable[None]]
"""Sends a batch until all of it is acknowledged, or raises."""


async def portions(rows: pa.Table) -> AsyncIterator[pa.Table]:
    """Rows in parts, between which everything else on the event loop has its turn."""
    for first in range(0, rows.num_rows, _PORTION_ROWS):
        if first:
            await asyncio.sleep(0)
        yield rows.slice(first, _PORTION_ROWS)


class Batches:
    """The entries that wait, and the batches that are on their way.

    `send` is given at most `entries_max` entries of together `size_bytes_max` bytes (or one that is
    larger).
    """

    def __init__(
        self,
        send: Send,
        *,
        size_bytes_max: int,
        entries_max: int = _ENTRIES_MAX_DEFAULT,
        in_flight_max: int = IN_FLIGHT_MAX_DEFAULT,
        linger_seconds: float = LINGER_SECONDS_DEFAULT,
    ) -> None:
        self._send = send
        self._size_bytes_max = size_bytes_max
        self._entries_max = entries_max
        self._in_flight_max = in_flight_max
        self._linger_seconds = linger_seconds
        self._entries: list[Any] = []
        self._size_bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._failure: BaseException | None = None

    async def add(self, entries: Sequence[Any], sizes: Sequence[int]) -> None:
        """Take entries of these sizes, in bytes; waits while enough is on its way.

        Raises:
            Exception: what `send` raised, of these or earlier ones.
        """
        for entry, size in zip(entries, sizes, strict=True):
            full = len(self._entries) == self._entries_max
            if full or (self._entries and self._size_bytes + size > self._size_bytes_max):
                await self._start()
            self._entries.append(entry)
            self._size_bytes += size
        self._raise_failure()
        if self._entries and not self._tasks:
            await self._start()
        elif self._entries and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._linger_seconds, self._on_time)

    async def drain(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            Exception: what `send` raised.
        """
        if self._entries:
            await self._start()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._raise_failure()

    async def close(self) -> None:
        """Give up what is not acknowledged."""
        self._stop_timer()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._entries, self._size_bytes = [], 0

    async def _start(self) -> None:
        """Send what waits, once there is room on the way."""
        while len(self._tasks) >= self._in_flight_max:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        self._raise_failure()
        self._leave()

    def _leave(self) -> None:
        self._stop_timer()
        if not self._entries:
            return
        task = asyncio.create_task(self._sent(self._entries))
        self._entries, self._size_bytes = [], 0
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    async def _sent(self, entries: Sequence[Any]) -> None:
        await self._send(entries)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and self._failure is None:
            self._failure = task.exception()
        if self._entries and not self._tasks and self._failure is None and not task.cancelled():
            self._leave()

    def _on_time(self) -> None:
        self._timer = None
        if len(self._tasks) < self._in_flight_max and self._failure is None:
            self._leave()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
