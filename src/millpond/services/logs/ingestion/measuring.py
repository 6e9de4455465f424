"""Metrics of log events: those of metric filters, and what CloudWatch Logs tells of itself.

A metric filter's samples are taken at the times of the events. Where a filter has a default value,
it is the sample of each minute that had events and no match; that is known when the minute in
which they came is over. Figures are kept in memory until then, like all measurements.

Source: CloudWatch Logs user guide, "Creating metrics from log events using filters".
"""

from dataclasses import dataclass, field

from millpond.kernel.call import Scope
from millpond.kernel.metrics import MINUTE_MS, Meter, Metric, Statistics
from millpond.services.logs.ingestion.compiled import Compiled, Events
from millpond.services.logs.model.filters import MetricFilter
from millpond.services.logs.model.groups import Group
from millpond.services.logs.patterns import Pattern, Value
from millpond.services.logs.patterns.comparisons import read_number

NAMESPACE = "AWS/Logs"

_Dimensions = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Minute:
    """A minute that had events of a filter with a default value."""

    metric: Metric
    default: float
    came_ms: int
    matched: bool


@dataclass(slots=True)
class Defaults:
    """Minutes for which a default value may be told, by group, filter and minute."""

    _minutes: dict[tuple[str, str, int], _Minute] = field(default_factory=dict)

    def note(
        self, group: Group, kept: MetricFilter, metric: Metric, seen: dict[int, bool], now_ms: int
    ) -> None:
        """Remember which minutes had events, and whether one of them matched."""
        assert kept.default is not None
        for minute_ms, matched in seen.items():
            known = self._minutes.get((group.id, kept.name, minute_ms))
            if known is None:
                minute = _Minute(metric, kept.default, now_ms - now_ms % MINUTE_MS, matched)
                self._minutes[group.id, kept.name, minute_ms] = minute
            else:
                known.matched = known.matched or matched

    def tell(self, meter: Meter, now_ms: int) -> bool:
        """Record the default values of minutes that are over; whether some are not over yet."""
        over = [
            key for key, minute in self._minutes.items() if minute.came_ms + MINUTE_MS <= now_ms
        ]
        for key in over:
            minute = self._minutes.pop(key)
            if not minute.matched:
                value = minute.default
                meter.sum_up(minute.metric, Statistics(1, value, value, value), key[2])
        return bool(self._minutes)


def measure(
    meter: Meter,
    defaults: Defaults,
    scope: Scope,
    group: Group,
    compiled: Compiled,
    events: Events,
    now_ms: int,
) -> None:
    """Record the samples that a group's metric filters take of events."""
    for kept, pattern in compiled.metric:
        samples, seen = _samples(kept, pattern, events)
        for (minute_ms, dimensions), statistics in samples.items():
            meter.sum_up(_metric(scope, kept, dimensions), statistics, minute_ms)
        if kept.default is not None:
            defaults.note(group, kept, _metric(scope, kept, ()), seen, now_ms)


def _samples(
    kept: MetricFilter, pattern: Pattern, events: Events
) -> tuple[dict[tuple[int, _Dimensions], Statistics], dict[int, bool]]:
    """The samples by minute and dimensions, and the minutes with whether an event matched."""
    fixed = read_number(kept.value)
    references = tuple(kept.dimensions.values())
    if fixed is None:
        references = (kept.value, *references)
    names = tuple(kept.dimensions)
    samples: dict[tuple[int, _Dimensions], Statistics] = {}
    seen: dict[int, bool] = {}
    matches = pattern.matches
    for time_ms, message in events:
        minute_ms = time_ms - time_ms % MINUTE_MS
        if not matches(message):
            seen.setdefault(minute_ms, False)
            continue
        seen[minute_ms] = True
        values = pattern.values(message, references) if references else ()
        value = _number(values[0]) if fixed is None else fixed
        dimensions = _dimensions(names, values[len(values) - len(names) :])
        if value is None or dimensions is None:
            continue
        statistics = samples.get((minute_ms, dimensions))
        if statistics is None:
            samples[minute_ms, dimensions] = Statistics(1, value, value, value)
        else:
            statistics.add(Statistics(1, value, value, value))
    return samples, seen


def _number(value: Value) -> float | None:
    if isinstance(value, str):
        value = read_number(value)
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) <= 2**360 else None


def _dimensions(names: tuple[str, ...], values: tuple[Value, ...]) -> _Dimensions | None:
    """Names and values in the order of names; None where an event has not all of them."""
    if not names:
        return ()
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    if None in values or not all(texts):
        return None
    return tuple(sorted(zip(names, texts, strict=True)))


def _metric(scope: Scope, kept: MetricFilter, dimensions: _Dimensions) -> Metric:
    return Metric(
        scope.account, scope.region, kept.namespace, kept.metric, dimensions, kept.unit or "None"
    )


def count_incoming(meter: Meter, scope: Scope, group: Group, events: int, size_bytes: int) -> None:
    """Tell how much came in: for the group, and for the account together."""
    for dimensions in ((("LogGroupName", group.name),), ()):
        for name, value, unit in (
            ("IncomingLogEvents", float(events), "None"),
            ("IncomingBytes", float(size_bytes), "Bytes"),
        ):
            metric = Metric(scope.account, scope.region, NAMESPACE, name, dimensions, unit)
            meter.sum_up(metric, Statistics(1, value, value, value))
