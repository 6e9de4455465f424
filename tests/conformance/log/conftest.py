"""Every implementation of logs, and every wrapper, opened the same way."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.log.faulty import FaultyLog
from millpond.engines.log.interface import Log
from millpond.kernel.clock import ManualClock
from millpond.kernel.faults import Faults
from tests.conformance.examples import Bench, bench_of


class Embedded:
    """`clock` gives the times of appends. `settle` returns when nothing is done in the background.

    `trims` says that `trim` takes what is old away once the store has settled.
    """

    trims = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.clock = ManualClock()
        self._opened = self._open()

    def _open(self) -> EmbeddedLog:
        return EmbeddedLog.open(self._folder, self.clock)

    @property
    def log(self) -> Log:
        return self._opened

    async def restart(self) -> None:
        await self._opened.close()
        self._opened = self._open()

    async def settle(self) -> None:
        await self._opened.wait_for_housekeeping()

    async def close(self) -> None:
        await self._opened.close()


class Small(Embedded):
    """Everything moves into segments, and these into others, all the time; nothing is cached.

    What is gathered lies in one chunk, which stays until the newest of it is old.
    """

    trims = False

    def _open(self) -> EmbeddedLog:
        return EmbeddedLog.open(
            self._folder,
            self.clock,
            journal_size_bytes_max=2_000,
            journals_max=2,
            own_segment_size_bytes_min=3_000,
            segments_gathered=3,
            cache_size_bytes_max=0,
        )


class Pausing(Embedded):
    """Behind the wrapper that fails, told to pause and never to fail."""

    @property
    def log(self) -> Log:
        return FaultyLog(self._opened, Faults(seed=7))


IMPLEMENTATIONS: dict[str, Callable[[Path], Embedded]] = {
    "embedded": Embedded,
    "embedded-small": Small,
    "embedded-pausing": Pausing,
}


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedded]:
    opened = IMPLEMENTATIONS[request.param](tmp_path / "log")
    yield opened
    await opened.close()


@pytest.fixture
def log(store: Embedded) -> Log:
    return store.log


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("logs") / "log"
    with bench_of(lambda: IMPLEMENTATIONS[request.param](folder)) as bench:
        yield bench
