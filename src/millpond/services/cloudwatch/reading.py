"""Samples of a metric, gathered by the stretches of time that a question asks about."""

from dataclasses import dataclass

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.cloudwatch import store
from millpond.services.cloudwatch.model.periods import (
    read_resolutions,
    round_start,
    visible_from,
)
from millpond.services.cloudwatch.model.samples import Samples
from millpond.services.cloudwatch.model.series import Series

Gathered = dict[tuple[int, str], Samples]
"""Samples by the beginning of their stretch (epoch seconds) and unit."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, by which period: seconds. `now` is when that was asked."""

    start: float
    end: float
    period: int
    now: int

    @property
    def begin(self) -> int:
        """Where the first stretch begins."""
        return round_start(self.start, self.period, self.now)

    @property
    def stretches(self) -> int:
        """How many stretches were asked for."""
        return max(0, -int(-(self.end - self.begin) // self.period))


async def gather(
    transaction: Transaction,
    scope: Scope,
    series: Series,
    window: Window,
    *,
    unit: str | None = None,
    with_values: bool = False,
    by_unit: bool = True,
) -> Gathered:
    """The samples of a metric in a window, by stretch and unit; without `by_unit` of all units
    together, under the empty unit. Percentiles need `with_values`."""
    gathered: Gathered = {}
    begin, period = window.begin, window.period
    oldest = visible_from(period, window.now)
    end = -int(-window.end // 1)
    for resolution in read_resolutions(period):
        start = max(begin, oldest)
        found = store.scan_samples(transaction, scope, series, resolution, start, end)
        async for time, sampled_unit, samples in found:
            if unit is not None and sampled_unit != unit:
                continue
            key = (begin + (time - begin) // period * period, sampled_unit if by_unit else "")
            kept = gathered.get(key)
            if kept is None:
                gathered[key] = samples
            else:
                kept.add(samples, with_values=with_values)
    return gathered
