"""Every implementation of records, and every wrapper, opened the same way."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.records.faulty import FaultyRecords
from millpond.engines.records.interface import Records
from millpond.kernel.faults import Faults
from tests.conformance.examples import Bench, bench_of


class Embedded:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened = EmbeddedRecords.open(folder)

    @property
    def records(self) -> Records:
        return self._opened

    async def restart(self) -> None:
        await self._opened.close()
        self._opened = EmbeddedRecords.open(self._folder)

    async def close(self) -> None:
        await self._opened.close()


class Pausing(Embedded):
    """Behind the wrapper that fails, told to pause and never to fail."""

    @property
    def records(self) -> Records:
        return FaultyRecords(self._opened, Faults(seed=7))


IMPLEMENTATIONS: dict[str, Callable[[Path], Embedded]] = {
    "embedded": Embedded,
    "embedded-pausing": Pausing,
}


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedded]:
    opened = IMPLEMENTATIONS[request.param](tmp_path / "records")
    yield opened
    await opened.close()


@pytest.fixture
def records(store: Embedded) -> Records:
    return store.records


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("records")
    with bench_of(lambda: IMPLEMENTATIONS[request.param](folder)) as bench:
        yield bench
