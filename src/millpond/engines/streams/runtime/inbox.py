"""What arrived and waits for a step. Sources wait while it is full."""

import asyncio
from collections import deque
from typing import NamedTuple

from millpond.engines.streams.connectors.interface import Arrival

ROWS_MAX = 100_000
SIZE_BYTES_MAX = 64 << 20
TAKEN_ROWS_MAX = 50_000
ENOUGH_ROWS = 8_192
"""With so many there is no use in waiting for more."""


class Taken(NamedTuple):
    """By the id of their source; `finished` sources have nothing more."""

    arrivals: dict[str, list[Arrival]]
    finished: set[str]


class Inbox:
    """`has_some` is set while there is something to take, `has_enough` while that is much."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Arrival | None, int]] = deque()
        self._rows = 0
        self._size_bytes = 0
        self._space = asyncio.Event()
        self._space.set()
        self.has_some = asyncio.Event()
        self.has_enough = asyncio.Event()

    async def put(self, source: str, arrival: Arrival) -> None:
        """Add an arrival; waits while there is enough to do."""
        while not self._space.is_set():
            await self._space.wait()
        size_bytes = max(arrival.size_bytes, arrival.rows.nbytes)
        self._waiting.append((source, arrival, size_bytes))
        self._rows += arrival.rows.num_rows
        self._size_bytes += size_bytes
        self._signal()

    def finish(self, source: str) -> None:
        """Nothing more comes from this source."""
        self._waiting.append((source, None, 0))
        self._signal()
        self.has_enough.set()

    def take(self) -> Taken:
        """What the next step does: the oldest, up to a bound of rows or one arrival."""
        taken = Taken({}, set())
        rows = 0
        while self._waiting and rows < TAKEN_ROWS_MAX:
            source, arrival, size_bytes = self._waiting.popleft()
            if arrival is None:
                taken.finished.add(source)
                continue
            taken.arrivals.setdefault(source, []).append(arrival)
            rows += arrival.rows.num_rows
            self._size_bytes -= size_bytes
        self._rows -= rows
        self._signal()
        return taken

    def _signal(self) -> None:
        is_full = self._rows >= ROWS_MAX or self._size_bytes >= SIZE_BYTES_MAX
        _set(self._space, not is_full)
        _set(self.has_some, bool(self._waiting))
        _set(self.has_enough, is_full or self._rows >= ENOUGH_ROWS)


def _set(event: asyncio.Event, value: bool) -> None:
    if value:
        event.set()
    else:
        event.clear()
