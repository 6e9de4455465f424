"""Filters of log groups as they are held against events: compiled once for each version."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from millpond.engines.records.interface import Records
from millpond.services.logs.model.filters import Filters, MetricFilter, Subscription
from millpond.services.logs.model.groups import Group
from millpond.services.logs.patterns import Pattern, compile_pattern
from millpond.services.logs.storing.filters import load_filters

KEPT_MAX = 1000

Events = Sequence[tuple[int, bytes]]
"""Times and messages."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A group's filters with what their patterns mean."""

    metric: tuple[tuple[MetricFilter, Pattern], ...]
    subscriptions: tuple[tuple[Subscription, Pattern], ...]

    def awaited(self, events: Events) -> list[Subscription]:
        """The subscriptions that one of the events is for."""
        return [
            subscription
            for subscription, pattern in self.subscriptions
            if any(pattern.matches(message) for _, message in events)
        ]

    @property
    def has_defaults(self) -> bool:
        return any(kept.default is not None for kept, _ in self.metric)


_NONE = Compiled((), ())


@dataclass(slots=True)
class CompiledFilters:
    """The filters of the groups that events came to last."""

    _kept: dict[str, tuple[str, Compiled]] = field(default_factory=dict)

    async def of(self, records: Records, group: Group) -> Compiled:
        """The filters of a group, read where this version of them is not known yet."""
        if not group.filters:
            return _NONE
        version, compiled = self._kept.get(group.id, ("", _NONE))
        if version == group.filters:
            return compiled
        async with records.transaction() as transaction:
            compiled = compile_filters(await load_filters(transaction, group))
        if len(self._kept) >= KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[group.id] = (group.filters, compiled)
        return compiled


def compile_filters(filters: Filters) -> Compiled:
    return Compiled(
        tuple((kept, compile_pattern(kept.pattern)) for kept in filters.metric.values()),
        tuple((kept, compile_pattern(kept.pattern)) for kept in filters.subscriptions.values()),
    )
