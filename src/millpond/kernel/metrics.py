"""Measurements that services take of their own work, gathered in memory by the minute.

`CloudWatch` keeps them: it drains the meter before each answer and from time to time. What was not
drained is lost when the process is killed; figures are no promises, records are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from millpond.kernel.clock import Clock

MINUTE_MS = 60_000


class Metric(NamedTuple):
    """Whose measurement of what: `dimensions` are names and values, in AWS's order."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str


@dataclass(slots=True)
class Statistics:
    """Samples of one minute, summed up."""

    count: float
    total: float
    low: float
    high: float

    def add(self, other: "Statistics") -> None:
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)


class Meter(Protocol):
    """Where a service puts its measurements."""

    def record(self, metric: Metric, value: float, samples: int = 1) -> None:
        """`samples` measurements of `value` each, taken now."""
        ...

    def sum_up(self, metric: Metric, statistics: Statistics, at_ms: int | None = None) -> None:
        """Several measurements at once, taken now or at that time (epoch ms)."""
        ...


class MinuteMeter:
    """Keeps the statistics of each metric and minute until they are drained."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[Metric, int], Statistics] = {}

    def record(self, metric: Metric, value: float, samples: int = 1) -> None:
        self.sum_up(metric, Statistics(samples, value * samples, value, value))

    def sum_up(self, metric: Metric, statistics: Statistics, at_ms: int | None = None) -> None:
        taken_ms = self._clock.now_ms() if at_ms is None else at_ms
        self._keep((metric, taken_ms - taken_ms % MINUTE_MS), statistics)

    def _keep(self, key: tuple[Metric, int], statistics: Statistics) -> None:
        kept = self._kept.get(key)
        if kept is None:
            self._kept[key] = Statistics(
                statistics.count, statistics.total, statistics.low, statistics.high
            )
        else:
            kept.add(statistics)

    def drain(self) -> Mapping[tuple[Metric, int], Statistics]:
        """All that was measured since the last time, by metric and beginning of its minute (ms)."""
        kept, self._kept = self._kept, {}
        return kept

    def put_back(self, drained: Mapping[tuple[Metric, int], Statistics]) -> None:
        """Take again what was drained and could not be written; it joins what came meanwhile."""
        for key, statistics in drained.items():
            self._keep(key, statistics)
