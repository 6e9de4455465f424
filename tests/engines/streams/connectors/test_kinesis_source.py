"""The kinesis connector reading, against a real server and boto3."""

import hashlib
import json
import time
import uuid
from typing import Any

import pytest

from millpond.engines.streams.connectors.interface import SourceFailed, World
from millpond.engines.streams.connectors.kinesis_source import KinesisSource
from millpond.engines.streams.plan import Metadata, Table
from millpond.engines.streams.types import BIGINT, STRING, Column, DataType

TIME = DataType("TIMESTAMP_LTZ", (3,))
NAME = DataType("VARCHAR", (128,))


def table(stream: str, *, metadata: tuple[Metadata, ...] = (), **options: str) -> Table:
    settings = {
        "connector": "kinesis",
        "stream": stream,
        "format": "json",
        "scan.stream.initpos": "TRIM_HORIZON",
    }
    settings |= {name.replace("__", "."): text for name, text in options.items()}
    columns = (Column("id", BIGINT), Column("name", STRING))
    return Table("events", columns, metadata, tuple(settings.items()))


@pytest.fixture
def kinesis(server: Any) -> Any:
    return server.client("kinesis")


@pytest.fixture
def stream(kinesis: Any) -> str:
    name = f"source-{uuid.uuid4().hex[:12]}"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    return name


def put(kinesis: Any, stream: str, ids: Any, key: str | None = None) -> None:
    ids = list(ids)
    for at in range(0, len(ids), 500):
        records = [
            {"Data": json.dumps({"id": i, "name": f"n{i}"}).encode(), "PartitionKey": key or str(i)}
            for i in ids[at : at + 500]
        ]
        answer = kinesis.put_records(StreamName=stream, Records=records)
        assert answer["FailedRecordCount"] == 0


def ids(gathered: Any) -> list[int]:
    return gathered.rows.column("id").to_pylist()


async def test_every_record_of_every_shard_is_read_once_in_the_order_of_its_shard(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    put(kinesis, stream, range(1200))
    metadata = (
        Metadata(Column("at", TIME), "timestamp"),
        Metadata(Column("shard", NAME), "shard-id"),
        Metadata(Column("seq", NAME), "sequence-number"),
        Metadata(Column("key", NAME), "partition-key"),
        Metadata(Column("wall", DataType("TIMESTAMP", (3,))), "arrival-timestamp"),
    )
    async with read(KinesisSource(table(stream, metadata=metadata), world)) as gathered:
        await gathered.until(lambda it: it.rows.num_rows == 1200)
    rows = gathered.rows.to_pylist()
    assert sorted(ids(gathered)) == list(range(1200))
    for shard in {row["shard"] for row in rows}:
        numbers = [int(row["seq"]) for row in rows if row["shard"] == shard]
        assert numbers == sorted(numbers)
    assert all(row["key"] == str(row["id"]) for row in rows)
    assert abs(rows[0]["at"].timestamp() - time.time()) < 60
    assert rows[0]["wall"] == rows[0]["at"].replace(tzinfo=None)
    assert gathered.arrivals[0].rows.num_rows == 0, "a split is announced before its rows"


async def test_reading_goes_on_exactly_after_a_restored_position(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    put(kinesis, stream, range(300))
    async with read(KinesisSource(table(stream), world)) as first:
        await first.until(lambda it: it.rows.num_rows == 300)
    put(kinesis, stream, range(300, 500))
    async with read(KinesisSource(table(stream), world), first.positions) as second:
        await second.until(lambda it: it.rows.num_rows >= 200)
    assert sorted(ids(second)) == list(range(300, 500))


async def test_latest_is_the_moment_of_the_first_start_even_if_that_run_was_lost(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    put(kinesis, stream, range(10))
    latest = table(stream, scan__stream__initpos="LATEST")
    async with read(KinesisSource(latest, world)) as first:
        await first.until(lambda it: len(it.positions) == 2)
        announced = {arrival.split: arrival.position for arrival in first.arrivals[:2]}
    put(kinesis, stream, range(10, 20))
    async with read(KinesisSource(latest, world), announced) as second:
        await second.until(lambda it: it.rows.num_rows >= 10)
    assert sorted(ids(second)) == list(range(10, 20))


async def test_reading_begins_at_a_moment(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    put(kinesis, stream, range(10))
    moment = time.time() + 0.005
    while time.time() < moment + 0.005:
        pass
    put(kinesis, stream, range(10, 20))
    at = table(
        stream,
        source__init__position="AT_TIMESTAMP",
        source__init__timestamp=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
        + f".{int(moment * 1000) % 1000:03}Z",
    )
    async with read(KinesisSource(at, world)) as gathered:
        await gathered.until(lambda it: it.rows.num_rows >= 10)
    assert sorted(ids(gathered)) == list(range(10, 20))


async def test_shards_are_followed_through_splits_and_merges(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    put(kinesis, stream, range(100))
    async with read(KinesisSource(table(stream), world)) as gathered:
        await gathered.until(lambda it: it.rows.num_rows == 100)
        kinesis.update_shard_count(
            StreamName=stream, TargetShardCount=4, ScalingType="UNIFORM_SCALING"
        )
        put(kinesis, stream, range(100, 300))
        await gathered.until(lambda it: it.rows.num_rows == 300)
        kinesis.update_shard_count(
            StreamName=stream, TargetShardCount=2, ScalingType="UNIFORM_SCALING"
        )
        put(kinesis, stream, range(300, 500))
        await gathered.until(lambda it: it.rows.num_rows == 500)
        await gathered.until(lambda it: len(it.positions) == 2)
    assert sorted(ids(gathered)) == list(range(500))
    known: set[str] = set()
    for arrival in gathered.arrivals:
        assert arrival.ended or arrival.rows.num_rows == 0 or arrival.split in known
        known.add(arrival.split)


async def test_no_record_is_lost_or_read_twice_wherever_in_a_resharding_a_run_is_lost(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    put(kinesis, stream, range(100))
    for shards in (4, 2):
        kinesis.update_shard_count(
            StreamName=stream, TargetShardCount=shards, ScalingType="UNIFORM_SCALING"
        )
        put(kinesis, stream, range(shards * 100, shards * 100 + 100))
    expected = sorted([*range(100), *range(400, 500), *range(200, 300)])
    async with read(KinesisSource(table(stream), world)) as whole:
        await whole.until(lambda it: it.rows.num_rows == 300 and len(it.positions) == 2)
    for lost_after in range(len(whole.arrivals)):
        before = type(whole)(arrivals=whole.arrivals[: lost_after + 1])
        if not before.positions or lost_after % 3:
            continue
        wanted = 300 - before.rows.num_rows
        async with read(KinesisSource(table(stream), world), before.positions) as after:
            await after.until(
                lambda it, wanted=wanted: bool(it.arrivals) and it.rows.num_rows >= wanted
            )
        assert sorted(ids(before) + ids(after)) == expected, lost_after


async def test_a_subscription_reads_what_polling_does_and_its_consumer_goes_with_the_run(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    put(kinesis, stream, range(100))
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
        "StreamARN"
    ]
    efo = table(stream, scan__stream__recordpublisher="EFO", scan__stream__efo__consumername="job")
    async with read(KinesisSource(efo, world)) as gathered:
        await gathered.until(lambda it: it.rows.num_rows == 100)
        consumers = kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]
        assert [each["ConsumerName"] for each in consumers] == ["job"]
        put(kinesis, stream, range(100, 150))
        await gathered.until(lambda it: it.rows.num_rows == 150)
        kinesis.update_shard_count(
            StreamName=stream, TargetShardCount=4, ScalingType="UNIFORM_SCALING"
        )
        put(kinesis, stream, range(150, 300))
        await gathered.until(lambda it: it.rows.num_rows == 300 and len(it.positions) == 4)
    assert sorted(ids(gathered)) == list(range(300))
    left = kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]
    assert all(each["ConsumerStatus"] == "DELETING" for each in left)


async def test_a_consumer_that_others_manage_must_be_there_and_stays(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
        "StreamARN"
    ]
    options = {
        "stream__arn": arn,
        "source__reader__type": "EFO",
        "source__efo__consumer__name": "mine",
        "source__efo__lifecycle": "SELF_MANAGED",
    }
    source = KinesisSource(table(stream, **options), world)
    await source.open()
    with pytest.raises(SourceFailed, match="mine"):
        await source.run({}, lambda arrival: None)  # type: ignore[arg-type,return-value]
    kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="mine")
    put(kinesis, stream, range(5))
    async with read(KinesisSource(table(stream, **options), world)) as gathered:
        await gathered.until(lambda it: it.rows.num_rows == 5)
    assert len(kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]) == 1


async def test_a_record_that_cannot_be_read_is_told_and_the_others_are_read(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    for data in (b'{"id": 1}', b"{broken", b'{"id": 2, "name": "b"}'):
        kinesis.put_record(StreamName=stream, Data=data, PartitionKey="same")
    keyed = (Metadata(Column("key", NAME), "partition-key"),)
    async with read(KinesisSource(table(stream, metadata=keyed), world)) as gathered:
        await gathered.until(lambda it: it.rows.num_rows == 2)
    errors = [error for arrival in gathered.arrivals for error in arrival.errors]
    assert [error.data for error in errors] == ["{broken"]
    assert gathered.rows.to_pylist() == [
        {"id": 1, "name": None, "key": "same"},
        {"id": 2, "name": "b", "key": "same"},
    ]


def aggregate(records: list[tuple[str, bytes]]) -> bytes:
    def field(number: int, value: bytes) -> bytes:
        assert len(value) < 128
        return bytes([number << 3 | 2, len(value)]) + value

    message = b"".join(field(1, key.encode()) for key, _ in records)
    for at, (_, data) in enumerate(records):
        message += field(3, bytes([1 << 3, at]) + field(3, data))
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


async def test_aggregated_records_are_opened_and_what_only_looks_like_one_is_not(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    whole = aggregate([("a", b'{"id": 1}'), ("b", b'{"id": 2}')])
    for data in (b'{"id": 0}', whole, whole[:-1] + b"?", b'{"id": 3}'):
        kinesis.put_record(StreamName=stream, Data=data, PartitionKey="same")
    keyed = (Metadata(Column("key", NAME), "partition-key"),)
    async with read(KinesisSource(table(stream, metadata=keyed), world)) as gathered:
        await gathered.until(lambda it: it.rows.num_rows == 4)
    assert [(row["id"], row["key"]) for row in gathered.rows.to_pylist()] == [
        (0, "same"),
        (1, "a"),
        (2, "b"),
        (3, "same"),
    ]
    assert sum(len(arrival.errors) for arrival in gathered.arrivals) == 1


async def test_a_stream_that_is_not_there_or_elsewhere_fails_by_name(world: World) -> None:
    with pytest.raises(SourceFailed, match=r"'no-such-stream'.*ResourceNotFoundException"):
        await KinesisSource(table("no-such-stream"), world).open()
    away = table("x", aws__endpoint="https://collector.example.com")
    with pytest.raises(SourceFailed, match="is not this platform's"):
        await KinesisSource(away, world).open()


async def test_a_stream_that_is_deleted_ends_the_run_with_its_name(
    kinesis: Any, stream: str, world: World, read: Any
) -> None:
    async with read(KinesisSource(table(stream), world)) as gathered:
        await gathered.until(lambda it: len(it.positions) == 2)
        kinesis.delete_stream(StreamName=stream)
        await gathered.until(lambda it: it.task.done())
        with pytest.raises(SourceFailed, match=stream):
            await gathered.task


async def test_a_server_that_restarts_is_waited_for(
    fresh_server: Any, make_world: Any, read: Any
) -> None:
    kinesis = fresh_server.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    put(kinesis, "s", range(10))
    async with read(KinesisSource(table("s"), make_world(fresh_server))) as gathered:
        await gathered.until(lambda it: it.rows.num_rows == 10)
        fresh_server.restart(kill=True)
        put(fresh_server.client("kinesis"), "s", range(10, 20))
        await gathered.until(lambda it: it.rows.num_rows == 20)
    assert ids(gathered) == list(range(20))


async def test_a_position_from_another_stream_of_that_name_is_told(
    kinesis: Any, stream: str, world: World, read: Any, told: list[tuple[str, str]]
) -> None:
    put(kinesis, stream, range(5), key="k")
    async with read(KinesisSource(table(stream), world)) as first:
        await first.until(lambda it: it.rows.num_rows == 5)
    positions = {
        shard: {"after": "4900000000000000000000000000000000000000000000000000000000", "at": 1}
        for shard in first.positions
    }
    async with read(KinesisSource(table(stream), world), positions) as second:
        await second.until(lambda it: it.rows.num_rows == 5)
    assert any("older than the stream keeps" in text for _, text in told)
    assert any("is none any more" in text for _, text in told)


async def test_a_shard_that_others_read_as_often_as_they_may_is_read_all_the_same(
    kinesis: Any, world: World, read: Any
) -> None:
    stream = f"source-{uuid.uuid4().hex[:12]}"
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    put(kinesis, stream, range(50))
    shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    with pytest.raises(kinesis.exceptions.ProvisionedThroughputExceededException):
        for _ in range(50):
            kinesis.get_records(ShardIterator=iterator)
    small = table(stream, scan__shard__getrecords__maxrecordcount="10")
    async with read(KinesisSource(small, world)) as gathered:
        await gathered.until(lambda it: it.rows.num_rows == 50)
    assert ids(gathered) == list(range(50))
    assert gathered.arrivals[-1].behind_ms == 0
