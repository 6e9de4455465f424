"""Makes payloads of the events that wait for a subscriber.

Batches of one stream that come one after another go together, as far as a payload has room; one
batch may need several.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from millpond.engines.log.interface import Entry, Log
from millpond.kernel.errors import Damaged
from millpond.services.logs.delivery.payload import (
    PAYLOAD_SIZE_BYTES_MAX,
    RAW_SIZE_BYTES_MAX,
    Event,
    Payload,
    compress,
)
from millpond.services.logs.delivery.targets import Record
from millpond.services.logs.model.batches import BATCH_SIZE_BYTES_MAX
from millpond.services.logs.model.events import event_id
from millpond.services.logs.model.filters import Subscription
from millpond.services.logs.model.groups import Stream
from millpond.services.logs.needs import Needs
from millpond.services.logs.patterns import Pattern
from millpond.services.logs.storing.filters import Waiting

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Parcel:
    """A record, how many events of what size it holds, and which batches it has events of."""

    record: Record
    events: int
    size_bytes: int
    batches: frozenset[Waiting]


@dataclass(slots=True)
class _Open:
    """Events of a stream that are not a payload yet."""

    stream: str = ""
    events: list[Event] = field(default_factory=list)
    size_bytes: int = 0
    batches: set[Waiting] = field(default_factory=set)


class Packing:
    """Packs what matches a subscription's pattern."""

    def __init__(
        self, needs: Needs, owner: str, group: str, subscription: Subscription, pattern: Pattern
    ) -> None:
        self._needs = needs
        self._owner = owner
        self._group = group
        self._subscription = subscription
        self._matches = pattern.matches
        self.too_large = 0
        """Events that no record can hold: they were left out."""

    async def pack(self, batches: Sequence[Waiting]) -> AsyncIterator[Parcel]:
        """The records for some batches, in their order."""
        opened = _Open()
        for batch in batches:
            if opened.stream != batch.stream_name:
                async for parcel in self._close(opened):
                    yield parcel
                opened = _Open(batch.stream_name)
            for entry in await _entries(self._needs.log, batch):
                if not self._matches(entry.value):
                    continue
                if opened.events and opened.size_bytes + len(entry.value) > RAW_SIZE_BYTES_MAX:
                    async for parcel in self._close(opened):
                        yield parcel
                    opened = _Open(batch.stream_name)
                time_ms = int.from_bytes(entry.key)
                number = event_id(time_ms, batch.stream_id, entry.position)
                opened.events.append(Event(number, time_ms, entry.value.decode()))
                opened.size_bytes += len(entry.value)
                opened.batches.add(batch)
        async for parcel in self._close(opened):
            yield parcel

    async def _close(self, opened: _Open) -> AsyncIterator[Parcel]:
        """Records of the events: several where they do not shrink into one."""
        stack = [opened.events] if opened.events else []
        while stack:
            events = stack.pop()
            payload = Payload(
                message_type="DATA_MESSAGE",
                owner=self._owner,
                log_group=self._group,
                log_stream=opened.stream,
                subscription_filters=(self._subscription.name,),
                log_events=events,
            )
            data = await asyncio.to_thread(compress, payload)
            if len(data) > PAYLOAD_SIZE_BYTES_MAX:
                if len(events) > 1:
                    middle = len(events) // 2
                    stack += [events[middle:], events[:middle]]
                else:
                    self.too_large += 1
                continue
            record = Record(self._key(opened.stream), data)
            yield Parcel(record, len(events), len(data), frozenset(opened.batches))

    def _key(self, stream: str) -> str:
        if self._subscription.distribution == "Random":
            return self._needs.ids.hex(16)
        return hashlib.sha256(stream.encode()).hexdigest()[:32]


async def _entries(log: Log, batch: Waiting) -> list[Entry]:
    """The events of a batch that are there and whole."""
    name = Stream(id=batch.stream_id, name="", created_ms=0).log
    position, end = batch.position, batch.position + batch.count
    found: list[Entry] = []
    while position < end:
        try:
            read = await log.read(
                name, position, entries_max=end - position, size_bytes_max=BATCH_SIZE_BYTES_MAX
            )
        except Damaged as error:
            _log.error("Events are damaged and passed over: %s", error)
            position = await log.next_readable(name, position)
            continue
        if not read.entries:
            break
        found += [entry for entry in read.entries if entry.position < end]
        position = read.next_position
    return found
