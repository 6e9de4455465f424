"""boto3 against the real server, which is killed while records are put and delivered."""

import gzip
import json
import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/firehose"


def make(server, name, bucket, **settings):
    destination = {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0},
    } | settings
    answer = server.client("firehose").create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination
    )
    return answer["DeliveryStreamARN"]


def objects_of(server, bucket, prefix=""):
    s3 = server.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def wait_for(is_so, seconds=30):
    end = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.05)
    return found


def test_the_life_of_a_delivery_stream(server):
    firehose, s3 = server.client("firehose"), server.client("s3")
    s3.create_bucket(Bucket="firehose-life")
    arn = make(server, "life", "firehose-life", CompressionFormat="GZIP", Prefix="in/")
    assert arn.endswith(":deliverystream/life")
    described = firehose.describe_delivery_stream(DeliveryStreamName="life")
    assert described["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"
    record = firehose.put_record(DeliveryStreamName="life", Record={"Data": b"one\n"})
    batch = firehose.put_record_batch(
        DeliveryStreamName="life", Records=[{"Data": b"%d\n" % number} for number in range(500)]
    )
    ids = {record["RecordId"], *(one["RecordId"] for one in batch["RequestResponses"])}
    assert len(ids) == 501
    expected = [b"one", *(b"%d" % number for number in range(500))]

    def all_there():
        found = objects_of(server, "firehose-life", "in/")
        lines = b"".join(gzip.decompress(found[key]) for key in sorted(found)).split()
        return lines if len(lines) == 501 else None

    assert sorted(wait_for(all_there)) == sorted(expected)
    firehose.delete_delivery_stream(DeliveryStreamName="life")
    wait_for(lambda: "life" not in firehose.list_delivery_streams()["DeliveryStreamNames"])
    with pytest.raises(ClientError, match=r"Firehose life under account .* not found"):
        firehose.put_record(DeliveryStreamName="life", Record={"Data": b"x"})


def test_what_is_delivered_can_be_read_in_cloudwatch(server):
    server.client("s3").create_bucket(Bucket="firehose-metrics")
    make(server, "metered", "firehose-metrics")
    server.client("firehose").put_record(DeliveryStreamName="metered", Record={"Data": b"12345"})
    wait_for(lambda: objects_of(server, "firehose-metrics"))
    cloudwatch = server.client("cloudwatch")

    def measured():
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/Firehose",
            MetricName="DeliveryToS3.Bytes",
            Dimensions=[{"Name": "DeliveryStreamName", "Value": "metered"}],
            StartTime=time.time() - 600,
            EndTime=time.time() + 60,
            Period=60,
            Statistics=["Sum"],
        )
        return answer["Datapoints"]

    assert sum(point["Sum"] for point in wait_for(measured)) == 5


def test_five_megabytes_a_second_are_delivered_within_the_interval_and_two_seconds(server):
    server.client("s3").create_bucket(Bucket="firehose-load")
    hints = {"SizeInMBs": 5, "IntervalInSeconds": 1}
    make(server, "load", "firehose-load", BufferingHints=hints, CompressionFormat="GZIP")
    firehose, count, start = server.client("firehose"), 0, time.time()
    while (passed := time.time() - start) < 3:
        if count * 200 > passed * 5_000_000:
            time.sleep(0.005)
            continue
        records = [{"Data": b"%0199d\n" % (count + number)} for number in range(500)]
        firehose.put_record_batch(DeliveryStreamName="load", Records=records)
        count += 500

    def all_there():
        found = objects_of(server, "firehose-load").values()
        return sum(gzip.decompress(data).count(b"\n") for data in found) == count

    wait_for(all_there)
    answer = server.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Firehose",
        MetricName="DeliveryToS3.DataFreshness",
        Dimensions=[{"Name": "DeliveryStreamName", "Value": "load"}],
        StartTime=start - 60,
        EndTime=time.time() + 60,
        Period=60,
        Statistics=["Maximum"],
    )
    assert max(point["Maximum"] for point in answer["Datapoints"]) <= 3


def test_all_that_was_acknowledged_arrives_though_the_server_is_killed_again_and_again(
    fresh_server,
):
    server = fresh_server
    server.client("s3").create_bucket(Bucket="lake")
    make(server, "sure", "lake", CompressionFormat="GZIP")
    acknowledged, next_number = set(), 0
    for life in range(5):
        end = time.monotonic() + 0.9
        killer = threading.Timer(0.55 + 0.13 * life, server.kill)
        killer.start()
        firehose = server.client("firehose")
        while time.monotonic() < end:
            numbers = range(next_number, next_number + 100)
            next_number += 100
            records = [{"Data": b'{"id": %d, "pad": "%s"}\n' % (n, b"x" * 500)} for n in numbers]
            try:
                firehose.put_record_batch(DeliveryStreamName="sure", Records=records)
            except Exception:
                break
            acknowledged.update(numbers)
        killer.join()
        server.start()
    assert len(acknowledged) > 500

    def arrived():
        found = objects_of(server, "lake")
        lines = [line for data in found.values() for line in gzip.decompress(data).splitlines()]
        ids = [json.loads(line)["id"] for line in lines]
        return ids if acknowledged <= set(ids) else None

    ids = wait_for(arrived)
    assert len(ids) == len(set(ids))


def test_hundreds_of_idle_delivery_streams_cost_nothing(fresh_server):
    server = fresh_server
    server.client("s3").create_bucket(Bucket="lake")
    firehose = server.client("firehose")
    destination = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}
    for number in range(200):
        firehose.create_delivery_stream(
            DeliveryStreamName=f"idle-{number}", S3DestinationConfiguration=destination
        )
    time.sleep(0.5)
    before = cpu_seconds(server)
    time.sleep(2)
    assert cpu_seconds(server) - before < 0.1


def cpu_seconds(server):
    text = Path(f"/proc/{server.process.pid}/stat").read_text()
    fields = text.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
