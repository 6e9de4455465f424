"""What is put arrives in S3: when, under which name, in which form."""

import gzip
import io
import json
import re
import zipfile
from dataclasses import replace

import cramjam

from millpond.kernel.errors import ServiceError
from tests.services.firehose.conftest import BUCKET, ROLE

NAME = r"clicks-1-2023-11-14-22-13-20-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
HOUR = "2023/11/14/22/"


async def test_records_arrive_in_order_in_one_object_named_as_in_aws(world):
    await world.make_stream(Prefix="in/")
    await world.put(b"one,", b"two,")
    await world.put(b"three")
    (key,), (data,) = zip(*(await world.delivered()).items(), strict=True)
    assert re.fullmatch(f"in/{HOUR}{NAME}", key)
    assert data == b"one,two,three"


async def test_nothing_is_delivered_before_its_time_is_over(world):
    await world.make_stream()
    await world.put(b"early")
    await world.pass_time(9.5)
    assert await world.objects() == {}
    await world.delivered()
    assert world.clock.now_ms() - 1_700_000_000_000 <= 12_000


async def test_the_time_counts_from_the_first_record_of_a_buffer(world):
    await world.make_stream()
    await world.pass_time(60)
    await world.put(b"late")
    await world.pass_time(5)
    assert await world.objects() == {}
    await world.delivered()


async def test_what_arrives_while_an_object_is_written_waits_no_longer_than_the_rest(still_world):
    world = still_world
    whole = world.needs

    async def slow(call, service, operation, **members):
        if operation == "PutObject":
            await world.clock.sleep(6)
        return await whole.call_aws(call, service, operation, **members)

    world.use(replace(whole, call_aws=slow))
    await world.start()
    await world.make_stream()
    await world.put(b"first")
    await world.pass_time(10.5)
    await world.put(b"second")
    assert len(await world.delivered(1)) == 1
    await world.delivered(2)
    assert world.clock.now_ms() - 1_700_000_000_000 <= 29_000


async def test_a_full_buffer_is_delivered_at_once(world):
    await world.make_stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    for _ in range(3):
        await world.put(*[bytes([65 + index]) * 200_000 for index in range(5)])
    found = await world.delivered(2)
    assert world.clock.now_ms() - 1_700_000_000_000 < 60_000
    sizes = sorted(len(data) for data in found.values())
    assert sizes == [1_200_000, 1_200_000]


async def test_where_the_interval_is_0_records_are_delivered_within_a_second(world):
    await world.make_stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    await world.put(b"now")
    await world.delivered()
    assert world.clock.now_ms() - 1_700_000_000_000 < 1500


async def test_each_compression_can_be_undone(world):
    data = b"so much of the same " * 20_000
    opened = {
        "UNCOMPRESSED": ("", bytes),
        "GZIP": (".gz", gzip.decompress),
        "Snappy": (".snappy", lambda packed: bytes(cramjam.snappy.decompress(packed))),
        "HADOOP_SNAPPY": (".hsnappy", open_hadoop_snappy),
        "ZIP": (".zip", open_zip),
    }
    for compression, (extension, undo) in opened.items():
        name = f"s-{compression}"
        await world.make_stream(name, CompressionFormat=compression, Prefix=f"{compression}/")
        await world.put(data, name=name)
        (key,), (packed,) = zip(
            *(await world.delivered(prefix=f"{compression}/")).items(), strict=True
        )
        assert re.search(r"-[0-9a-f]{12}" + re.escape(extension) + "$", key)
        assert undo(packed) == data
        assert compression == "UNCOMPRESSED" or len(packed) < len(data) / 5


def open_zip(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        (name,) = archive.namelist()
        assert name.startswith("s-ZIP-1-") and not name.endswith(".zip")
        return archive.read(name)


def open_hadoop_snappy(packed):
    parts, at = [], 0
    while at < len(packed):
        size = int.from_bytes(packed[at : at + 4], "big")
        length = int.from_bytes(packed[at + 4 : at + 8], "big")
        part = bytes(cramjam.snappy.decompress_raw(packed[at + 8 : at + 8 + length]))
        assert len(part) == size
        parts.append(part)
        at += 8 + length
    return b"".join(parts)


async def test_a_file_extension_takes_the_place_of_the_usual_one(world):
    await world.make_stream(CompressionFormat="GZIP", FileExtension=".json.gz")
    await world.put(b"{}")
    (key,) = await world.delivered()
    assert re.fullmatch(f"{HOUR}{NAME}.json.gz", key)


async def test_prefixes_and_names_are_in_the_custom_time_zone(world):
    await world.make_stream(
        Prefix="day=!{timestamp:yyyy-MM-dd'T'HH}/!{firehose:random-string}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        CustomTimeZone="Asia/Tokyo",
    )
    await world.put(b"hello")
    (key,) = await world.delivered()
    assert re.fullmatch(r"day=2023-11-15T07/\w{11}/clicks-1-2023-11-15-07-13-20-[0-9a-f-]{36}", key)


async def test_source_records_are_backed_up_where_that_is_asked_for(world):
    backup = {"RoleARN": ROLE, "BucketARN": BUCKET, "Prefix": "raw/", "CompressionFormat": "GZIP"}
    await world.make_stream(Prefix="in/", S3BackupMode="Enabled", S3BackupConfiguration=backup)
    await world.put(b"one", b"two")
    found = await world.delivered(2)
    kept = {key.split("/")[0]: data for key, data in found.items()}
    assert kept["in"] == b"onetwo"
    assert gzip.decompress(kept["raw"]) == b"onetwo"
    measured = world.measured()
    assert measured["BackupToS3.Records"].total == 2
    assert measured["BackupToS3.Success"].total == 1


async def test_delivery_waits_for_a_missing_bucket_and_says_so(world):
    log = {"Enabled": True, "LogGroupName": "/aws/firehose", "LogStreamName": "S3Delivery"}
    await world.make_stream(BucketARN="arn:aws:s3:::later", CloudWatchLoggingOptions=log)
    await world.put(b"patient")

    async def told():
        try:
            answer = await world.logs(
                "GetLogEvents", logGroupName="/aws/firehose", logStreamName="S3Delivery"
            )
        except ServiceError:
            return None
        return answer["events"]

    (event,) = await world.until(told)
    assert world.measured()["DeliveryToS3.Success"].high == 0
    entry = json.loads(event["message"])
    assert entry["errorCode"] == "S3.NoSuchBucket"
    assert entry["destination"] == "arn:aws:s3:::later"
    assert entry["deliveryStreamVersionId"] == 1
    assert entry["deliveryStreamARN"].endswith(":deliverystream/clicks")
    await world.s3("CreateBucket", Bucket="later")

    async def arrived():
        listed = await world.s3("ListObjectsV2", Bucket="later")
        return listed.get("Contents")

    assert len(await world.until(arrived)) == 1


async def test_a_bucket_that_is_named_right_later_gets_what_waited(world):
    await world.make_stream(BucketARN="arn:aws:s3:::wrong")
    await world.put(b"patient")
    await world.pass_time(15)
    await world.firehose(
        "UpdateDestination",
        DeliveryStreamName="clicks",
        CurrentDeliveryStreamVersionId="1",
        DestinationId="destinationId-000000000001",
        ExtendedS3DestinationUpdate={"BucketARN": BUCKET},
    )
    (key,) = await world.delivered()
    assert "/clicks-2-" in key


async def test_a_deleted_stream_delivers_what_it_holds_and_is_gone(world):
    await world.make_stream(BufferingHints={"SizeInMBs": 100, "IntervalInSeconds": 900})
    await world.put(b"last words")
    await world.pass_time(1)
    await world.firehose("DeleteDeliveryStream", DeliveryStreamName="clicks")

    async def gone():
        answer = await world.firehose("ListDeliveryStreams")
        return not answer["DeliveryStreamNames"]

    await world.until(gone)
    assert list((await world.objects()).values()) == [b"last words"]
    assert not list(world.needs.folder.glob("*"))


async def test_a_stream_whose_bucket_is_gone_can_be_deleted(world):
    await world.make_stream(BucketARN="arn:aws:s3:::nowhere")
    await world.put(b"lost with its stream")
    await world.pass_time(20)
    await world.firehose("DeleteDeliveryStream", DeliveryStreamName="clicks")

    async def gone():
        answer = await world.firehose("ListDeliveryStreams")
        return not answer["DeliveryStreamNames"]

    await world.until(gone)


async def test_encrypted_records_wait_unreadably_and_arrive_readably(world):
    await world.make_stream()
    await world.put(b"plain-secret")
    await world.firehose("StartDeliveryStreamEncryption", DeliveryStreamName="clicks")
    answer = await world.firehose(
        "PutRecord", DeliveryStreamName="clicks", Record={"Data": b"sealed-secret"}
    )
    assert answer["Encrypted"] is True
    await world.firehose("StartDeliveryStreamEncryption", DeliveryStreamName="clicks")
    await world.put(b"another-secret")
    await world.firehose("StopDeliveryStreamEncryption", DeliveryStreamName="clicks")
    await world.put(b"open-again")
    folder = world.needs.folder.parent / "log"
    stored = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"plain-secret" in stored
    assert b"open-again" in stored
    assert b"sealed-secret" not in stored
    assert b"another-secret" not in stored
    data = b"".join((await world.delivered()).values())
    assert data == b"plain-secretsealed-secretanother-secretopen-again"


async def test_what_went_in_and_out_is_measured(world):
    await world.make_stream()
    await world.put(b"12345", b"678")
    await world.delivered()
    measured = world.measured()
    assert measured["IncomingBytes"].total == 8
    assert measured["IncomingRecords"].total == 2
    assert measured["PutRecordBatch.Records"].total == 2
    assert measured["PutRecordBatch.Requests"].total == 1
    assert measured["ThrottledRecords"].total == 0
    assert measured["DeliveryToS3.Bytes"].total == 8
    assert measured["DeliveryToS3.Records"].total == 2
    assert measured["DeliveryToS3.Success"].total == 1
    assert 10 <= measured["DeliveryToS3.DataFreshness"].high <= 13
