"""Other clients than boto3, a server that is killed, and shards that change under load."""

import base64
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import get_session

from tests.conftest import Server


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without throughput limits."""
    server = Server(tmp_path_factory.mktemp("unlimited"), "--kinesis-limits", "none")
    server.start()
    yield server
    server.stop()


def read_shard(kinesis: Any, stream: str, shard_id: str) -> tuple[list[Any], list[str]]:
    """All records of a shard, and the shards that came of it when it is closed."""
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records: list[Any] = []
    while True:
        answer = kinesis.get_records(ShardIterator=iterator)
        records += answer["Records"]
        iterator = answer.get("NextShardIterator")
        if iterator is None:
            return records, [child["ShardId"] for child in answer["ChildShards"]]
        if not answer["Records"] and answer["MillisBehindLatest"] == 0:
            return records, []


def test_records_and_iterators_outlive_a_server_that_is_killed(fresh_server: Server) -> None:
    kinesis = fresh_server.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=2)
    records = [{"Data": b"%d" % n, "PartitionKey": str(n)} for n in range(100)]
    put = kinesis.put_records(StreamName="s", Records=records)["Records"]
    iterators = {
        shard_id: kinesis.get_shard_iterator(
            StreamName="s", ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for shard_id in ("shardId-000000000000", "shardId-000000000001")
    }
    fresh_server.restart(kill=True)
    found = {
        (record["SequenceNumber"], record["Data"])
        for iterator in iterators.values()
        for record in kinesis.get_records(ShardIterator=iterator)["Records"]
    }
    assert found == {(r["SequenceNumber"], b"%d" % n) for n, r in enumerate(put)}
    later = kinesis.put_records(StreamName="s", Records=records)["Records"]
    for shard_id in iterators:
        of_shard = [int(r["SequenceNumber"]) for r in (*put, *later) if r["ShardId"] == shard_id]
        assert of_shard == sorted(set(of_shard))


def test_keys_keep_their_order_while_shards_are_split_and_merged(unlimited: Server) -> None:
    kinesis = unlimited.client("kinesis")
    kinesis.create_stream(StreamName="busy", ShardCount=2)
    acknowledged: dict[str, list[int]] = {}
    answered = threading.Semaphore(0)
    stop = threading.Event()

    def produce(writer: int) -> None:
        own = unlimited.client("kinesis")
        count = 0
        while not stop.is_set():
            keys = [f"{writer}-{number % 5}" for number in range(20)]
            records = [
                {"Data": str(count + place).encode(), "PartitionKey": key}
                for place, key in enumerate(keys)
            ]
            answer = own.put_records(StreamName="busy", Records=records)
            assert answer["FailedRecordCount"] == 0
            for place, key in enumerate(keys):
                acknowledged.setdefault(key, []).append(count + place)
            count += len(keys)
            answered.release()

    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(produce, writer) for writer in range(3)]
        try:
            for target in (4, 2, 3, 1, 2):
                for _ in range(30):
                    assert answered.acquire(timeout=10)
                kinesis.update_shard_count(
                    StreamName="busy", TargetShardCount=target, ScalingType="UNIFORM_SCALING"
                )
        finally:
            stop.set()
        for finished in writers:
            finished.result()

    found: dict[str, list[int]] = {}
    done: set[str] = set()
    numbers: dict[str, int] = {}
    shards = {shard["ShardId"]: shard for shard in kinesis.list_shards(StreamName="busy")["Shards"]}
    assert len(shards) > 8
    for shard_id in sorted(shards):
        shard = shards[shard_id]
        assert _parents(shard) <= done
        records, children = read_shard(kinesis, "busy", shard_id)
        assert all(shard_id in _parents(shards[child]) for child in children)
        for record in records:
            found.setdefault(record["PartitionKey"], []).append(int(record["Data"]))
            number = int(record["SequenceNumber"])
            assert number > numbers.get(record["PartitionKey"], 0)
            numbers[record["PartitionKey"]] = number
        done.add(shard_id)
    assert len(acknowledged) == 15
    assert found == acknowledged


def _parents(shard: Any) -> set[str]:
    named = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
    return {parent for parent in named if parent is not None}


async def test_aiobotocore_puts_reads_and_is_pushed_to(
    server: Server, kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(1)
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
        "StreamARN"
    ]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]
    async with get_session().create_client(
        "kinesis",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
    ) as client:
        put = await client.put_record(StreamARN=arn, Data=b"one", PartitionKey="k")
        answer = await client.get_shard_iterator(
            StreamARN=arn, ShardId=put["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        got = await client.get_records(ShardIterator=answer["ShardIterator"], StreamARN=arn)
        assert [record["Data"] for record in got["Records"]] == [b"one"]
        subscribed = await client.subscribe_to_shard(
            ConsumerARN=consumer["ConsumerARN"],
            ShardId=put["ShardId"],
            StartingPosition={"Type": "TRIM_HORIZON"},
        )
        pushed: list[bytes] = []
        async for event in subscribed["EventStream"]:
            pushed += [record["Data"] for record in event["SubscribeToShardEvent"]["Records"]]
            if len(pushed) == 1:
                await client.put_record(StreamARN=arn, Data=b"two", PartitionKey="k")
            if len(pushed) == 2:
                break
        assert pushed == [b"one", b"two"]
        subscribed["EventStream"].close()


def test_cloudwatch_tells_how_many_records_came_in(
    server: Server, kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(1)
    for _ in range(2):
        kinesis.put_records(StreamName=stream, Records=[{"Data": b"x", "PartitionKey": "k"}] * 7)
    now = datetime.now(UTC)
    points = server.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Kinesis",
        MetricName="IncomingRecords",
        Dimensions=[{"Name": "StreamName", "Value": stream}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in points) == 14
    assert sum(point["SampleCount"] for point in points) == 2


def test_the_aws_command_puts_and_reads(
    server: Server, kinesis: Any, make_stream: Callable[..., str], tmp_path: Path
) -> None:
    stream = make_stream(1)

    def aws(operation: str, *arguments: str) -> Any:
        finished = subprocess.run(
            ["aws", "kinesis", operation, "--output", "json", *arguments],
            env=server.environment(),
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            timeout=60,
        )
        return json.loads(finished.stdout)

    put = aws("put-record", "--stream-name", stream, "--data", "text", "--partition-key", "k")
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=put["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    got = aws("get-records", "--shard-iterator", iterator)
    (record,) = got["Records"]
    assert record["SequenceNumber"] == put["SequenceNumber"]
    assert base64.b64decode(record["Data"]) == b"text"
    assert got["MillisBehindLatest"] == 0
