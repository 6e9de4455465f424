"""What the engine and its worker say to each other: length-prefixed msgpack over two pipes.

The engine opens with `Run`; the worker asks for what the catalog knows (`Find`, `List`, `Fetch`)
and gets `Found`, `Listed`, `Fetched`; it closes with `Done` or `Failed`.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from millpond.engines.sql.interface import (
    Column,
    Condition,
    Format,
    Missing,
    Output,
    Partition,
    Table,
    TableName,
    View,
)

FRAME_SIZE_BYTES_MAX = 512 << 20


class Run(msgspec.Struct, tag="run", frozen=True):
    """A query to run (`output`), to describe or to explain."""

    action: Literal["run", "describe", "explain"]
    sql: str
    catalog: str
    schema: str
    user: str
    now_ms: int
    parameters: Sequence[str]
    scanned_bytes_max: int | None
    output: Output | None


class FoundTable(msgspec.Struct, tag="table", frozen=True):
    table: Table


class FoundView(msgspec.Struct, tag="view", frozen=True):
    view: View


class FoundNothing(msgspec.Struct, tag="nothing", frozen=True):
    missing: Missing


class Found(msgspec.Struct, tag="found", frozen=True):
    answers: Sequence[FoundTable | FoundView | FoundNothing]


class Listed(msgspec.Struct, tag="listed", frozen=True):
    partitions: Sequence[Partition]


class FetchedFile(msgspec.Struct, frozen=True):
    """A file that lies in the worker's input folder under `path`."""

    path: str
    uri: str
    size_bytes: int
    partition: int
    format: Format
    compression: str


class Fetched(msgspec.Struct, tag="fetched", frozen=True):
    files: Sequence[FetchedFile]


class Find(msgspec.Struct, tag="find", frozen=True):
    names: Sequence[TableName]


class List(msgspec.Struct, tag="list", frozen=True):
    name: TableName
    conditions: Sequence[Condition]


class Fetch(msgspec.Struct, tag="fetch", frozen=True):
    """Hand over the files of partitions in `folder` (relative to the input folder)."""

    name: TableName
    partitions: Sequence[Partition]
    folder: str


class WrittenFile(msgspec.Struct, frozen=True):
    path: str
    size_bytes: int
    partition: Sequence[str | None] = ()


class Done(msgspec.Struct, tag="done", frozen=True):
    columns: Sequence[Column]
    rows: int = 0
    files: Sequence[WrittenFile] = ()
    scanned_bytes: int = 0
    input_rows: int = 0
    planning_ms: int = 0
    running_ms: int = 0
    text: str = ""


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """`kind`: the query is wrong, would read too much, found no space, or the worker broke."""

    kind: Literal["refused", "limit", "full", "broken"]
    name: str = ""
    text: str = ""
    scanned_bytes: int = 0


ToWorker = Run | Found | Listed | Fetched
FromWorker = Find | List | Fetch | Done | Failed

encode = msgspec.msgpack.Encoder().encode
decode_to_worker = msgspec.msgpack.Decoder(ToWorker).decode
decode_from_worker = msgspec.msgpack.Decoder(FromWorker).decode


def frame(message: ToWorker | FromWorker) -> bytes:
    """A message with its length before it."""
    data = encode(message)
    return len(data).to_bytes(4, "big") + data
