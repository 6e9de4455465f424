"""Analytic SQL: run one query over named tables, as a principal.

The language is Trino's SELECT (with WITH, VALUES and set operations), whatever runs it; types are
named as Trino names them (`varchar(10)`, `array(row(a bigint))`). Anything else that a service's
statements do (DDL, INSERT, UNLOAD, views) is the service's: it hands over the query inside.

    async with sql.run(Query(sql="SELECT …", …), catalog, TextOutput()) as outcome:
        for file in outcome.files: …   # local files that live as long as the block

Tables are what the query's `Catalog` says they are: the engine asks it for each name, lets it leave
out partitions by conditions, and then asks for the files of those that remain. The catalog is where
access is decided; the engine opens nothing that it was not handed.

Isolation: a query reads the files as they were handed over, and sees no other query. One that
crashes its engine or runs out of memory fails alone.
Durability: none. The answer is complete or there is none; nothing remains of a query that was
cancelled or lost. Running the same query again is always safe.
Cancelling the task that runs a query ends its work before the cancellation is through.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from millpond.kernel.body import Body
from millpond.kernel.errors import EngineError

# What a query asks of the catalog


class TableName(msgspec.Struct, frozen=True):
    """A name with all its parts, in lower case."""

    catalog: str
    schema: str
    table: str


class Column(msgspec.Struct, frozen=True):
    """A column and its type, as Trino writes it."""

    name: str
    type: str


class DelimitedText(msgspec.Struct, frozen=True, tag="delimited"):
    """Hive's LazySimpleSerDe: a line is a row, fields have no quotes. A value that is not of its
    column's type is NULL. `escape` empty: nothing is escaped."""

    field: str = "\x01"
    item: str = "\x02"
    key: str = "\x03"
    escape: str = ""
    null: str = "\\N"
    skip_lines: int = 0


class QuotedText(msgspec.Struct, frozen=True, tag="quoted"):
    """Hive's OpenCSVSerde: values may be quoted. A value that is not of its column's type fails the
    query (HIVE_BAD_DATA), except that an empty one is NULL where the column is no text: crawlers
    give quoted text with empty numbers this SerDe and the numbers' type."""

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"
    skip_lines: int = 0


class JsonLines(msgspec.Struct, frozen=True, tag="json"):
    """A JSON object in each line; members are found by their names without case. `paths` gives a
    column another member's name. `ignores_malformed`: a line that is no object is a row of NULLs
    instead of failing the query."""

    paths: Mapping[str, str] = {}
    ignores_malformed: bool = False
    skip_lines: int = 0


class Parquet(msgspec.Struct, frozen=True, tag="parquet"):
    """Parquet; columns are found by their names without case, one that a file has not is NULL."""


Format = DelimitedText | QuotedText | JsonLines | Parquet


class Table(msgspec.Struct, frozen=True):
    """A table that is there. `partition_columns` come after `columns` in `SELECT *`."""

    columns: Sequence[Column]
    partition_columns: Sequence[Column] = ()


class View(msgspec.Struct, frozen=True):
    """A stored query, with the catalog and schema that its names are of."""

    sql: str
    columns: Sequence[Column]
    catalog: str
    schema: str


class Missing(msgspec.Struct, frozen=True):
    """There is no such table; or, `schema` being set, not even its schema."""

    schema: bool = False


class Condition(msgspec.Struct, frozen=True):
    """A necessary condition on a partition column: `operator` is `=`, `<`, `<=`, `>`, `>=` (one
    value) or `in`. Values are text, as a catalog keeps partition values."""

    column: str
    operator: str
    values: Sequence[str]


class Partition(msgspec.Struct, frozen=True):
    """A partition: its values in the order of the partition columns, NULL being None. `id` is the
    catalog's own word for it. A table without partitions has one, of no values."""

    id: str
    values: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of a partition, `partition` being its place in the list that was asked for.

    `uri` is what `"$path"` shows; `compression` is ``""``, `gzip`, `bzip2` or `zstd` (Parquet: "").
    """

    uri: str
    size_bytes: int
    body: Body
    partition: int
    format: Format
    compression: str = ""


class Catalog(Protocol):
    """What tables are, for one query. Whatever it raises ends the query and is raised on."""

    async def find(self, names: Sequence[TableName]) -> Sequence[Table | View | Missing]:
        """What each name stands for."""
        ...

    async def partitions(
        self, name: TableName, conditions: Sequence[Condition]
    ) -> Sequence[Partition]:
        """The partitions for which all conditions may hold. Giving too many is no error."""
        ...

    async def files(self, name: TableName, partitions: Sequence[Partition]) -> Sequence[InputFile]:
        """All files of these partitions."""
        ...


# What is asked of the engine


@dataclass(frozen=True, slots=True)
class Query:
    """One query. `parameters` are SQL expressions for its `?`s. `now_ms` is its current time.

    `scanned_bytes_max`: the most that it may read, None for no bound of its own.
    """

    sql: str
    catalog: str
    schema: str
    user: str
    now_ms: int
    parameters: Sequence[str] = ()
    scanned_bytes_max: int | None = None


class TextOutput(msgspec.Struct, frozen=True, tag="text"):
    """One CSV file as Athena writes results: a header, every value quoted and as Athena shows it,
    NULL as nothing."""


class TableOutput(msgspec.Struct, frozen=True, tag="table"):
    """Files of a table.

    `format` is `parquet`, `json` or `delimited` (with `delimiter`); `compression` is `none`,
    `gzip`, `zstd` or (Parquet only) `snappy`. `columns` are the names and Trino types to write, in
    the order of the query's; the last `partitioned_by` of them are partition columns, in the
    files' `partition` and not in the files.
    """

    columns: Sequence[Column] | None = None
    partitioned_by: int = 0
    format: str = "parquet"
    compression: str = "gzip"
    delimiter: str = "\x01"


Output = TextOutput | TableOutput


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file of the answer; `partition` are its values of the partition columns."""

    path: Path
    size_bytes: int
    partition: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a query answered, and what that took. Times are milliseconds, sizes bytes.

    `scanned_bytes`: of text the size of the files, of Parquet the column chunks that the query
    needs and the footers.
    """

    columns: Sequence[Column]
    rows: int
    files: Sequence[OutputFile] = field(default=())
    scanned_bytes: int = 0
    input_rows: int = 0
    planning_ms: int = 0
    running_ms: int = 0


class QueryRefused(Exception):
    """The user's query is wrong, or failed by what it asked. `name` is Trino's error name
    (`SYNTAX_ERROR`, `DIVISION_BY_ZERO`, …); the text is `NAME: line 1:8: …`."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name
        self.text = text


class ScanLimitExceeded(Exception):
    """The query would read more than its `scanned_bytes_max`; it was not run."""

    def __init__(self, scanned_bytes: int) -> None:
        super().__init__(f"The query would read {scanned_bytes} bytes.")
        self.scanned_bytes = scanned_bytes


class QueryLost(EngineError):
    """The engine ended under the query (it crashed, or was killed for want of memory). Trying again
    is safe; the text says what is known."""


class Sql(Protocol):
    async def check(self, sql: str) -> None:
        """Read a query's text, and no more.

        Raises:
            QueryRefused: SYNTAX_ERROR.
        """
        ...

    async def describe(self, query: Query, catalog: Catalog) -> Sequence[Column]:
        """The columns of a query, without running it.

        Raises:
            QueryRefused: it is wrong.
            QueryLost: the engine ended under it.
        """
        ...

    async def explain(self, query: Query, catalog: Catalog) -> str:
        """How the engine would run a query, as text for people.

        Raises:
            QueryRefused: it is wrong.
            QueryLost: the engine ended under it.
        """
        ...

    def run(
        self, query: Query, catalog: Catalog, output: Output
    ) -> AbstractAsyncContextManager[Outcome]:
        """Run a query and write its answer. The files live as long as the block.

        Raises (at the beginning of the block):
            QueryRefused: it is wrong, or failed by what it asked.
            ScanLimitExceeded: it would read too much.
            QueryLost: the engine ended under it.
            Full: there is no space for the answer.
        """
        ...
