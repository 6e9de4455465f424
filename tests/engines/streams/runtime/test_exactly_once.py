"""A run that is killed at every place in turn, and begun again, until it comes to its end: what
each place leaves is one result for each window in a sink that commits, and at least one in others.

The world outside dies with the run: from the moment of death no call of a source, a sink or the
disk does anything.
"""

import asyncio
import errno
import itertools
import random
from datetime import UTC

import pytest
from scripted_runs import SOURCE, CommittingSink, ScriptedSource, Shelf, sink_of

from millpond.engines.streams import plan as plans
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.loop import Loop, Settings
from millpond.engines.streams.types import BIGINT, STRING, TIMESTAMP, Column
from millpond.kernel.files import Disk

WINDOW_MS = 10_000
NODE = plans.AggregateWindow(
    (
        Column("key", STRING),
        Column("total", BIGINT),
        Column("window_start", TIMESTAMP),
        Column("window_end", TIMESTAMP),
        Column("window_time", TIMESTAMP),
    ),
    SOURCE,
    plans.Window("tumble", "ts", WINDOW_MS),
    ("key",),
    (plans.Aggregate("total", "SUM", ("value",), BIGINT),),
)
OUT, ALSO = sink_of(NODE), sink_of(NODE, "also")
PLAN = plans.Plan((OUT, ALSO))


class Death:
    """Dies at the place of this number, of all that are passed."""

    def __init__(self, at):
        self.at = at
        self.passed = 0
        self.place = None

    def __call__(self, place):
        if self.place is None and self.passed == self.at:
            self.place = place
        self.passed += 1
        if self.place is not None:
            raise OSError(errno.EIO, f"Dead at {self.place}")


class MortalDisk(Disk):
    """The machine's disk for one that dies."""

    def __init__(self, death):
        self._death = death

    def create(self, path):
        self._death(f"create {path.suffix}")
        return super().create(path)

    def write(self, descriptor, data, offset):
        self._death("write")
        return super().write(descriptor, data, offset)

    def sync(self, descriptor):
        self._death("sync")
        super().sync(descriptor)

    def rename(self, path, to):
        self._death("rename")
        super().rename(path, to)
        self._death("renamed")

    def unlink(self, path):
        self._death("unlink")
        super().unlink(path)


def story(seed):
    """Batches of two splits, in order of time by split, and what comes of them."""
    chance = random.Random(seed)
    splits = {}
    totals = {}
    for split in ("a", "b"):
        seconds = 0.0
        batches = []
        for _ in range(6):
            batch = []
            for _ in range(chance.randint(0, 4)):
                seconds += chance.random() * 4
                key, value = chance.choice("xyz"), chance.randint(1, 9)
                batch.append((key, value, seconds))
                window = (key, int(seconds * 1000) // WINDOW_MS)
                totals[window] = totals.get(window, 0) + value
            batches.append(batch)
        splits[split] = batches
    return splits, totals


async def live(folder, splits, shelf, other, death, memory_bytes=1 << 20):
    """One run, until its end or its death."""
    loop = Loop(
        PLAN,
        DuckCompute(),
        Settings(
            folder=folder,
            state_memory_bytes=memory_bytes,
            checkpoint_seconds=0.000_1,
            checkpoint_pause_seconds=0.0,
            files=MortalDisk(death),
        ),
        lambda event: None,
        sources={SOURCE.id: ScriptedSource(splits, guard=death, slow=True)},
        sinks={OUT.id: CommittingSink(shelf, death), ALSO.id: Sending(other, death)},
    )
    try:
        await loop.open()
    except Exception:  # what dies, dies in any way
        return "dead"
    return (await asyncio.wait_for(loop.run(), 20)).failure


class Sending(CommittingSink):
    """A sink that cannot commit: what is written is out."""

    async def prepare(self, checkpoint):
        self.guard("other.prepare")

    async def open(self, committed):
        self.guard("other.open")

    async def commit(self, checkpoint, prepared):
        self.guard("other.commit")


def results(rows):
    return sorted(
        (
            row["key"],
            row["window_start"].replace(tzinfo=UTC).timestamp() * 1000 // WINDOW_MS,
            row["total"],
        )
        for row in rows
    )


@pytest.mark.parametrize(
    ("memory_bytes", "first"), [(1 << 20, 0), (0, 1)], ids=["in memory", "on disk"]
)
async def test_each_window_comes_once_wherever_the_run_is_killed(tmp_path, memory_bytes, first):
    splits, totals = story(7)
    expected = sorted((*window, total) for window, total in totals.items())
    places = set()
    for number in itertools.count(first, 3):
        shelf, other = Shelf(), Shelf()
        folder = tmp_path / str(number)
        folder.mkdir()
        death = Death(number)
        await live(folder, splits, shelf, other, death, memory_bytes)
        if death.place is None:
            break
        places.add(death.place)
        second = Death(number // 2)
        await live(folder, splits, shelf, other, second, memory_bytes)
        assert await live(folder, splits, shelf, other, Death(None), memory_bytes) == ""
        assert results(shelf.rows()) == expected, death.place
        assert set(results(other.seen)) == set(expected), death.place
    assert len(places) >= 7


@pytest.mark.parametrize("seed", range(5))
async def test_each_window_comes_once_after_many_deaths(tmp_path, seed):
    splits, totals = story(seed)
    chance = random.Random(seed)
    shelf, other = Shelf(), Shelf()
    for _ in range(12):
        death = Death(chance.randint(5, 120))
        await live(tmp_path, splits, shelf, other, death, chance.choice([0, 1 << 20]))
    assert await live(tmp_path, splits, shelf, other, Death(None)) == ""
    expected = sorted((*window, total) for window, total in totals.items())
    assert results(shelf.rows()) == expected
    assert set(results(other.seen)) == set(expected)
