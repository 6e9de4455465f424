"""What sources and sinks are: where a program's rows come from and go to.

Both are made for a run with the table that they are for, and run in the event loop of the
application's process.

A source pushes what arrives, split by split (a shard, a file, one for a generator), each time with
the position to go on from after it. A checkpoint holds, for each split, the position of the last
arrival that the pipeline took.

A sink takes part in checkpoints in two phases: `prepare` makes everything that was written durable
outside of the process, and tells in a few values of JSON what remains to be done; once the
checkpoint is durable, `commit` does that. After a loss, `commit` of the checkpoint that is restored
is called again with the same values before anything is written; everything written after it is as
if it had never been (sinks that commit), or is sent again (sinks that cannot).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from millpond.engines.streams.interface import Access


@dataclass(frozen=True, slots=True)
class RecordError:
    """A record that could not be read: why, and (the beginning of) what it was."""

    reason: str
    data: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came in from a split.

    `rows` have the table's physical columns, then its metadata columns, by name and type.
    `position` is where to go on after them, as JSON's values. `ended`: nothing more will come from
    this split (and it is not restored). A first arrival without rows announces a split: the
    watermark waits for it. `behind_ms`: how far its reading is behind the newest record, if known.
    """

    split: str
    rows: pa.Table
    position: Any
    ended: bool = False
    behind_ms: int | None = None
    size_bytes: int = 0
    errors: tuple[RecordError, ...] = ()


Emit = Callable[[Arrival], Awaitable[None]]
"""Hands an arrival to the pipeline; waits while that has enough to do."""


class SourceFailed(Exception):
    """The source cannot go on; the text says why (no such stream, access denied …)."""


class Source(Protocol):
    """Reads a table. Made as `SomeSource(table, world)`."""

    async def open(self) -> None:
        """Look whether the table can be read.

        Raises:
            SourceFailed: it cannot.
        """
        ...

    async def run(self, positions: Mapping[str, Any], emit: Emit) -> None:
        """Read until cancelled, each split from its position here, another from where the table's
        options say; return at the end of a bounded table.

        Passing troubles (throttling, a lost connection) are retried in here.

        Raises:
            SourceFailed: it cannot go on.
        """
        ...


class Lookup(Protocol):
    """Reads a whole reference table. Made as `SomeLookup(table, world)`."""

    async def load(self) -> pa.Table:
        """The table's physical columns, as they are now.

        Raises:
            SourceFailed: it cannot be read.
        """
        ...


class SinkFailed(Exception):
    """The sink cannot go on; the text says why."""


class Sink(Protocol):
    """Writes a table. Made as `SomeSink(table, world)`. Calls come one after another, except that
    `commit` may come while rows are written."""

    async def open(self, committed: Any) -> None:
        """Make ready; `committed` is what `prepare` told for the checkpoint that this run begins
        with (None: with nothing), to be committed again first. What is known to be of later, lost
        work is cleared away.

        Raises:
            SinkFailed: the table cannot be written.
        """
        ...

    async def write(self, rows: pa.Table) -> None:
        """Take rows (the sink's columns; with changes, `$kind` too). Waits while it has enough to
        do. They leave soon, not at the next checkpoint, where the table is one that cannot commit.

        Raises:
            SinkFailed: it cannot go on.
        """
        ...

    async def prepare(self, checkpoint: int) -> Any:
        """See the module. What was prepared for a checkpoint that never came to its `commit` (the
        state's disk was full) is part of what is prepared for the next."""
        ...

    async def commit(self, checkpoint: int, prepared: Any) -> None: ...

    async def close(self) -> None:
        """Let go of connections; what was not prepared is given up."""
        ...


@dataclass(slots=True)
class Credentials:
    """The access of the run; its service may renew it, so ask for it at each call."""

    access: Access


@dataclass(slots=True)
class Traffic:
    """What a connector counts: records and bytes that really left, by the sink."""

    records: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """What connectors of a run work with. `application` names the run's application and stays the
    same over restarts. `folder` is a folder for this connector's own files that outlives the run
    (durable things of a sink: sync what you name in `prepare`). `settings` are the plan's. `tell`
    logs a line (level, text). `printed` takes what the `print` connector shows."""

    application: str
    credentials: Credentials
    folder: Path
    settings: Mapping[str, str]
    tell: Callable[[str, str], None]
    traffic: Traffic = field(default_factory=Traffic)
    printed: Callable[[str], None] = lambda line: None
