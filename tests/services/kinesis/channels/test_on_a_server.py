"""Channels with boto3 against a real server: what lies in the bucket, what CloudWatch is told."""

import gzip
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cramjam
import pytest

from .conftest import Platform

READERS: dict[str, Callable[[bytes], bytes]] = {
    "NONE": bytes,
    "GZIP": gzip.decompress,
    "ZSTD": lambda data: bytes(cramjam.zstd.decompress(data)),
}
EXTENSIONS = {"NONE": "", "GZIP": ".gz", "ZSTD": ".zst"}


def put(platform: Platform, stream: str, records: list[bytes]) -> None:
    for start in range(0, len(records), 500):
        entries = [
            {"Data": data, "PartitionKey": str(start + number)}
            for number, data in enumerate(records[start : start + 500])
        ]
        answer = platform.kinesis.put_records(StreamName=stream, Records=entries)
        assert answer["FailedRecordCount"] == 0


@pytest.mark.parametrize("compression", READERS)
def test_records_lie_in_the_bucket_as_they_were_put(platform: Platform, compression: str) -> None:
    stream, bucket = platform.make_stream(), platform.make_bucket()
    channel = platform.make_channel(stream, bucket, compression=compression)
    records = [f"<{number:06d}>".encode() + bytes(range(256)) for number in range(1200)]
    put(platform, stream, records)

    def delivered() -> bytes | None:
        objects = platform.objects(bucket)
        data = b"".join(READERS[compression](each) for each in objects.values())
        return data if len(data) >= sum(map(len, records)) else None

    data = platform.until(delivered)
    width = len(records[0])
    found = [data[start : start + width] for start in range(0, len(data), width)]
    assert sorted(found) == records
    for key in platform.objects(bucket):
        assert re.fullmatch(
            rf"kinesis-channel/{channel['ChannelName']}/{channel['ChannelId']}/\d{{4}}/\d\d/\d\d/"
            rf"\d\d/{channel['ChannelName']}-{channel['ChannelId']}-\d{{4}}-\d\d-\d\d-\d\d-\d\d"
            rf"-[0-9a-f]{{32}}{re.escape(EXTENSIONS[compression])}",
            key,
        )


def test_objects_have_the_key_and_the_storage_class_that_the_channel_says(
    platform: Platform,
) -> None:
    stream, bucket = platform.make_stream(), platform.make_bucket()
    storage = {
        "OutputKeyTemplate": "raw/stream=!{stream-name}/year=!{yyyy}/part!{extension:.txt.gz}",
        "StorageClass": "INTELLIGENT_TIERING",
    }
    platform.make_channel(stream, bucket, compression="GZIP", storage=storage)
    put(platform, stream, [b"one"])
    (key,) = platform.until(lambda: platform.objects(bucket))
    year = time.gmtime().tm_year
    assert re.fullmatch(rf"raw/stream={stream}/year={year}/part-[0-9a-f]{{32}}\.txt\.gz", key)
    head = platform.s3.head_object(Bucket=bucket, Key=key)
    assert head["StorageClass"] == "INTELLIGENT_TIERING"
    assert gzip.decompress(platform.objects(bucket)[key]) == b"one"


def test_dead_letters_the_log_and_metrics_tell_what_became_of_records(platform: Platform) -> None:
    stream, bucket, errors = platform.make_stream(), platform.make_bucket(), platform.make_bucket()
    letters = {
        "BucketARN": f"arn:aws:s3:::{errors}",
        "ExpectedBucketOwner": platform.account,
        "ErrorOutputPrefix": "bad/",
    }
    channel = platform.make_channel(
        stream,
        bucket,
        record_format="JSON",
        dead_letters=letters,
        LoggingConfiguration={"CloudWatchLogs": {"Enabled": True}},
    )
    put(platform, stream, [b'{"n": 1}', b'{"n": ', b"[2]"])
    told = platform.until(lambda: platform.objects(errors))
    ((key, lines),) = told.items()
    assert key.startswith("bad/")
    (line,) = [json.loads(text) for text in lines.splitlines()]
    assert line["errorCode"] == "InvalidJson"
    assert sorted(platform.objects(bucket).values()) in ([b'[2]{"n": 1}'], [b'{"n": 1}[2]'])

    logs = channel["LoggingConfiguration"]["CloudWatchLogs"]
    assert logs["LogGroupName"] == f"/aws/kinesis/{channel['ChannelName']}/{channel['ChannelId']}"

    def events() -> list[dict[str, Any]]:
        try:
            answer = platform.logs.get_log_events(
                logGroupName=logs["LogGroupName"], logStreamName="DestinationDelivery"
            )
        except platform.logs.exceptions.ResourceNotFoundException:
            return []
        return [json.loads(event["message"]) for event in answer["events"]]

    delivered, failed = platform.until(events)
    assert (delivered["recordCount"], failed["failedRecordCount"]) == (2, 1)
    assert (delivered["channelARN"], failed["key"]) == (channel["ChannelARN"], key)

    def total(metric: str) -> float:
        answer = platform.cloudwatch.get_metric_statistics(
            Namespace="AWS/Kinesis",
            MetricName=f"DeliveryToS3.{metric}",
            Dimensions=[
                {"Name": "ChannelName", "Value": channel["ChannelName"]},
                {"Name": "ChannelId", "Value": channel["ChannelId"]},
                {"Name": "StreamName", "Value": stream},
            ],
            StartTime=time.time() - 600,
            EndTime=time.time() + 600,
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    assert total("RecordCount") == 3
    assert total("SuccessfulRecordCount") == 2
    assert total("FailedRecordCount") == 1
    assert total("DLQDeliverySuccess") == 1
    assert total("BytesOut") == 11


def test_a_channel_fails_without_its_bucket_and_waits_for_one_that_goes_later(
    platform: Platform,
) -> None:
    stream, bucket = platform.make_stream(), platform.make_bucket()
    failing = platform.make_channel(stream, "nowhere-at-all", wait=False)
    platform.until(lambda: platform.describe(failing)["ChannelStatus"] == "FAILED")
    assert "nowhere-at-all" in platform.describe(failing)["ChannelStatusReason"]
    foreign = platform.make_channel(stream, bucket, wait=False, account="999999999999")
    platform.until(lambda: platform.describe(foreign)["ChannelStatus"] == "FAILED")
    for channel in (failing, foreign):
        platform.kinesis.delete_channel(ChannelARN=channel["ChannelARN"])
    platform.make_channel(stream, bucket)
    platform.s3.delete_bucket(Bucket=bucket)
    put(platform, stream, [b"patient"])
    time.sleep(1.5)  # The first try fails meanwhile.
    platform.s3.create_bucket(Bucket=bucket)
    assert list(platform.until(lambda: platform.objects(bucket)).values()) == [b"patient"]


def test_channels_that_have_nothing_to_do_cost_next_to_nothing(
    platform: Platform,
) -> None:
    stream, bucket = platform.make_stream(), platform.make_bucket()
    made = [platform.make_channel(stream, bucket, wait=False) for _ in range(80)]
    platform.until(lambda: platform.describe(made[-1])["ChannelStatus"] == "ACTIVE")

    def cpu_seconds() -> float:
        assert platform.server.process is not None
        stat = Path(f"/proc/{platform.server.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    before = cpu_seconds()
    time.sleep(2)
    assert cpu_seconds() - before < 0.3
    put(platform, stream, [b"x"])
    platform.until(lambda: platform.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == len(made))
    for channel in made:
        platform.kinesis.delete_channel(ChannelARN=channel["ChannelARN"])
    platform.kinesis.delete_stream(StreamName=stream)
