"""The Java Kinesis Client Library reads a stream with two workers: leases in DynamoDB, enhanced
fan-out, a shard that splits meanwhile. `make kcl` fetches it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server
from tests.scenarios.waiting import until

ROOT = Path(__file__).parents[2]
KCL = ROOT / "build" / "kcl"
STREAM = "kcl"
APPLICATION = "kcl-readers"
EACH = 300

pytestmark = pytest.mark.skipif(
    shutil.which("java") is None or not (KCL / "jars").is_dir(),
    reason="needs Java and the library's jars: make kcl",
)


@contextmanager
def worker(server: Server, folder: Path, number: int) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon of the library, as its users start it."""
    read = folder / "read"
    read.mkdir(exist_ok=True)
    script = folder / "consumer"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} {ROOT}/tests/scenarios/kcl_consumer.py\n")
    script.chmod(0o755)
    properties = folder / f"worker-{number}.properties"
    settings = {
        "executableName": script,
        "streamName": STREAM,
        "applicationName": APPLICATION,
        "workerId": f"worker-{number}",
        "AwsCredentialsProvider": "DefaultCredentialsProvider",
        "initialPositionInStream": "TRIM_HORIZON",
        "regionName": server.region,
        "kinesisEndpoint": server.endpoint,
        "dynamoDBEndpoint": server.endpoint,
        "failoverTimeMillis": 3000,
        "leaseAssignmentIntervalMillis": 1000,
        "workerMetricsReporterFreqInMillis": 1000,
        "shardSyncIntervalMillis": 1000,
        "parentShardPollIntervalMillis": 500,
        "metricsBufferTimeMillis": 1000,
    }
    properties.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    environment = server.environment() | {
        "PYTHONPATH": str(KCL / "python"),
        "READ": str(read),
        "WORKER": str(number),
    }
    daemon = "software.amazon.kinesis.multilang.MultiLangDaemon"
    command = ["java", "-Xmx256m", "-cp", str(KCL / "jars" / "*"), daemon]
    with (folder / f"worker-{number}.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--properties-file", str(properties)],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def put(kinesis: Any, first: int) -> None:
    kinesis.put_records(
        StreamName=STREAM,
        Records=[
            {"PartitionKey": str(number), "Data": f"record {number}"}
            for number in range(first, first + EACH)
        ],
    )


def read(folder: Path) -> dict[str, list[str]]:
    """What was read of each shard, in order, by whichever worker had it."""
    lines: dict[str, list[str]] = {}
    for path in sorted((folder / "read").iterdir(), key=os.path.getctime):
        lines.setdefault(path.name[:20], []).extend(path.read_text("utf-8").splitlines())
    return lines


def texts(folder: Path) -> set[str]:
    return {line.partition(" ")[2] for lines in read(folder).values() for line in lines}


def test_two_workers_read_a_stream_that_splits(fresh_server, tmp_path):
    kinesis = fresh_server.client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    put(kinesis, 0)
    with worker(fresh_server, tmp_path, 1), worker(fresh_server, tmp_path, 2):
        until(lambda: texts(tmp_path), lambda found: len(found) == EACH)
        shard = kinesis.list_shards(StreamName=STREAM)["Shards"][0]
        middle = (int(shard["HashKeyRange"]["EndingHashKey"]) + 1) // 2
        kinesis.split_shard(
            StreamName=STREAM, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle)
        )
        put(kinesis, EACH)
        until(lambda: texts(tmp_path), lambda found: len(found) == 2 * EACH)
        check_leases(fresh_server)
    for lines in read(tmp_path).values():
        numbers = [int(line.partition(" ")[0]) for line in lines]
        assert numbers == sorted(set(numbers))
    summary = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
    consumers = kinesis.list_stream_consumers(StreamARN=summary["StreamARN"])["Consumers"]
    assert [consumer["ConsumerName"] for consumer in consumers] == [APPLICATION]


def check_leases(server: Server) -> None:
    """Three shards are still read, by both workers."""

    def owners() -> list[str]:
        items = server.client("dynamodb").scan(TableName=APPLICATION)["Items"]
        return [
            item["leaseOwner"]["S"]
            for item in items
            if "leaseOwner" in item and item["checkpoint"]["S"] != "SHARD_END"
        ]

    found = until(owners, lambda owners: len(owners) == 3 and len(set(owners)) == 2)
    assert set(found) == {"worker-1", "worker-2"}
