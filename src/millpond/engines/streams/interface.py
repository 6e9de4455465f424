"""Streams: continuous SQL, one process for each application.

    checked = await streams.check(program)             # refuses bad SQL with its line and column
    run = await streams.start(Order(name="fraud", program=program, folder=folder, access=access))
    async for event in run.events(): …                 # figures, checkpoints, log lines
    finished = await run.stop(drain=True)

A program is SQL text that declares tables over connectors (Kinesis, Firehose, S3, Iceberg …) and
fills some of them from others for as long as it runs. It calls AWS itself, at the endpoint and with
the credentials that its order gives.

State: `Order.folder` is the application's own and outlives its runs. State and the positions of
sources are written there together, as checkpoints; sinks commit what belongs to a checkpoint once
it is durable. A run that is lost in any way is started again with `Restore.LATEST` and goes on from
the last checkpoint: what sinks committed is not committed again (S3, Iceberg), or is sent again,
recognisably (Kinesis, Firehose, webhooks). A snapshot is a checkpoint kept by name until deleted.
Isolation: what an application does, to its memory too, ends nobody's run but its own.
Nothing of a run outlives the platform, however that ends.
"""

import enum
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from millpond.kernel.errors import EngineError

Language = Literal["flink", "kda"]
"""Flink SQL, or the SQL of Kinesis Data Analytics (`SQL-1_0`)."""


class CannotStart(EngineError):
    """A run could not be started; the text says why."""


class Refused(Exception):
    """The program is wrong, or asks for what this engine has not.

    `line` and `column` count from 1 and point into the program's text; both are 0 where the fault
    has no place in it. `needs_flink`: Apache Flink would run it; the text names the statement.
    """

    def __init__(self, text: str, line: int = 0, column: int = 0, *, needs_flink: bool = False):
        super().__init__(f"line {line}, column {column}: {text}" if line else text)
        self.text = text
        self.line = line
        self.column = column
        self.needs_flink = needs_flink


@dataclass(frozen=True, slots=True)
class GivenColumn:
    """A column of a given table: `type` as its language writes it (`VARCHAR(16)`), `path` the
    place of its value in a record (a JSON path such as `$.price`, a CSV field's number)."""

    name: str
    type: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class GivenTable:
    """A table that is connected from outside the SQL text, as inputs, outputs and reference data of
    `SQL-1_0` applications are. `options` are those of the connector and format in Flink's words
    (`connector`, `stream.arn`, `format` …); without columns (an output) its are those of what is
    written to it."""

    name: str
    role: Literal["source", "sink", "reference"]
    options: Mapping[str, str]
    columns: Sequence[GivenColumn] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `folder` holds the Python files of its functions and perhaps a
    `requirements.txt`; `settings` are as if the text began with `SET 'key' = 'value'`."""

    language: Language
    sql: str
    folder: Path | None = None
    tables: Sequence[GivenTable] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a program that is right will do: its plan as JSON for people, in Flink's form of it
    (`{"nodes": [{"id", "type", "contents", "parallelism", "predecessors": [...]}]}`)."""

    plan: str
    sources: Sequence[str]
    sinks: Sequence[str]


@dataclass(frozen=True, slots=True)
class Access:
    """How a run calls AWS: the endpoint (a URL without a path) and temporary credentials."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class Restore(enum.Enum):
    """What a run begins with besides a snapshot's name."""

    NOTHING = "nothing"
    LATEST = "latest"
    """The newest checkpoint; nothing if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run to start. `folder` is made, and kept; no two runs share it at a time.

    `restore` is a snapshot's name or a `Restore`; it is followed once for each `origin`: when the
    newest checkpoint is of a run of the same origin ("" is none), that is gone on from. With
    `allow_non_restored_state`, state that no part of the program takes is left out; without, the
    run fails. `memory_bytes` bounds the process; state beyond a share of it goes to disk.
    `checkpoint_seconds` 0: none but snapshots.
    """

    name: str
    program: Program
    folder: Path
    access: Access
    restore: str | Restore = Restore.LATEST
    origin: str = ""
    allow_non_restored_state: bool = False
    parallelism: int = 1
    memory_bytes: int = 1 << 30
    checkpoint_seconds: float = 60.0
    checkpoint_pause_seconds: float = 5.0
    log_level: Literal["DEBUG", "INFO", "WARN", "ERROR"] = "INFO"


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures since the run began (counts) or now (the rest), about once a second.

    `records_in`, `records_out`, `late_records_dropped`, `record_errors`, `behind_ms` (how far the
    slowest source is behind its newest record, None while unknown), `watermark_ms` (None before the
    first), `state_size_bytes`, `memory_bytes`, `cpu_seconds`.
    """

    records_in: int = 0
    records_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    late_records_dropped: int = 0
    record_errors: int = 0
    behind_ms: int | None = None
    watermark_ms: int | None = None
    state_size_bytes: int = 0
    memory_bytes: int = 0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """A checkpoint became durable, or failed (`failure` says why; the run goes on)."""

    number: int
    duration_ms: int = 0
    size_bytes: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """A line for the application's log: what the engine tells, a record that was refused and its
    reason, what a function printed. `time_ms` is epoch milliseconds."""

    time_ms: int
    level: Literal["DEBUG", "INFO", "WARN", "ERROR"]
    text: str
    logger: str = "millpond.streams"


Event = Measured | Checkpointed | Logged


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that is durable."""

    name: str
    size_bytes: int


class SnapshotFailed(EngineError):
    """The snapshot could not be taken; the run goes on, or its end says more."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended. `failure` is empty when it came to the end of bounded sources or was
    stopped; else the reason for people, with the Python traceback where a function raised it."""

    failure: str = ""
    stopped: bool = False


class Run(Protocol):
    """A run that has started: its sources are open, or it has ended."""

    def events(self) -> AsyncIterator[Event]:
        """What it tells, until it has ended. To be read by one reader, all the time."""
        ...

    async def wait(self) -> Finished:
        """How it ended, once its process is gone."""
        ...

    async def snapshot(self, name: str, *, last: bool = False, drain: bool = False) -> Snapshot:
        """Take a checkpoint now and keep it as `name`. `last`: from it on the run reads and writes
        nothing more, and waits to be stopped; what goes on from it finds sinks as they were then.
        `drain`: stop as `stop` does with it, and keep the checkpoint that the run ends with.

        Raises:
            SnapshotFailed: why not.
        """
        ...

    async def renew(self, access: Access) -> None:
        """Go on with other credentials."""
        ...

    async def stop(self, *, drain: bool) -> Finished:
        """End it. `drain`: windows that are open give what they have; sinks commit. Otherwise it
        stops at once, and open windows go on from the last checkpoint at the next start."""
        ...

    async def kill(self) -> Finished:
        """End its process now."""
        ...


@dataclass(frozen=True, slots=True)
class Installed:
    """What truly runs."""

    engine: str
    engine_version: str


class Streams(Protocol):
    def installed(self) -> Installed | None:
        """What is installed; None when something is missing."""
        ...

    async def check(self, program: Program, access: Access | None = None) -> Checked:
        """Read and plan a program without running it. Tables that it uses from a catalog are looked
        up with `access`.

        Raises:
            Refused: it is wrong, or not for this engine.
            CannotStart: the check itself cannot be run now.
        """
        ...

    async def start(self, order: Order) -> Run:
        """Start a run; its sources are open when this returns.

        Raises:
            Refused: the program is wrong.
            CannotStart: nothing is installed, requirements or a table cannot be had, the state
                cannot be restored; the text says which.
        """
        ...

    async def delete_snapshot(self, folder: Path, name: str) -> None:
        """Forget a snapshot of the application whose folder this is; an unknown one is no error."""
        ...

    async def delete_state(self, folder: Path) -> None:
        """Forget everything of an application that does not run."""
        ...
