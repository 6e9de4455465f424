"""Shards split and merge while records are put, and the server is killed in between."""

import threading
import time
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

KEYS = [f"key-{number}" for number in range(6)]


class Producer(threading.Thread):
    """Puts numbered records of one key until it is told to stop; `acknowledged` is the last."""

    def __init__(self, server: Any, key: str) -> None:
        super().__init__(daemon=True)
        config = Config(retries={"total_max_attempts": 1})
        self._client = server.client("kinesis", config=config)
        self._key = key
        self.acknowledged = -1
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            data = f"{self._key}:{self.acknowledged + 1}".encode()
            try:
                self._client.put_record(StreamName="s", Data=data, PartitionKey=self._key)
            except (ClientError, BotoCoreError):
                time.sleep(0.02)
                continue
            self.acknowledged += 1


def read_shard(kinesis: Any, shard_id: str) -> list[bytes]:
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    answer = kinesis.get_records(ShardIterator=iterator)
    return [record["Data"] for record in answer["Records"]]


def test_no_record_is_lost_or_overtaken_when_shards_change_and_the_server_dies(
    fresh_server: Any,
) -> None:
    kinesis = fresh_server.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=2)
    producers = [Producer(fresh_server, key) for key in KEYS]
    for producer in producers:
        producer.start()
    for target in (3, 5, 4, 2, 4):
        kinesis.update_shard_count(
            StreamName="s", TargetShardCount=target, ScalingType="UNIFORM_SCALING"
        )
        time.sleep(0.1)

    def scale() -> None:
        with_little_patience = fresh_server.client("kinesis")
        try:
            with_little_patience.update_shard_count(
                StreamName="s", TargetShardCount=7, ScalingType="UNIFORM_SCALING"
            )
        except (ClientError, BotoCoreError):
            return

    scaling = threading.Thread(target=scale)
    scaling.start()
    time.sleep(0.004)
    fresh_server.restart(kill=True)
    scaling.join()
    reached = [producer.acknowledged for producer in producers]
    kinesis = fresh_server.client("kinesis")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        summary = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]
        moved = all(p.acknowledged > r + 1 for p, r in zip(producers, reached, strict=True))
        if summary["StreamStatus"] == "ACTIVE" and moved:
            break
        time.sleep(0.05)
    for producer in producers:
        producer.stopping.set()
    for producer in producers:
        producer.join()
    assert summary["StreamStatus"] == "ACTIVE"
    assert summary["OpenShardCount"] in (4, 7)
    shards = kinesis.list_shards(StreamName="s")["Shards"]
    seen: dict[str, list[int]] = {key: [] for key in KEYS}
    for shard in sorted(shards, key=lambda shard: shard["ShardId"]):
        for data in read_shard(kinesis, shard["ShardId"]):
            key, _, number = data.decode().partition(":")
            seen[key].append(int(number))
    for key, producer in zip(KEYS, producers, strict=True):
        first_times = list(dict.fromkeys(seen[key]))
        assert first_times == sorted(first_times), "records of a key keep their order"
        assert set(range(producer.acknowledged + 1)) <= set(first_times)
        assert producer.acknowledged > 10
