"""What an operator of the runtime is: rows and watermarks in, rows and a watermark out, by steps.

An operator is made anew for each run with the node that it runs, its state and what it computes
with. Between two steps all that it must remember lies in its `State`: a checkpoint is taken there,
and a later run makes the operator with the state restored. Steps of a run are one after another, in
one thread.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

BEFORE_ALL_MS = -(1 << 62)
"""The watermark before there is one."""
AFTER_ALL_MS = 1 << 62
"""The watermark after the end: nothing more will come."""


class Step(NamedTuple):
    """What an input gives in a step, or an operator answers: rows (perhaps none, always with the
    node's columns) and the watermark that holds after them: later rows with a rowtime at or before
    it are late. A watermark never falls."""

    rows: pa.Table
    watermark_ms: int


class RowFault(Exception):
    """A statement failed on the data of some row; the text is the reason."""


class Compute(Protocol):
    """DuckDB, as operators use it."""

    def run(self, sql: str, **tables: pa.Table) -> pa.Table:
        """The answer of `sql` over tables by these names. The program's Python functions are there
        under their names.

        Raises:
            RowFault: a value cannot be converted or computed, or a Python function raised.
        """
        ...


class State(Protocol):
    """The rows that one operator remembers, in buckets (its own numbers, such as a window's start),
    each a list of chunks that never change; and `small`, for what is a few values of JSON.

    A chunk that was added is written once for all checkpoints that hold it. Chunks beyond the
    memory that state may take lie on disk and are read from there, so read buckets when they are
    needed and do not hold on to their tables.
    """

    small: dict[str, Any]
    """A watermark need not be in here: after a restore an operator first sees the one that there
    was, without rows. `AFTER_ALL_MS` is left out of the checkpoint of a run that is drained."""

    def buckets(self) -> list[int]:
        """The buckets that have chunks, in order."""
        ...

    def chunks(self, bucket: int) -> list[pa.Table]:
        """The chunks of a bucket, oldest first; none of an unknown one."""
        ...

    def add(self, bucket: int, rows: pa.Table) -> None: ...

    def replace(self, bucket: int, chunks: Sequence[pa.Table]) -> None:
        """Instead of a bucket's chunks these. A chunk that stays is passed as the object that
        `chunks` gave, and is not written again."""
        ...

    def drop(self, bucket: int) -> None: ...


@dataclass(slots=True)
class Counters:
    """What operators count for the run's figures."""

    late_records_dropped: int = 0


@dataclass(frozen=True, slots=True)
class Tools:
    """What an operator works with. `settings` are the plan's. `lookup` answers the table of
    a `LookupJoin` as it was last read: the same object until it is read again."""

    compute: Compute
    state: State
    counters: Counters
    settings: Mapping[str, str] = field(default_factory=dict)
    lookup: Callable[[], pa.Table] | None = None


class Operator(Protocol):
    """One node at work. Made as `SomeOperator(node, tools)`."""

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        """Take what each input gave, at the time `now_ms` (processing time), and answer.

        Raises:
            RowFault: only a `Project` may (see `plan`); it diverts rows that fail, one by one.
        """
        ...

    def due_ms(self) -> int | None:
        """When it wants a step by processing time though nothing comes in; None: only then."""
        ...
