"""What the server and an application's process say to each other: frames of JSON.

A frame is a four-byte big-endian length and one message. The server's go to the process's standard
input, the process's own to its standard output, which user code does not get: what that prints goes
to standard error. The server trusts no frame: what is too long or no message ends the run.

    server → process      Order | Check, then Snapshot, Renew, Stop
    process → server      Ready | Checked | Wrong | Failed, then Told, Beat, Taken, NotTaken, Ended
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from millpond.engines.streams.interface import (
    Access,
    Checkpointed,
    GivenTable,
    Language,
    Logged,
    Measured,
)

FRAME_SIZE_BYTES_MAX = 32 << 20


class ProgramText(msgspec.Struct, frozen=True):
    """A `Program`. `folders` are where its modules are found: its own, that of its requirements."""

    language: Language
    sql: str
    folders: Sequence[str] = ()
    tables: Sequence[GivenTable] = ()
    settings: Mapping[str, str] = {}


class Check(msgspec.Struct, tag="check", frozen=True):
    """Plan this. Without `access` no catalog is asked: `Failed` tells by `needs_access` that one
    has to be."""

    program: ProgramText
    access: Access | None = None


class Order(msgspec.Struct, tag="order", frozen=True):
    """Run this. `snapshot` is its name, or else `latest` whether to begin with the newest
    checkpoint. `state_bytes` and `compute_bytes` are shares of what the process may use."""

    name: str
    program: ProgramText
    access: Access
    folder: str
    spill_folder: str
    snapshot: str | None
    latest: bool
    origin: str
    allow_non_restored_state: bool
    threads: int
    compute_bytes: int
    state_bytes: int
    checkpoint_seconds: float
    checkpoint_pause_seconds: float
    log_level: Literal["DEBUG", "INFO", "WARN", "ERROR"]


class Snapshot(msgspec.Struct, tag="snapshot", frozen=True):
    name: str
    last: bool = False
    drain: bool = False


class Renew(msgspec.Struct, tag="renew", frozen=True):
    access: Access


class Stop(msgspec.Struct, tag="stop", frozen=True):
    drain: bool


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """The sources are open."""


class Checked(msgspec.Struct, tag="checked", frozen=True):
    plan: str
    sources: Sequence[str]
    sinks: Sequence[str]


class Wrong(msgspec.Struct, tag="wrong", frozen=True):
    """A `Refused`."""

    text: str
    line: int = 0
    column: int = 0
    needs_flink: bool = False


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """A `CannotStart`, or a check that could not be made."""

    text: str
    needs_access: bool = False


class Told(msgspec.Struct, tag="told", frozen=True, omit_defaults=True):
    """Events, log lines first."""

    logged: Sequence[Logged] = ()
    checkpointed: Checkpointed | None = None
    measured: Measured | None = None


class Beat(msgspec.Struct, tag="beat", frozen=True):
    """The process lives: how long the step that runs has taken so far (0: none does), and which
    Python function it is in."""

    step_seconds: float
    calling: str = ""


class Taken(msgspec.Struct, tag="taken", frozen=True):
    """A snapshot is durable."""

    name: str
    size_bytes: int


class NotTaken(msgspec.Struct, tag="not-taken", frozen=True):
    name: str
    text: str


class Ended(msgspec.Struct, tag="ended", frozen=True):
    """The last word: a `Finished`."""

    failure: str = ""
    stopped: bool = False


ToProcess = Check | Order | Snapshot | Renew | Stop
FromProcess = Ready | Checked | Wrong | Failed | Told | Beat | Taken | NotTaken | Ended

_encode = msgspec.json.Encoder().encode
decode_to_process = msgspec.json.Decoder(ToProcess).decode
decode_from_process = msgspec.json.Decoder(FromProcess).decode


def frame(message: ToProcess | FromProcess) -> bytes:
    """A message with its length before it."""
    data = _encode(message)
    return len(data).to_bytes(4, "big") + data
