"""A shard that is closed between reading the stream and writing to it."""

import asyncio

import pytest

from millpond.kernel.errors import ServiceError
from tests.services.kinesis.data.conftest import FIRST

CHILDREN = ("shardId-000000000001", "shardId-000000000002")


async def split(world):
    await world.call(
        "SplitShard", StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127)
    )


class SlowAppend:
    """The log, which lets `meanwhile` happen before its first append."""

    def __init__(self, log, meanwhile):
        self._log, self._meanwhile = log, meanwhile

    def __getattr__(self, name):
        return getattr(self._log, name)

    async def append(self, batches):
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await self._log.append(batches)


def set_log(world, log):
    object.__setattr__(world.needs, "log", log)


async def everything(world):
    """The data of all shards, by shard."""
    return {shard: await world.read("s", "TRIM_HORIZON", shard) for shard in (FIRST, *CHILDREN)}


async def test_records_that_meet_a_closed_shard_go_to_its_children_once(world):
    await world.put("s", b"before")
    set_log(world, SlowAppend(world.needs.log, lambda: split(world)))
    records = [
        {"Data": b"low", "PartitionKey": "k", "ExplicitHashKey": "0"},
        {"Data": b"high", "PartitionKey": "k", "ExplicitHashKey": str(2**127)},
        {"Data": b"low again", "PartitionKey": "k", "ExplicitHashKey": "0"},
    ]
    answer = await world.call("PutRecords", StreamName="s", Records=records)
    assert [r["ShardId"] for r in answer["Records"]] == [CHILDREN[0], CHILDREN[1], CHILDREN[0]]
    assert await everything(world) == {
        FIRST: [b"before"],
        CHILDREN[0]: [b"low", b"low again"],
        CHILDREN[1]: [b"high"],
    }


async def test_a_child_s_numbers_are_greater_than_all_of_its_parent(world):
    numbers = await world.put("s", b"1", b"2")
    await split(world)
    numbers += await world.put("s", b"3", b"4")
    assert [int(n) for n in numbers] == sorted(int(n) for n in numbers)


async def test_a_writer_waits_for_the_children_of_a_sealed_log(world):
    stream = await world.stream("s")
    await world.needs.log.seal(stream.log_of(0))
    writing = asyncio.create_task(world.put("s", b"1"))
    for _ in range(20):
        await asyncio.wait((writing,), timeout=0.002)
        world.clock.advance(0.001)
    assert not writing.done()
    await split(world)
    while not writing.done():
        await asyncio.wait((writing,), timeout=0.01)
        world.clock.advance(0.1)
    (number,) = writing.result()
    assert sum(len(data) for data in (await everything(world)).values()) == 1
    assert int(number) > 0


async def test_a_writer_gives_up_when_the_children_do_not_come(world):
    stream = await world.stream("s")
    await world.needs.log.seal(stream.log_of(0))
    record = {"Data": b"x", "PartitionKey": "k"}
    one = asyncio.create_task(world.call("PutRecord", StreamName="s", **record))
    many = asyncio.create_task(world.call("PutRecords", StreamName="s", Records=[record] * 2))
    while not (one.done() and many.done()):
        await asyncio.wait((one, many), timeout=0.005)
        world.clock.advance(1)
    with pytest.raises(ServiceError, match="Internal Service Failure") as refusal:
        one.result()
    assert refusal.value.status == 500
    assert many.result() == {
        "FailedRecordCount": 2,
        "Records": [{"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"}]
        * 2,
    }


async def test_a_writer_whose_stream_is_deleted_meanwhile_is_told(world):
    async def delete():
        stream = await world.stream("s")
        await world.needs.log.seal(stream.log_of(0))
        await world.call("DeleteStream", StreamName="s")

    set_log(world, SlowAppend(world.needs.log, delete))
    with pytest.raises(ServiceError, match="Stream s under account") as refusal:
        await world.put("s", b"1")
    assert refusal.value.code == "ResourceNotFoundException"
