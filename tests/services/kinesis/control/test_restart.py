"""What outlives the process, and how many streams a server carries."""

import time
from pathlib import Path
from typing import Any

PLAIN = b"what nobody shall find in the data folder"


def test_everything_about_a_stream_outlives_a_kill(fresh_server: Any) -> None:
    kinesis = fresh_server.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=2, Tags={"a": "b"})
    arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
    kinesis.increase_stream_retention_period(StreamName="s", RetentionPeriodHours=48)
    kinesis.update_shard_count(StreamName="s", TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    kinesis.start_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    kinesis.put_record(StreamName="s", Data=PLAIN, PartitionKey="k")
    kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")
    kinesis.create_stream(StreamName="gone", ShardCount=1)
    kinesis.delete_stream(StreamName="gone")

    def everything() -> list[Any]:
        answers = [
            kinesis.describe_stream(StreamName="s"),
            kinesis.describe_stream_summary(StreamName="s"),
            kinesis.list_shards(StreamName="s"),
            kinesis.list_streams(),
            kinesis.list_tags_for_stream(StreamName="s"),
            kinesis.list_stream_consumers(StreamARN=arn),
        ]
        return [{k: v for k, v in a.items() if k != "ResponseMetadata"} for a in answers]

    before = everything()
    fresh_server.restart(kill=True)
    kinesis = fresh_server.client("kinesis")
    assert everything() == before
    found = []
    for shard in kinesis.list_shards(StreamName="s")["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName="s", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [record["Data"] for record in found] == [PLAIN]
    stored = b"".join(p.read_bytes() for p in fresh_server.data.rglob("*") if p.is_file())
    assert PLAIN not in stored


def test_a_thousand_streams_of_ten_shards_are_made_in_seconds_and_idle(fresh_server: Any) -> None:
    kinesis = fresh_server.client("kinesis")
    began = time.perf_counter()
    for number in range(1000):
        kinesis.create_stream(StreamName=f"s{number:04d}", ShardCount=10)
    assert time.perf_counter() - began < 60
    assert kinesis.describe_limits()["OpenShardCount"] == 10_000
    began = time.perf_counter()
    for number in range(0, 1000, 50):
        kinesis.describe_stream_summary(StreamName=f"s{number:04d}")
        kinesis.list_streams(ExclusiveStartStreamName=f"s{number:04d}", Limit=100)
    assert time.perf_counter() - began < 10
    seconds = fresh_server.restart(kill=True)
    assert seconds < 15
    pid = fresh_server.process.pid
    spent = cpu_seconds(pid)
    time.sleep(2)
    assert cpu_seconds(pid) - spent < 0.4
    kinesis = fresh_server.client("kinesis")
    assert kinesis.describe_limits()["OpenShardCount"] == 10_000


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
