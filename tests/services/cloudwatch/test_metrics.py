"""Putting measurements and asking for them."""

import pytest

from millpond.kernel.errors import ServiceError

ALL = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


async def refused(world, operation, **members):
    with pytest.raises(ServiceError) as raised:
        await world(operation, **members)
    return raised.value.code, raised.value.message


def put_one(**datum):
    return {"Namespace": "Shop", "MetricData": [{"MetricName": "m", **datum}]}


async def test_values_of_one_minute_are_summed_up(world):
    for value in (1.0, 5.0):
        await world.put("sales", value, Unit="Count")
    world.clock.advance(60)
    await world.put("sales", 7.0, Unit="Count")
    assert await world.statistics("sales", *ALL) == [
        {
            "Timestamp": world.now - 60.0,
            "SampleCount": 2.0,
            "Average": 3.0,
            "Sum": 6.0,
            "Minimum": 1.0,
            "Maximum": 5.0,
            "Unit": "Count",
        },
        {
            "Timestamp": float(world.now),
            "SampleCount": 1.0,
            "Average": 7.0,
            "Sum": 7.0,
            "Minimum": 7.0,
            "Maximum": 7.0,
            "Unit": "Count",
        },
    ]


async def test_periods_begin_where_the_question_does_rounded_to_the_minute(world):
    for minute in range(10):
        await world.put("m", float(minute), Timestamp=world.now - 600.0 + minute * 60)
    found = await world.query("m", period=300, seconds=600 - 17)
    assert found == [(world.now - 600, 10.0), (world.now - 300, 35.0)]
    found = await world.query("m", period=300, seconds=600 - 77)
    assert found == [(world.now - 540, 15.0), (world.now - 240, 30.0)]


async def test_the_end_is_not_part_of_a_question(world):
    await world.put("m", 1.0)
    members = {"StartTime": world.now - 60.0, "EndTime": float(world.now)}
    assert await world.statistics("m", "Sum", **members) == []
    members["EndTime"] += 1
    assert len(await world.statistics("m", "Sum", **members)) == 1


async def test_arrays_of_values_and_statistic_sets_join(world):
    await world.put("m", Values=[1.0, 2.0], Counts=[3.0, 1.0])
    await world.put("m", Values=[9.0])
    await world.put(
        "m", StatisticValues={"SampleCount": 2.0, "Sum": 30.0, "Minimum": 10.0, "Maximum": 20.0}
    )
    (found,) = await world.statistics("m", *ALL)
    assert [found[name] for name in ALL] == [7.0, 44.0 / 7, 44.0, 1.0, 20.0]


async def test_percentiles_come_from_values_and_not_from_sets(world):
    for value in range(1, 101):
        await world.put("m", float(value))
    (found,) = await world.statistics("m", "p50", "p99.9", "p0")
    assert found["ExtendedStatistics"] == {"p50": 50.0, "p99.9": 100.0, "p0": 1.0}
    assert await world.query("m", "p90") == [(world.now, 90.0)]
    await world.put(
        "m", StatisticValues={"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}
    )
    assert await world.statistics("m", "p50") == []
    assert await world.query("m", "p90") == []
    assert await world.query("m", "SampleCount") == [(world.now, 102.0)]


async def test_dimensions_make_a_metric_of_their_own_in_any_order(world):
    one, two = {"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}
    await world.put("m", 1.0)
    await world.put("m", 10.0, Dimensions=[one, two])
    await world.put("m", 20.0, Dimensions=[two, one])
    assert await world.query("m") == [(world.now, 1.0)]
    assert await world.query("m", Dimensions=[two, one]) == [(world.now, 30.0)]
    assert await world.query("m", Dimensions=[one]) == []


async def test_units_are_kept_apart(world):
    await world.put("m", 1.0, Unit="Bytes")
    await world.put("m", 2.0, Unit="Count")
    await world.put("m", 4.0)
    found = await world.statistics("m", "Sum")
    assert {(point["Unit"], point["Sum"]) for point in found} == {
        ("Bytes", 1.0),
        ("Count", 2.0),
        ("None", 4.0),
    }
    (found,) = await world.statistics("m", "Sum", Unit="Count")
    assert found["Sum"] == 2.0
    assert await world.query("m") == [(world.now, 7.0)]


async def test_high_resolution_is_read_by_the_second(world):
    for second in range(20):
        await world.put("m", 1.0, Timestamp=world.now - 20.0 + second, StorageResolution=1)
    await world.put("coarse", 1.0)
    assert await world.query("m", period=10, seconds=20) == [
        (world.now - 20, 10.0),
        (world.now - 10, 10.0),
    ]
    assert await world.query("m", period=60, seconds=60) == [(world.now - 60, 20.0)]
    assert await world.query("coarse", period=10, seconds=20) == []
    world.clock.advance(3 * 3600)
    assert await world.query("m", period=10, seconds=4 * 3600) == []
    assert await world.query("m", period=60, seconds=4 * 3600) == [(world.now - 3 * 3600 - 60, 20)]


@pytest.mark.parametrize(
    ("datum", "code", "text"),
    [
        ({}, "MissingRequiredParameter", "At least one of the parameters MetricData.member.1.V"),
        ({"Value": float("nan")}, "InvalidParameterValue", "The value NaN for parameter"),
        ({"Value": float("inf")}, "InvalidParameterValue", "The value Infinity for parameter"),
        ({"Value": 2.0**361}, "InvalidParameterValue", "member.1.Value is invalid"),
        ({"Values": [-(2.0**361)]}, "InvalidParameterValue", "member.1.Values is invalid"),
        ({"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination", "mutually exclusive"),
        ({"Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue", "same size"),
        ({"Values": [1.0], "Counts": [-1.0]}, "InvalidParameterValue", "member.1.Counts"),
        ({"Values": [1.0] * 151}, "InvalidParameterValue", "greater than 150"),
        ({"Value": 1.0, "StorageResolution": 5}, "InvalidParameterValue", "StorageResolution"),
        ({"Value": 1.0, "Timestamp": 1_698_000_000.0}, "InvalidParameterValue", "two weeks"),
        ({"Value": 1.0, "Timestamp": 1_699_980_000.0}, "InvalidParameterValue", "two hours"),
        (
            {"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "b"}] * 2},
            "InvalidParameterValue",
            "names a dimension twice",
        ),
        (
            {"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "é"}]},
            "InvalidParameterValue",
            "printable ASCII",
        ),
    ],
)
async def test_a_datum_that_is_not_allowed_is_refused(world, datum, code, text):
    found, message = await refused(world, "PutMetricData", **put_one(**datum))
    assert found == f"{code}Exception"
    assert text in message
    assert await world.count(b"") == 0


async def test_aws_namespaces_are_reserved(world):
    found = await refused(
        world,
        "PutMetricData",
        Namespace="AWS/Kinesis",
        MetricData=[{"MetricName": "m", "Value": 1.0}],
    )
    assert found == (
        "InvalidParameterValueException",
        "The value AWS/ for parameter Namespace is invalid.",
    )


async def test_a_thousand_metrics_go_in_one_call(world):
    data = [{"MetricName": f"m{number}", "Value": 1.0} for number in range(1000)]
    await world("PutMetricData", Namespace="Shop", MetricData=data)
    assert await world.count(b"\0metric\0") == 1000
    _, message = await refused(
        world, "PutMetricData", Namespace="Shop", MetricData=[*data, data[0]]
    )
    assert message == "The collection MetricData must not have a size greater than 1000."


async def test_metrics_are_listed_in_pages_and_by_dimension(world):
    data = [
        {
            "MetricName": "m",
            "Value": 1.0,
            "Dimensions": [{"Name": "n", "Value": f"{number}"}, {"Name": "k", "Value": "v"}],
        }
        for number in range(501)
    ]
    await world("PutMetricData", Namespace="Shop", MetricData=data)
    await world("PutMetricData", Namespace="Other", MetricData=[{"MetricName": "m", "Value": 1.0}])
    page = await world("ListMetrics", Namespace="Shop")
    assert len(page["Metrics"]) == 500
    rest = await world("ListMetrics", Namespace="Shop", NextToken=page["NextToken"])
    assert len(rest["Metrics"]) == 1
    assert "NextToken" not in rest
    named = {metric["Dimensions"][0]["Value"] for metric in page["Metrics"] + rest["Metrics"]}
    assert named == {f"{number}" for number in range(501)}
    wish = {"Name": "n", "Value": "17"}
    (found,) = (await world("ListMetrics", Dimensions=[wish, {"Name": "k"}]))["Metrics"]
    assert found["Namespace"] == "Shop"
    assert found["Dimensions"] == data[17]["Dimensions"]
    (other,) = (await world("ListMetrics", Namespace="Other", MetricName="m"))["Metrics"]
    assert other == {"Namespace": "Other", "MetricName": "m", "Dimensions": []}
    assert (await world("ListMetrics", MetricName="n"))["Metrics"] == []
    code, _ = await refused(world, "ListMetrics", NextToken=page["NextToken"])
    assert code == "InvalidNextToken"


async def test_metrics_that_fell_silent_leave_the_list_and_their_values_stay(world):
    await world.put("m", 1.0)
    world.clock.advance(4 * 3600)
    await world.put("n", 1.0)
    listed = await world("ListMetrics", RecentlyActive="PT3H")
    assert [metric["MetricName"] for metric in listed["Metrics"]] == ["n"]
    assert len((await world("ListMetrics"))["Metrics"]) == 2
    world.clock.advance(14 * 24 * 3600 + 60)
    assert (await world("ListMetrics"))["Metrics"] == []
    assert len(await world.query("m", seconds=15 * 24 * 3600)) == 1


def queries(*names, **more):
    return [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {"Namespace": "Shop", "MetricName": name},
                "Period": 60,
                "Stat": "Sum",
            },
            **more,
        }
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize("scan_by", ["TimestampDescending", "TimestampAscending"])
async def test_values_come_in_pages_each_once(world, scan_by):
    for minute in range(7):
        for name in ("a", "b"):
            await world.put(name, float(minute), Timestamp=world.now - minute * 60.0)
    found, pages, token = {}, [], {}
    while True:
        page = await world(
            "GetMetricData",
            MetricDataQueries=queries("a", "nothing", "b"),
            StartTime=world.now - 3600.0,
            EndTime=world.now + 60.0,
            ScanBy=scan_by,
            MaxDatapoints=4,
            **token,
        )
        await world.put("a", 100.0, Timestamp=world.now + 60.0)
        results = page["MetricDataResults"]
        pages.append([(one["Id"], len(one["Values"]), one["StatusCode"]) for one in results])
        for one in results:
            found.setdefault(one["Id"], []).extend(one["Values"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    ordered = [float(minute) for minute in range(7)]
    if scan_by == "TimestampAscending":
        ordered.reverse()
    assert found == {"q0": ordered, "q1": [], "q2": ordered}
    assert pages == [
        [("q0", 4, "PartialData"), ("q1", 0, "PartialData"), ("q2", 0, "PartialData")],
        [("q0", 3, "Complete"), ("q1", 0, "Complete"), ("q2", 1, "PartialData")],
        [("q2", 4, "PartialData")],
        [("q2", 2, "Complete")],
    ]


async def test_labels_and_hidden_queries(world):
    await world.put("a", 1.0)
    asked = queries("a", "b", "c", Label="mine")
    asked[1]["ReturnData"] = False
    del asked[2]["Label"]
    found = await world(
        "GetMetricData",
        MetricDataQueries=asked,
        StartTime=world.now - 60.0,
        EndTime=world.now + 60.0,
    )
    assert [(one["Id"], one["Label"]) for one in found["MetricDataResults"]] == [
        ("q0", "mine"),
        ("q2", "c"),
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Id": "Big"}, "is not matching the expected pattern"),
        ({"MetricStat": None, "Expression": "SUM(METRICS())"}, "Expression is not implemented"),
        ({"MetricStat": None}, "MetricStat is required"),
        ({"Label": "${LAST}"}, "is not implemented"),
        ({"AccountId": "000000000000"}, "AccountId of another account is not implemented"),
        ({"Period": 60}, "must not be specified together with MetricStat"),
        ({"ReturnData": False}, "ReturnData"),
    ],
)
async def test_a_query_that_cannot_be_answered_is_refused_by_name(world, change, text):
    query = {name: value for name, value in (queries("a")[0] | change).items() if value is not None}
    times = {"StartTime": world.now - 60.0, "EndTime": float(world.now)}
    _, message = await refused(world, "GetMetricData", MetricDataQueries=[query], **times)
    assert text in message


async def test_a_period_is_seconds_of_the_list_or_whole_minutes(world):
    for period in (2, 45, 90):
        query = queries("a")
        query[0]["MetricStat"]["Period"] = period
        times = {"StartTime": world.now - 60.0, "EndTime": float(world.now)}
        _, message = await refused(world, "GetMetricData", MetricDataQueries=query, **times)
        assert "must be 1, 5, 10, 20, 30, or a multiple of 60" in message
    with pytest.raises(ServiceError, match="multiple of 60"):
        await world.statistics("a", "Sum", Period=90)


async def test_no_more_than_1440_datapoints_are_answered_by_statistics(world):
    members = {"StartTime": world.now - 86460.0, "EndTime": float(world.now)}
    with pytest.raises(ServiceError) as raised:
        await world.statistics("m", "Sum", **members)
    assert raised.value.code == "InvalidParameterCombinationException"
    assert raised.value.message == (
        "You have requested up to 1,441 datapoints, which exceeds the limit of 1,440. You may "
        "reduce the datapoints requested by increasing Period, or decreasing the time range."
    )
    members["StartTime"] += 60
    assert await world.statistics("m", "Sum", **members) == []


async def test_statistics_must_be_of_one_kind_and_times_in_order(world):
    for statistics in ((), ("Sum", "p50")):
        with pytest.raises(ServiceError, match="Must specify either") as raised:
            await world.statistics("m", *statistics)
        assert raised.value.code == "InvalidParameterCombinationException"
    with pytest.raises(ServiceError, match="StartTime must be less than"):
        await world.statistics("m", "Sum", EndTime=1.0)
