"""Samples of one stretch of time, summed up: what is kept of a metric.

Beside count, sum, minimum and maximum stands how often each value came, as long as all values are
known one by one; percentiles are read from that. More than `DISTINCT_MAX` values are thinned out
into classes that are 2 % wide, then 10 %, as wide as CloudWatch's own are said to be.
"""

import math
from collections.abc import Mapping

import msgspec

DISTINCT_MAX = 150
_CLASS_WIDTHS = (1.02, 1.1)


class Samples(msgspec.Struct, array_like=True, omit_defaults=True):
    """`values` are left out where all are alike, and where they are not known one by one."""

    count: float
    total: float
    low: float
    high: float
    values: dict[float, float] | None = None

    def raw(self) -> dict[float, float] | None:
        """How often each value came; None when that is not known."""
        if self.values is not None:
            return self.values
        return {self.low: self.count} if self.low == self.high else None

    def add(self, other: "Samples", *, with_values: bool = True) -> None:
        """Take in other samples; without values, percentiles cannot be asked for afterwards."""
        values = _joined(self, other) if with_values else None
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        self.values = values

    def copy(self) -> "Samples":
        """The same, to be added to."""
        values = None if self.values is None else dict(self.values)
        return Samples(self.count, self.total, self.low, self.high, values)


def of_values(values: Mapping[float, float]) -> Samples:
    """Samples of values (at least one) and how often each came."""
    low, high = min(values), max(values)
    total = math.fsum(value * count for value, count in values.items())
    kept = None if low == high else dict(values)
    return Samples(sum(values.values()), total, low, high, kept)


def percentile(samples: Samples, percent: float) -> float | None:
    """The smallest value that `percent` of the samples do not exceed.

    None where values are not known one by one, or one of them is negative: CloudWatch has no
    percentiles there. Source: CloudWatch API reference, GetMetricStatistics.
    """
    raw = samples.raw()
    if raw is None or samples.low < 0:
        return None
    needed = samples.count * percent / 100
    passed = 0.0
    for value in sorted(raw):
        passed += raw[value]
        if passed >= needed:
            return value
    return samples.high


def _joined(one: Samples, other: Samples) -> dict[float, float] | None:
    first, second = one.raw(), other.raw()
    if first is None or second is None:
        return None
    if len(first) == len(second) == 1 and first.keys() == second.keys():
        return None
    joined = dict(first)
    for value, count in second.items():
        joined[value] = joined.get(value, 0.0) + count
    for width in _CLASS_WIDTHS:
        if len(joined) <= DISTINCT_MAX:
            return joined
        joined = _thinned(joined, width)
    return joined if len(joined) <= DISTINCT_MAX else None


def _thinned(values: Mapping[float, float], width: float) -> dict[float, float]:
    """Values of one class become their mean; classes of the same sign are `width` wide."""
    classes: dict[tuple[bool, int | None], tuple[float, float]] = {}
    scale = math.log(width)
    for value, count in values.items():
        step = math.floor(math.log(abs(value)) / scale) if value else None
        total, number = classes.get((value < 0, step), (0.0, 0.0))
        classes[value < 0, step] = (total + value * count, number + count)
    thinned: dict[float, float] = {}
    for total, number in classes.values():
        mean = total / number
        thinned[mean] = thinned.get(mean, 0.0) + number
    return thinned
