"""A Kinesis stream as the source: all shards, in order, through splits and merges."""

import pytest

from millpond.kernel.errors import ServiceError
from tests.services.firehose.conftest import ACCOUNT, ROLE

STREAM_ARN = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/orders"
SOURCE = {
    "DeliveryStreamType": "KinesisStreamAsSource",
    "KinesisStreamSourceConfiguration": {"KinesisStreamARN": STREAM_ARN, "RoleARN": ROLE},
}
HALF = 2**127


async def make(world, shards=2, **settings):
    await world.kinesis("CreateStream", StreamName="orders", ShardCount=shards)
    await world.make_stream(**SOURCE, **settings)


async def put(world, *numbers):
    for number in numbers:
        hashed = HALF + number if number % 2 else number
        await world.kinesis(
            "PutRecord",
            StreamName="orders",
            Data=b"%d\n" % number,
            PartitionKey="k",
            ExplicitHashKey=str(hashed),
        )


async def arrived(world, count):
    async def enough():
        data = b"".join((await world.objects()).values())
        found = [int(line) for line in data.split()]
        return found if len(found) >= count else None

    return await world.until(enough)


def of_half(numbers, rest):
    return [number for number in numbers if number % 2 == rest]


async def test_records_of_all_shards_arrive_each_shard_in_order(world):
    await make(world)
    await put(world, *range(20))
    found = await arrived(world, 20)
    assert sorted(found) == list(range(20))
    assert of_half(found, 0) == list(range(0, 20, 2))
    assert of_half(found, 1) == list(range(1, 20, 2))
    measured = world.measured()
    assert measured["DataReadFromKinesisStream.Records"].total == 20
    assert "KinesisMillisBehindLatest" in measured


async def test_only_what_is_put_after_the_answer_is_delivered(world):
    await world.kinesis("CreateStream", StreamName="orders", ShardCount=1)
    await put(world, 1)
    await world.pass_time(1)
    await world.make_stream(**SOURCE)
    await put(world, 2)
    assert await arrived(world, 1) == [2]


async def test_parents_are_read_before_their_children_through_splits_and_merges(world):
    await make(world, shards=1)
    await put(world, 0, 1, 2, 3)
    await world.kinesis(
        "SplitShard",
        StreamName="orders",
        ShardToSplit="shardId-000000000000",
        NewStartingHashKey=str(HALF),
    )
    await world.pass_time(3)
    await put(world, 4, 5, 6, 7)
    await world.kinesis(
        "MergeShards",
        StreamName="orders",
        ShardToMerge="shardId-000000000001",
        AdjacentShardToMerge="shardId-000000000002",
    )
    await world.pass_time(3)
    await put(world, 8, 9)
    found = await arrived(world, 10)
    assert sorted(found) == list(range(10))
    assert of_half(found, 0) == [0, 2, 4, 6, 8]
    assert of_half(found, 1) == [1, 3, 5, 7, 9]


async def test_a_platform_that_was_cut_off_goes_on_where_it_was(world):
    await make(world)
    expected = 0
    for _ in range(4):
        await put(world, *range(expected, expected + 6))
        expected += 6
        await world.pass_time(6)
        await world.stop()
        await put(world, *range(expected, expected + 2))
        expected += 2
        await world.start()
    found = await arrived(world, expected)
    assert sorted(found) == list(range(expected))
    assert of_half(found, 0) == sorted(of_half(found, 0))


async def test_a_shard_that_expired_while_nothing_could_be_delivered_holds_up_no_other(world):
    await make(world, shards=1)
    await world.s3("DeleteBucket", Bucket="lake")
    await put(world, 1)
    await world.pass_time(15)
    await world.kinesis(
        "SplitShard",
        StreamName="orders",
        ShardToSplit="shardId-000000000000",
        NewStartingHashKey=str(HALF),
    )
    await world.clock_past(25 * 3600)
    listed = await world.kinesis("ListShards", StreamName="orders")
    assert "shardId-000000000000" not in {shard["ShardId"] for shard in listed["Shards"]}
    await world.s3("CreateBucket", Bucket="lake")
    await put(world, 2, 3)
    assert sorted(await arrived(world, 3)) == [1, 2, 3]


async def test_records_cannot_be_put_to_it_directly(world):
    await make(world)
    with pytest.raises(ServiceError) as refusal:
        await world.put(b"x")
    assert refusal.value.code == "InvalidSourceException"


async def test_a_stream_that_is_not_there_is_refused(world):
    with pytest.raises(ServiceError) as refusal:
        await world.make_stream(**SOURCE)
    assert refusal.value.code == "InvalidArgumentException"


async def test_the_source_is_described_with_its_beginning(world):
    await make(world)
    told = (await world.described())["Source"]["KinesisStreamSourceDescription"]
    assert told["KinesisStreamARN"] == STREAM_ARN
    assert told["RoleARN"] == ROLE
    assert told["DeliveryStartTimestamp"] == 1_700_000_000.0
