"""Log groups and streams."""

import pytest

from millpond.kernel.errors import ServiceError

DAY_S = 24 * 3600


async def refused(world, operation, **members):
    with pytest.raises(ServiceError) as raised:
        await world(operation, **members)
    return raised.value.code, raised.value.message


async def test_a_group_name_is_taken_once_and_its_arns_are_awss(world):
    await world("CreateLogGroup", logGroupName="/aws/firehose/x", tags={"team": "data"})
    found = await refused(world, "CreateLogGroup", logGroupName="/aws/firehose/x")
    assert found == ("ResourceAlreadyExistsException", "The specified log group already exists")
    (group,) = (await world("DescribeLogGroups"))["logGroups"]
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/firehose/x"
    assert group == {
        "logGroupName": "/aws/firehose/x",
        "creationTime": world.now,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "deletionProtectionEnabled": False,
    }


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/k"}, "kmsKeyId is not implemented."),
        ({"logGroupClass": "INFREQUENT_ACCESS"}, "INFREQUENT_ACCESS is not implemented."),
        ({"logGroupName": "aws/x"}, "reserved"),
    ],
)
async def test_what_a_group_cannot_have_is_refused_by_name(world, more, text):
    code, message = await refused(world, "CreateLogGroup", **({"logGroupName": "/g"} | more))
    assert code == "InvalidParameterException"
    assert text in message


async def test_groups_come_in_pages_by_name_prefix_or_part(world):
    for name in ("/b", "/a/2", "/a/1", "/a/10"):
        await world("CreateLogGroup", logGroupName=name)

    async def names(**members):
        found, token = [], {}
        while True:
            page = await world("DescribeLogGroups", limit=1, **members, **token)
            found += [group["logGroupName"] for group in page["logGroups"]]
            if "nextToken" not in page:
                return found
            token = {"nextToken": page["nextToken"]}

    assert await names() == ["/a/1", "/a/10", "/a/2", "/b"]
    assert await names(logGroupNamePrefix="/a/1") == ["/a/1", "/a/10"]
    assert await names(logGroupNamePattern="1") == ["/a/1", "/a/10"]
    assert await names(logGroupIdentifiers=["/b", "/none"]) == ["/b"]
    assert await names(logGroupClass="DELIVERY") == []
    code, _ = await refused(
        world, "DescribeLogGroups", logGroupNamePrefix="/a", logGroupNamePattern="b"
    )
    assert code == "InvalidParameterException"
    (group,) = (await world("DescribeLogGroups", logGroupNamePattern="b"))["logGroups"]
    assert set(group) == {"logGroupName", "creationTime", "arn"}


async def test_streams_belong_to_their_group(world):
    assert await refused(world, "CreateLogStream", logGroupName="/app", logStreamName="s") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    await world.make("s")
    assert await refused(world, "CreateLogStream", logGroupName="/app", logStreamName="s") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    await world.make("s", group="/other")
    members = {"logGroupName": "/app", "logStreamName": "t"}
    for operation in ("DeleteLogStream", "GetLogEvents"):
        found = await refused(world, operation, **members)
        assert found == (
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        )


async def stream_names(world, **members):
    found, token = [], {}
    while True:
        page = await world("DescribeLogStreams", logGroupName="/app", limit=2, **members, **token)
        found += [stream["logStreamName"] for stream in page["logStreams"]]
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


async def test_streams_come_by_name_or_by_their_last_event(world):
    await world.make("a", "b", "c", "ab", "silent")
    for offset, stream in ((-5, "a"), (-1, "b"), (-9, "c"), (-1, "ab")):
        await world.put((offset, "m"), stream=stream)
    by_name = ["a", "ab", "b", "c", "silent"]
    assert await stream_names(world) == by_name
    assert await stream_names(world, descending=True) == by_name[::-1]
    assert await stream_names(world, logStreamNamePrefix="a") == ["a", "ab"]
    by_time = ["silent", "c", "a", "ab", "b"]
    assert await stream_names(world, orderBy="LastEventTime") == by_time
    found = await stream_names(world, orderBy="LastEventTime", descending=True)
    assert found == by_time[::-1]
    _, message = await refused(
        world,
        "DescribeLogStreams",
        logGroupName="/app",
        orderBy="LastEventTime",
        logStreamNamePrefix="a",
    )
    assert message == "Cannot order by LastEventTime with a logStreamNamePrefix."


async def test_a_stream_tells_of_its_events(world):
    await world.make("s")
    await world.put((-20, "one"), (-10, "two"))
    await world.put((-30, "zero"))
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/app"
    found = await world("DescribeLogStreams", logGroupIdentifier=arn)
    assert found["logStreams"] == [
        {
            "logStreamName": "s",
            "creationTime": world.now,
            "firstEventTimestamp": world.now - 30,
            "lastEventTimestamp": world.now - 10,
            "lastIngestionTime": world.now,
            "arn": f"{arn}:log-stream:s",
            "storedBytes": 0,
        }
    ]
    (group,) = (await world("DescribeLogGroups"))["logGroups"]
    assert group["storedBytes"] == 3 + 3 + 4 + 3 * 26


async def test_names_of_any_length_and_letters_are_told_apart(world):
    long = "é" * 511
    names = [f"{long}a", f"{long}b", "nul\0", "nul\0\x01"]
    await world.make(*names)
    for name in names:
        await world.put((0, name), stream=name)
    for name in names:
        assert await world.messages(name) == [name]
    assert sorted(await stream_names(world)) == sorted(names)
    assert set(await stream_names(world, logStreamNamePrefix=long)) == set(names[:2])
    assert await stream_names(world, logStreamNamePrefix="nul\0") == names[2:]


async def test_what_is_deleted_is_out_of_sight_and_then_gone(world):
    await world.make("s", "t")
    await world.put((0, "first life"))
    await world.put((0, "other"), stream="t")
    await world("DeleteLogStream", logGroupName="/app", logStreamName="s")
    await world("CreateLogStream", logGroupName="/app", logStreamName="s")
    assert await world.messages() == []
    await world.put((0, "second life"))
    assert await world.filtered() == ["second life", "other"]
    await world("DeleteLogGroup", logGroupName="/app")
    assert (await world("DescribeLogGroups"))["logGroups"] == []
    await world.make("s")
    assert await world.messages() == []
    await world("DeleteLogGroup", logGroupName="/app")
    await world.work()
    assert await world.count() == 0
    found = await refused(world, "DeleteLogGroup", logGroupName="/app")
    assert found[0] == "ResourceNotFoundException"


async def test_events_leave_after_their_days(world):
    await world.make("s")
    await world.put((0, "old"), (3600 * 1000, "less old"))
    await world("PutRetentionPolicy", logGroupName="/app", retentionInDays=1)
    world.clock.advance(DAY_S)
    await world.put((0, "new"))
    await world.work()
    assert await world.messages() == ["old", "less old", "new"]
    world.clock.advance(1)
    assert await world.messages() == ["less old", "new"]
    assert await world.filtered() == ["less old", "new"]
    world.clock.advance(3600)
    await world.work()
    assert await world.messages() == ["new"]
    (group,) = (await world("DescribeLogGroups"))["logGroups"]
    assert (group["retentionInDays"], group["storedBytes"]) == (1, 3 + 26)
    (stream,) = (await world("DescribeLogStreams", logGroupName="/app"))["logStreams"]
    assert stream["firstEventTimestamp"] == stream["lastEventTimestamp"]
    world.clock.advance(2 * DAY_S)
    await world.work()
    (stream,) = (await world("DescribeLogStreams", logGroupName="/app"))["logStreams"]
    assert "firstEventTimestamp" not in stream
    assert await world.messages() == []


async def test_many_batches_leave_a_few_at_a_time(world, monkeypatch):
    monkeypatch.setattr("millpond.services.logs.tasks.AT_ONCE", 2)
    await world.make("s", "t")
    for number in range(5):
        await world.put((number, "old"))
        await world.put((number, "old"), stream="t")
    await world("PutRetentionPolicy", logGroupName="/app", retentionInDays=1)
    await world.work()
    world.clock.advance(2 * DAY_S)
    await world.work()
    (group,) = (await world("DescribeLogGroups"))["logGroups"]
    assert group["storedBytes"] == 0
    assert await world.count() == 3


async def test_without_a_retention_events_stay(world):
    await world.make("s")
    await world.put((0, "m"))
    await world("PutRetentionPolicy", logGroupName="/app", retentionInDays=1)
    await world("DeleteRetentionPolicy", logGroupName="/app")
    world.clock.advance(400 * DAY_S)
    await world.work()
    assert await world.messages() == ["m"]


async def test_retention_is_one_of_awss_numbers(world):
    await world.make()
    code, message = await refused(
        world, "PutRetentionPolicy", logGroupName="/app", retentionInDays=2
    )
    assert code == "InvalidParameterException"
    assert message.startswith("1 validation error detected: Value '2' at 'retentionInDays'")
    assert "3653" in message


async def test_tags_of_a_group_are_added_replaced_and_removed(world):
    await world("CreateLogGroup", logGroupName="/app", tags={"a": "1", "b": "2"})
    arn = {"resourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:/app"}
    await world("TagResource", **arn, tags={"b": "3", "c": ""})
    await world("PutRetentionPolicy", logGroupName="/app", retentionInDays=7)
    await world("UntagResource", **arn, tagKeys=["a", "none"])
    assert (await world("ListTagsForResource", **arn))["tags"] == {"b": "3", "c": ""}
    many = {f"k{number}": "v" for number in range(49)}
    assert (await refused(world, "TagResource", **arn, tags=many))[0] == "TooManyTagsException"
    found = await refused(world, "ListTagsForResource", resourceArn=arn["resourceArn"] + "2")
    assert found[0] == "ResourceNotFoundException"
    found = await refused(world, "ListTagsForResource", resourceArn="arn:aws:s3:::bucket")
    assert found[0] == "InvalidParameterException"
