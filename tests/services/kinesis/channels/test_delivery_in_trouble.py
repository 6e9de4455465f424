"""Whatever cuts a delivery off, each record is delivered once, in the order of its shard."""

import asyncio
import json
from typing import Any

import pytest

from millpond.engines.log.interface import Batch
from millpond.kernel.errors import Unavailable
from millpond.services.kinesis.channels import survey
from millpond.services.kinesis.model.entries import as_encrypted

from .conftest import ACCOUNT, Refusal, World, until


class Cut(BaseException):
    """The process ends here."""


async def test_records_wait_until_the_oldest_is_as_old_as_the_channel_allows(world: World) -> None:
    await world.begin_active(freshness=300)
    await world.put(b"a")
    await world.pass_freshness(200)
    await world.put(b"b")
    await asyncio.sleep(0.1)
    assert world.buckets.objects == {}
    await world.pass_freshness(100)
    (data,) = (await world.until_objects(1)).values()
    assert data == b"ab"


async def test_an_update_reaches_records_that_wait(world: World) -> None:
    channel = await world.begin_active(freshness=900)
    await world.put(b"a")
    await world.pass_freshness(400)
    await asyncio.sleep(0.05)
    assert world.buckets.objects == {}
    await world.call(
        "UpdateChannel",
        ChannelARN=channel["ChannelARN"],
        S3DestinationConfiguration={"DataFreshnessInSeconds": 300},
    )
    await world.wake()
    assert list((await world.until_objects(1)).values()) == [b"a"]


async def test_what_was_put_before_the_channel_is_active_is_not_delivered(world: World) -> None:
    await world.put(b"before")
    await world.begin_active()
    await world.put(b"after")
    await world.pass_freshness()
    assert list((await world.until_objects(1)).values()) == [b"after"]


async def test_the_role_calls_with_the_rights_that_a_channel_needs(world: World) -> None:
    await world.begin_active()
    await world.put(b"a")
    await world.pass_freshness()
    await world.until_objects(1)
    for call in world.buckets.callers:
        assert call.principal.arn == (
            f"arn:aws:sts::{ACCOUNT}:assumed-role/delivery/Channel-Session-For-Cx-Role"
        )
        assert "s3:PutObject" in call.principal.actions
        assert "s3:DeleteObject" not in call.principal.actions


async def test_a_bucket_that_is_not_there_makes_the_channel_fail_for_good(world: World) -> None:
    world.buckets.names = {"lake"}
    letters = {"BucketARN": "arn:aws:s3:::errors", "ExpectedBucketOwner": ACCOUNT}
    channel = await world.make_channel(dead_letters=letters)
    assert await (await world.begin()) is None
    described = await world.describe(channel)
    assert described["ChannelStatus"] == "FAILED"
    assert "arn:aws:s3:::errors" in described["ChannelStatusReason"]
    assert "NoSuchBucket" in described["ChannelStatusReason"]
    listed = (await world.call("ListChannels"))["ChannelSummaries"]
    assert listed[0]["ChannelStatusReason"] == described["ChannelStatusReason"]
    await world.call("DeleteChannel", ChannelARN=channel["ChannelARN"])
    assert await (await world.begin()) is None


async def test_a_bucket_of_somebody_else_makes_the_channel_fail(world: World) -> None:
    world.buckets.owner = "999999999999"
    channel = await world.make_channel()
    await (await world.begin())
    described = await world.describe(channel)
    assert (described["ChannelStatus"], "AccessDenied" in described["ChannelStatusReason"]) == (
        "FAILED",
        True,
    )


async def test_a_write_that_fails_is_tried_again_until_it_is_done(world: World) -> None:
    await world.begin_active()
    failures = iter([Refusal("NoSuchBucket"), Unavailable("Not now."), Refusal("SlowDown")])

    def fail(key: str) -> None:
        for failure in failures:
            raise failure

    world.buckets.before = fail
    await world.put(b"a")
    await world.pass_freshness()
    for tries, pause in ((1, 1), (2, 2), (3, 4)):
        await until(lambda tries=tries: _tried(world, tries))
        await world.pass_freshness(pause - 0.5)
        await asyncio.sleep(0.05)
        assert len(world.buckets.tries) == tries
        world.clock.advance(0.5)
    assert list((await world.until_objects(1)).values()) == [b"a"]
    assert len(set(world.buckets.tries)) == 1


async def _tried(world: World, count: int) -> bool:
    return len(world.buckets.tries) >= count


async def test_a_write_whose_answer_was_lost_is_found_to_be_there(world: World) -> None:
    await world.begin_active()
    lost = iter([Unavailable("Who knows.")])

    def lose(key: str) -> None:
        for failure in lost:
            raise failure

    world.buckets.after = lose
    await world.put(b"a")
    await world.pass_freshness()
    await until(lambda: _tried(world, 1))
    await world.pass_freshness(1)
    await until(lambda: _tried(world, 2))
    await world.put(b"b")
    await world.pass_freshness(400)
    assert sorted((await world.until_objects(2)).values()) == [b"a", b"b"]
    assert world.buckets.tries[0] == world.buckets.tries[1]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_delivery_that_was_cut_off_is_done_again_under_the_same_name(
    world: World, moment: str
) -> None:
    channel = await world.make_channel()
    step = await world.begin()
    await world.until_status(channel, "ACTIVE")

    def cut(key: str) -> None:
        raise Cut

    setattr(world.buckets, moment, cut)
    await world.put(b"a", b"b")
    await world.pass_freshness()
    with pytest.raises(Cut):
        await step
    setattr(world.buckets, moment, lambda key: None)
    await world.put(b"c")
    await world.begin()
    await until(lambda: _tried(world, 2))
    assert world.buckets.tries[0] == world.buckets.tries[1]
    await world.pass_freshness()
    objects = await world.until_objects(2)
    assert [objects[key] for key in (world.buckets.tries[0], world.buckets.tries[-1])] == [
        b"ab",
        b"c",
    ]


async def test_much_is_delivered_in_objects_of_a_bounded_size(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "OBJECT_RECORDS_MAX", 3)
    monkeypatch.setattr("millpond.services.kinesis.channels.reading.READ_ENTRIES", 2)
    await world.begin_active()
    for key in ("a", "b", "c"):
        await world.put(*(f"{key}{number} ".encode() for number in range(7)), key=key)
    await world.pass_freshness()

    async def all_there() -> bool:
        return sum(len(data.split()) for data in world.buckets.objects.values()) == 21

    await until(all_there)
    in_order = [world.buckets.objects[key].split() for key in world.buckets.tries]
    assert max(len(each) for each in in_order) <= 4
    together = [record for each in in_order for record in each]
    for key in b"abc":
        of_key = [record for record in together if record[0] == key]
        assert of_key == [f"{chr(key)}{number}".encode() for number in range(7)]


async def test_records_of_a_shard_come_before_those_of_the_shards_that_came_of_it(
    world: World,
) -> None:
    await world.begin_active()
    expected = []
    for number in range(6):
        data = f"{number} ".encode()
        await world.put(data, key="always-this")
        expected.append(data)
        stream = await world.stream()
        if number == 2:
            arn = {"StreamARN": stream.arn}
            mode = {"StreamModeDetails": {"StreamMode": "PROVISIONED"}}
            await world.call("UpdateStreamMode", **arn, **mode)
        if number >= 2:
            count = {2: 8, 3: 3, 4: 6, 5: 2}[number]
            await world.call(
                "UpdateShardCount",
                StreamName="orders",
                TargetShardCount=count,
                ScalingType="UNIFORM_SCALING",
            )
    await world.pass_freshness()
    (data,) = (await world.until_objects(1)).values()
    assert data == b"".join(expected)
    await world.put(b"later", key="always-this")
    await world.pass_freshness()
    assert sorted((await world.until_objects(2)).values())[1] == b"later"


async def test_what_is_not_json_is_told_of_and_the_others_are_delivered(world: World) -> None:
    letters = {
        "BucketARN": "arn:aws:s3:::errors",
        "ExpectedBucketOwner": ACCOUNT,
        "ErrorOutputPrefix": "bad/",
    }
    channel = await world.begin_active(record_format="JSON", dead_letters=letters)
    numbers = await world.put(b'{"n":1}', b"{", b'{"n":2}\n', b'"\xff"')
    await world.pass_freshness()
    objects = await world.until_objects(2)
    (failed,) = [key for key in objects if key.startswith("bad/")]
    (good,) = [key for key in objects if key != failed]
    assert objects[good] == b'{"n":1}{"n":2}\n'
    assert world.buckets.members[failed]["Bucket"] == "errors"
    lines = [json.loads(line) for line in objects[failed].splitlines()]
    assert [line["sequenceNumber"] for line in lines] == [numbers[1], numbers[3]]
    for line in lines:
        assert line["channelARN"] == channel["ChannelARN"]
        assert line["errorCode"] == "InvalidJson"
        assert line["errorMessage"].startswith("The record is not ")
        assert line["shardId"].startswith("shardId-")
    metrics: dict[str, float] = {}

    async def measured() -> bool:
        for (metric, _), statistics in world.meter.drain().items():
            if metric.name.startswith("DeliveryToS3."):
                metrics[metric.name.removeprefix("DeliveryToS3.")] = statistics.total
        return "DLQDeliverySuccess" in metrics

    await until(measured)
    assert metrics == {
        "BytesIn": 19,
        "BytesProcessed": 19,
        "BytesOut": 15,
        "RecordCount": 4,
        "SuccessfulRecordCount": 2,
        "FailedRecordCount": 2,
        "DeliverySuccess": 1,
        "DLQDeliverySuccess": 2,
        "DataFreshness": 300,
    }


async def test_where_no_record_is_good_there_is_no_object_of_records(world: World) -> None:
    await world.begin_active(record_format="STRING")
    await world.put(b"\xff", b"\xfe")
    await world.pass_freshness()
    (key,) = await world.until_objects(1)
    assert key.startswith("kinesis-channel/errors/to-lake/")
    await world.put(b"fine")
    await world.pass_freshness()
    assert b"fine" in (await world.until_objects(2)).values()


async def test_encrypted_records_are_delivered_as_they_were_put_and_damaged_ones_told_of(
    world: World,
) -> None:
    await world.begin_active()
    await world.put(b"plain ")
    stream = await world.stream()
    key = {"EncryptionType": "KMS", "KeyId": "alias/mine"}
    await world.call("StartStreamEncryption", StreamName="orders", **key)
    await world.put(b"secret ")
    position_shard = stream.open_shards()[-1].index
    await world.needs.log.append(
        [Batch(stream.log_of(position_shard), [(as_encrypted(b"k"), b"\0\0" + b"x" * 40)])]
    )
    await world.pass_freshness()
    objects = await world.until_objects(2)
    (failed,) = [key for key in objects if "/errors/" in key]
    assert [data for key, data in objects.items() if key != failed] == [b"plain secret "]
    assert json.loads(objects[failed])["errorCode"] == "DamagedRecord"


async def test_records_that_are_damaged_while_they_are_written_are_told_of_too(
    world: World,
) -> None:
    await world.begin_active()
    await world.put(b"a")
    index = int(
        (await world.call("PutRecord", StreamName="orders", Data=b"b", PartitionKey="k"))[
            "ShardId"
        ][8:]
    )
    log: Any = world.needs.log

    def damage(key: str) -> None:
        log.damaged.add(((stream.log_of(index)), 0))

    stream = await world.stream()
    world.buckets.before = damage
    await world.pass_freshness()
    await until(lambda: _tried(world, 1))
    await world.pass_freshness(1)
    objects = await world.until_objects(2)
    (failed,) = [key for key in objects if "/errors/" in key]
    assert [data for key, data in objects.items() if key != failed] == [b"b"]
    (line,) = [json.loads(text) for text in objects[failed].splitlines()]
    assert line["errorCode"] == "DamagedRecord"


async def test_a_deleted_channel_stops_and_leaves_nothing(world: World) -> None:
    channel = await world.begin_active()
    await world.put(b"a")
    await world.call("DeleteChannel", ChannelARN=channel["ChannelARN"])
    await world.wake()
    await world.pass_freshness()
    await asyncio.sleep(0.1)
    assert world.buckets.objects == {}
    async with world.needs.records.transaction() as transaction:
        left = [key async for key, _ in transaction.scan(b"kinesis\0", b"kinesis\1")]
    kinds = {key.split(b"\0")[3] for key in left}
    assert not kinds & {b"channel", b"progress"}


async def test_deleting_a_channel_ends_tries_that_would_go_on_forever(world: World) -> None:
    channel = await world.make_channel()
    step: Any = await world.begin()
    await world.until_status(channel, "ACTIVE")

    def fail(key: str) -> None:
        raise Refusal("NoSuchBucket")

    world.buckets.before = fail
    await world.put(b"a")
    await world.pass_freshness()
    await until(lambda: _tried(world, 1))
    await world.call("DeleteChannel", ChannelARN=channel["ChannelARN"])
    await world.wake()
    assert await asyncio.wait_for(step, 5) is None
