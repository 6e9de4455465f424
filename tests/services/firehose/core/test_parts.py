"""The engine with transformers, converters and destinations: what it hands them, and what it does
with what they answer."""

import base64
import json

import msgspec
import pytest

from millpond.kernel.errors import ServiceError
from millpond.services.firehose.delivery import parts, plan, window
from millpond.services.firehose.delivery.interface import (
    FORMAT_CONVERSION_FAILED,
    HTTP_ENDPOINT_FAILED,
    PROCESSING_FAILED,
    Converted,
    Failure,
    NotNow,
    Transformed,
    Undelivered,
)
from tests.services.firehose.conftest import BUCKET, ROLE

S3 = {"RoleARN": ROLE, "BucketARN": BUCKET}


class Part:
    gather_size_bytes = 0
    gather_ms = 0
    apply_size_bytes_max = 0

    async def close(self):
        self.closed = True


class Transformer(Part):
    """Upper case; `drop` is dropped, `bad` fails, `k=…` names a partition."""

    def __init__(self):
        self.sizes = []

    async def apply(self, records):
        self.sizes.append(len(records))
        kept, failures, dropped = [], [], 0
        for record in records:
            if record.data == b"drop":
                dropped += 1
            elif record.data.startswith(b"bad"):
                failures.append(
                    Failure(
                        PROCESSING_FAILED,
                        "Lambda.FunctionError",
                        "It failed.",
                        record.data,
                        record.arrival_ms,
                        4,
                        {"lambdaArn": "arn:f"},
                    )
                )
            else:
                keys = {}
                if record.data.startswith(b"k="):
                    keys = {"id": record.data.split(b"=")[1].split(b",")[0].decode()}
                data = record.data.upper() + b"\n"
                kept.append(msgspec.structs.replace(record, data=data, lambda_keys=keys))
        return Transformed(kept, failures, dropped)


@pytest.fixture
def transformer(monkeypatch):
    part = Transformer()
    monkeypatch.setattr(parts, "transformer", lambda *_, **__: part)
    return part


def lines(data):
    return [json.loads(line) for line in data.splitlines()]


async def test_failed_records_end_below_the_error_prefix_and_dropped_ones_nowhere(
    world, transformer
):
    await world.make_stream(Prefix="in/", ErrorOutputPrefix="err/")
    await world.put(b"good", b"drop", b"bad", b"fine")
    found = await world.delivered(2)
    (data,) = [data for key, data in found.items() if key.startswith("in/")]
    assert data == b"GOOD\nFINE\n"
    (key,) = [key for key in found if key.startswith("err/processing-failed/2023/11/14/22/")]
    (line,) = lines(found[key])
    assert base64.b64decode(line["rawData"]) == b"bad"
    assert line["attemptsMade"] == 4
    assert line["errorCode"] == "Lambda.FunctionError"
    assert line["errorMessage"] == "It failed."
    assert line["lambdaArn"] == "arn:f"
    assert line["arrivalTimestamp"] == 1_700_000_000_000
    assert line["attemptEndingTimestamp"] >= line["arrivalTimestamp"]


async def test_where_all_is_dropped_the_position_moves_on(world, transformer):
    await world.make_stream()
    await world.put(b"drop")
    await world.pass_time(15)
    await world.stop()
    seen = len(transformer.sizes)
    await world.start()
    await world.put(b"good")
    await world.delivered()
    assert transformer.sizes[seen:] == [1]


async def test_records_are_gathered_for_the_transformer(world, transformer):
    transformer.gather_size_bytes = 1000
    transformer.gather_ms = 4000
    await world.make_stream()
    for _ in range(5):
        await world.put(b"x" * 10)
        await world.pass_time(0.5)
    assert transformer.sizes == []
    await world.pass_time(3)
    assert transformer.sizes == [5]
    await world.put(b"y" * 2000)
    await world.pass_time(0.5)
    assert transformer.sizes == [5, 1]


async def test_a_transformer_is_handed_no_more_than_it_takes_at_a_time(world, transformer):
    transformer.apply_size_bytes_max = 100
    await world.make_stream()
    await world.put(*[b"x" * 40] * 5, b"y" * 300, b"z")
    ((_, data),) = (await world.delivered()).items()
    assert transformer.sizes == [2, 2, 1, 1, 1]
    assert data == (b"X" * 40 + b"\n") * 5 + b"Y" * 300 + b"\nZ\n"


async def test_a_transformer_that_cannot_now_is_asked_again(world, transformer):
    apply, tries = transformer.apply, []

    async def later(records):
        tries.append(records)
        if len(tries) < 4:
            raise NotNow("Lambda.Later", "Not yet.")
        return await apply(records)

    transformer.apply = later
    await world.make_stream()
    await world.put(b"patience")
    assert list((await world.delivered()).values()) == [b"PATIENCE\n"]
    assert tries[0] == tries[3]


LOGGING = {"Enabled": True, "LogGroupName": "/firehose", "LogStreamName": "errors"}


async def told(world):
    """Codes of the error log's entries, once it has some."""

    async def events():
        where = {"logGroupName": "/firehose", "logStreamName": "errors"}
        try:
            return (await world.logs("GetLogEvents", **where))["events"]
        except ServiceError:
            return None

    found = await world.until(events)
    return {json.loads(event["message"])["errorCode"] for event in found}


async def test_records_that_break_the_transformer_itself_fail_alone(world, transformer):
    apply = transformer.apply

    async def fragile(records):
        if any(record.data == b"poison" for record in records):
            raise ZeroDivisionError("a mistake of ours")
        return await apply(records)

    transformer.apply = fragile
    await world.make_stream(
        Prefix="in/", ErrorOutputPrefix="err/", CloudWatchLoggingOptions=LOGGING
    )
    await world.put(b"a", b"b", b"poison", b"c", b"poison", b"d")
    await world.delivered(2)
    await world.put(b"later")
    found = await world.delivered(3)
    good = [data for key, data in sorted(found.items()) if key.startswith("in/")]
    assert b"".join(good) == b"A\nB\nC\nD\nLATER\n"
    (key,) = [key for key in found if key.startswith("err/processing-failed/")]
    failed = lines(found[key])
    assert [base64.b64decode(line["rawData"]) for line in failed] == [b"poison", b"poison"]
    assert failed[0]["errorCode"] == "InternalError"
    assert failed[0]["errorMessage"] == "ZeroDivisionError: a mistake of ours"
    assert await told(world) == {"InternalError"}


async def test_a_fault_of_the_engine_loses_nothing_and_is_told(world, monkeypatch):
    absorb, full = window.Window.absorb, [True]

    def disk_full(self, *more):
        if full:
            full.clear()
            raise OSError(28, "No space left on device")
        absorb(self, *more)

    monkeypatch.setattr(window.Window, "absorb", disk_full)
    await world.make_stream(CloudWatchLoggingOptions=LOGGING)
    await world.put(b"a", b"b")
    assert list((await world.delivered()).values()) == [b"ab"]
    assert await told(world) == {"InternalError"}


async def test_the_error_log_is_told_of_records_that_fail(world, transformer):
    await world.make_stream(**PARTITIONED, CloudWatchLoggingOptions=LOGGING)
    await world.put(b"bad", b"bad too", b"k=a,1", b"no key")
    await world.delivered(2)
    codes = {"Lambda.FunctionError", "DynamicPartitioning.PartitionKeyMissing"}
    assert await told(world) == codes


PARTITIONED = {
    "Prefix": "id=!{partitionKeyFromLambda:id}/!{timestamp:yyyy}/",
    "ErrorOutputPrefix": "err/!{firehose:error-output-type}/",
    "DynamicPartitioningConfiguration": {"Enabled": True},
    "ProcessingConfiguration": {
        "Processors": [
            {
                "Type": "Lambda",
                "Parameters": [{"ParameterName": "LambdaArn", "ParameterValue": "s3://lake/f.py"}],
            }
        ]
    },
    "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 10},
}


async def test_records_are_partitioned_by_their_keys(world, transformer):
    await world.make_stream(**PARTITIONED)
    await world.put(b"k=a,1", b"k=b,2", b"k=a,3", b"none")
    found = await world.delivered(3)
    by_folder = {key.rsplit("/", 1)[0]: data for key, data in found.items()}
    assert by_folder["id=a/2023"] == b"K=A,1\nK=A,3\n"
    assert by_folder["id=b/2023"] == b"K=B,2\n"
    (line,) = lines(by_folder["err/processing-failed"])
    assert line["errorCode"] == "DynamicPartitioning.PartitionKeyMissing"
    measured = world.measured()
    assert measured["PartitionCount"].high == 2
    assert measured["DeliveryToS3.ObjectCount"].total == 2


async def test_partitions_beyond_the_limit_end_below_the_error_prefix(
    world, transformer, monkeypatch
):
    monkeypatch.setattr(window, "PARTITIONS_MAX", 3)
    await world.make_stream(**PARTITIONED)
    await world.put(*[b"k=%d,x" % number for number in range(5)], b"k=0,y")
    found = await world.delivered(4)
    errors = lines(b"".join(data for key, data in found.items() if key.startswith("err/")))
    assert {error["errorMessage"] for error in errors} == {
        "The number of active partitions has exceeded the configured limit"
    }
    assert len(errors) == 2
    assert world.measured()["PartitionCountExceeded"].high == 1


async def test_a_full_partition_is_delivered_alone_and_again_under_the_same_name(
    world, transformer, monkeypatch
):
    monkeypatch.setattr(plan, "_MIB", 1024)
    hints = {"SizeInMBs": 64, "IntervalInSeconds": 900}
    await world.make_stream(**PARTITIONED | {"BufferingHints": hints})
    big = b"x" * 1000
    await world.put(b"k=small,1")
    for _ in range(18):
        await world.put(*[b"k=big," + big] * 4)
    (key,) = await world.delivered(1)
    assert key.startswith("id=big/2023/")
    first = (await world.objects())[key]
    await world.stop()
    await world.s3("DeleteObject", Bucket="lake", Key=key)
    await world.start()
    await world.put(b"k=small,2", b"k=big,last")
    assert await world.delivered(1) == {key: first}
    await world.clock_past(900)
    found = await world.delivered(3)
    by_folder = sorted((one.split("/")[0], data) for one, data in found.items())
    assert [folder for folder, _ in by_folder] == ["id=big", "id=big", "id=small"]
    assert by_folder[2][1] == b"K=SMALL,1\nK=SMALL,2\n"
    assert sum(data.count(b"\n") for folder, data in by_folder if folder == "id=big") == 73


class Converter(Part):
    """Numbers become a sum; what is no number fails."""

    async def convert(self, records, target):
        numbers, failures = [], []
        for run in records:
            for record in run:
                if record.data.isdigit():
                    numbers.append(int(record.data))
                else:
                    failures.append(
                        Failure(
                            FORMAT_CONVERSION_FAILED,
                            "DataFormatConversion.MalformedData",
                            "No number.",
                            record.data,
                            record.arrival_ms,
                        )
                    )
        target.write_bytes(b"%d" % sum(numbers))
        return Converted(len(numbers), ".sum", failures)


async def test_objects_are_converted_and_what_fails_is_told_in_its_own_words(world, monkeypatch):
    monkeypatch.setattr(parts, "converter", lambda *_: Converter())
    await world.make_stream(Prefix="in/", ErrorOutputPrefix="err/")
    await world.put(b"1", b"2", b"three", b"4")
    found = await world.delivered(2)
    (key,) = [key for key in found if key.startswith("in/")]
    assert key.endswith(".sum")
    assert found[key] == b"7"
    (key,) = [key for key in found if key.startswith("err/format-conversion-failed/")]
    (line,) = lines(found[key])
    assert line["lastErrorCode"] == "DataFormatConversion.MalformedData"
    assert line["lastErrorMessage"] == "No number."
    measured = world.measured()
    assert measured["SucceedConversion.Records"].total == 3
    assert measured["FailedConversion.Records"].total == 1


async def test_where_nothing_converts_no_object_is_written(world, monkeypatch):
    monkeypatch.setattr(parts, "converter", lambda *_: Converter())
    await world.make_stream(Prefix="in/", ErrorOutputPrefix="err/")
    await world.put(b"three")
    (key,) = await world.delivered()
    assert key.startswith("err/")


async def test_a_converter_that_is_broken_holds_nothing_up(world, monkeypatch):
    class Broken(Part):
        async def convert(self, records, target):
            target.write_bytes(b"half")
            raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(parts, "converter", lambda *_: Broken())
    await world.make_stream(Prefix="in/", ErrorOutputPrefix="err/")
    await world.put(b"1", b"2")
    ((key, data),) = (await world.delivered()).items()
    assert key.startswith("err/format-conversion-failed/")
    failed = lines(data)
    assert [base64.b64decode(line["rawData"]) for line in failed] == [b"1", b"2"]
    assert {line["lastErrorCode"] for line in failed} == {"InternalError"}
    assert {line["attemptsMade"] for line in failed} == {3}


class Destination(Part):
    failure_kind = HTTP_ENDPOINT_FAILED

    def __init__(self, *refusals):
        self.refusals = list(refusals)
        self.batches = []

    async def deliver(self, batch):
        self.batches.append(batch)
        refused = self.refusals.pop(0) if self.refusals else {}
        return [
            Undelivered(record, "HttpEndpoint.Refused", "No.", refused[record.data])
            for record in batch.records
            if record.data in refused
        ]


async def make_http(world, monkeypatch, destination, **more):
    monkeypatch.setattr(parts, "destination", lambda *_: destination)
    settings = {
        "EndpointConfiguration": {"Url": "https://hooks.example.com"},
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 10},
        "RetryOptions": {"DurationInSeconds": 60},
        "S3Configuration": {**S3, "Prefix": "all/", "ErrorOutputPrefix": "err/"},
    }
    await world.firehose(
        "CreateDeliveryStream",
        DeliveryStreamName="clicks",
        HttpEndpointDestinationConfiguration=settings | more,
    )


async def batches(world, destination, count):
    async def enough():
        return len(destination.batches) >= count and destination.batches

    return await world.until(enough)


async def test_a_batch_is_delivered_with_an_id_and_in_order(world, monkeypatch):
    destination = Destination()
    await make_http(world, monkeypatch, destination)
    await world.put(b"one", b"two")
    (batch,) = await batches(world, destination, 1)
    assert [record.data for record in batch.records] == [b"one", b"two"]
    assert batch.attempt == 1
    assert len({record.id for record in batch.records}) == 2
    measured = world.measured()
    assert measured["DeliveryToHttpEndpoint.Records"].total == 2
    assert measured["DeliveryToHttpEndpoint.Success"].low == 1


async def test_what_was_refused_is_tried_again_and_then_written_to_s3(world, monkeypatch):
    always = {b"never": False}
    first = {b"never": False, b"later": False, b"wrong": True}
    destination = Destination(first, *[always] * 50)
    await make_http(world, monkeypatch, destination)
    await world.put(b"ok", b"never", b"later", b"wrong")
    found = await world.delivered(1, "err/http-endpoint-failed/")
    tried = destination.batches
    assert [record.data for record in tried[1].records] == [b"never", b"later"]
    assert [record.data for record in tried[2].records] == [b"never"]
    assert len({batch.id for batch in tried}) == 1
    assert [batch.attempt for batch in tried] == list(range(1, len(tried) + 1))
    assert 5 <= len(tried) <= 9
    told = {base64.b64decode(line["rawData"]): line for line in lines(*found.values())}
    assert told.keys() == {b"never", b"wrong"}
    assert told[b"wrong"]["attemptsMade"] == 1
    assert told[b"never"]["attemptsMade"] == len(tried)


async def test_a_destination_that_is_broken_is_tried_again_and_its_batch_written_to_s3(
    world, monkeypatch
):
    destination = Destination()

    async def broken(batch):
        destination.batches.append(batch)
        raise ZeroDivisionError("a mistake of ours")

    destination.deliver = broken
    await make_http(world, monkeypatch, destination)
    await world.put(b"a", b"b")
    found = await world.delivered(1, "err/http-endpoint-failed/")
    failed = lines(*found.values())
    assert [base64.b64decode(line["rawData"]) for line in failed] == [b"a", b"b"]
    assert {line["errorCode"] for line in failed} == {"InternalError"}
    assert len(destination.batches) >= 5


async def test_where_a_destination_takes_some_the_rest_is_tried_again_soon(world, monkeypatch):
    data = [b"%d" % number for number in range(12)]
    destination = Destination(*[dict.fromkeys(data[number:], False) for number in range(1, 12)])
    await make_http(world, monkeypatch, destination)
    await world.put(*data)
    await batches(world, destination, 12)
    assert [len(batch.records) for batch in destination.batches] == list(range(12, 0, -1))
    assert await world.objects() == {}


async def test_all_data_is_backed_up_where_that_is_asked_for(world, monkeypatch):
    await make_http(world, monkeypatch, Destination(), S3BackupMode="AllData")
    await world.put(b"one", b"two")
    assert list((await world.delivered(1, "all/")).values()) == [b"onetwo"]


async def test_a_batch_that_was_cut_off_comes_again_with_the_same_id(world, monkeypatch):
    destination = Destination(*[{b"x": False}] * 3)
    await make_http(world, monkeypatch, destination)
    await world.put(b"x")
    await batches(world, destination, 2)
    await world.stop()
    await world.put(b"y")
    await world.start()
    tried = await batches(world, destination, 5)
    first = [batch for batch in tried if b"x" in [record.data for record in batch.records]]
    assert len({batch.id for batch in first}) == 1
    assert all(len(batch.records) == 1 for batch in tried)
