"""What CloudWatch is told of a stream's records."""

import pytest

from millpond.kernel.errors import ServiceError
from tests.services.kinesis.data.conftest import ACCOUNT, FIRST, REGION

STREAM = ("StreamName", "s")


def drained(world):
    """What was measured, summed up by name and dimensions."""
    found = {}
    for (metric, _), statistics in world.needs.meter.drain().items():
        assert (metric.account, metric.region) == (ACCOUNT, REGION)
        assert metric.namespace == "AWS/Kinesis"
        found[metric.name, metric.dimensions[1:]] = (statistics.total, metric.unit)
        assert metric.dimensions[0] == STREAM
    return found


def of_stream(found):
    return {name: total for (name, more), (total, _) in found.items() if not more}


async def test_puts_are_measured_by_request_and_by_record(limited):
    drained(limited)
    await limited.put("s", b"12345")
    record = {"Data": bytes(9), "PartitionKey": "k"}
    for _ in range(3):
        await limited.call("PutRecords", StreamName="s", Records=[record] * 400)
    measured = of_stream(drained(limited))
    assert measured == {
        "IncomingBytes": 6 + 999 * 10,
        "IncomingRecords": 1000,
        "PutRecord.Bytes": 6,
        "PutRecord.Latency": 0,
        "PutRecord.Success": 1,
        "PutRecords.Bytes": 9990,
        "PutRecords.FailedRecords": 0,
        "PutRecords.Latency": 0,
        "PutRecords.Records": 999,
        "PutRecords.Success": 3,
        "PutRecords.SuccessfulRecords": 999,
        "PutRecords.ThrottledRecords": 201,
        "PutRecords.TotalRecords": 1200,
        "WriteProvisionedThroughputExceeded": 201,
    }


async def test_reads_are_measured(limited):
    await limited.put("s", b"1234", b"5678")
    limited.clock.advance(7)
    iterator = await limited.iterator("s", "TRIM_HORIZON")
    drained(limited)
    await limited.call("GetRecords", ShardIterator=iterator, Limit=1)
    found = drained(limited)
    assert found["GetRecords.IteratorAgeMilliseconds", ()] == (7000, "Milliseconds")
    assert found["GetRecords.Bytes", ()] == (5, "Bytes")
    assert found["GetRecords.Records", ()] == (1, "Count")
    assert found["GetRecords.Success", ()] == (1, "Count")
    assert found["ReadProvisionedThroughputExceeded", ()] == (0, "Count")
    for _ in range(4):
        await limited.call("GetRecords", ShardIterator=iterator)
    with pytest.raises(ServiceError, match="Rate exceeded"):
        await limited.call("GetRecords", ShardIterator=iterator)
    assert of_stream(drained(limited))["ReadProvisionedThroughputExceeded"] == 1


async def test_shards_are_measured_where_enhanced_monitoring_asks_for_it(world):
    names = ["IncomingRecords", "OutgoingBytes"]
    await world.call("EnableEnhancedMonitoring", StreamName="s", ShardLevelMetrics=names)
    drained(world)
    await world.put("s", b"1234")
    await world.read("s", "TRIM_HORIZON")
    shard = (("ShardId", FIRST),)
    by_shard = {key: total for key, (total, _) in drained(world).items() if key[1]}
    assert by_shard == {("IncomingRecords", shard): 1, ("OutgoingBytes", shard): 5}
    await world.call("EnableEnhancedMonitoring", StreamName="s", ShardLevelMetrics=["ALL"])
    await world.put("s", b"1234")
    await world.read("s", "TRIM_HORIZON")
    assert {name for name, more in drained(world) if more == shard} == {
        "IncomingBytes",
        "IncomingRecords",
        "IteratorAgeMilliseconds",
        "OutgoingBytes",
        "OutgoingRecords",
        "ReadProvisionedThroughputExceeded",
        "WriteProvisionedThroughputExceeded",
    }


async def test_pushed_records_are_measured_by_consumer(world):
    await world.put("s", b"1234")
    stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
    answer = await world.call("RegisterStreamConsumer", StreamARN=stream, ConsumerName="c")
    drained(world)
    answer = await world.call(
        "SubscribeToShard",
        ConsumerARN=answer["Consumer"]["ConsumerARN"],
        ShardId=FIRST,
        StartingPosition={"Type": "TRIM_HORIZON"},
    )
    await anext(answer.event_stream)
    await answer.event_stream.aclose()
    consumer = (("ConsumerName", "c"),)
    assert {
        name: total for (name, more), (total, _) in drained(world).items() if more == consumer
    } == {
        "SubscribeToShard.RateExceeded": 0,
        "SubscribeToShard.Success": 1,
        "SubscribeToShardEvent.Bytes": 5,
        "SubscribeToShardEvent.MillisBehindLatest": 0,
        "SubscribeToShardEvent.Records": 1,
        "SubscribeToShardEvent.Success": 1,
    }
