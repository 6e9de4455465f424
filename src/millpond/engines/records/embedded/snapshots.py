"""LMDB's read transactions: who reads which version, and making the map larger between them.

A snapshot ends twice. `close` gives its reader slot back, as soon as nobody reads it. `forget`
comes later, once the writer has judged what was read from it: until then the writer keeps the
history after it.

The map bounds how large the records may grow and costs address space alone. LMDB can enlarge it
only while nobody reads: new snapshots wait then, those in use get time to end, and one that
outlasts that is cut off (its next read answers Unavailable).
"""

import asyncio
import contextlib
from concurrent.futures import Future as ThreadFuture
from dataclasses import dataclass
from typing import Any

import lmdb

from millpond.engines.records.embedded.trouble import no_space, read_trouble
from millpond.kernel.errors import Full

GROW_WAIT_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class Snapshot:
    id: int
    reads: Any
    """The LMDB transaction."""


class Snapshots:
    """Used on the event loop alone."""

    def __init__(self, environment: lmdb.Environment, map_size_bytes: int) -> None:
        self._environment = environment
        self._map_size_bytes = map_size_bytes
        self._reading = 0
        self._in_use: dict[int, int] = {}
        self._growing: asyncio.Task[None] | None = None
        self._nobody_reads = asyncio.Event()

    async def take(self) -> Snapshot:
        """The newest version.

        Raises:
            Unavailable: too many are being read, or the records have closed.
        """
        while self._growing is not None:
            await asyncio.wait([self._growing])
        try:
            reads = self._environment.begin()
        except lmdb.Error as error:
            raise read_trouble(error) from error
        snapshot = Snapshot(reads.id(), reads)
        self._reading += 1
        self._in_use[snapshot.id] = self._in_use.get(snapshot.id, 0) + 1
        return snapshot

    def close(self, snapshot: Snapshot) -> None:
        """Nobody reads `snapshot` any more."""
        snapshot.reads.abort()
        self._reading -= 1
        if self._reading == 0:
            self._nobody_reads.set()

    def forget(self, snapshot: Snapshot) -> None:
        """Nobody asks any more what has changed since `snapshot`."""
        left = self._in_use[snapshot.id] - 1
        if left:
            self._in_use[snapshot.id] = left
        else:
            del self._in_use[snapshot.id]

    def oldest(self, newest: int) -> int:
        """The id of the oldest snapshot in use; `newest` when there is none.

        Ids only grow, so that the first one in the dict is the oldest.
        """
        return next(iter(self._in_use), newest)

    def grow(self, grown: ThreadFuture[None]) -> None:
        """Double the map; `grown` fails with Full when the system refuses."""
        self._growing = asyncio.get_running_loop().create_task(self._grow(grown))

    async def _grow(self, grown: ThreadFuture[None]) -> None:
        try:
            if self._reading:
                self._nobody_reads.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._nobody_reads.wait(), GROW_WAIT_SECONDS)
            self._environment.set_mapsize(self._map_size_bytes * 2)
            self._map_size_bytes *= 2
        except lmdb.Error as error:
            grown.set_exception(Full(no_space(error)))
        else:
            grown.set_result(None)
        finally:
            self._growing = None
