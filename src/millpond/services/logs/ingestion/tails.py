"""Live tails: sessions that are shown events as they come in.

A session keeps what came since it was last asked, up to 500 events: of more, each has the same
chance to be among them.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from millpond.services.logs.ingestion.compiled import Events
from millpond.services.logs.model.groups import Group, Stream
from millpond.services.logs.patterns import Pattern

UPDATE_EVENTS_MAX = 500


class Seen(NamedTuple):
    """An event that came in."""

    group: str
    stream: str
    time_ms: int
    ingested_ms: int
    message: bytes


@dataclass(slots=True, eq=False)
class Tail:
    """One session: which events it is shown, and those it was not shown yet."""

    groups: dict[str, str]
    """The groups' ids, with account and name as the client is told them."""
    pattern: Pattern
    streams: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    _seen: list[Seen] = field(default_factory=list)
    _count: int = 0

    def offer(self, group: Group, stream: Stream, events: Events, ingested_ms: int) -> None:
        """Take the events that are meant."""
        shown = self.groups.get(group.id)
        if shown is None or not self._means(stream.name):
            return
        matches = self.pattern.matches
        for time_ms, message in events:
            if matches(message):
                self._keep(Seen(shown, stream.name, time_ms, ingested_ms, message))

    def _means(self, stream: str) -> bool:
        if self.streams:
            return stream in self.streams
        return not self.prefixes or stream.startswith(self.prefixes)

    def _keep(self, seen: Seen) -> None:
        self._count += 1
        if len(self._seen) < UPDATE_EVENTS_MAX:
            self._seen.append(seen)
            return
        place = random.randrange(self._count)  # noqa: S311 - a sample, not a secret
        if place < UPDATE_EVENTS_MAX:
            self._seen[place] = seen

    def take(self) -> tuple[Sequence[Seen], bool]:
        """What came since the last time, by time, and whether it is a sample only."""
        seen, sampled = self._seen, self._count > len(self._seen)
        self._seen, self._count = [], 0
        seen.sort(key=lambda event: (event.ingested_ms, event.time_ms))
        return seen, sampled
