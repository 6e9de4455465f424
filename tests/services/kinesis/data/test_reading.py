"""Reading a shard: where iterators begin, what an answer holds, what retention hides."""

import asyncio

import pytest

from millpond.engines.log.interface import Read
from millpond.kernel.errors import Damaged, ServiceError
from millpond.services.kinesis.model.sequence import STEP
from tests.services.kinesis.data.conftest import FIRST

HOUR_SECONDS = 3600


async def test_iterators_begin_where_their_type_says(world):
    numbers = await world.put("s", b"1", b"2")
    world.clock.advance(10)
    numbers += await world.put("s", b"3")
    newest = await world.iterator("s", "LATEST")
    numbers += await world.put("s", b"4")
    between = world.clock.now_ms() / 1000 - 5
    at, after = "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"

    assert await world.read("s", "TRIM_HORIZON") == [b"1", b"2", b"3", b"4"]
    assert await world.read("s", at, StartingSequenceNumber=numbers[1]) == [b"2", b"3", b"4"]
    assert await world.read("s", after, StartingSequenceNumber=numbers[1]) == [b"3", b"4"]
    assert await world.read("s", after, StartingSequenceNumber=numbers[3]) == []
    assert await world.read("s", "AT_TIMESTAMP", Timestamp=between) == [b"3", b"4"]
    assert await world.read("s", "AT_TIMESTAMP", Timestamp=0.0) == [b"1", b"2", b"3", b"4"]
    answer = await world.call("GetRecords", ShardIterator=newest)
    assert [record["Data"] for record in answer["Records"]] == [b"4"]


async def test_a_place_that_is_still_to_come_skips_nothing(world):
    (number,) = await world.put("s", b"1")
    following, later = str(int(number) + STEP), str(int(number) + 2 * STEP)
    kind = "AFTER_SEQUENCE_NUMBER"
    iterator = await world.iterator("s", kind, StartingSequenceNumber=following)
    await world.put("s", b"2")
    answer = await world.call("GetRecords", ShardIterator=iterator)
    assert [record["Data"] for record in answer["Records"]] == [b"2"]
    with pytest.raises(ServiceError, match="is invalid"):
        await world.iterator("s", kind, StartingSequenceNumber=str(int(later) + STEP))


async def test_a_shards_own_numbers_are_places_in_it(world):
    await world.put("s", b"1", b"2")
    shard = (await world.call("ListShards", StreamName="s"))["Shards"][0]
    first = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        assert await world.read("s", kind, StartingSequenceNumber=first) == [b"1", b"2"]
    await world.call(
        "SplitShard", StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127)
    )
    shard = (await world.call("ListShards", StreamName="s"))["Shards"][0]
    last = shard["SequenceNumberRange"]["EndingSequenceNumber"]
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        iterator = await world.iterator("s", kind, StartingSequenceNumber=last)
        answer = await world.call("GetRecords", ShardIterator=iterator)
        assert answer["Records"] == []
        assert "NextShardIterator" not in answer


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}, "and no StartingSequenceNumber"),
        (
            {"ShardIteratorType": "LATEST", "StartingSequenceNumber": "1"},
            "Request specified LATEST and also a StartingSequenceNumber",
        ),
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "17"},
            "StartingSequenceNumber 17 used in GetShardIterator on shard shardId-000000000000 in "
            "stream s under account 123456789012 is invalid",
        ),
        ({"ShardIteratorType": "AT_TIMESTAMP"}, "Must specify timestampInMillis"),
        (
            {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 4e9},
            "cannot be greater than the currentTimestampInMillis",
        ),
        ({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": float("nan")}, "is not a time"),
        ({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": float("inf")}, "is not a time"),
    ],
)
async def test_an_iterator_needs_what_its_type_asks_for(world, members, text):
    with pytest.raises(ServiceError, match=text) as refusal:
        await world.call("GetShardIterator", StreamName="s", ShardId=FIRST, **members)
    assert refusal.value.code == "InvalidArgumentException"


async def test_a_sequence_number_of_another_shard_or_stream_is_refused(world):
    world.clock.advance(60)
    await world.call("CreateStream", StreamName="t", ShardCount=2)
    (number,) = await world.put("s", b"1")
    answer = await world.call(
        "PutRecord", StreamName="t", Data=b"x", PartitionKey="k", ExplicitHashKey=str(2**127)
    )
    kind = "AT_SEQUENCE_NUMBER"
    with pytest.raises(ServiceError, match="did not come from this stream"):
        await world.iterator("t", kind, StartingSequenceNumber=number)
    with pytest.raises(ServiceError, match="It encodes shardId-000000000001, while it was used"):
        await world.iterator("t", kind, StartingSequenceNumber=answer["SequenceNumber"])


@pytest.mark.parametrize(
    ("shard", "text"),
    [
        ("shardId-000000000007", "Shard shardId-000000000007 in stream s .* does not exist"),
        ("lower", "Could not find shard lower in stream s under account 123456789012."),
    ],
)
async def test_a_shard_that_is_not_there_is_not_found(world, shard, text):
    with pytest.raises(ServiceError, match=text) as refusal:
        await world.iterator("s", "LATEST", shard)
    assert refusal.value.code == "ResourceNotFoundException"


async def test_answers_go_on_where_the_last_one_ended(world):
    for start in range(0, 50, 10):
        records = [{"Data": b"%d" % n, "PartitionKey": "k"} for n in range(start, start + 10)]
        await world.call("PutRecords", StreamName="s", Records=records)
    iterator, got = await world.iterator("s", "TRIM_HORIZON"), []
    for _ in range(8):
        answer = await world.call("GetRecords", ShardIterator=iterator, Limit=7)
        assert len(answer["Records"]) <= 7
        got += [int(record["Data"]) for record in answer["Records"]]
        iterator = answer["NextShardIterator"]
    assert got == list(range(50))
    assert (await world.call("GetRecords", ShardIterator=iterator))["Records"] == []


async def test_an_answer_holds_ten_mebibytes_at_most(world):
    mebibyte = bytes(1024 * 1024 - 1)
    for _ in range(12):
        await world.put("s", mebibyte)
    assert len(await world.read("s", "TRIM_HORIZON")) == 10


async def test_millis_behind_latest_is_the_age_of_the_last_record_unless_it_is_the_newest(world):
    await world.put("s", b"1")
    world.clock.advance(5)
    await world.put("s", b"2")
    world.clock.advance(3)
    iterator = await world.iterator("s", "TRIM_HORIZON")
    answer = await world.call("GetRecords", ShardIterator=iterator, Limit=1)
    assert answer["MillisBehindLatest"] == 8000
    answer = await world.call("GetRecords", ShardIterator=answer["NextShardIterator"], Limit=1)
    assert answer["MillisBehindLatest"] == 0


async def test_an_iterator_is_good_for_five_minutes(world):
    await world.put("s", b"1")
    iterator = await world.iterator("s", "TRIM_HORIZON")
    world.clock.advance(300)
    assert len((await world.call("GetRecords", ShardIterator=iterator))["Records"]) == 1
    world.clock.advance(1)
    with pytest.raises(ServiceError, match=r"Iterator expired\. The iterator was created") as got:
        await world.call("GetRecords", ShardIterator=iterator)
    assert got.value.code == "ExpiredIteratorException"


async def test_foreign_and_damaged_iterators_are_refused(world):
    iterator = await world.iterator("s", "TRIM_HORIZON")
    for bad in ("x", iterator[:-4], iterator.swapcase()):
        with pytest.raises(ServiceError, match=r"Invalid ShardIterator\.") as refusal:
            await world.call("GetRecords", ShardIterator=bad)
        assert refusal.value.code == "InvalidArgumentException"
    with pytest.raises(ServiceError, match=r"Invalid ShardIterator\."):
        await world.call("GetRecords", ShardIterator=iterator, region="us-west-2")
    with pytest.raises(ServiceError, match="does not match the stream of ShardIterator"):
        await world.call(
            "GetRecords",
            ShardIterator=iterator,
            StreamARN="arn:aws:kinesis:eu-west-1:123456789012:stream/other",
        )


async def test_an_iterator_does_not_read_a_later_stream_of_the_same_name(world):
    iterator = await world.iterator("s", "TRIM_HORIZON")
    await world.call("DeleteStream", StreamName="s")
    world.clock.advance(1)
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    await world.put("s", b"new")
    with pytest.raises(ServiceError, match="does not exist") as refusal:
        await world.call("GetRecords", ShardIterator=iterator)
    assert refusal.value.code == "ResourceNotFoundException"


async def test_records_older_than_the_retention_are_hidden_to_the_millisecond(world):
    world.clock.advance(60)
    await world.put("s", b"1")
    world.clock.advance(1)
    await world.put("s", b"2")
    world.clock.advance(24 * HOUR_SECONDS - 1)
    assert await world.read("s", "TRIM_HORIZON") == [b"1", b"2"]
    world.clock.advance(0.001)
    assert await world.read("s", "TRIM_HORIZON") == [b"2"]
    world.clock.advance(1)
    assert await world.read("s", "TRIM_HORIZON") == []
    await world.put("s", b"3")
    assert await world.read("s", "TRIM_HORIZON") == [b"3"]


async def test_a_closed_shard_ends_with_the_shards_that_came_of_it(world):
    await world.put("s", b"1", b"2")
    await world.call(
        "SplitShard", StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127)
    )
    iterator = await world.iterator("s", "TRIM_HORIZON")
    answer = await world.call("GetRecords", ShardIterator=iterator, Limit=1)
    assert "ChildShards" not in answer
    answer = await world.call("GetRecords", ShardIterator=answer["NextShardIterator"])
    assert [record["Data"] for record in answer["Records"]] == [b"2"]
    assert "NextShardIterator" not in answer
    assert answer["ChildShards"] == [
        {
            "ShardId": "shardId-000000000001",
            "ParentShards": [FIRST],
            "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": str(2**127 - 1)},
        },
        {
            "ShardId": "shardId-000000000002",
            "ParentShards": [FIRST],
            "HashKeyRange": {"StartingHashKey": str(2**127), "EndingHashKey": str(2**128 - 1)},
        },
    ]


async def test_merged_shards_end_with_the_same_child(world):
    await world.call("CreateStream", StreamName="m", ShardCount=2)
    await world.call(
        "MergeShards",
        StreamName="m",
        ShardToMerge="shardId-000000000000",
        AdjacentShardToMerge="shardId-000000000001",
    )
    for shard in ("shardId-000000000000", "shardId-000000000001"):
        iterator = await world.iterator("m", "TRIM_HORIZON", shard)
        (child,) = (await world.call("GetRecords", ShardIterator=iterator))["ChildShards"]
        assert child["ShardId"] == "shardId-000000000002"
        assert child["ParentShards"] == ["shardId-000000000000", "shardId-000000000001"]


class DamagedLog:
    """The log, but for entries that cannot be read."""

    def __init__(self, log, first, after):
        self._log, self._first, self._after = log, first, after

    def __getattr__(self, name):
        return getattr(self._log, name)

    async def read(self, log, position, *, entries_max, size_bytes_max):
        if self._first <= position < self._after:
            raise Damaged("x")
        read = await self._log.read(
            log, position, entries_max=entries_max, size_bytes_max=size_bytes_max
        )
        kept = [e for e in read.entries if position >= self._after or e.position < self._first]
        return Read(kept, position + len(kept))

    async def next_readable(self, log, position):
        return self._after if self._first <= position < self._after else position


async def test_damaged_records_are_told_with_the_place_to_go_on_and_never_skipped(world):
    numbers = await world.put("s", b"1", b"2", b"3", b"4")
    object.__setattr__(world.needs, "log", DamagedLog(world.needs.log, 1, 3))
    iterator = await world.iterator("s", "TRIM_HORIZON")
    answer = await world.call("GetRecords", ShardIterator=iterator)
    assert [record["Data"] for record in answer["Records"]] == [b"1"]
    with pytest.raises(ServiceError) as refusal:
        await world.call("GetRecords", ShardIterator=answer["NextShardIterator"])
    assert refusal.value.code == "InternalFailureException"
    assert refusal.value.status == 500
    assert refusal.value.message == (
        "Stored records of shard shardId-000000000000 in stream s are damaged from sequence number "
        f"{numbers[1]} on. Reading can go on with an iterator AFTER_SEQUENCE_NUMBER {numbers[2]}."
    )
    after = await world.read("s", "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2])
    assert after == [b"4"]


async def test_damage_behind_the_retention_hides_nothing(world):
    world.clock.advance(60)
    await world.put("s", b"1", b"2")
    world.clock.advance(24 * HOUR_SECONDS + 1)
    await world.put("s", b"3")
    object.__setattr__(world.needs, "log", DamagedLog(world.needs.log, 0, 1))
    assert await world.read("s", "TRIM_HORIZON") == [b"3"]


async def test_records_put_at_once_are_all_there_in_the_order_of_their_numbers(world):
    await asyncio.gather(*(world.put("s", b"%d" % n, b"%d" % -n) for n in range(1, 40)))
    got = [int(data) for data in await world.read("s", "TRIM_HORIZON")]
    assert sorted(got) == sorted([*range(-39, 0), *range(1, 40)])
    assert all(got.index(n) < got.index(-n) for n in range(1, 40))
