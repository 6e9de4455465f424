"""The examples of a page on streaming SQL, run by the engine itself.

The convention: a `sql` block of declarations adds to what the page has declared. A `csv` block
after one holds records of its last table; they come one in a step, a second apart, in the order of
the page. A `sql` block that is a query, or has an INSERT, is run over all that; a `text` block
after it is what it prints, or how it is refused (`line 1, column 8: …`). A `python` block begins
with the name of its file.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Arrival, Traffic
from millpond.engines.streams.connectors.print_sink import PrintSink
from millpond.engines.streams.connectors.registry import CONNECTORS, check_table
from millpond.engines.streams.formats.registry import make_decoder
from millpond.engines.streams.functions.loading import load
from millpond.engines.streams.interface import Program, Refused
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.pipeline import Pipeline
from millpond.engines.streams.sql import program as programs
from millpond.engines.streams.sql.planning.tables import declare_table
from millpond.engines.streams.sql.statements.model import CreateTable, Insert
from millpond.engines.streams.sql.statements.parse import parse_statements
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.types import schema_of
from tests.house.documents import Block

FIRST_MS = 1_795_262_400_000
"""When the first record comes by the clock: 2026-11-21 12:00 UTC."""
_QUERIES = ("SELECT", "WITH")
_UNTIL_END = (
    "CREATE TABLE `$i` (a INT) WITH ('connector' = 'datagen'); "
    "CREATE TABLE `$o` (a INT) WITH ('connector' = 'blackhole'); "
    "INSERT INTO `$o` SELECT a FROM `$i`;"
)


@dataclass
class Page:
    """What a page has declared so far, and the records of its tables."""

    folder: Path
    declared: str = ""
    records: list[tuple[str, str]] = field(default_factory=list)
    last_table: str = ""
    ran: int = 0

    def take(self, block: Block, after: Block) -> None:
        """Do what a block says.

        Raises:
            AssertionError: it does something else than what the page shows.
        """
        match block.language:
            case "python":
                name = block.text.splitlines()[0].removeprefix("#").strip()
                (self.folder / name).write_text(block.text, "utf-8")
            case "csv":
                assert self.last_table, f"line {block.line}: records of which table?"
                self.records += [(self.last_table, line) for line in block.text.splitlines()]
            case "sql":
                printed = self._run(block.text)
                if after.language == "text":
                    assert printed == after.text.strip(), f"line {block.line}:\n{printed}"
                else:
                    assert not printed.startswith("line "), f"line {block.line}: {printed}"

    def _run(self, text: str) -> str:
        self.ran += 1
        head = self.declared
        try:
            if text.startswith(_QUERIES):
                head += self._sink(text)
                return "\n".join(run(f"{head}\n{text}", self.records))
            statements = parse_statements(text)
            if any(isinstance(statement, Insert) for statement in statements):
                return "\n".join(run(f"{head}\n{text}", self.records))
            programs.plan_program(Program("flink", f"{head}\n{text};{_UNTIL_END}"))
            for statement in statements:
                if isinstance(statement, CreateTable):
                    self.last_table = statement.name[-1]
                    if statement.like is None:
                        _check_roles(statement)
        except Refused as refused:
            line = refused.line - head.count("\n") - 1
            return f"line {line}, column {refused.column}: {refused.text}"
        self.declared += f"{text.rstrip().removesuffix(';')};"
        return ""

    def _sink(self, query: str) -> str:
        """A table that prints what a query gives, and the beginning of an INSERT into it."""
        flink = programs._Flink(Program("flink", ""), None)
        before = self.declared.count("\n")
        view = f"{self.declared}\nCREATE VIEW `$query` AS {query}"
        try:
            for statement in parse_statements(view):
                flink.run(statement)
        except Refused as refused:
            shift = len("CREATE VIEW `$query` AS ") if refused.line == before + 2 else 0
            raise Refused(refused.text, refused.line, refused.column - shift) from None
        fields = flink._planner.table(("$query",), Position(0, 0)).fields
        columns = ", ".join(f"c{at} {each.type.flink()}" for at, each in enumerate(fields))
        return (
            f"CREATE TABLE `$print` ({columns}) WITH ('connector' = 'print'); INSERT INTO `$print`"
        )


def _check_roles(statement: CreateTable) -> None:
    """A table that only stands there is one that could be used."""
    declared = declare_table(statement)
    connector = CONNECTORS[declared.table.option("connector") or ""]
    if connector.source:
        check_table(declared.table, "source", False)
    if connector.sink:
        check_table(declared.written, "sink", False)
    if connector.lookup:
        check_table(declared.table, "lookup", False)


def run(sql: str, records: Sequence[tuple[str, str]]) -> list[str]:
    """What the `print` tables of a program show, given these records of its tables."""
    plan = programs.plan_program(Program("flink", sql))
    printed: list[str] = []
    world: Any = SimpleNamespace(printed=printed.append, traffic=Traffic())
    functions = load(plan.functions, plan.settings)
    compute = DuckCompute(functions=functions)
    pipeline = Pipeline(
        plan,
        compute,
        lambda name: _State(),
        lookups={
            node.id: partial(_table, node.table, records)
            for node in plan.nodes()
            if isinstance(node, plans.LookupJoin)
        },
    )
    sinks = {
        name: PrintSink(node.table, world)
        for name, node in pipeline.sinks.items()
        if node.table.option("connector") == "print"
    }

    def show(given: dict[str, pa.Table]) -> None:
        for name, rows in given.items():
            if name in sinks:
                asyncio.run(sinks[name].write(rows))

    now_ms = FIRST_MS
    for table, line in records:
        arrivals = {
            name: [_arrival(node.table, line)]
            for name, node in pipeline.sources.items()
            if node.table.name == table
        }
        show(pipeline.step(arrivals, now_ms))
        now_ms += 1_000
    show(pipeline.drain(now_ms))
    compute.close()
    functions.close()
    return printed


def _arrival(table: plans.Table, line: str) -> Arrival:
    decoded = make_decoder(table).decode(pa.array([line.encode()]))
    return Arrival("s", decoded.rows, None, errors=tuple(decoded.errors))


def _table(table: plans.Table, records: Sequence[tuple[str, str]]) -> pa.Table:
    lines = [line.encode() for name, line in records if name == table.name]
    if not lines:
        return schema_of(table.columns).empty_table()
    return make_decoder(table).decode(pa.array(lines)).rows


class _State:
    """State in memory."""

    def __init__(self) -> None:
        self.small: dict[str, Any] = {}
        self._held: dict[int, list[pa.Table]] = {}

    def buckets(self) -> list[int]:
        return sorted(self._held)

    def chunks(self, bucket: int) -> list[pa.Table]:
        return list(self._held.get(bucket, ()))

    def add(self, bucket: int, rows: pa.Table) -> None:
        self._held.setdefault(bucket, []).append(rows)

    def replace(self, bucket: int, chunks: Sequence[pa.Table]) -> None:
        self._held[bucket] = list(chunks)
        if not chunks:
            self.drop(bucket)

    def drop(self, bucket: int) -> None:
        self._held.pop(bucket, None)
