"""Every implementation of objects, and every wrapper, opened the same way."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.objects.faulty import FaultyObjects
from millpond.kernel.clock import ManualClock
from millpond.kernel.faults import Faults
from millpond.kernel.ids import SystemIds
from tests.conformance.examples import Bench, bench_of

GRACE_SECONDS = 900.0
INLINE_SIZE_BYTES_MAX = 1_000


class Embedded:
    """`objects` may be discarded and listed on `clock`, which `pass_time` moves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.clock = AwaitedClock()
        self._opened = self._open()

    def _open(self) -> EmbeddedObjects:
        return EmbeddedObjects.open(
            self._folder,
            self.clock,
            SystemIds(),
            inline_size_bytes_max=INLINE_SIZE_BYTES_MAX,
            grace_seconds=GRACE_SECONDS,
        )

    @property
    def objects(self) -> Any:
        return self._opened

    async def restart(self) -> None:
        await self._opened.close()
        self._opened = self._open()

    async def close(self) -> None:
        await self._opened.close()

    async def pass_time(self, seconds: float) -> None:
        """Move the clock in small steps, and go on when who waits for it has done its work and
        waits again, or when nobody does."""
        for _ in range(20):
            self.clock.advance(seconds / 20)
            if not await self.clock.is_awaited(give_up_seconds=0.3):
                return


class AwaitedClock(ManualClock):
    """Tells whether somebody sleeps on it."""

    async def is_awaited(self, give_up_seconds: float) -> bool:
        deadline = time.monotonic() + give_up_seconds
        while not self._sleepers:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.001)
        return True


class Pausing(Embedded):
    """Behind the wrapper that fails, told to pause and never to fail."""

    @property
    def objects(self) -> Any:
        return FaultyObjects(self._opened, Faults(seed=7))


IMPLEMENTATIONS: dict[str, Callable[[Path], Embedded]] = {
    "embedded": Embedded,
    "embedded-pausing": Pausing,
}


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedded]:
    opened = IMPLEMENTATIONS[request.param](tmp_path / "objects")
    yield opened
    await opened.close()


@pytest.fixture
def objects(store: Embedded) -> Any:
    return store.objects


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("objects")
    with bench_of(lambda: IMPLEMENTATIONS[request.param](folder)) as bench:
        yield bench
