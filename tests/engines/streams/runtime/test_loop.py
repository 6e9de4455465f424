"""The loop of a run with scripted sources and sinks."""

import asyncio
import errno

import pyarrow as pa
import pytest
from scripted_runs import (
    COLUMNS,
    SOURCE,
    CommittingSink,
    ScriptedSource,
    Shelf,
    rows_of,
    sink_of,
    until,
)

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Arrival, SinkFailed, SourceFailed
from millpond.engines.streams.interface import (
    CannotStart,
    Checkpointed,
    Finished,
    Logged,
    Measured,
    Restore,
    SnapshotFailed,
)
from millpond.engines.streams.operators.interface import AFTER_ALL_MS, Step
from millpond.engines.streams.runtime import pipeline as pipelines
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.loop import Loop, Settings
from millpond.engines.streams.types import BIGINT, STRING, Column, schema_of
from millpond.kernel.files import Disk

DOUBLED = plans.Project((Column("twice", BIGINT),), SOURCE, ('"value" * 2',))
OUT = sink_of(DOUBLED)
PLAN = plans.Plan((OUT,))


def loop_of(folder, source, sink, plan=PLAN, told=None, **settings):
    return Loop(
        plan,
        DuckCompute(),
        Settings(folder=folder, **settings),
        (told if told is not None else []).append,
        sources={SOURCE.id: source},
        sinks={plan.sinks[0].id: sink},
    )


def batches(count, start=0):
    return [[("k", number, number)] for number in range(start, start + count)]


async def test_a_bounded_source_comes_to_its_end_and_everything_is_committed(tmp_path):
    shelf = Shelf()
    told = []
    loop = loop_of(tmp_path, ScriptedSource({"a": batches(3)}), CommittingSink(shelf), told=told)
    await loop.open()
    assert await loop.run() == Finished()
    assert [row["twice"] for row in shelf.rows()] == [0, 2, 4]
    assert [type(event) for event in told] == [Checkpointed, Measured]


async def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path):
    shelf = Shelf()
    for count in (3, 5):
        source = ScriptedSource({"a": batches(count)}, ends=False)
        loop = loop_of(tmp_path, source, CommittingSink(shelf))
        await loop.open()
        run = asyncio.create_task(loop.run())
        await until(lambda: len(shelf.seen) >= count)  # noqa: B023
        loop.stop(drain=True)
        assert await run == Finished(stopped=True)
    assert [row["twice"] for row in shelf.rows()] == [0, 2, 4, 6, 8]


async def test_a_run_that_is_stopped_at_once_begins_again_at_its_last_checkpoint(tmp_path):
    shelf = Shelf()
    source = ScriptedSource({"a": batches(3)}, ends=False)
    loop = loop_of(tmp_path, source, CommittingSink(shelf))
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: len(shelf.seen) >= 3)
    loop.stop(drain=False)
    assert await run == Finished(stopped=True)
    assert shelf.rows() == []
    loop = loop_of(tmp_path, ScriptedSource({"a": batches(3)}), CommittingSink(shelf))
    await loop.open()
    await loop.run()
    assert [row["twice"] for row in shelf.rows()] == [0, 2, 4]


async def test_checkpoints_come_by_time_while_steps_go_on(tmp_path):
    shelf = Shelf()
    told = []
    source = ScriptedSource({"a": batches(2)}, ends=False)
    loop = loop_of(
        tmp_path,
        source,
        CommittingSink(shelf),
        told=told,
        checkpoint_seconds=0.01,
        checkpoint_pause_seconds=0.01,
    )
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: len(shelf.rows()) >= 2 and len(told) >= 5)
    loop.stop(drain=False)
    await run
    numbers = [event.number for event in told if isinstance(event, Checkpointed)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(list((tmp_path / "state" / "checkpoints").iterdir())) == 2


async def test_a_snapshot_is_kept_by_name_and_begun_with(tmp_path):
    shelf = Shelf()
    loop = loop_of(tmp_path, ScriptedSource({"a": batches(2)}, ends=False), CommittingSink(shelf))
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: len(shelf.seen) >= 2)
    snapshot = await loop.snapshot("before")
    assert snapshot.name == "before"
    with pytest.raises(SnapshotFailed, match="already"):
        await loop.snapshot("before")
    loop.stop(drain=True)
    await run
    with pytest.raises(SnapshotFailed, match="ended"):
        await loop.snapshot("after")
    for restore, twice in (("before", [4]), (Restore.LATEST, []), (Restore.NOTHING, [0, 2, 4])):
        again = Shelf()
        source = ScriptedSource({"a": batches(3)})
        loop = loop_of(tmp_path, source, CommittingSink(again), restore=restore)
        await loop.open()
        await loop.run()
        assert [row["twice"] for row in again.seen] == twice
    loop = loop_of(tmp_path, source, CommittingSink(again), restore="unknown")
    with pytest.raises(CannotStart, match="no snapshot unknown"):
        await loop.open()


class Failing(ScriptedSource):
    async def run(self, positions, emit):
        raise SourceFailed("Stream gone does not exist.")


async def test_a_source_that_cannot_go_on_ends_the_run_with_its_reason(tmp_path):
    loop = loop_of(tmp_path, Failing({}), CommittingSink(Shelf()))
    await loop.open()
    assert await loop.run() == Finished(failure="Stream gone does not exist.")


@pytest.mark.parametrize("place", ["sink.write", "sink.prepare", "sink.commit"])
async def test_a_sink_that_cannot_go_on_ends_the_run_with_its_reason(tmp_path, place):
    def guard(here):
        if here == place:
            raise SinkFailed(f"{place}: access denied")

    loop = loop_of(tmp_path, ScriptedSource({"a": batches(3)}), CommittingSink(Shelf(), guard))
    await loop.open()
    finished = await asyncio.wait_for(loop.run(), 10)
    assert finished == Finished(failure=f"{place}: access denied")


async def test_a_sink_or_source_that_cannot_be_opened_is_told_at_the_start(tmp_path):
    def guard(here):
        raise SinkFailed("no such bucket")

    loop = loop_of(tmp_path, ScriptedSource({}), CommittingSink(Shelf(), guard))
    with pytest.raises(CannotStart, match="no such bucket"):
        await loop.open()


class Raising:
    def run(self, sql, **tables):
        raise ValueError("a function is broken")


async def test_an_operator_that_raises_ends_the_run_with_its_traceback(tmp_path):
    loop = Loop(
        PLAN,
        Raising(),
        Settings(folder=tmp_path),
        [].append,
        sources={SOURCE.id: ScriptedSource({"a": batches(3)})},
        sinks={OUT.id: CommittingSink(Shelf())},
    )
    await loop.open()
    finished = await loop.run()
    assert "ValueError: a function is broken" in finished.failure
    assert "Traceback" in finished.failure


async def test_rows_that_fail_are_told_and_the_others_go_on(tmp_path):
    node = plans.Project((Column("n", BIGINT),), SOURCE, ('CAST("key" AS BIGINT)',))
    plan = plans.Plan((sink_of(node),))
    shelf = Shelf()
    told = []
    source = ScriptedSource({"a": [[("1", 0, 0), ("x", 1, 1), ("3", 2, 2)]]})
    loop = loop_of(tmp_path, source, CommittingSink(shelf), plan, told)
    await loop.open()
    assert await loop.run() == Finished()
    assert [row["n"] for row in shelf.rows()] == [1, 3]
    (line,) = [event.text for event in told if isinstance(event, Logged)]
    assert "Could not convert" in line
    assert '"key": "x"' in line


class Slow(CommittingSink):
    def __init__(self, shelf):
        super().__init__(shelf)
        self.may = asyncio.Event()

    async def write(self, rows):
        await self.may.wait()
        await super().write(rows)


class Pushing(ScriptedSource):
    """Pushes large arrivals and counts them."""

    def __init__(self, count):
        super().__init__({})
        self.count = count
        self.pushed = 0

    async def run(self, positions, emit):
        rows = pa.concat_tables([rows_of(("k", 1, 1))] * 20_000).combine_chunks()
        for number in range(self.count):
            await emit(Arrival("a", rows, number))
            self.pushed += 1


async def test_a_slow_sink_holds_its_source_up(tmp_path):
    shelf = Shelf()
    sink = Slow(shelf)
    source = Pushing(40)
    loop = loop_of(tmp_path, source, sink)
    await loop.open()
    run = asyncio.create_task(loop.run())
    before = -1
    while before != source.pushed or not source.pushed:
        before = source.pushed
        await asyncio.sleep(0.3)
    assert source.pushed < 25
    sink.may.set()
    assert await run == Finished()
    assert source.pushed == 40
    assert len(shelf.rows()) == 800_000


async def test_a_source_that_came_to_its_end_is_not_read_again(tmp_path):
    shelf = Shelf()
    for _ in range(2):
        source = ScriptedSource({"a": batches(3)})
        if shelf.seen:
            source.run = pytest.fail
        loop = loop_of(tmp_path, source, CommittingSink(shelf))
        await loop.open()
        assert await loop.run() == Finished()
    assert [row["twice"] for row in shelf.rows()] == [0, 2, 4]


class FullDisk(Disk):
    """Takes nothing while it is full."""

    def __init__(self):
        self.is_full = False

    def create(self, path):
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().create(path)


async def test_a_checkpoint_that_fails_is_told_and_the_run_goes_on(tmp_path):
    shelf, told, files = Shelf(), [], FullDisk()
    files.is_full = True
    source = ScriptedSource({"a": batches(3)}, ends=False)
    loop = loop_of(
        tmp_path,
        source,
        CommittingSink(shelf),
        told=told,
        files=files,
        checkpoint_seconds=0.01,
        checkpoint_pause_seconds=0.01,
    )
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: len(shelf.seen) >= 3 and len(told) >= 3)
    with pytest.raises(SnapshotFailed, match="No space left"):
        await loop.snapshot("now")
    assert all("No space left" in event.failure for event in told)
    assert shelf.rows() == []
    files.is_full = False
    await until(lambda: len(shelf.rows()) == 3)
    loop.stop(drain=True)
    assert await run == Finished(stopped=True)
    assert [row["twice"] for row in shelf.rows()] == [0, 2, 4]


class Changing:
    """A reference table that is another one each time, and sometimes cannot be read."""

    def __init__(self):
        self.count = 0

    async def load(self):
        self.count += 1
        if self.count == 2:
            raise SourceFailed("gone for a moment")
        return pa.table({"name": [f"name {self.count}"]})


async def test_a_reference_table_is_read_again_beside_the_steps_and_kept_where_it_cannot(
    tmp_path, monkeypatch
):
    table = plans.Table("names", (Column("name", STRING),))
    node = plans.LookupJoin(
        (*COLUMNS, Column("name", STRING)), SOURCE, table, ("key",), ("name",), ("name",),
        refresh_ms=5,
    )  # fmt: skip
    plan = plans.Plan((sink_of(node),))
    seen = []

    class Looking:
        def __init__(self, node, tools):
            self.lookup = tools.lookup
            self.empty = schema_of(node.columns).empty_table()

        def step(self, inputs, now_ms):
            seen.append(self.lookup())
            return Step(self.empty, inputs[0].watermark_ms)

        def due_ms(self):
            return 0

    monkeypatch.setattr(pipelines, "make_operator", Looking)
    told = []
    loop = Loop(
        plan,
        DuckCompute(),
        Settings(folder=tmp_path),
        told.append,
        sources={SOURCE.id: ScriptedSource({"a": batches(1)}, ends=False)},
        sinks={plan.sinks[0].id: CommittingSink(Shelf())},
        lookups={node.id: Changing()},
    )
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: seen and seen[-1].to_pydict() != {"name": ["name 1"]})
    loop.stop(drain=False)
    await run
    assert seen[0].to_pydict() == {"name": ["name 1"]}
    assert "names stays as it is: gone for a moment" in [
        event.text for event in told if isinstance(event, Logged)
    ]


class Marks:
    """An operator that remembers the watermark it saw."""

    def __init__(self, node, tools):
        self.small = tools.state.small
        self.state = tools.state
        self.empty = schema_of(node.columns).empty_table()

    def step(self, inputs, now_ms):
        self.state.small["mark"] = inputs[0].watermark_ms
        return Step(self.empty, inputs[0].watermark_ms)

    def due_ms(self):
        return None


async def test_after_a_drain_event_time_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(pipelines, "make_operator", Marks)
    for count in (3, 5):
        source = ScriptedSource({"a": batches(count)}, ends=False)
        loop = loop_of(tmp_path, source, CommittingSink(Shelf()))
        await loop.open()
        run = asyncio.create_task(loop.run())
        await until(lambda: loop._pipeline.watermark_ms == (count - 1) * 1000)  # noqa: B023
        operator = loop._pipeline._running[0].operator
        await until(lambda: operator.state.small["mark"] == (count - 1) * 1000)  # noqa: B023
        loop.stop(drain=True)
        await run
        assert operator.state.small["mark"] == AFTER_ALL_MS


async def test_a_snapshot_of_a_drained_run_is_the_checkpoint_that_it_ends_with(tmp_path):
    shelf = Shelf()
    for count, restore in ((3, Restore.NOTHING), (5, "drained-3")):
        source = ScriptedSource({"a": batches(count)}, ends=False)
        loop = loop_of(
            tmp_path, source, CommittingSink(shelf), restore=restore, origin=str(restore)
        )
        await loop.open()
        run = asyncio.create_task(loop.run())
        await until(lambda: loop._pipeline.watermark_ms == (count - 1) * 1000)  # noqa: B023
        taken = await loop.snapshot(f"drained-{count}", drain=True)
        assert taken.name == f"drained-{count}"
        assert (await run).failure == ""
        assert [row["twice"] for row in shelf.rows()] == [2 * n for n in range(count)]


async def test_what_is_measured_is_told_once_a_second_and_at_the_end(tmp_path):
    told = []
    source = ScriptedSource({"a": batches(3)}, ends=False)
    loop = loop_of(tmp_path, source, CommittingSink(Shelf()), told=told)
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: told)
    loop.stop(drain=False)
    await run
    measured, last = told
    assert isinstance(last, Measured)
    assert isinstance(measured, Measured)
    assert (measured.records_in, measured.watermark_ms) == (3, 2_000)
    assert measured.memory_bytes > 1 << 20


async def test_nothing_is_read_or_written_after_a_last_snapshot(tmp_path):
    shelf = Shelf()
    source = ScriptedSource({"a": batches(400)}, ends=False, slow=True)
    loop = loop_of(tmp_path, source, CommittingSink(shelf), checkpoint_seconds=0.001)
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: len(shelf.seen) > 20)
    await loop.snapshot("last", last=True)
    written = list(shelf.rows())
    assert 20 < len(written) < 400
    await asyncio.sleep(0.1)
    assert list(shelf.rows()) == shelf.seen == written
    loop.stop(drain=False)
    assert await run == Finished(stopped=True)

    loop = loop_of(tmp_path, ScriptedSource({"a": batches(400)}), CommittingSink(shelf))
    await loop.open()
    assert await loop.run() == Finished()
    assert [row["twice"] for row in shelf.rows()] == [2 * number for number in range(400)]


async def test_a_last_snapshot_that_fails_lets_the_run_go_on(tmp_path, monkeypatch):
    shelf = Shelf()
    source = ScriptedSource({"a": batches(100)}, ends=False, slow=True)
    loop = loop_of(tmp_path, source, CommittingSink(shelf), checkpoint_seconds=0)
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: shelf.seen)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(loop._checkpoints, "write", full)
        with pytest.raises(SnapshotFailed, match="full"):
            await loop.snapshot("last", last=True)
    await until(lambda: len(shelf.seen) == 100)
    loop.stop(drain=True)
    assert await run == Finished(stopped=True)


@pytest.mark.parametrize("restore", [Restore.NOTHING, "before"])
async def test_what_to_begin_with_is_followed_once_for_an_origin(tmp_path, restore):
    shelf = Shelf()
    loop = loop_of(tmp_path, ScriptedSource({"a": batches(3)}, ends=False), CommittingSink(shelf))
    await loop.open()
    run = asyncio.create_task(loop.run())
    await until(lambda: len(shelf.seen) == 3)
    await loop.snapshot("before", last=True)
    loop.stop(drain=False)
    await run
    first = 0 if restore is Restore.NOTHING else 3
    for count, origin, begins in ((5, "one", first), (7, "one", 5), (7, "two", first)):
        shelf.seen.clear()
        source = ScriptedSource({"a": batches(count)}, ends=False)
        loop = loop_of(tmp_path, source, CommittingSink(shelf), restore=restore, origin=origin)
        await loop.open()
        run = asyncio.create_task(loop.run())
        await until(lambda: len(shelf.seen) == count - begins)  # noqa: B023
        assert [row["twice"] // 2 for row in shelf.seen] == list(range(begins, count))
        loop.stop(drain=True)
        await run


async def test_a_beginning_without_state_that_was_lost_at_once_is_made_again(tmp_path):
    for origin in ("old", "new", "new"):
        shelf = Shelf()
        loop = loop_of(
            tmp_path,
            ScriptedSource({"a": batches(3)}),
            CommittingSink(shelf),
            restore=Restore.NOTHING,
            origin=origin,
        )
        await loop.open()
        if origin == "old":
            await loop.run()
    assert await loop.run() == Finished()
    assert len(shelf.rows()) == 3
