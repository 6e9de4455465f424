"""Metric filters: what they are, and the samples they take."""

import json

import pytest

from millpond.kernel.errors import ServiceError

MINUTE_MS = 60_000


def transformation(value="1", **more):
    return {"metricName": "M", "metricNamespace": "N", "metricValue": value} | more


async def put(world, name="f", pattern="ERROR", group="/app", **more):
    await world(
        "PutMetricFilter",
        logGroupName=group,
        filterName=name,
        filterPattern=pattern,
        metricTransformations=[transformation(**more)],
    )


def sums(figures):
    return {key: (found.count, found.total) for key, found in figures.items()}


async def test_each_match_is_a_sample_of_its_minute(world):
    await world.make("s")
    await world.put((0, "ERROR before there was a filter"))
    await put(world)
    await world.put((-MINUTE_MS, "ERROR"), (0, "ERROR"), (1, "fine"), (2, "ERROR again"))
    start = -NOW_REST
    assert sums(world.figures("N")) == {
        ("M", "", start - MINUTE_MS): (1, 1),
        ("M", "", start): (2, 2),
    }


NOW_REST = 1_720_000_000_000 % MINUTE_MS
"""How far the clock of these tests is in its minute."""


async def test_values_and_dimensions_come_from_fields(world):
    await world.make("s")
    await put(
        world,
        pattern="{ $.latency = * }",
        value="$.latency",
        unit="Milliseconds",
        dimensions={"Path": "$.request.path", "Code": "$.code"},
    )
    seen = [
        {"latency": 12.5, "request": {"path": "/a"}, "code": 200},
        {"latency": "7.5", "request": {"path": "/a"}, "code": 200},
        {"latency": 3, "request": {"path": "/b"}, "code": 500},
        {"latency": 3, "request": {}, "code": 500},
        {"latency": "slow", "request": {"path": "/b"}, "code": 500},
        {"latency": True, "request": {"path": "/b"}, "code": 500},
    ]
    await world.put(*((0, json.dumps(one)) for one in seen))
    assert sums(world.figures("N")) == {
        ("M", "200//a", -NOW_REST): (2, 20.0),
        ("M", "500//b", -NOW_REST): (1, 3.0),
    }
    await put(world, pattern="[..., size]", value="$size")
    await world.put((0, "GET / 20"), (0, "GET / -"), (0, "GET / 22"))
    assert sums(world.figures("N")) == {("M", "", -NOW_REST): (2, 42.0)}


async def test_a_default_value_stands_for_minutes_without_a_match(world):
    await world.make("s")
    await put(world, defaultValue=0.0)
    await world.put((0, "fine"), (1, "fine too"))
    assert world.figures("N") == {}
    world.clock.advance(60)
    await world.work()
    assert sums(world.figures("N")) == {("M", "", -NOW_REST): (1, 0.0)}
    await world.put((0, "fine"))
    await world.put((0, "ERROR"))
    world.clock.advance(120)
    await world.work()
    assert sums(world.figures("N")) == {("M", "", MINUTE_MS - NOW_REST): (1, 1.0)}
    assert await world.due() == []


async def test_what_came_in_is_measured(world):
    await world.make("s")
    await world.put((0, "12345"), (0, "1"))
    assert sums(world.figures("AWS/Logs")) == {
        ("IncomingLogEvents", "/app", -NOW_REST): (1, 2),
        ("IncomingLogEvents", "", -NOW_REST): (1, 2),
        ("IncomingBytes", "/app", -NOW_REST): (1, 58),
        ("IncomingBytes", "", -NOW_REST): (1, 58),
    }


async def test_filters_are_described_by_prefix_group_and_metric_in_pages(world):
    for group in ("/a", "/b", "/c"):
        await world("CreateLogGroup", logGroupName=group)
    await put(world, "one", group="/a", defaultValue=1.5, unit="Count")
    await put(world, "two", group="/a", metricName="Other")
    await put(world, "one", group="/c")

    async def described(**more):
        found, token = [], {}
        while True:
            page = await world("DescribeMetricFilters", limit=1, **more, **token)
            found += [(kept["logGroupName"], kept["filterName"]) for kept in page["metricFilters"]]
            if "nextToken" not in page:
                return found
            token = {"nextToken": page["nextToken"]}

    assert await described() == [("/a", "one"), ("/a", "two"), ("/c", "one")]
    assert await described(logGroupName="/a", filterNamePrefix="t") == [("/a", "two")]
    assert await described(metricName="M", metricNamespace="N") == [("/a", "one"), ("/c", "one")]
    (kept,) = (await world("DescribeMetricFilters", logGroupName="/a", filterNamePrefix="o"))[
        "metricFilters"
    ]
    assert kept == {
        "filterName": "one",
        "filterPattern": "ERROR",
        "metricTransformations": [transformation(defaultValue=1.5, unit="Count")],
        "creationTime": world.now,
        "logGroupName": "/a",
        "applyOnTransformedLogs": False,
    }
    counts = {
        group["logGroupName"]: group["metricFilterCount"]
        for group in (await world("DescribeLogGroups"))["logGroups"]
    }
    assert counts == {"/a": 2, "/b": 0, "/c": 1}


async def test_a_filter_that_is_gone_takes_no_samples(world):
    await world.make("s")
    await put(world)
    await put(world, pattern="WARN")
    await world.put((0, "ERROR"), (0, "WARN"))
    assert sums(world.figures("N")) == {("M", "", -NOW_REST): (1, 1)}
    await world("DeleteMetricFilter", logGroupName="/app", filterName="f")
    await world.put((0, "WARN"))
    assert world.figures("N") == {}
    with pytest.raises(ServiceError, match="The specified metric filter does not exist"):
        await world("DeleteMetricFilter", logGroupName="/app", filterName="f")
    await put(world)
    await world("DeleteLogGroup", logGroupName="/app")
    await world.work()
    assert await world.count() == 0


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"pattern": "a.b"}, "Invalid character"),
        ({"value": "many"}, "neither a number nor a field"),
        ({"value": "$.x"}, "a pattern of terms has none"),
        ({"pattern": "[a, b]", "value": "$c"}, "is not a field of the filter pattern"),
        ({"pattern": "{ $.a = 1 }", "value": "$."}, "Invalid filter pattern"),
        ({"metricNamespace": "AWS/X"}, "reserved for AWS"),
        (
            {"pattern": "{ $.a = 1 }", "dimensions": {"D": "$.a"}, "defaultValue": 0.0},
            "mutually exclusive",
        ),
        (
            {"pattern": "{ $.a = 1 }", "dimensions": {str(n): "$.a" for n in range(4)}},
            "at most 3 dimensions",
        ),
        ({"group": "/none"}, "The specified log group does not exist"),
    ],
)
async def test_a_filter_that_could_not_work_is_refused(world, more, text):
    await world.make("s")
    with pytest.raises(ServiceError, match=text):
        await put(world, **more)


async def test_a_group_has_a_hundred_filters_and_five_with_expressions(world):
    await world.make("s")
    for number in range(5):
        await put(world, f"r{number}", pattern="%x%")
    with pytest.raises(ServiceError, match="at most 5 filters"):
        await put(world, "r5", pattern="%x%")
    for number in range(95):
        await put(world, f"f{number}")
    with pytest.raises(ServiceError) as raised:
        await put(world, "one too many")
    assert raised.value.code == "LimitExceededException"
    await put(world, "f1", pattern="other")


async def test_patterns_are_tried_on_messages(world):
    answer = await world(
        "TestMetricFilter",
        filterPattern="[ip, ..., status = 4*]",
        logEventMessages=["1.1.1.1 x 200", "1.1.1.2 y 404"],
    )
    assert answer["matches"] == [
        {
            "eventNumber": 2,
            "eventMessage": "1.1.1.2 y 404",
            "extractedValues": {"$ip": "1.1.1.2", "$2": "y", "$status": "404"},
        }
    ]
