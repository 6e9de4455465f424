"""Subscription filters: what is sent where, and what happens when it cannot be."""

import gzip
import json
import random

import pytest

from millpond.kernel.errors import ServiceError
from millpond.services.logs.errors import ResourceNotFound

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/events"
DELIVERY = "arn:aws:firehose:us-east-1:123456789012:deliverystream/events"
ROLE = "arn:aws:iam::123456789012:role/sender"
HOUR = 3600


async def subscribe(world, name="f", pattern="", arn=STREAM, role=ROLE, **more):
    given = {"roleArn": role} if role else {}
    await world(
        "PutSubscriptionFilter",
        logGroupName=more.pop("group", "/app"),
        filterName=name,
        filterPattern=pattern,
        destinationArn=arn,
        **given,
        **more,
    )


@pytest.mark.parametrize(
    ("arn", "name", "title"),
    [(STREAM, STREAM, "Kinesis stream"), (DELIVERY, "events", "Firehose stream")],
)
async def test_matching_events_are_sent_as_aws_sends_them(world, arn, name, title):
    await world.make("s")
    await subscribe(world, pattern="ERROR", arn=arn)
    ((where, _, data),) = world.outside.records
    assert where == name
    control = json.loads(gzip.decompress(data))
    assert control == {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [
            {
                "id": "",
                "timestamp": world.now,
                "message": f"CWL CONTROL MESSAGE: Checking health of destination {title}.",
            }
        ],
    }
    await world.put((-5, "ERROR one"), (0, "fine"), (1, "ERROR two ✓"))
    await world.work()
    (payload,) = world.outside.payloads()
    events = (await world("FilterLogEvents", logGroupName="/app", filterPattern="ERROR"))["events"]
    assert payload == {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/app",
        "logStream": "s",
        "subscriptionFilters": ["f"],
        "logEvents": [
            {"id": event["eventId"], "timestamp": event["timestamp"], "message": event["message"]}
            for event in events
        ],
    }
    assert world.outside.principals[-1] == "arn:aws:sts::123456789012:assumed-role/sender/logs"
    figures = world.figures("AWS/Logs")
    dimensions = f"{title.split()[0]}/f//app"
    assert {key[0]: found.total for key, found in figures.items() if key[1] == dimensions} == {
        "ForwardedLogEvents": 2,
        "ForwardedBytes": len(world.outside.records[-1][2]),
    }
    assert await world.waiting() == 0


async def test_batches_of_a_stream_go_together_and_nothing_waits_where_nothing_matches(world):
    await world.make("a", "b")
    await subscribe(world, pattern="x")
    for number in range(5):
        await world.put((number, f"x{number}"), stream="a")
    await world.put((0, "x"), stream="b")
    await world.put((0, "nothing"), stream="b")
    await world.work()
    assert [payload["logStream"] for payload in world.outside.payloads()] == ["a", "b"]
    assert world.outside.delivered() == ["x0", "x1", "x2", "x3", "x4", "x"]
    await world.put((0, "nothing"), stream="b")
    assert await world.waiting() == 0
    await world.put((0, "x"), stream="b")
    assert await world.waiting() == 1


async def test_keys_keep_a_stream_together_or_spread_it(world):
    await world.make("s")
    await subscribe(world, "one")
    await subscribe(world, "two", distribution="Random")
    for _ in range(2):
        await world.put((0, "x"))
        await world.work()
    keys = {"one": set(), "two": set()}
    for _, key, data in world.outside.records:
        names = json.loads(gzip.decompress(data))["subscriptionFilters"]
        if names:
            keys[names[0]].add(key)
    assert [len(keys["one"]), len(keys["two"])] == [1, 2]


async def test_much_is_sent_in_several_records_none_too_large(world):
    await world.make("s")
    await subscribe(world)
    chance = random.Random(1)
    noise = ["".join(chance.choices('abcdefghijkl\\"€😀', k=150_000)) for _ in range(8)]
    for text in noise:
        await world.put((0, text))
    await world.work()
    assert world.outside.delivered() == noise
    assert max(len(data) for _, _, data in world.outside.records) <= 1_000_000
    assert len(world.outside.payloads()) > 1


async def test_what_was_not_taken_is_sent_again_and_what_was_is_not(world):
    await world.make("a", "b")
    await subscribe(world)
    throttled = "ProvisionedThroughputExceededException"
    world.outside.refuse = lambda data: throttled if b'"b"' in gzip.decompress(data) else None
    await world.put((0, "1"), stream="a")
    await world.put((0, "2"), stream="b")
    await world.work()
    assert world.outside.delivered() == ["1"]
    figures = {key[0]: found.total for key, found in world.figures("AWS/Logs").items()}
    assert figures["DeliveryThrottling"] == 1
    await world.put((0, "3"), stream="a")
    await world.work()
    assert world.outside.delivered() == ["1"], "the pause holds new events back too"
    world.clock.advance(1)
    world.outside.refuse = None
    await world.work()
    assert sorted(world.outside.delivered()) == ["1", "2", "3"]


async def test_a_destination_that_fails_is_tried_ever_more_seldom_for_a_day(world, caplog):
    await world.make("s")
    await subscribe(world)
    world.outside.refuse = ResourceNotFound("Stream events not found.")
    await world.put((0, "lost"))
    tries = []
    for _ in range(200):
        before = len(world.outside.principals)
        await world.work()
        tries.append(len(world.outside.principals) - before)
        world.clock.advance(10)
    assert tries[0] == 1
    assert 1 <= sum(tries[-100:]) <= 20
    world.clock.advance(25 * HOUR)
    await world.work()
    world.outside.refuse = None
    assert "1 events of /app were not delivered" in caplog.text
    assert "ResourceNotFoundException" in caplog.text
    await world.put((0, "kept"))
    world.clock.advance(60)
    await world.work()
    assert world.outside.delivered() == ["kept"]


async def test_a_subscription_that_is_replaced_goes_on_and_one_that_is_deleted_forgets(world):
    await world.make("s")
    await subscribe(world)
    world.outside.refuse = ResourceNotFound("gone")
    await world.put((0, "waits"))
    await world.work()
    world.outside.refuse = None
    await subscribe(world, arn=DELIVERY)
    world.clock.advance(60)
    await world.work()
    assert world.outside.records[-1][0] == "events"
    assert world.outside.delivered() == ["waits"]
    world.outside.refuse = ResourceNotFound("gone")
    await world.put((0, "forgotten"))
    await world.work()
    await world("DeleteSubscriptionFilter", logGroupName="/app", filterName="f")
    await world("DeleteLogGroup", logGroupName="/app")
    world.clock.advance(60)
    await world.work()
    assert await world.count() == 0
    assert await world.waiting() == 0


async def test_a_group_has_two_subscriptions_that_are_described_by_name(world):
    await world.make("s")
    await subscribe(world, "b", pattern="x")
    await subscribe(world, "a", distribution="Random", arn=DELIVERY)
    with pytest.raises(ServiceError) as raised:
        await subscribe(world, "c")
    assert raised.value.code == "LimitExceededException"
    page = await world("DescribeSubscriptionFilters", logGroupName="/app", limit=1)
    (first,) = page["subscriptionFilters"]
    assert first == {
        "filterName": "a",
        "logGroupName": "/app",
        "filterPattern": "",
        "destinationArn": DELIVERY,
        "roleArn": ROLE,
        "distribution": "Random",
        "applyOnTransformedLogs": False,
        "creationTime": world.now,
    }
    page = await world(
        "DescribeSubscriptionFilters", logGroupName="/app", limit=1, nextToken=page["nextToken"]
    )
    assert [kept["filterName"] for kept in page["subscriptionFilters"]] == ["b"]
    assert "nextToken" not in page


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            {"arn": "arn:aws:lambda:us-east-1:123456789012:function:f"},
            "Lambda functions as destinations are not implemented",
        ),
        ({"arn": "arn:aws:s3:::b"}, "is not the ARN of a Kinesis stream or a Firehose stream"),
        ({"arn": STREAM.replace("east", "west")}, "not in the account and region"),
        ({"role": None}, "requires a roleArn"),
        ({"pattern": "a.b"}, "Invalid character"),
        ({"group": "/none"}, "The specified log group does not exist"),
        ({"emitSystemFields": ["@aws.account"]}, "emitSystemFields is not implemented"),
        ({"arn": "arn:aws:logs:us-east-1:123456789012:destination:d"}, "is not in this account"),
    ],
)
async def test_a_subscription_that_could_not_work_is_refused(world, more, text):
    await world.make("s")
    with pytest.raises(ServiceError, match=text):
        await subscribe(world, **more)
    assert world.outside.records == []


async def test_a_destination_that_takes_no_test_message_is_refused(world):
    await world.make("s")
    world.outside.refuse = ResourceNotFound("Stream events not found.")
    for arn, title in ((STREAM, "Kinesis"), (DELIVERY, "Firehose")):
        with pytest.raises(ServiceError, match=f"deliver test message to specified {title} stream"):
            await subscribe(world, arn=arn)


async def test_events_go_to_where_a_destination_points(world):
    await world.make("s")
    destination = await world(
        "PutDestination", destinationName="d", targetArn=STREAM, roleArn=ROLE, tags={"a": "b"}
    )
    arn = destination["destination"]["arn"]
    assert arn == "arn:aws:logs:us-east-1:123456789012:destination:d"
    await subscribe(world, arn=arn, role=None)
    await world.put((0, "one"))
    await world.work()
    await world("PutDestination", destinationName="d", targetArn=DELIVERY, roleArn=ROLE)
    await world.put((0, "two"))
    await world.work()
    places = [name for name, _, data in world.outside.records if b"DATA" in gzip.decompress(data)]
    assert places == [STREAM, "events"]
    await world("DeleteDestination", destinationName="d")
    await world.put((0, "three"))
    await world.work()
    assert world.outside.delivered() == ["one", "two"]
    await world("PutDestination", destinationName="d", targetArn=STREAM, roleArn=ROLE)
    world.clock.advance(60)
    await world.work()
    assert world.outside.delivered() == ["one", "two", "three"]
