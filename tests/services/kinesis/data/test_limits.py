"""AWS's limits of a shard, as requests meet them; and none where they are lifted."""

import pytest

from millpond.kernel.errors import ServiceError
from tests.services.kinesis.data.conftest import ACCOUNT

EXCEEDED = f"Rate exceeded for shard shardId-000000000000 in stream s under account {ACCOUNT}."
CODE = "ProvisionedThroughputExceededException"


def records(count, size=1):
    return [{"Data": bytes(size), "PartitionKey": "k"}] * count


async def put_many(world, count, size=1):
    return await world.call("PutRecords", StreamName="s", Records=records(count, size))


async def test_a_shard_takes_a_thousand_records_a_second(limited):
    for _ in range(2):
        assert (await put_many(limited, 500))["FailedRecordCount"] == 0
    answer = await put_many(limited, 10)
    assert answer["FailedRecordCount"] == 10
    assert answer["Records"] == [{"ErrorCode": CODE, "ErrorMessage": EXCEEDED}] * 10
    limited.clock.advance(0.1)
    answer = await put_many(limited, 150)
    assert answer["FailedRecordCount"] == 50
    assert ["SequenceNumber" in r for r in answer["Records"]] == [True] * 100 + [False] * 50


async def test_a_shard_takes_a_mebibyte_a_second_keys_counted(limited):
    size = 256 * 1024
    assert (await put_many(limited, 4, size - 1))["FailedRecordCount"] == 0
    with pytest.raises(ServiceError) as refusal:
        await limited.put("s", b"")
    assert (refusal.value.code, refusal.value.message) == (CODE, EXCEEDED)
    limited.clock.advance(0.5)
    answer = await put_many(limited, 3, size - 1)
    assert ["ErrorCode" in r for r in answer["Records"]] == [False, False, True]


async def test_a_shard_that_is_full_holds_no_other_up(limited):
    await limited.call("CreateStream", StreamName="two", ShardCount=2)
    low, high = (
        {"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": h} for h in ("0", str(2**127))
    )
    for _ in range(2):
        await limited.call("PutRecords", StreamName="two", Records=[low] * 500)
    answer = await limited.call("PutRecords", StreamName="two", Records=[low, high, low, high])
    assert ["ErrorCode" in r for r in answer["Records"]] == [True, False, True, False]
    assert await limited.read("two", "TRIM_HORIZON", "shardId-000000000001") == [b"x", b"x"]


async def test_what_is_refused_is_not_stored(limited):
    for _ in range(3):
        await put_many(limited, 500)
    limited.clock.advance(1)
    assert len(await limited.read("s", "TRIM_HORIZON")) == 1000


async def test_five_reads_a_second_pass(limited):
    iterator = await limited.iterator("s", "TRIM_HORIZON")
    for _ in range(5):
        await limited.call("GetRecords", ShardIterator=iterator)
    with pytest.raises(ServiceError) as refusal:
        await limited.call("GetRecords", ShardIterator=iterator)
    assert (refusal.value.code, refusal.value.message) == (CODE, EXCEEDED)
    limited.clock.advance(0.2)
    await limited.call("GetRecords", ShardIterator=iterator)


async def test_ten_mebibytes_at_once_are_followed_by_five_seconds_of_refusals(limited):
    for _ in range(10):
        assert (await put_many(limited, 1, 1024 * 1024 - 1))["FailedRecordCount"] == 0
        limited.clock.advance(1)
    iterator = await limited.iterator("s", "TRIM_HORIZON")
    answer = await limited.call("GetRecords", ShardIterator=iterator)
    assert len(answer["Records"]) == 10
    limited.clock.advance(4.999)
    with pytest.raises(ServiceError, match="Rate exceeded"):
        await limited.call("GetRecords", ShardIterator=iterator)
    limited.clock.advance(0.001)
    await limited.call("GetRecords", ShardIterator=iterator)


async def test_five_iterators_a_second_are_given_out(limited):
    for _ in range(5):
        await limited.iterator("s", "LATEST")
    with pytest.raises(ServiceError, match="Rate exceeded"):
        await limited.iterator("s", "LATEST")


async def test_lifted_limits_refuse_nothing(world):
    for _ in range(4):
        assert (await put_many(world, 500, 5000))["FailedRecordCount"] == 0
    iterator = await world.iterator("s", "TRIM_HORIZON")
    for _ in range(10):
        await world.call("GetRecords", ShardIterator=iterator)
        await world.iterator("s", "LATEST")


async def test_the_load_of_a_shard_is_known_for_minutes(limited):
    stream = await limited.stream("s")
    start_ms = limited.clock.now_ms()
    await put_many(limited, 500, 99)
    limited.clock.advance(30)
    for _ in range(3):
        await put_many(limited, 500)

    def load(seconds):
        now_ms = limited.clock.now_ms()
        return tuple(limited.needs.traffic.load(stream.id, 0, now_ms, seconds))

    assert limited.clock.now_ms() == start_ms + 30_000
    assert load(60) == (1500, 52_000, 500, 60)
    assert load(20) == (1000, 2000, 500, 20)
    limited.clock.advance(60)
    assert load(60) == (0, 0, 0, 60)
    assert load(300) == (1500, 52_000, 500, 300)
    assert tuple(limited.needs.traffic.load("none", 0, start_ms)) == (0, 0, 0, 60)
