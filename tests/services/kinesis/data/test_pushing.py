"""SubscribeToShard, event by event, on a clock that the test moves."""

import asyncio

import pytest

from millpond.kernel.errors import ServiceError
from tests.services.kinesis.data.conftest import ACCOUNT, FIRST, REGION

STREAM_ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"


class Subscriber:
    """One subscription: `next` moves the clock on until there is an event."""

    def __init__(self, world, events):
        self._world = world
        self._events = events

    async def next(self, seconds_max=6.0):
        """The next event and how many seconds it took."""
        waiting = asyncio.create_task(anext(self._events))
        passed = 0.0
        while passed < seconds_max:
            for _ in range(5):
                await asyncio.wait((waiting,), timeout=0.001)
                if waiting.done():
                    return waiting.result(), passed
            self._world.clock.advance(0.25)
            passed += 0.25
        waiting.cancel()
        raise TimeoutError

    async def close(self):
        await self._events.aclose()


@pytest.fixture
async def register(world):
    async def one(name="c"):
        answer = await world.call("RegisterStreamConsumer", StreamARN=STREAM_ARN, ConsumerName=name)
        return answer["Consumer"]["ConsumerARN"]

    return one


@pytest.fixture
async def subscribe(world, register):
    """Subscribes to the first shard; what was opened is closed."""
    opened = []

    async def one(start="TRIM_HORIZON", consumer=None, shard=FIRST, **more):
        answer = await world.call(
            "SubscribeToShard",
            ConsumerARN=consumer or await register(),
            ShardId=shard,
            StartingPosition={"Type": start, **more},
        )
        subscriber = Subscriber(world, answer.event_stream)
        opened.append(subscriber)
        return subscriber

    yield one
    for subscriber in opened:
        await subscriber.close()


def data(event):
    return [record.data for record in event.records]


async def test_what_is_there_comes_at_once_and_what_follows_as_it_is_put(world, subscribe):
    numbers = await world.put("s", b"1", b"2")
    subscriber = await subscribe()
    event, seconds = await subscriber.next()
    assert (data(event), seconds) == ([b"1", b"2"], 0)
    assert event.continuation_sequence_number == numbers[1]
    assert event.millis_behind_latest == 0
    assert event.child_shards is None
    world.clock.advance(1)
    numbers += await world.put("s", b"3")
    event, seconds = await subscriber.next()
    assert (data(event), seconds) == ([b"3"], 0)
    assert event.records[0].sequence_number == event.continuation_sequence_number == numbers[2]


async def test_latest_begins_after_what_is_there(world, subscribe):
    await world.put("s", b"1")
    subscriber = await subscribe("LATEST")
    event, _ = await subscriber.next()
    assert data(event) == []
    await world.put("s", b"2")
    event, _ = await subscriber.next()
    assert data(event) == [b"2"]


async def test_a_subscription_goes_on_where_another_ended(world, register, subscribe):
    await world.put("s", b"1", b"2")
    subscriber = await subscribe()
    event, _ = await subscriber.next()
    number = event.continuation_sequence_number
    await world.put("s", b"3")
    after = await subscribe("AFTER_SEQUENCE_NUMBER", await register("d"), SequenceNumber=number)
    assert data((await after.next())[0]) == [b"3"]
    at = await subscribe("AT_SEQUENCE_NUMBER", await register("e"), SequenceNumber=number)
    assert data((await at.next())[0]) == [b"2", b"3"]


async def test_a_number_to_continue_with_comes_before_the_first_record_too(
    world, subscribe, register
):
    event, _ = await (await subscribe("LATEST")).next()
    number = event.continuation_sequence_number
    await world.put("s", b"1")
    after = await subscribe("AFTER_SEQUENCE_NUMBER", await register("d"), SequenceNumber=number)
    assert data((await after.next())[0]) == [b"1"]


async def test_a_quiet_shard_sends_an_empty_event_every_five_seconds(subscribe):
    subscriber = await subscribe()
    assert (await subscriber.next())[1] == 0
    for _ in range(2):
        event, seconds = await subscriber.next()
        assert data(event) == []
        assert 4.5 <= seconds <= 5.5


async def test_a_busy_shard_sends_its_records_together(world, subscribe):
    subscriber = await subscribe()
    await subscriber.next()
    await world.put("s", b"1")
    await world.put("s", b"2")
    event, seconds = await subscriber.next()
    assert (data(event), seconds) == ([b"1", b"2"], 0.25)


async def test_a_subscription_lasts_five_minutes(world, subscribe):
    subscriber = await subscribe()
    await subscriber.next()
    world.clock.advance(300)
    with pytest.raises(StopAsyncIteration):
        await subscriber.next()


async def test_the_end_of_a_shard_ends_its_subscription_with_its_children(world, subscribe):
    await world.put("s", b"1")
    subscriber = await subscribe()
    await subscriber.next()
    await world.call(
        "SplitShard", StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127)
    )
    event, _ = await subscriber.next()
    assert data(event) == []
    assert event.continuation_sequence_number is None
    children = [child.shard_id for child in event.child_shards]
    assert children == ["shardId-000000000001", "shardId-000000000002"]
    with pytest.raises(StopAsyncIteration):
        await subscriber.next()


async def test_a_second_subscription_waits_five_seconds_and_then_takes_over(
    world, register, subscribe
):
    consumer = await register()
    first = await subscribe(consumer=consumer)
    await first.next()
    world.clock.advance(4.9)
    with pytest.raises(ServiceError, match="Another active subscription exists") as refusal:
        await subscribe(consumer=consumer)
    assert refusal.value.code == "ResourceInUseException"
    world.clock.advance(0.1)
    second = await subscribe(consumer=consumer)
    with pytest.raises(ServiceError, match="took over") as ended:
        while True:
            await first.next()
    assert ended.value.code == "ResourceInUseException"
    await world.put("s", b"1")
    assert data((await second.next())[0]) == [b"1"]


async def test_consumers_do_not_disturb_one_another(world, register, subscribe):
    subscribers = [await subscribe(consumer=await register(name)) for name in ("c", "d")]
    await world.put("s", b"1")
    for subscriber in subscribers:
        assert data((await subscriber.next())[0]) == [b"1"]


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("DeleteStream", {"StreamName": "s", "EnforceConsumerDeletion": True}),
        ("DeregisterStreamConsumer", {"StreamARN": STREAM_ARN, "ConsumerName": "c"}),
    ],
)
async def test_a_deletion_ends_the_subscription(world, subscribe, operation, members):
    subscriber = await subscribe()
    await subscriber.next()
    await world.call(operation, **members)
    with pytest.raises(ServiceError) as ended:
        await subscriber.next()
    assert ended.value.code == "ResourceNotFoundException"


async def test_who_cannot_subscribe_is_told_why(world, register, subscribe):
    consumer = await register()
    with pytest.raises(ServiceError) as refusal:
        await subscribe(consumer=consumer, shard="shardId-000000000009")
    assert refusal.value.code == "ResourceNotFoundException"
    with pytest.raises(ServiceError) as refusal:
        await subscribe(consumer=f"{STREAM_ARN}/consumer/none:1")
    assert refusal.value.code == "ResourceNotFoundException"
    with pytest.raises(ServiceError) as refusal:
        await subscribe("AT_SEQUENCE_NUMBER", consumer)
    assert refusal.value.code == "InvalidArgumentException"
    with pytest.raises(ServiceError) as refusal:
        await world.call(
            "SubscribeToShard",
            ConsumerARN=consumer,
            ShardId=FIRST,
            StartingPosition={"Type": "LATEST"},
            DryRun=True,
        )
    assert refusal.value.code == "DryRunOperationException"
    await subscribe(consumer=consumer)


async def test_a_consumer_gets_two_mebibytes_a_second(limited):
    for _ in range(8):
        await limited.call(
            "PutRecords", StreamName="s", Records=[{"Data": bytes(2**20 - 1), "PartitionKey": "k"}]
        )
        limited.clock.advance(1)
    answer = await limited.call("RegisterStreamConsumer", StreamARN=STREAM_ARN, ConsumerName="c")
    answer = await limited.call(
        "SubscribeToShard",
        ConsumerARN=answer["Consumer"]["ConsumerARN"],
        ShardId=FIRST,
        StartingPosition={"Type": "TRIM_HORIZON"},
    )
    subscriber = Subscriber(limited, answer.event_stream)
    passed, got = 0.0, 0
    while got < 8:
        event, seconds = await subscriber.next()
        passed += seconds
        got += len(event.records)
        assert got <= 3 + 2 * passed
    assert passed >= 2.5
    await subscriber.close()
