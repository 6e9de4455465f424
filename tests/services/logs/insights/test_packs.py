"""Packs: events in columns beside the log. No event is lost or seen twice, whatever happens."""

import asyncio
import io

import pyarrow.parquet
import pytest

from millpond.kernel.errors import Unavailable
from millpond.services.logs.insights.packs import packing
from millpond.services.logs.insights.packs.parquet import ParquetWriter, RowGroup

DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def packs_small(monkeypatch):
    """Whatever waits is packed when a query runs."""
    monkeypatch.setattr(packing, "WAITING_BYTES_MAX", 0)


def test_other_readers_read_what_is_written() -> None:
    target = io.BytesIO()
    writer = ParquetWriter(target)
    for start in (0, 300):
        writer.add(
            RowGroup(
                times=[start + n for n in range(300)],
                positions=list(range(start, start + 300)),
                sizes=[n % 7 for n in range(300)],
                messages=[f"Zoë {n}\x00\n".encode() for n in range(300)],
                ingested=[(5, 100), (6, 199), (5, 1)],
                streams=[(b"%d" % n, 1) for n in range(300)],
                names=[(b"one", 300)],
            )
        )
    assert writer.finish() == len(target.getvalue())
    table = pyarrow.parquet.read_table(target)
    assert table.num_rows == writer.rows == 600
    rows = table.to_pylist()
    assert rows[399] == {
        "timestamp": 399,
        "position": 399,
        "size": 99 % 7,
        "message": "Zoë 99\x00\n",
        "ingested": 5,
        "stream": "99",
        "name": "one",
    }
    assert [row["ingested"] for row in rows[99:101]] == [5, 6]
    statistics = pyarrow.parquet.ParquetFile(target).metadata.row_group(1).column(0).statistics
    assert (statistics.min, statistics.max) == (300, 599)


async def test_late_events_are_seen_after_packing(world) -> None:
    await world.put((0, "a"), (5, "c"))
    assert await world.messages() == ["a", "c"]
    await world.put((-DAY_MS + 1000, "late"), (3, "b"))
    assert await world.messages() == ["a", "b", "c", "late"]
    assert await world.messages() == ["a", "b", "c", "late"]


async def test_events_that_wait_and_events_that_are_packed_are_one_table(
    world, monkeypatch
) -> None:
    await world.put((0, "packed"))
    assert await world.messages() == ["packed"]
    monkeypatch.setattr(packing, "WAITING_BYTES_MAX", 1 << 20)
    files = world.files()
    await world.put((1, "waits"))
    assert await world.messages() == ["packed", "waits"]
    assert world.files() == files + 1, "the results; what waits leaves nothing behind"


async def test_a_deleted_stream_is_out_of_sight_though_its_events_lie_in_packs(world) -> None:
    await world("CreateLogStream", logGroupName="/app", logStreamName="other")
    await world.put((0, "kept"))
    await world.put((0, "gone"), stream="other")
    assert await world.messages() == ["gone", "kept"]
    await world("DeleteLogStream", logGroupName="/app", logStreamName="other")
    assert await world.messages() == ["kept"]
    await world("CreateLogStream", logGroupName="/app", logStreamName="other")
    assert await world.messages() == ["kept"]
    await world.put((0, "new"), stream="other")
    assert await world.messages() == ["kept", "new"]


async def test_expired_events_are_out_of_sight_and_their_packs_go(world) -> None:
    await world.put((0, "old"))
    assert await world.messages() == ["old"]
    await world("PutRetentionPolicy", logGroupName="/app", retentionInDays=1)
    world.clock.advance(43_200)
    await world.put((0, "new"))
    assert await world.messages() == ["new", "old"]
    world.clock.advance(43_201)
    assert await world.messages() == ["new"]
    world.clock.advance(7200)
    await world.work()
    assert world.files() == 3 + 1, "three results, and the pack of the new event"
    assert await world.messages() == ["new"]


async def test_a_deleted_group_leaves_no_file(world) -> None:
    await world.put((0, "a"))
    query = await world.start("fields @message")
    await world("DeleteLogGroup", logGroupName="/app")
    await world.work()
    assert (await world("GetQueryResults", queryId=query))["results"] == []
    world.clock.advance(8 * 86_400)
    await world.work()
    assert world.files() == 0


async def test_a_pack_that_is_not_committed_is_nothing(world, monkeypatch) -> None:
    await world.put((0, "a"), (1, "b"))

    async def lost(*_):
        raise Unavailable("The disk is gone.")

    monkeypatch.setattr(packing, "_commit", lost)
    query = await world.start("fields @message")
    await world.work()
    assert (await world("GetQueryResults", queryId=query))["status"] == "Failed"
    assert world.files() == 1, "whether it was committed is not known"
    monkeypatch.undo()
    await packing.tidy(world.needs)
    assert world.files() == 0
    assert await world.messages() == ["a", "b"]


async def test_many_queries_at_once_pack_each_event_once(world) -> None:
    for number in range(20):
        await world.put((number, f"{number:02}"))
    group = (await world("DescribeLogGroups"))["logGroups"][0]
    assert group["logGroupName"] == "/app"
    queries = [
        await world.start("stats count(*) as n, count_distinct(@message) as d") for _ in "ab"
    ]
    adding = asyncio.create_task(world.put((50, "late")))
    await asyncio.gather(world.work(), adding)
    for query in queries:
        (row,) = (await world("GetQueryResults", queryId=query))["results"]
        values = [one["value"] for one in row]
        assert values in (["20", "20"], ["21", "21"])
    assert (await world.rows("stats count(*) as n"))[0]["n"] == "21"


async def test_much_is_packed_in_the_background(world, monkeypatch) -> None:
    monkeypatch.setattr("millpond.services.logs.insights.store.PACK_AT_BYTES", 1000)
    await world.put(*((number, "x" * 50) for number in range(10)))
    await world.work()
    assert world.files() == 0
    await world.put(*((number, "x" * 50) for number in range(10)))
    await world.work()
    assert world.files() == 1
    assert (await world.rows("stats count(*) as n, sum(strlen(@message)) as s"))[0] == {
        "n": "20",
        "s": "1000",
    }


async def test_many_small_batches_are_packed_too(world, monkeypatch) -> None:
    monkeypatch.setattr(packing, "WAITING_BYTES_MAX", 1 << 20)
    monkeypatch.setattr(packing, "BATCHES_MAX", 8)
    for number in range(20):
        await world.put((number, f"{number:02}"))
        world.clock.advance(0.001)
    assert await world.messages() == [f"{number:02}" for number in range(20)]
    assert world.files() == 1 + 2, "the results, and two packs; four batches wait"
    late = await world.rows("fields @ingestionTime, @message | filter @message in ['03', '19']")
    assert [row["@message"] for row in late] == ["19", "03"]


async def test_a_window_counts_only_what_lies_in_it(world) -> None:
    await world.put(*((number * 1000, f"{number}") for number in range(10)))
    now_s = world.clock.now_ms() // 1000
    started = await world(
        "StartQuery",
        logGroupName="/app",
        startTime=now_s + 3,
        endTime=now_s + 5,
        queryString="fields @message | sort @message asc",
    )
    await world.work()
    answer = await world("GetQueryResults", queryId=started["queryId"])
    assert [row[0]["value"] for row in answer["results"]] == ["3", "4", "5"]
    assert answer["statistics"]["recordsScanned"] == 3
    assert answer["statistics"]["bytesScanned"] == 3 * 27
