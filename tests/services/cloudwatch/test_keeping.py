"""Measurements of the services, and what age does to samples."""

import asyncio
import contextlib
import itertools

import pytest

from millpond.engines.records.faulty import FaultyRecords
from millpond.kernel.errors import Conflict, EngineError, Unavailable
from millpond.kernel.faults import Faults

DIMENSIONS = [{"Name": "StreamName", "Value": "orders"}]
DAY = 24 * 3600


async def test_what_is_drained_twice_in_a_minute_is_joined(world):
    world.measure(3.0)
    assert await world.query("IncomingRecords", Dimensions=DIMENSIONS) == [(world.now, 3.0)]
    world.measure(5.0, samples=2)
    assert await world.query("IncomingRecords", Dimensions=DIMENSIONS) == [(world.now, 13.0)]
    (found,) = await world.statistics(
        "IncomingRecords", "SampleCount", "Minimum", "Maximum", Dimensions=DIMENSIONS
    )
    assert (found["SampleCount"], found["Minimum"], found["Maximum"]) == (3.0, 3.0, 5.0)
    assert found["Unit"] == "Count"


async def test_measurements_are_in_the_list_at_once(world):
    world.measure(1.0)
    (metric,) = (await world("ListMetrics"))["Metrics"]
    assert metric["Dimensions"] == DIMENSIONS


async def test_measurements_are_kept_once_more_when_the_platform_ends(world):
    world.measure(2.0)
    assert await world.step("keep", stopping=True) is not None
    assert world.meter.drain() == {}
    assert await world.query("IncomingRecords", Dimensions=DIMENSIONS) == [(world.now, 2.0)]


class Failing:
    """Records whose first transactions fail at their end."""

    def __init__(self, records, *errors):
        self._records = records
        self.errors = list(errors)

    def transaction(self):
        return _Attempt(self, self._records.transaction())


class _Attempt:
    def __init__(self, failing, inner):
        self._failing = failing
        self._inner = inner

    async def __aenter__(self):
        return await self._inner.__aenter__()

    async def __aexit__(self, kind, error, traceback):
        if self._failing.errors:
            raised = self._failing.errors.pop(0)
            await self._inner.__aexit__(type(raised), raised, None)
            raise raised
        return await self._inner.__aexit__(kind, error, traceback)


async def test_what_cannot_be_written_goes_back_and_joins_what_came_meanwhile(world):
    world.measure(2.0)
    object.__setattr__(world.needs, "records", Failing(world.records, Unavailable("no disk")))
    with pytest.raises(Unavailable):
        await world.step("keep", stopping=True)
    world.measure(4.0)
    assert await world.query("IncomingRecords", Dimensions=DIMENSIONS) == [(world.now, 6.0)]


async def test_a_lost_race_is_run_again_and_counts_once(world):
    world.measure(2.0)
    failing = Failing(world.records, Conflict("first"), Conflict("second"))
    object.__setattr__(world.needs, "records", failing)
    await world.step("keep", stopping=True)
    assert failing.errors == []
    assert await world.query("IncomingRecords", Dimensions=DIMENSIONS) == [(world.now, 2.0)]


async def test_writers_of_one_metric_lose_nothing(world):
    await asyncio.gather(*(world.put("m", 1.0) for _ in range(12)))
    assert await world.query("m", "SampleCount") == [(world.now, 12.0)]


async def test_more_measurements_than_one_transaction_holds(world, monkeypatch):
    monkeypatch.setattr("millpond.services.cloudwatch.metering.WRITTEN_AT_ONCE", 10)
    for number in range(35):
        world.measure(float(number), name=f"m{number}")
    await world.step("keep", stopping=True)
    assert await world.count(b"\0metric\0") == 35
    assert world.meter.drain() == {}


async def age(world, days):
    world.clock.advance(days * DAY)
    due_ms = await world.step("roll_up")
    assert due_ms == world.clock.now_ms() + 3600 * 1000


async def test_old_samples_are_summed_up_by_longer_stretches_and_go_in_the_end(world):
    for minute in range(120):
        await world.put("m", float(minute), Timestamp=world.now - 7200.0 + minute * 60)
    first = world.now - 7200
    assert await world.count(b"\0data\0") == 2
    await age(world, 14)
    seconds = world.now - first
    assert len(await world.query("m", seconds=seconds)) == 120

    await age(world, 2)
    seconds = world.now - first
    assert await world.query("m", seconds=seconds) == []
    found = await world.query("m", seconds=seconds, period=300)
    assert found[0] == (first, 0 + 1 + 2 + 3 + 4)
    assert len(found) == 24
    assert await world.query("m", "p50", seconds=seconds, period=300) == [
        (first + number * 300, 2.0 + number * 5) for number in range(24)
    ]

    await age(world, 50)
    seconds = world.now - first
    assert await world.query("m", seconds=seconds, period=300) == []
    assert await world.query("m", seconds=seconds, period=3600) == [
        (first, sum(range(60))),
        (first + 3600, sum(range(60, 120))),
    ]
    assert await world.count(b"\0metric\0") == 1

    await age(world, 390)
    assert await world.query("m", seconds=457 * DAY, period=3600) == []
    assert await world.count(b"\0metric\0") == 1
    await age(world, 3)
    assert await world.count(b"") == 0


async def test_hours_that_age_one_by_one_join(world):
    first = world.now - world.now % 18_000 + 18_000
    world.clock.advance(first - world.now)
    for _ in range(5):
        await world.put("m", 1.0)
        world.clock.advance(3600)
    world.clock.advance(15 * DAY - 5 * 3600)
    for _ in range(5):
        world.clock.advance(3600)
        await world.step("roll_up")
    assert await world.count(b"\0data\0") == 1
    found = await world.query("m", seconds=world.now - first, period=3600)
    assert [value for _, value in found] == [1.0] * 5


async def test_age_is_seen_at_once_and_not_only_when_the_work_is_done(world):
    await world.put("m", 1.0)
    world.clock.advance(16 * DAY)
    assert await world.query("m", seconds=17 * DAY) == []
    assert [value for _, value in await world.query("m", seconds=17 * DAY, period=300)] == [1.0]


async def test_ageing_goes_through_all_metrics_a_few_at_a_time(world, monkeypatch):
    monkeypatch.setattr("millpond.services.cloudwatch.tasks.ROLLED_UP_AT_ONCE", 3)
    data = [{"MetricName": f"m{number}", "Value": 1.0} for number in range(10)]
    await world("PutMetricData", Namespace="Shop", MetricData=data)
    await age(world, 16)
    for number in range(10):
        found = await world.query(f"m{number}", seconds=17 * DAY, period=300)
        assert [value for _, value in found] == [1.0]
    assert await world.count(b"\0data\0") == 10
    await age(world, 443)
    assert await world.count(b"") == 0


async def test_seconds_go_after_three_hours_and_their_minutes_stay(world):
    await world.put("m", 1.0, StorageResolution=1)
    assert await world.count(b"\0data\0") == 2
    world.clock.advance(3 * 3600 + 61)
    await world.step("roll_up")
    assert await world.count(b"\0data\0") == 1
    assert len(await world.query("m", seconds=4 * 3600)) == 1


async def test_keeping_that_fails_anywhere_loses_nothing(world):
    """An answer that is lost counts twice: figures are no promises."""
    for point in itertools.count():
        name = f"m{point}"
        world.measure(2.0, name=name)
        faults = Faults(point)
        object.__setattr__(world.needs, "records", FaultyRecords(world.records, faults))
        with contextlib.suppress(EngineError):
            await world.step("keep", stopping=True)
        object.__setattr__(world.needs, "records", world.records)
        ((_, found),) = await world.query(name, Dimensions=DIMENSIONS)
        twice = (faults.struck or "").startswith("commit: the answer")
        assert found == (4.0 if twice else 2.0), faults.struck
        if faults.struck is None:
            break
    assert point >= 5


async def test_ageing_that_fails_anywhere_counts_everything_once(world):
    for point in itertools.count():
        begin = world.now
        await world.put(f"m{point}", 3.0)
        world.clock.advance(16 * DAY)
        faults = Faults(point)
        object.__setattr__(world.needs, "records", FaultyRecords(world.records, faults))
        with contextlib.suppress(EngineError):
            await world.step("roll_up")
        object.__setattr__(world.needs, "records", world.records)
        await world.step("roll_up")
        found = await world.query(f"m{point}", seconds=world.now - begin, period=300)
        assert found == [(begin, 3.0)], faults.struck
        if faults.struck is None:
            break
    assert point >= 5
