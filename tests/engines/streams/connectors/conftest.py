"""A world for connectors, and what gathers what a source emits."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from millpond.engines.streams.connectors.interface import Arrival, Credentials, Source, World
from millpond.engines.streams.interface import Access

PATIENCE_SECONDS = 30


@dataclass
class Gathered:
    """What a source emitted, and waits on it."""

    arrivals: list[Arrival] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def emit(self, arrival: Arrival) -> None:
        await self.gate.wait()
        self.arrivals.append(arrival)
        self.changed.set()

    task: Any = None

    @property
    def rows(self) -> pa.Table:
        if not self.arrivals:
            return pa.table({})
        return pa.concat_tables([arrival.rows for arrival in self.arrivals])

    @property
    def positions(self) -> dict[str, Any]:
        """What a checkpoint would hold now."""
        found: dict[str, Any] = {}
        for arrival in self.arrivals:
            found[arrival.split] = arrival.position
            if arrival.ended:
                del found[arrival.split]
        return found

    async def until(self, holds: Callable[["Gathered"], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds(self):
                if self.task is not None and self.task.done() and self.task.exception():
                    raise self.task.exception()
                self.changed.clear()
                await self.changed.wait()


class Reading:
    """A source that runs while the block does."""

    def __init__(self, source: Source, positions: Mapping[str, Any] | None = None) -> None:
        self._source = source
        self._positions = positions or {}
        self.gathered = Gathered()

    async def __aenter__(self) -> Gathered:
        self.gathered.gate.set()
        await self._source.open()
        self._task = asyncio.create_task(self._source.run(self._positions, self.gathered.emit))
        self._task.add_done_callback(lambda task: self.gathered.changed.set())
        self.gathered.task = self._task
        return self.gathered

    async def __aexit__(self, *failure: object) -> None:
        self._task.cancel()
        results = await asyncio.gather(self._task, return_exceptions=True)
        if failure[0] is not None and isinstance(results[0], Exception):
            raise results[0]


@pytest.fixture
def read() -> type[Reading]:
    return Reading


@pytest.fixture
def world(tmp_path: Path, server: Any) -> World:
    return world_at(tmp_path, server)


def world_at(folder: Path, server: Any, **more: Any) -> World:
    access = Access(
        endpoint=server.endpoint,
        region=server.region,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
    )
    told: list[tuple[str, str]] = []
    made = World(
        application="test",
        credentials=Credentials(access),
        folder=folder,
        settings=more.pop("settings", {}),
        tell=lambda level, text: told.append((level, text)),
        **more,
    )
    TOLD[id(made.credentials)] = told
    return made


TOLD: dict[int, list[tuple[str, str]]] = {}


@pytest.fixture
def told(world: World) -> list[tuple[str, str]]:
    return TOLD[id(world.credentials)]


@pytest.fixture
def make_world(tmp_path: Path) -> Callable[..., World]:
    return lambda server, **more: world_at(tmp_path, server, **more)
