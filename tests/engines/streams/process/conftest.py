"""The real engine over a data folder that holds a secret, and small programs for it."""

import asyncio
import sys
import uuid
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))
from stream_programs import FUNCTIONS, sql

from millpond.engines.streams.embedded import EmbeddedStreams
from millpond.engines.streams.interface import Access, Order, Program, Restore
from millpond.engines.streams.options import Options
from millpond.kernel import processes

NOWHERE = Access("http://127.0.0.1:9", "eu-central-1", "AKIATEST", "the-secret-key", "the-token")
OPTIONS = Options(hang_seconds=2.0, start_seconds=30.0, check_seconds=3.0, stop_seconds=10.0)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "root-credentials").write_text("the root's secret")
    return folder


@pytest_asyncio.fixture
async def streams(data):
    marker = f"test-{uuid.uuid4().hex}"
    streams = EmbeddedStreams.open(data, marker, OPTIONS)
    yield streams
    await streams.close()
    async with asyncio.timeout(5):
        # A launcher ends a moment after what it started.
        while processes._marked(f"{processes.MARKER_NAME}={marker}".encode()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def folder(data):
    """A program's folder with `functions.py`."""
    folder = data / "program"
    folder.mkdir()
    (folder / "functions.py").write_text(FUNCTIONS)
    return folder


@pytest.fixture
def order(data, folder):
    """Makes orders: `order("fine", rate=10)`; further names are those of `Order`."""

    def make(function=None, *, restore=Restore.LATEST, name="app", program=None, **more):
        of_order = {
            key: more.pop(key)
            for key in ("memory_bytes", "checkpoint_seconds", "log_level", "parallelism")
            if key in more
        }
        return Order(
            name=name,
            program=program or Program("flink", sql(function, **more), folder),
            folder=data / "applications" / name,
            access=NOWHERE,
            restore=restore,
            **of_order,
        )

    return make


class Heard:
    """What a run tells, as it comes."""

    def __init__(self, run):
        self.events = []
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(run))

    async def _read(self, run):
        async for event in run.events():
            self.events.append(event)
            self._news.set()

    async def until(self, is_there, seconds=20):
        async with asyncio.timeout(seconds):
            while True:
                for event in self.events:
                    if is_there(event):
                        return event
                self._news.clear()
                await self._news.wait()

    async def all(self):
        await self._reading
        return self.events

    @property
    def texts(self):
        return [event.text for event in self.events if hasattr(event, "text")]


@pytest.fixture
def hear():
    return Heard
