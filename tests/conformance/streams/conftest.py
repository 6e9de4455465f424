"""Every implementation of Streams, and every wrapper, opened the same way."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from millpond.engines.streams.embedded import EmbeddedStreams
from millpond.engines.streams.faulty import FaultyStreams
from millpond.engines.streams.interface import (
    Access,
    Event,
    Logged,
    Measured,
    Order,
    Program,
    Run,
    Streams,
)
from millpond.kernel.faults import Faults

IMPLEMENTATIONS: dict[str, Callable[[EmbeddedStreams], Streams]] = {
    "embedded": lambda streams: streams,
    "embedded-pausing": lambda streams: FaultyStreams(streams, Faults(seed=7)),
}
NOWHERE = Access("http://127.0.0.1:9", "eu-central-1", "AKIATEST", "the-secret-key", "the-token")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=IMPLEMENTATIONS)
async def streams(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Streams]:
    data = tmp_path_factory.mktemp("data")
    opened = EmbeddedStreams.open(data, f"test-{uuid.uuid4().hex}")
    yield IMPLEMENTATIONS[request.param](opened)
    await opened.close()


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Order]:
    """Makes orders of one application: `order(sql)`; further names are those of `Order`."""

    def make(sql: str, **more: object) -> Order:
        program = Program("flink", sql)
        return Order(name="app", program=program, folder=tmp_path / "app", access=NOWHERE, **more)

    return make


class Heard:
    """What a run tells, as it comes."""

    def __init__(self, run: Run) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(run))

    async def _read(self, run: Run) -> None:
        async for event in run.events():
            self.events.append(event)
            self._news.set()

    @property
    def numbers(self) -> list[int]:
        """Rows of one number that it printed."""
        told = [event.text for event in self.events if isinstance(event, Logged)]
        return [int(text[3:-1]) for text in told if text.startswith(("+I[", "+U["))]

    async def until(self, number: int) -> None:
        """It has printed a number that is no less."""
        await self._until(lambda: max(self.numbers, default=0) >= number)

    async def until_read(self, count: int) -> None:
        """It has measured that it read as many rows."""
        await self._until(
            lambda: any(
                isinstance(event, Measured) and event.records_in >= count for event in self.events
            )
        )

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def end(self) -> list[int]:
        await self._reading
        return self.numbers


@pytest.fixture
def hear() -> type[Heard]:
    return Heard
