"""The meter that services measure with."""

from millpond.kernel.clock import ManualClock
from millpond.kernel.metrics import Metric, MinuteMeter, Statistics

METRIC = Metric("1", "us-east-1", "AWS/Kinesis", "IncomingRecords", (), "Count")
MINUTE_MS = 1_700_000_040_000


def test_measurements_of_a_minute_are_summed_up_and_drained_once() -> None:
    clock = ManualClock(MINUTE_MS)
    meter = MinuteMeter(clock)
    meter.record(METRIC, 3.0)
    meter.record(METRIC, 1.0, samples=2)
    clock.advance(59.999)
    meter.sum_up(METRIC, Statistics(2, 10.0, 4.0, 6.0))
    clock.advance(0.001)
    meter.record(METRIC, 7.0)
    assert meter.drain() == {
        (METRIC, MINUTE_MS): Statistics(5, 15.0, 1.0, 6.0),
        (METRIC, MINUTE_MS + 60_000): Statistics(1, 7.0, 7.0, 7.0),
    }
    assert meter.drain() == {}


def test_what_is_put_back_joins_what_came_meanwhile() -> None:
    clock = ManualClock(MINUTE_MS)
    meter = MinuteMeter(clock)
    meter.record(METRIC, 3.0)
    drained = meter.drain()
    meter.record(METRIC, 1.0)
    clock.advance(60)
    meter.put_back(drained)
    assert meter.drain() == {(METRIC, MINUTE_MS): Statistics(2, 4.0, 1.0, 3.0)}


def test_the_caller_keeps_its_statistics() -> None:
    meter = MinuteMeter(ManualClock(MINUTE_MS))
    given = Statistics(1, 2.0, 2.0, 2.0)
    meter.sum_up(METRIC, given)
    meter.sum_up(METRIC, given)
    assert given == Statistics(1, 2.0, 2.0, 2.0)
