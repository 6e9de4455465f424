"""A sink at work beside the steps: rows and checkpoints reach it in their order."""

import asyncio
from collections import deque
from typing import Any

import pyarrow as pa

from millpond.engines.streams.connectors.interface import Sink

ROWS_MAX = 100_000
SIZE_BYTES_MAX = 64 << 20
WRITTEN_ROWS_MAX = 50_000

_Barrier = tuple[int, asyncio.Future[Any]]


class Writer:
    """Rows wait here while the sink is busy; `put` waits while they are too many."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._waiting: deque[pa.Table | _Barrier] = deque()
        self._rows = 0
        self._size_bytes = 0
        self._space = asyncio.Event()
        self._space.set()
        self._some = asyncio.Event()

    async def put(self, rows: pa.Table) -> None:
        """Hand rows to the sink."""
        await self._space.wait()
        self._waiting.append(rows)
        self._count(rows, 1)
        self._some.set()

    def prepare(self, checkpoint: int) -> asyncio.Future[Any]:
        """Have the sink prepare a checkpoint after all rows that were put; what it told."""
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((checkpoint, told))
        self._some.set()
        return told

    async def run(self) -> None:
        """Write until cancelled.

        Raises:
            SinkFailed: the sink cannot go on.
        """
        while True:
            await self._some.wait()
            item = self._waiting.popleft()
            if isinstance(item, tuple):
                checkpoint, told = item
                prepared = await self.sink.prepare(checkpoint)
                if not told.done():
                    told.set_result(prepared)
            else:
                rows = self._gathered(item)
                await self.sink.write(rows)
                self._count(rows, -1)
            if not self._waiting:
                self._some.clear()

    def _gathered(self, first: pa.Table) -> pa.Table:
        parts = [first]
        count = first.num_rows
        while self._waiting and count < WRITTEN_ROWS_MAX:
            item = self._waiting[0]
            if isinstance(item, tuple):
                break
            parts.append(item)
            count += item.num_rows
            self._waiting.popleft()
        return pa.concat_tables(parts) if len(parts) > 1 else first

    def _count(self, rows: pa.Table, sign: int) -> None:
        self._rows += sign * rows.num_rows
        self._size_bytes += sign * rows.nbytes
        if self._rows >= ROWS_MAX or self._size_bytes >= SIZE_BYTES_MAX:
            self._space.clear()
        else:
            self._space.set()
