"""Logs: named, durable, ordered sequences of entries. What streams and deliveries stand on.

A log exists from its first append (or seal) on; an unknown one reads as empty. Each entry has a
position, a whole number from 0 that grows within its log by one for each entry and is never given
twice, and the time its batch was appended, which never falls within a log.

Durability: when `append`, `seal` or `delete` returns, its effect survives a power cut. A batch is
there whole or not at all. A lost answer (`Unavailable`) means unknown: the batch may be there.
Order: batches of one log lie in the order in which their calls were made, also when several calls
wait for the same sync; a reader sees an entry only once it is durable.
Damage: bytes that do not match their checksum are never served; what is damaged is confined to
the entries that lie in it, and reading them raises `Damaged`, while others are read as before.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from millpond.kernel.errors import EngineError

LOG_NAME_SIZE_BYTES_MAX = 512
ENTRY_SIZE_BYTES_MAX = 16 * 1024 * 1024
"""The longest entry, key and value together."""


class Sealed(EngineError):
    """The log was closed for good; nothing was written."""


class Batch(NamedTuple):
    """Entries, each a key and a value, that go to the end of `log` one after another."""

    log: bytes
    entries: Sequence[tuple[bytes, bytes]]


class Appended(NamedTuple):
    """Where a batch lies: its first entry's position, and the time (epoch ms) of all of them."""

    position: int
    time_ms: int


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry. `time_ms` is epoch milliseconds."""

    position: int
    time_ms: int
    key: bytes
    value: bytes


class Read(NamedTuple):
    """Entries in order. `next_position` is where to read on, after the last of them; where
    entries were trimmed away, reading goes on at the first that is kept."""

    entries: list[Entry]
    next_position: int


class Bounds(NamedTuple):
    """What a log holds: positions `first` up to, not including, `end`. `last_time_ms` is the time
    of the newest entry ever appended, 0 when there was none. `size_bytes` is what it takes."""

    first: int
    end: int
    sealed: bool
    last_time_ms: int
    size_bytes: int


class Log(Protocol):
    async def append(self, batches: Sequence[Batch]) -> list[Appended]:
        """Append each batch to its log; they become durable together and are answered in order.

        Raises:
            Sealed: one of the logs is sealed; nothing of this call was written.
            Full: no space left; nothing of this call was written.
            Unavailable: it cannot be said whether it was written.
            ValueError: an entry or a name is longer than the constants above, or empty, or a batch
                has no entries.
        """
        ...

    async def read(
        self, log: bytes, position: int, *, entries_max: int, size_bytes_max: int
    ) -> Read:
        """Entries from `position` on: as many as fit both bounds, but one at least if there is one.

        Reading at the end answers no entries at once.

        Raises:
            Damaged: the entry at `position` cannot be read; `next_readable` says where to go on.
        """
        ...

    async def wait(self, log: bytes, position: int) -> None:
        """Return once there is an entry at `position` or after it, or the log is sealed.

        Raises:
            Unavailable: the logs were closed meanwhile.
        """
        ...

    def bounds(self, log: bytes) -> Bounds:
        """What the log holds now. Costs no reading from disk."""
        ...

    async def find(self, log: bytes, time_ms: int) -> int:
        """The first kept entry whose time is `time_ms` or later, by position; the end if none."""
        ...

    async def next_readable(self, log: bytes, position: int) -> int:
        """The first position from `position` on whose entry is not damaged; the end if none."""
        ...

    async def seal(self, log: bytes) -> int:
        """Close the log for good and answer its end: no entry will ever lie there or after it.

        Sealing again answers the same. Entries stay readable.
        """
        ...

    async def trim(self, log: bytes, before_ms: int) -> None:
        """Allow that entries older than `before_ms` go. Whole segments go, so some stay longer;
        what goes is always the oldest. Positions stay as they are. What is gone stays gone after
        a restart; where there is nothing to go, nothing is written.

        Raises:
            Full, Unavailable: as `append`; so do `seal` and `delete`.
        """
        ...

    async def delete(self, log: bytes) -> None:
        """Remove the log. Its name may be used again, and then begins at position 0."""
        ...

    async def close(self) -> None:
        """Wait for what is being written and close. Nothing may be called afterwards."""
        ...
