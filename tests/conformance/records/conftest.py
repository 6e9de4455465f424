"""Every implementation of records, and every wrapper, opened the same way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.records.faulty import FaultyRecords
from millpond.engines.records.interface import Records
from millpond.kernel.faults import Faults


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


class Bench:
    """One store and one event loop for many examples; each example gets a prefix of its own."""

    def __init__(self, store: Embedded, runner: asyncio.Runner) -> None:
        self.store = store
        self._runner = runner
        self._examples = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def fresh_prefix(self) -> bytes:
        self._examples += 1
        return b"%08d/" % self._examples


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        store = IMPLEMENTATIONS[request.param](tmp_path_factory.mktemp("records"))
        yield Bench(store, runner)
        runner.run(store.close())
