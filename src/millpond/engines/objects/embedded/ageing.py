"""The grace period: which blobs are too young to be orphans, and which are discarded but not gone.

Time is counted in ticks of a quarter of the period, slept and not read from the wall: a laptop
that wakes after a night, or a clock that is put right, ends no grace period early.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable

from millpond.kernel.clock import Clock

TICKS_PER_GRACE = 4


class Ageing:
    """Used on the event loop alone. `remove` is given what was discarded a grace period ago."""

    def __init__(
        self,
        clock: Clock,
        grace_seconds: float,
        remove: Callable[[Collection[str]], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._tick_seconds = grace_seconds / TICKS_PER_GRACE
        self._remove = remove
        self._young: deque[set[str]] = deque([set()])
        self._discarded: deque[set[str]] = deque([set()])
        self._ticking: asyncio.Task[None] | None = None

    def add_young(self, blob_id: str) -> None:
        """`blob_id` is whole from now on; its record may take a moment."""
        self._young[0].add(blob_id)
        self._start()

    def add_discarded(self, blob_ids: Iterable[str]) -> None:
        """Remove `blob_ids` after the grace period."""
        self._discarded[0].update(blob_ids)
        self._start()

    def holds(self, blob_id: str) -> bool:
        """Whether `blob_id` is young, or discarded and waiting."""
        return any(blob_id in ids for ids in (*self._young, *self._discarded))

    def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()

    def _start(self) -> None:
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.get_running_loop().create_task(self._tick())

    async def _tick(self) -> None:
        while any(self._young) or any(self._discarded):
            await self._clock.sleep(self._tick_seconds)
            _turn(self._young)
            gone = _turn(self._discarded)
            if gone:
                await self._remove(gone)


def _turn(generations: deque[set[str]]) -> set[str]:
    """Begin a new generation; the one that is now older than the grace period comes out."""
    generations.appendleft(set())
    return generations.pop() if len(generations) > TICKS_PER_GRACE + 1 else set()
