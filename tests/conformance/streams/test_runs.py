"""What every streams engine promises of programs and of their runs, however it runs them."""

import asyncio
import json

import pytest

from millpond.engines.streams.interface import (
    CannotStart,
    Checkpointed,
    Finished,
    Measured,
    Program,
    Refused,
    Restore,
    SnapshotFailed,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = 1_000_000


def numbers(*, rate=200, rows=None):
    """A table of the numbers from 1 on, and one to print."""
    bounded = f", 'number-of-rows' = '{rows}'" if rows else ""
    return f"""
        CREATE TABLE numbers (a BIGINT, ts AS TO_TIMESTAMP_LTZ(a, 3), WATERMARK FOR ts AS ts)
        WITH ('connector' = 'datagen', 'rows-per-second' = '{rate}',
            'fields.a.kind' = 'sequence', 'fields.a.start' = '1', 'fields.a.end' = '{ALL}'
            {bounded});
        CREATE TABLE printed (b BIGINT) WITH ('connector' = 'print');
    """


def passed_on(**more):
    return numbers(**more) + "INSERT INTO printed SELECT a FROM numbers;"


def counted(**more):
    over = "ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    return numbers(**more) + f"INSERT INTO printed SELECT COUNT(*) OVER ({over}) FROM numbers;"


def by_hour(**more):
    return numbers(**more) + (
        "INSERT INTO printed SELECT COUNT(*) FROM TABLE("
        "TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' HOUR)) "
        "GROUP BY window_start, window_end;"
    )


async def ended(run):
    return await asyncio.wait_for(run.wait(), 20)


async def test_it_says_what_runs(streams):
    installed = streams.installed()
    assert installed.engine
    assert installed.engine_version


async def test_a_check_tells_what_a_program_reads_and_writes(streams):
    checked = await streams.check(Program("flink", counted()))
    assert list(checked.sources) == ["numbers"]
    assert list(checked.sinks) == ["printed"]
    nodes = json.loads(checked.plan)["nodes"]
    known = {node["id"] for node in nodes}
    for node in nodes:
        assert {"type", "contents", "parallelism"} <= set(node)
        assert {each["id"] for each in node.get("predecessors", ())} <= known


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("SELEKT 1", 1, 1),
        (numbers() + "\nINSERT INTO printed SELECT nothing FROM numbers;", 8, 28),
        (numbers() + "\nINSERT INTO printed SELECT 'text' FROM nowhere;", 8, 40),
    ],
)
async def test_a_wrong_program_is_refused_at_its_place_and_does_not_start(
    streams, order, sql, line, column
):
    with pytest.raises(Refused) as checked:
        await streams.check(Program("flink", sql))
    with pytest.raises(Refused) as started:
        await streams.start(order(sql))
    for caught in (checked, started):
        assert (caught.value.line, caught.value.column) == (line, column)


async def test_a_program_comes_to_the_end_of_bounded_sources(streams, order, hear):
    run = await streams.start(order(passed_on(rows=50, rate=1000)))
    heard = hear(run)
    assert await ended(run) == Finished()
    assert sorted(await heard.end()) == list(range(1, 51))
    measured = [event for event in heard.events if isinstance(event, Measured)]
    assert measured[-1].records_in == measured[-1].records_out == 50
    assert any(isinstance(event, Checkpointed) and not event.failure for event in heard.events)


async def test_nothing_is_asked_of_a_run_that_has_ended(streams, order):
    run = await streams.start(order(passed_on(rows=1)))
    assert await ended(run) == Finished()
    with pytest.raises(SnapshotFailed):
        await run.snapshot("late")
    await run.renew(order("").access)
    assert await run.stop(drain=True) == Finished()
    assert await run.kill() == Finished()


async def test_a_drain_gives_what_open_windows_have(streams, order, hear):
    run = await streams.start(order(by_hour()))
    heard = hear(run)
    await heard.until_read(20)
    assert heard.numbers == []
    assert await run.stop(drain=True) == Finished(stopped=True)
    assert len(await heard.end()) == 1
    assert heard.numbers[0] >= 20


async def test_a_snapshot_of_a_drained_run_has_no_open_windows(streams, order, hear):
    run = await streams.start(order(by_hour(rows=300)))
    heard = hear(run)
    await heard.until_read(20)
    assert (await run.snapshot("drained", drain=True)).name == "drained"
    assert await run.wait() == Finished(stopped=True)
    (before,) = await heard.end()
    run = await streams.start(order(by_hour(rows=300), restore="drained", origin="drained"))
    heard = hear(run)
    assert await ended(run) == Finished()
    (after,) = await heard.end()
    assert before + after == 300


async def test_a_stop_at_once_leaves_open_windows_to_the_next_run(streams, order, hear):
    run = await streams.start(order(by_hour(rows=300)))
    heard = hear(run)
    await heard.until_read(20)
    await run.snapshot("kept")
    assert await run.stop(drain=False) == Finished(stopped=True)
    assert await heard.end() == []
    run = await streams.start(order(by_hour(rows=300)))
    heard = hear(run)
    assert await ended(run) == Finished()
    assert await heard.end() == [300]


async def test_a_run_goes_on_from_its_last_checkpoint_or_a_snapshot_and_counts_each_row_once(
    streams, order, hear
):
    program = counted(rows=300, rate=300)
    run = await streams.start(order(program))
    heard = hear(run)
    await heard.until(50)
    taken = await run.snapshot("first")
    assert taken.name == "first"
    await heard.until(150)
    await run.kill()
    await heard.end()
    for restore in (Restore.LATEST, "first"):
        run = await streams.start(order(program, restore=restore))
        heard = hear(run)
        assert await ended(run) == Finished()
        given = await heard.end()
        assert 50 < given[0] < 300
        assert given[-1] == 300


async def test_without_state_a_run_begins_anew(streams, order, hear):
    program = counted(rows=40, rate=400)
    for _ in range(2):
        run = await streams.start(order(program, restore=Restore.NOTHING))
        heard = hear(run)
        assert await ended(run) == Finished()
        assert (await heard.end())[-1] == 40


async def test_what_is_deleted_cannot_be_restored(streams, order, hear):
    program = counted()
    run = await streams.start(order(program))
    heard = hear(run)
    await heard.until(20)
    await run.snapshot("first")
    await run.kill()
    folder = order(program).folder
    await streams.delete_snapshot(folder, "first")
    await streams.delete_snapshot(folder, "first")
    with pytest.raises(CannotStart, match="first"):
        await streams.start(order(program, restore="first"))
    await streams.delete_state(folder)
    run = await streams.start(order(program))
    heard = hear(run)
    await heard.until(1)
    await run.kill()
    assert (await heard.end())[0] < 20


async def test_state_that_no_part_of_a_program_takes_is_left_only_where_that_is_allowed(
    streams, order, hear
):
    run = await streams.start(order(counted()))
    heard = hear(run)
    await heard.until(20)
    await run.snapshot("first")
    await run.kill()
    await heard.end()
    other = passed_on()
    with pytest.raises(CannotStart):
        await streams.start(order(other, restore="first"))
    run = await streams.start(order(other, restore="first", allow_non_restored_state=True))
    assert await run.stop(drain=False) == Finished(stopped=True)


async def test_two_runs_do_not_share_a_folder(streams, order):
    run = await streams.start(order(passed_on()))
    with pytest.raises(CannotStart):
        await streams.start(order(passed_on()))
    assert await run.kill() == Finished(stopped=True)
