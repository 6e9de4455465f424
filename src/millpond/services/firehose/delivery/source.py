"""Where records come from: read in order from a place, up to a place that was written down."""

import logging
from collections.abc import Mapping
from typing import Protocol

from millpond.engines.log.interface import Entry, Log
from millpond.kernel.errors import Damaged
from millpond.services.firehose.delivery.interface import Delivery, Record
from millpond.services.firehose.encryption import decrypt
from millpond.services.firehose.model.entries import place_of, sequence_number, unpack
from millpond.services.firehose.model.stream import DeliveryStream

Positions = dict[str, str]
"""How far a source was read, by shard; the values are the source's own."""

READ_SIZE_BYTES = 1024 * 1024
TRIM_MS = 60_000
"""How much time lies between two trims of a log, by its entries' times."""

_logger = logging.getLogger(__name__)


class Source(Protocol):
    """A source, read by one task."""

    @property
    def positions(self) -> Positions:
        """Up to where it was read."""
        ...

    async def read(self, size_bytes_max: int, until: Mapping[str, str] | None) -> list[Record]:
        """The next records: as many as there are now and fit, one at least if there is one.

        With `until`, none beyond those positions; then none is answered only at them.

        Raises:
            NotNow: the source cannot be read for now.
        """
        ...

    async def wait(self) -> None:
        """Return when there may be something to read. May be cancelled."""
        ...

    async def done(self) -> None:
        """All that was read is delivered for good."""
        ...


class DirectSource:
    """What was put, from the delivery stream's log. Its only shard is ""."""

    def __init__(
        self, log: Log, stream: DeliveryStream, positions: Mapping[str, str], delivery: Delivery
    ) -> None:
        self._log = log
        self._name = stream.log
        self._data_keys = stream.data_keys
        self._next = int(positions.get("", "0"))
        self._delivery = delivery
        self._last_ms = self._trimmed_ms = 0

    @property
    def positions(self) -> Positions:
        return {"": str(self._next)}

    async def read(self, size_bytes_max: int, until: Mapping[str, str] | None) -> list[Record]:
        end = None if until is None else int(until.get("", "0"))
        if end is not None and self._next >= end:
            return []
        position, place = place_of(self._next)
        try:
            found = await self._log.read(
                self._name, position, entries_max=10_000, size_bytes_max=READ_SIZE_BYTES
            )
        except Damaged as error:
            return await self._skip(position, str(error), size_bytes_max, until)
        records: list[Record] = []
        size = 0
        for entry in found.entries:
            start = place if entry.position == position else 0
            try:
                size = self._take(entry, start, end, size, size_bytes_max, records)
            except Damaged as error:
                self._pass_over(entry.position, entry.position, str(error))
            if size < 0:
                break
        return records

    def _take(
        self,
        entry: Entry,
        start: int,
        end: int | None,
        size: int,
        size_max: int,
        records: list[Record],
    ) -> int:
        """Add an entry's records from place `start` on; the size so far, -1 when it is enough."""
        first = sequence_number(entry.position, 0)
        for place, data in enumerate(unpack(decrypt(self._data_keys, entry))):
            if place < start:
                continue
            sequence = first + place
            if end is not None and sequence >= end:
                self._next = sequence
                return -1
            size += len(data)
            if records and size > size_max:
                self._next = sequence
                return -1
            records.append(Record(data, entry.time_ms, str(sequence)))
        self._next = sequence_number(entry.position + 1, 0)
        self._last_ms = entry.time_ms
        return size

    async def _skip(
        self, position: int, why: str, size_bytes_max: int, until: Mapping[str, str] | None
    ) -> list[Record]:
        """Go on after entries that are damaged, and say so."""
        readable = await self._log.next_readable(self._name, position)
        self._pass_over(position, max(readable - 1, position), why)
        return await self.read(size_bytes_max, until)

    def _pass_over(self, first: int, last: int, why: str) -> None:
        text = f"Entries {first} to {last} of {self._name.decode()} are damaged: {why}"
        _logger.error(text)
        self._delivery.tell("Source.Damaged", text)
        self._next = sequence_number(last + 1, 0)

    async def wait(self) -> None:
        await self._log.wait(self._name, place_of(self._next)[0])

    async def done(self) -> None:
        if self._last_ms - self._trimmed_ms >= TRIM_MS:
            self._trimmed_ms = self._last_ms
            await self._log.trim(self._name, self._last_ms)
