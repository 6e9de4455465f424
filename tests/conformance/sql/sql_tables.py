"""Tables in memory, as a catalog hands them to the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from millpond.engines.sql.interface import (
    Column,
    Condition,
    Format,
    InputFile,
    Missing,
    Parquet,
    Partition,
    Query,
    Table,
    TableName,
    View,
)
from millpond.kernel.body import Body, BytesBody, FileBody


@dataclass
class Stored:
    """A file of a table: its bytes (or where they are), and how they are to be read."""

    content: bytes | Path
    format: Format = field(default_factory=Parquet)
    values: tuple[str | None, ...] = ()
    compression: str = ""
    uri: str = "s3://lake/t/data"


@dataclass
class Tables:
    """A catalog of `d`'s tables and views. It remembers what it was asked for."""

    tables: dict[str, tuple[Table, list[Stored]]] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    asked: list[Sequence[Condition]] = field(default_factory=list)
    fetched: list[tuple[str | None, ...]] = field(default_factory=list)

    def add(
        self,
        name: str,
        columns: str,
        files: list[Stored],
        partitioned_by: str = "",
    ) -> "Tables":
        self.tables[name] = (Table(_columns(columns), _columns(partitioned_by)), files)
        return self

    def add_view(self, name: str, sql: str, columns: str) -> "Tables":
        self.views[name] = View(sql, _columns(columns), "awsdatacatalog", "d")
        return self

    async def find(self, names: Sequence[TableName]) -> Sequence[Table | View | Missing]:
        return [self._find(name) for name in names]

    def _find(self, name: TableName) -> Table | View | Missing:
        if name.schema != "d":
            return Missing(schema=True)
        if name.table in self.views:
            return self.views[name.table]
        found = self.tables.get(name.table)
        return Missing() if found is None else found[0]

    async def partitions(
        self, name: TableName, conditions: Sequence[Condition]
    ) -> Sequence[Partition]:
        self.asked.append(conditions)
        values = dict.fromkeys(file.values for file in self.tables[name.table][1])
        return [Partition(str(place), one) for place, one in enumerate(values)]

    async def files(self, name: TableName, partitions: Sequence[Partition]) -> Sequence[InputFile]:
        found = []
        for place, partition in enumerate(partitions):
            self.fetched.append(tuple(partition.values))
            for file in self.tables[name.table][1]:
                if file.values == tuple(partition.values):
                    found.append(_input(file, place))
        return found


def _input(file: Stored, place: int) -> InputFile:
    body: Body
    if isinstance(file.content, Path):
        size = file.content.stat().st_size
        body = FileBody(file.content, 0, size)
    else:
        size = len(file.content)
        body = BytesBody(file.content)
    return InputFile(file.uri, size, body, place, file.format, file.compression)


def _columns(text: str) -> list[Column]:
    """`a bigint; b row(x varchar)` as columns."""
    pairs = [part.strip().partition(" ") for part in text.split(";") if part.strip()]
    return [Column(name, kind) for name, _, kind in pairs]


def query(sql: str, *parameters: str, limit: int | None = None) -> Query:
    return Query(
        sql=sql,
        catalog="awsdatacatalog",
        schema="d",
        user="000000000000",
        now_ms=1_700_000_000_000,
        parameters=parameters,
        scanned_bytes_max=limit,
    )
