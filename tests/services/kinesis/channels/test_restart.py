"""A server that is killed at any moment delivers each record once, while shards change."""

import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .conftest import Platform

KILLS = 4
KEYS = 5


class Producer:
    """Puts numbered records under a few keys until told to stop. A put whose answer was lost may
    have been done: its record may be there or not."""

    def __init__(self, platform: Platform, stream: str) -> None:
        self.kept: dict[str, list[str]] = {f"key{number}": [] for number in range(KEYS)}
        self.unsure: set[str] = set()
        self._platform = platform
        self._stream = stream
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._put)
        self._thread.start()

    def _put(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            for key, kept in self.kept.items():
                record = f"{key}.{number}"
                try:
                    self._platform.kinesis.put_record(
                        StreamName=self._stream, Data=record + " ", PartitionKey=key
                    )
                except (ClientError, BotoCoreError):
                    self.unsure.add(record)
                    time.sleep(0.05)
                else:
                    kept.append(record)

    def end(self) -> None:
        self._stop.set()
        self._thread.join()


def delivered(platform: Platform, bucket: str) -> list[list[str]]:
    """The records of each object."""
    return [body.decode().split() for body in platform.objects(bucket).values()]


def number_of(record: str) -> int:
    return int(record.partition(".")[2])


def test_a_killed_server_delivers_each_record_once_while_shards_change(
    mortal_platform: Platform,
) -> None:
    platform = mortal_platform
    stream, bucket = platform.make_stream(), platform.make_bucket()
    platform.make_channel(stream, bucket)
    arn = platform.kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    mode: dict[str, Any] = {"StreamModeDetails": {"StreamMode": "PROVISIONED"}}
    platform.kinesis.update_stream_mode(StreamARN=arn["StreamARN"], **mode)
    producer = Producer(platform, stream)
    try:
        for kill in range(KILLS):
            time.sleep(0.9 + 0.13 * kill)
            platform.kinesis.update_shard_count(
                StreamName=stream,
                TargetShardCount=(8, 5, 9, 5)[kill],
                ScalingType="UNIFORM_SCALING",
            )
            time.sleep(0.05 * kill)
            platform.server.restart(kill=True)
    finally:
        producer.end()
    kept = {record for records in producer.kept.values() for record in records}
    assert len(kept) > 100

    def all_there() -> list[str] | None:
        found = [record for each in delivered(platform, bucket) for record in each]
        return found if kept <= set(found) else None

    found = platform.until(all_there)
    assert len(found) == len(set(found)), "A record was delivered twice."
    assert set(found) - kept <= producer.unsure
    objects = delivered(platform, bucket)
    assert len(objects) >= KILLS
    for records in objects:
        for key in producer.kept:
            numbers = [number_of(each) for each in records if each.startswith(f"{key}.")]
            assert numbers == sorted(numbers), "A record overtook another of its key."


def test_a_channel_goes_on_where_it_stood_after_a_restart(mortal_platform: Platform) -> None:
    platform = mortal_platform
    stream, bucket = platform.make_stream(), platform.make_bucket()
    channel = platform.make_channel(stream, bucket)
    platform.kinesis.put_record(StreamName=stream, Data=b"first ", PartitionKey="k")
    platform.until(lambda: platform.objects(bucket))
    platform.kinesis.put_record(StreamName=stream, Data=b"second ", PartitionKey="k")
    platform.server.restart(kill=True)
    platform.kinesis.put_record(StreamName=stream, Data=b"third ", PartitionKey="k")

    def words() -> list[bytes]:
        return b" ".join(platform.objects(bucket).values()).split()

    assert sorted(platform.until(lambda: len(words()) >= 3 and words())) == [
        b"first",
        b"second",
        b"third",
    ]
    assert platform.describe(channel)["ChannelStatus"] == "ACTIVE"
