"""What a program does, as nodes that rows flow through: what every SQL front end makes and the
runtime runs.

Names of SQL are resolved and its functions translated: expressions in here are DuckDB's SQL over
the columns of the node's input, each by its quoted name (`"amount" * 2`); where a node has two
inputs, over `l."…"` and `r."…"`. Only a `Project` (and a `Source`'s computed columns) may compute
what can fail on a row: other nodes refer to columns by name, which a `Project` below prepared.

Time: an event-time attribute is a TIMESTAMP or TIMESTAMP_LTZ column that the watermark speaks of; a
processing-time attribute is a column that holds the time of the step. Times in nodes are whole
milliseconds.

Changes: rows of a node with `upsert_keys` replace earlier rows of the same key; a column `$kind`
(TINYINT, the last of the node's `columns`; a sink's do not name it) tells 0 (this is the row now)
from 1 (there is none any more). Rows of other nodes are only added.

A node's `id` is made of what it is and what it reads: the same text gives the same ids, and state
is restored by them; two equal nodes of a plan are one. Where a source begins to read is no part of
it: state is of what was read, and goes on from there.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Literal

from millpond.engines.streams.types import Column, DataType, quoted

_BEGINNINGS = ("source.init.", "scan.stream.initpos")
"""How options begin that say where a source begins."""
KIND = "$kind"
"""The column of changes: 0 this is the row of its key now, 1 it is gone."""


@dataclass(frozen=True)
class Metadata:
    """A metadata column: the connector's `key` for it (`timestamp`, `shard-id`, `sequence-number`,
    `partition-key` …)."""

    column: Column
    key: str


@dataclass(frozen=True)
class Table:
    """A table as it was declared. `columns` are the physical ones, which its format reads and
    writes, in order; `paths` gives some of them another place in a record than their name (a JSON
    path, the number of a CSV field). `options` are the WITH options."""

    name: str
    columns: tuple[Column, ...]
    metadata: tuple[Metadata, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    primary_key: tuple[str, ...] = ()
    partitioned_by: tuple[str, ...] = ()
    paths: tuple[tuple[str, str], ...] = ()

    def option(self, *names: str) -> str | None:
        """The value of the first of these options that is there."""
        options = dict(self.options)
        return next((options[name] for name in names if name in options), None)


@dataclass(frozen=True)
class Aggregate:
    """One aggregate: Flink's name of the function (`COUNT`, `SUM`, `FIRST_VALUE` …), its arguments
    and its FILTER as columns of the input. `COUNT` without arguments is COUNT(*)."""

    name: str
    function: str
    arguments: tuple[str, ...]
    type: DataType
    distinct: bool = False
    condition: str | None = None
    options: tuple[str, ...] = ()
    """What else is constant of a call: LISTAGG's separator, LAG's offset and default (as SQL)."""


@dataclass(frozen=True)
class Window:
    """How rows are put into windows.

    tumble: `size_ms`. hop: `size_ms` every `slide_ms`. cumulate: up to `size_ms` in steps of
    `slide_ms`. session: until no row came for `size_ms`. stagger: from the first row of a key on,
    for `size_ms`. Windows of the first three begin at `offset_ms` after the epoch.
    `time` is the time attribute; `processing`: it is one of processing time.
    """

    kind: Literal["tumble", "hop", "cumulate", "session", "stagger"]
    time: str
    size_ms: int
    slide_ms: int = 0
    offset_ms: int = 0
    processing: bool = False


@dataclass(frozen=True)
class Node:
    """`columns` are what it gives. `rowtime` names the event-time attribute among them, None where
    there is none (any more). `where` tells people where in the text it comes from."""

    columns: tuple[Column, ...]
    rowtime: str | None = field(default=None, kw_only=True)
    upsert_keys: tuple[str, ...] | None = field(default=None, kw_only=True)
    where: str = field(default="", kw_only=True, compare=False, repr=False)

    @property
    def inputs(self) -> tuple["Node", ...]:
        return ()

    @cached_property
    def id(self) -> str:
        """Stable from run to run: it names the node's state."""
        parts = [type(self).__name__]
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name != "where" and not isinstance(value, Node):
                parts.append(f"{each.name}={_own(value)}")
        parts += [node.id for node in self.inputs]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return f"{type(self).__name__.lower()}-{digest[:16]}"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def _own(value: object) -> str:
    if isinstance(value, tuple) and any(isinstance(part, Node) for part in value):
        return ""
    if isinstance(value, Table):
        kept = tuple(each for each in value.options if not each[0].startswith(_BEGINNINGS))
        return repr(replace(value, options=kept))
    return repr(value)


@dataclass(frozen=True)
class Source(Node):
    """Reads a table: its physical and metadata columns, then `computed` ones over them; `columns`
    are all of these that the table declares, in order. `watermark` is an expression over `columns`
    (a timestamp; None: no event time). `processing`: computed columns that are PROCTIME().

    `quiet_ms` (0: not so): event time is the time at which rows came in. It goes on by the clock,
    so far behind it, while the source is read to its end and nothing comes; no row is late, one
    that would be gets the earliest time that is not."""

    table: Table
    computed: tuple[tuple[str, str], ...] = ()
    watermark: str | None = None
    processing: tuple[str, ...] = ()
    quiet_ms: int = 0


@dataclass(frozen=True)
class Errors(Node):
    """The rows that could not be read or computed, one for each: the columns of `ERROR_COLUMNS`."""


@dataclass(frozen=True)
class _Unary(Node):
    input: Node

    @property
    def inputs(self) -> tuple[Node, ...]:
        return (self.input,)


@dataclass(frozen=True)
class _Binary(Node):
    left: Node
    right: Node

    @property
    def inputs(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Project(_Unary):
    """Each row for itself: `expressions` give `columns` in order, for rows for which `condition`
    is true. `unnest` (a name and a list expression) first repeats each row for each element, which
    expressions then see as a column of that name. `functions` are the Python functions that it
    calls, by name. `processing`: columns that become the time of the step."""

    expressions: tuple[str, ...]
    condition: str | None = None
    unnest: tuple[str, str] | None = None
    functions: tuple[str, ...] = ()
    processing: tuple[str, ...] = ()


@dataclass(frozen=True)
class AssignWindows(_Unary):
    """Adds `window_start`, `window_end` and `window_time` (TIMESTAMP columns; of a TIMESTAMP_LTZ
    attribute `window_time` alone is one) to each row, once for each of its windows. Sessions and
    staggered windows are of `keys`, and their rows go on when the window is complete."""

    window: Window
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class AggregateWindow(_Unary):
    """Groups rows by window and `keys`: gives the keys, the aggregates, then `window_start`,
    `window_end`, `window_time`, when the watermark says that the window is complete. With
    `lateness_ms`, a complete window is kept so long and given again when a late row changes it
    (then there are `upsert_keys`)."""

    window: Window
    keys: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]
    lateness_ms: int = 0


@dataclass(frozen=True)
class PerWindow(Node):
    """Gathers rows that carry their window until it is complete, then answers `sql`, DuckDB's SQL
    over tables `i0`, `i1` … that hold the rows of all complete windows: aggregates, joins, Top-N
    and deduplication by window. `starts` and `ends` name the window's columns of each input."""

    parts: tuple[Node, ...]
    sql: str
    starts: tuple[str, ...]
    ends: tuple[str, ...]

    @property
    def inputs(self) -> tuple[Node, ...]:
        return self.parts


@dataclass(frozen=True)
class Frame:
    """What an OVER window spans up to the current row: `rows` before it, `range_ms` before it, or,
    both None, all. Rows of equal time belong to a range frame together."""

    rows: int | None = None
    range_ms: int | None = None
    is_rows: bool = False


@dataclass(frozen=True)
class Over(_Unary):
    """Adds `functions` over a frame to each row: aggregates, LAG, ROW_NUMBER, FIRST_VALUE … Rows go
    on in the order of `time` once the watermark has passed them; with `processing`, at once."""

    keys: tuple[str, ...]
    time: str
    frame: Frame
    functions: tuple[Aggregate, ...]
    processing: bool = False


@dataclass(frozen=True)
class Join(_Binary):
    """Pairs of rows of equal keys for which `condition` (over `l.` and `r.`) holds, if there is
    one; `columns` are the left's, then the right's (which do not share a name).

    With bounds (an interval join): `l.time` is between `r.time + lower_ms` and `r.time + upper_ms`.
    `left`, `right`, `full`: rows that will find none go on with NULLs; only with bounds. Without,
    both sides are kept for `table.exec.state.ttl`, or for good.
    """

    kind: Literal["inner", "left", "right", "full"]
    left_keys: tuple[str, ...]
    right_keys: tuple[str, ...]
    left_time: str | None = None
    right_time: str | None = None
    lower_ms: int | None = None
    upper_ms: int | None = None
    condition: str | None = None


@dataclass(frozen=True)
class LookupJoin(_Unary):
    """Each row with the rows of a reference table that have its keys now. `columns` are the
    input's, then `table_columns` (the names that the table's get). The table is read at the start
    and again every `refresh_ms` (0: never)."""

    table: Table
    keys: tuple[str, ...]
    table_keys: tuple[str, ...]
    table_columns: tuple[str, ...]
    kind: Literal["inner", "left"] = "inner"
    condition: str | None = None
    refresh_ms: int = 0


@dataclass(frozen=True)
class Deduplicate(_Unary):
    """Of the rows of equal keys the first or the last by `time`. The last is a change (see
    `upsert_keys`); so is the first by event time until the watermark has passed it, so it waits for
    that."""

    keys: tuple[str, ...]
    time: str
    keep: Literal["first", "last"]
    processing: bool = False


@dataclass(frozen=True)
class GroupAggregate(_Unary):
    """Groups by keys for good: a row for each key, given again when it changes."""

    keys: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]


@dataclass(frozen=True)
class Union(Node):
    """All rows of all inputs, which have the same columns."""

    parts: tuple[Node, ...]

    @property
    def inputs(self) -> tuple[Node, ...]:
        return self.parts


@dataclass(frozen=True)
class RandomCutForest(_Unary):
    """Adds an anomaly score (and, with `explains`, its explanation) to each row, over its numeric
    columns, in order of arrival: SQL-1_0's RANDOM_CUT_FOREST. `directed`: the explanation tells
    directions."""

    features: tuple[str, ...]
    trees: int = 100
    samples: int = 256
    time_decay: int = 100_000
    shingle: int = 1
    explains: bool = False
    directed: bool = True


@dataclass(frozen=True)
class Sink(_Unary):
    """Writes rows to a table: `columns` are the table's physical columns, then its metadata
    columns that can be written. `statement` is the INSERT for people."""

    table: Table
    statement: str = field(default="", compare=False)


NO_ARGUMENTS = 'struct_pack("$none" := true)'
"""What DuckDB's SQL passes to a Python function that is called without arguments."""


@dataclass(frozen=True)
class PythonFunction:
    """A function by its name in SQL, and where it is: a module and an attribute in the program's
    folder. `result` is its type where SQL or the function's own declaration said it before."""

    name: str
    module: str
    attribute: str
    result: DataType | None = None

    @property
    def called(self) -> str:
        """The call of it in DuckDB's SQL, up to the parenthesis: a name that no built-in function
        has, which would go before it. A call without arguments passes `NO_ARGUMENTS`."""
        return quoted(f"{self.name.lower()}$")


@dataclass(frozen=True)
class Plan:
    """A program's sinks, which reach all its nodes, its Python functions and its settings (`SET`
    and the defaults that it did not change)."""

    sinks: tuple[Sink, ...]
    functions: tuple[PythonFunction, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def nodes(self) -> Iterator[Node]:
        """Every node once, inputs before those that read them; equal ones are one."""
        seen: set[str] = set()
        yield from _below(self.sinks, seen)


def _below(nodes: tuple[Node, ...], seen: set[str]) -> Iterator[Node]:
    for node in nodes:
        if node.id in seen:
            continue
        yield from _below(node.inputs, seen)
        if node.id not in seen:
            seen.add(node.id)
            yield node


ERROR_COLUMNS = tuple(
    Column(name, kind)
    for name, kind in (
        ("error_time", DataType("TIMESTAMP", (3,))),
        ("error_level", DataType("STRING")),
        ("error_name", DataType("STRING")),
        ("message", DataType("STRING")),
        ("data_rowtime", DataType("TIMESTAMP", (3,))),
        ("data_row", DataType("STRING")),
        ("pump_name", DataType("STRING")),
    )
)
"""The columns of the error stream, as Kinesis Data Analytics has them (ERROR_TIME …)."""
