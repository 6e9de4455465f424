"""Failure at every point: a batch is taken whole or not at all; work cut off is done again."""

import contextlib
import itertools
from dataclasses import replace

from millpond.engines.log.faulty import FaultyLog
from millpond.engines.records.faulty import FaultyRecords
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.errors import EngineError, ServiceError
from millpond.kernel.faults import Faults
from millpond.services.logs import operations, shapes


def lent(world, faults):
    """What the service is lent, on engines that fail as planned."""
    return replace(
        world.needs,
        records=FaultyRecords(world.records, faults),
        log=FaultyLog(world.log, faults),
    )


async def test_a_batch_is_taken_once_and_whole_or_not_at_all(world):
    await world.make("s")
    seen = []
    for point in itertools.count():
        faults = Faults(point)
        service = Service(shapes.MODEL, operations.OPERATIONS, lent(world, faults))
        call = caller({"logs": service}, [("logs", "PutLogEvents")])
        batch = [f"{point}-a", f"{point}-b"]
        events = [{"timestamp": world.now, "message": message} for message in batch]
        error = None
        try:
            await call(
                world.call,
                "logs",
                "PutLogEvents",
                logGroupName="/app",
                logStreamName="s",
                logEvents=events,
            )
        except ServiceError as raised:
            error = raised
        if error is None or (faults.struck or "").startswith("commit: the answer"):
            seen += batch
        assert await world.messages() == await world.filtered() == seen, faults.struck
        if faults.struck is None:
            assert error is None
            break
    assert point >= 8
    (group,) = (await world("DescribeLogGroups"))["logGroups"]
    assert group["storedBytes"] == sum(len(message) + 26 for message in seen)


async def test_clearing_up_that_is_cut_off_anywhere_ends_with_nothing_left(world):
    for point in itertools.count():
        await world.make("s", "t")
        await world.put((0, "m"))
        await world("DeleteLogGroup", logGroupName="/app")
        faults = Faults(point)
        await cut_off(world, faults)
        assert await world.count() == 0, faults.struck
        if faults.struck is None:
            break
    assert point >= 8


async def test_retention_that_is_cut_off_anywhere_leaves_what_is_young(world):
    for point in itertools.count():
        await world.make("s")
        await world("PutRetentionPolicy", logGroupName="/app", retentionInDays=1)
        await world.put((0, "old"))
        world.clock.advance(24 * 3600)
        await world.put((0, "young"))
        world.clock.advance(3600)
        faults = Faults(point)
        await cut_off(world, faults)
        assert await world.messages() == ["young"], faults.struck
        (group,) = (await world("DescribeLogGroups"))["logGroups"]
        assert group["storedBytes"] == len("young") + 26, faults.struck
        await world("DeleteLogGroup", logGroupName="/app")
        await world.work()
        if faults.struck is None:
            break
    assert point >= 8


async def cut_off(world, faults):
    """Do the work that is due, with one failure on the way; then again, without."""
    try:
        await world.work(lent(world, faults))
    except EngineError:
        assert faults.struck is not None
    await world.work()


async def test_what_is_acknowledged_is_delivered_once_at_least_wherever_delivery_is_cut_off(world):
    await world.make("s")
    await world(
        "PutSubscriptionFilter",
        logGroupName="/app",
        filterName="f",
        filterPattern="",
        destinationArn="arn:aws:kinesis:us-east-1:123456789012:stream/events",
        roleArn="arn:aws:iam::123456789012:role/sender",
    )
    for point in itertools.count():
        messages = [f"{point}-{number}" for number in range(3)]
        for message in messages:
            await world.put((0, message))
        faults = Faults(point)
        await cut_off(world, faults)
        delivered = world.outside.delivered()
        assert set(messages) <= set(delivered), faults.struck
        assert await world.waiting() == 0, faults.struck
        if faults.struck is None:
            assert sorted(delivered[-3:]) == messages
            break
    assert point >= 5


async def test_an_event_is_taken_together_with_the_note_to_deliver_it(world):
    await world.make("s")
    await world(
        "PutSubscriptionFilter",
        logGroupName="/app",
        filterName="f",
        filterPattern="",
        destinationArn="arn:aws:kinesis:us-east-1:123456789012:stream/events",
        roleArn="arn:aws:iam::123456789012:role/sender",
    )
    for point in itertools.count():
        faults = Faults(point)
        service = Service(shapes.MODEL, operations.OPERATIONS, lent(world, faults))
        call = caller({"logs": service}, [("logs", "PutLogEvents")])
        with contextlib.suppress(ServiceError):
            await call(
                world.call,
                "logs",
                "PutLogEvents",
                logGroupName="/app",
                logStreamName="s",
                logEvents=[{"timestamp": world.now, "message": f"{point}"}],
            )
        await world.work()
        assert world.outside.delivered() == await world.messages(), faults.struck
        if faults.struck is None:
            break
    assert point >= 8


async def test_an_export_that_is_cut_off_anywhere_ends_whole(world):
    await world.make("a", "b")
    await world.put((0, "one"), stream="a")
    await world.put((0, "two"), stream="b")
    for point in itertools.count():
        world.clock.advance(1)
        task = await world(
            "CreateExportTask",
            **{"logGroupName": "/app", "from": 0, "to": world.now, "destination": "bucket"},
        )
        faults = Faults(point)
        await cut_off(world, faults)
        (found,) = (await world("DescribeExportTasks", **task))["exportTasks"]
        assert found["status"]["code"] == "COMPLETED", faults.struck
        written = [key for key in world.outside.objects if task["taskId"] in key]
        assert sorted(key.split("/")[2] for key in written) == ["a", "b"], faults.struck
        if faults.struck is None:
            break
    assert point >= 8
