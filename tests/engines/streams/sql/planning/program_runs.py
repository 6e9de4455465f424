"""Programs planned, and run on rows that are given, with the real operators and DuckDB."""

from datetime import datetime, timedelta
from functools import partial

import pyarrow as pa
import pytest
from memory_state import MemoryState

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Arrival
from millpond.engines.streams.interface import Program, Refused
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.pipeline import Pipeline
from millpond.engines.streams.sql.program import plan_program
from millpond.engines.streams.types import schema_of

START = datetime(2026, 11, 21)

TABLES = """
CREATE TABLE tx (
  card STRING, amount DOUBLE, n INT, tags ARRAY<STRING>, ts TIMESTAMP(3), pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE alerts (
  card STRING, why STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'datagen');
CREATE TABLE owners (card STRING, owner STRING)
WITH ('connector' = 'filesystem', 'path' = 's3://b/owners', 'format' = 'csv');
"""


def planned(sql, **more):
    """The plan of a program."""
    return plan_program(Program("flink", sql, **more))


def query_plan(query, columns, options="'connector' = 'print'", tables=TABLES):
    """The plan of one INSERT of a query into a table of these columns."""
    return planned(f"{tables}CREATE TABLE o ({columns}) WITH ({options});\nINSERT INTO o\n{query};")


def nodes(plan, kind):
    return [node for node in plan.nodes() if isinstance(node, kind)]


def only(plan, kind):
    found = nodes(plan, kind)
    assert len(found) == 1, [type(node).__name__ for node in plan.nodes()]
    return found[0]


def kinds(plan):
    """The kinds of a plan's nodes, inputs first."""
    return [type(node).__name__ for node in plan.nodes()]


def refusal(sql, **more):
    with pytest.raises(Refused) as caught:
        planned(sql, **more)
    return caught.value


def query_refusal(query, columns="card STRING", tables=TABLES):
    """How one INSERT is refused; its lines count from the query's own."""
    head = f"{tables}CREATE TABLE o ({columns}) WITH ('connector' = 'print'); INSERT INTO o\n"
    refused = refusal(head + query)
    before = head.count("\n")
    return refused.text, max(refused.line - before, 0), refused.column, refused.needs_flink


def at(seconds):
    return START + timedelta(seconds=seconds)


def run(plan, batches, lookups=None, now_ms=1_000):
    """The rows that each sink gets, as dicts, by its table's name. `batches` are steps: rows (as
    dicts) by a table's name."""
    states = {}
    reading = {node.id: node for node in nodes(plan, plans.LookupJoin)}
    pipeline = Pipeline(
        plan,
        DuckCompute(),
        lambda name: states.setdefault(name, MemoryState()),
        lookups={
            name: partial(_rows, node.table, (lookups or {})[node.table.name])
            for name, node in reading.items()
        },
    )
    found = {node.table.name: [] for node in pipeline.sinks.values()}

    def take(given):
        for name, rows in given.items():
            found[pipeline.sinks[name].table.name] += rows.to_pylist()

    for batch in batches:
        arrivals = {
            name: [Arrival("s", _rows(node.table, batch[node.table.name]), None)]
            for name, node in pipeline.sources.items()
            if node.table.name in batch
        }
        take(pipeline.step(arrivals, now_ms))
        now_ms += 1_000
    take(pipeline.drain(now_ms))
    assert not pipeline.take_failures()
    return found


def _rows(table, rows):
    columns = (*table.columns, *(each.column for each in table.metadata))
    given = [{column.name: row.get(column.name) for column in columns} for row in rows]
    return pa.Table.from_pylist(given, schema_of(columns))


def replaced(rows, *keys):
    """What rows that replace one another leave, by key."""
    left = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        values = {name: value for name, value in row.items() if name != plans.KIND}
        if row[plans.KIND]:
            left.pop(key, None)
        else:
            left[key] = values
    return left
