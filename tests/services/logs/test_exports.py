"""Exports to S3: what is written where, and how an export ends."""

import gzip

import pytest

from millpond.kernel.errors import ServiceError
from millpond.services.logs.exporting import objects
from tests.services.world import Wake, work_of


class NoSuchBucket(ServiceError):
    code = "NoSuchBucket"
    status = 404


class AccessDenied(ServiceError):
    code = "AccessDenied"
    status = 403


async def create(world, **more):
    members = {
        "logGroupName": "/app",
        "from": 0,
        "to": world.now + 1000,
        "destination": "bucket",
    } | more
    return (await world("CreateExportTask", **members))["taskId"]


async def described(world, task):
    (found,) = (await world("DescribeExportTasks", taskId=task))["exportTasks"]
    return found


def lines(world):
    """The lines of each object, but for the test object."""
    return {
        key: gzip.decompress(data).decode().splitlines()
        for key, data in world.outside.objects.items()
        if key.endswith(".gz")
    }


async def test_events_of_a_time_are_written_stream_by_stream_as_the_caller(world):
    await world.make("a", "b/1", "silent")
    await world.put((-2, "too early"), (-1, "one"), (0, "two ✓"), stream="a")
    await world.put((5, "three"), (6, "too late"), stream="b/1")
    start = world.now
    task = await create(
        world, **{"from": start - 1, "to": start + 5}, destinationPrefix="x", taskName="mine"
    )
    assert world.outside.objects == {"x/aws-logs-write-test": b"Permission Check Successful"}
    assert (await described(world, task))["status"] == {"code": "PENDING"}
    world.clock.advance(1)
    await world.work()
    assert lines(world) == {
        f"x/{task}/a/000000.gz": [
            "2024-07-03T09:46:39.999Z one",
            "2024-07-03T09:46:40.000Z two ✓",
        ],
        f"x/{task}/b-1/000000.gz": ["2024-07-03T09:46:40.005Z three"],
    }
    assert set(world.outside.principals) == {"arn:aws:iam::123456789012:user/ann"}
    assert await described(world, task) == {
        "taskId": task,
        "taskName": "mine",
        "logGroupName": "/app",
        "from": start - 1,
        "to": start + 5,
        "destination": "bucket",
        "destinationPrefix": "x",
        "status": {"code": "COMPLETED", "message": "Completed successfully"},
        "executionInfo": {"creationTime": start, "completionTime": start + 1000},
    }


async def test_a_long_stream_is_several_objects_and_a_prefix_chooses_streams(world, monkeypatch):
    monkeypatch.setattr(objects, "OBJECT_RAW_BYTES_MAX", 1000)
    await world.make("a", "b")
    expected = [f"{number:03d}" for number in range(100)]
    await world.put(*((0, text) for text in expected), stream="a")
    await world.put((0, "other"), stream="b")
    task = await create(world, logStreamNamePrefix="a")
    await world.work()
    found = lines(world)
    assert sorted(found) == [f"exportedlogs/{task}/a/{number:06d}.gz" for number in range(3)]
    texts = [line.partition(" ")[2] for key in sorted(found) for line in found[key]]
    assert texts == expected


async def test_streams_whose_names_would_meet_stay_apart(world):
    await world.make("a/b", "a-b")
    await world.put((0, "slash"), stream="a/b")
    await world.put((0, "hyphen"), stream="a-b")
    await create(world)
    await world.work()
    assert sorted(line[-6:].strip() for found in lines(world).values() for line in found) == [
        "hyphen",
        "slash",
    ]


async def test_one_export_is_active_at_a_time_and_may_be_cancelled(world):
    await world.make("s")
    await world.put((0, "x"))
    first = await create(world)
    with pytest.raises(ServiceError) as raised:
        await create(world)
    assert raised.value.code == "LimitExceededException"
    await world("CancelExportTask", taskId=first)
    assert (await described(world, first))["status"]["code"] == "PENDING_CANCEL"
    await world.work()
    assert (await described(world, first))["status"]["code"] == "CANCELLED"
    assert lines(world) == {}
    with pytest.raises(ServiceError) as raised:
        await world("CancelExportTask", taskId=first)
    assert raised.value.code == "InvalidOperationException"
    with pytest.raises(ServiceError) as raised:
        await world("CancelExportTask", taskId="none")
    assert raised.value.code == "ResourceNotFoundException"
    world.clock.advance(1)
    second = await create(world)
    await world.work()
    page = await world("DescribeExportTasks", limit=1)
    assert [task["taskId"] for task in page["exportTasks"]] == [second]
    page = await world("DescribeExportTasks", limit=1, nextToken=page["nextToken"])
    assert [task["taskId"] for task in page["exportTasks"]] == [first]
    assert "nextToken" not in page
    page = await world("DescribeExportTasks", statusCode="COMPLETED")
    assert [task["taskId"] for task in page["exportTasks"]] == [second]


async def test_an_export_stops_where_it_is_when_the_platform_ends_or_it_is_cancelled(world):
    await world.make("a", "b")
    for stream in ("a", "b"):
        await world.put((0, stream), stream=stream)
    task = await create(world)
    from millpond.services.logs import tasks

    lent = (world.records, world.clock, "logs", tasks.STEPS, world.needs)
    await work_of(*lent, Wake(stopping=True))
    assert (await described(world, task))["status"]["code"] == "RUNNING"
    assert lines(world) == {}
    call_out = world.outside.__call__

    async def cancelling(call, service, operation, /, **members):
        await world("CancelExportTask", taskId=task)
        return await call_out(call, service, operation, **members)

    world.outside = cancelling
    await world.work()
    assert (await described(world, task))["status"]["code"] == "CANCELLED"


@pytest.mark.parametrize(
    ("refusal", "text"),
    [(NoSuchBucket("no"), "bucket does not exist"), (AccessDenied("no"), "PutObject call on")],
)
async def test_a_bucket_that_cannot_be_written_to_is_refused_or_fails_the_export(
    world, refusal, text
):
    await world.make("s")
    await world.put((0, "x"))
    world.outside.refuse = refusal
    with pytest.raises(ServiceError, match=text):
        await create(world)
    world.outside.refuse = None
    task = await create(world)
    world.outside.refuse = refusal
    await world.work()
    status = (await described(world, task))["status"]
    assert status == {"code": "FAILED", "message": f"{refusal.code}: no"}
    world.outside.refuse = None
    await create(world)


async def test_times_must_make_sense(world):
    await world.make("s")
    with pytest.raises(ServiceError, match="from is later than to"):
        await create(world, **{"from": 2, "to": 1})
    with pytest.raises(ServiceError, match="before the log group was created"):
        await create(world, to=world.now - 1)


async def test_an_export_of_a_group_that_goes_fails(world):
    await world.make("s")
    task = await create(world)
    await world("DeleteLogGroup", logGroupName="/app")
    await world.make("s")
    await world.work()
    status = (await described(world, task))["status"]
    assert status == {"code": "FAILED", "message": "The specified log group does not exist."}


async def test_an_export_goes_on_after_the_streams_that_are_done(world, monkeypatch):
    monkeypatch.setattr("millpond.services.logs.exporting.exporting.NOTED_EVERY", 2)
    names = [f"s{number}" for number in range(6)]
    await world.make(*names)
    for name in names:
        await world.put((0, name), stream=name)
    task = await create(world)
    from millpond.services.logs import tasks

    wake = Wake()
    call_out = world.outside.__call__

    async def ending(call, service, operation, /, **members):
        wake.stopping = "s4" in members["Key"]
        return await call_out(call, service, operation, **members)

    outside, world.outside = world.outside, ending
    lent = (world.records, world.clock, "logs", tasks.STEPS, world.needs)
    await work_of(*lent, wake)
    world.outside = outside
    assert (await described(world, task))["status"]["code"] == "RUNNING"
    done = set(outside.objects)
    outside.objects.clear()
    await world.work()
    assert (await described(world, task))["status"]["code"] == "COMPLETED"
    again = set(outside.objects)
    assert {key.split("/")[2] for key in again} == {"s4", "s5"}
    assert {key.split("/")[2] for key in done | again if task in key} == set(names)
