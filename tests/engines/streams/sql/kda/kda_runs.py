"""Applications of SQL-1_0, planned and run on rows that are given, with the real operators; and
the same asked of DuckDB over all rows at once."""

import random
from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import duckdb
import pyarrow as pa
import pytest
from memory_state import MemoryState

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Arrival, RecordError
from millpond.engines.streams.interface import GivenColumn, GivenTable, Program, Refused
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.pipeline import Pipeline
from millpond.engines.streams.sql.program import plan_program
from millpond.engines.streams.types import schema_of

START = datetime(2026, 11, 21)
START_MS = 1_795_219_200_000
ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/"
SOURCE = '"SOURCE_SQL_STREAM_001"'
OUTPUT = "DESTINATION_SQL_STREAM"
TRADES = (
    GivenColumn("TICKER_SYMBOL", "VARCHAR(4)", "$.ticker"),
    GivenColumn("SECTOR", "VARCHAR(16)", "$.sector"),
    GivenColumn("CHANGE", "REAL", "$.change"),
    GivenColumn("PRICE", "DOUBLE", "$.price"),
    GivenColumn("SHARES", "INTEGER", "$.shares"),
    GivenColumn("EVENT_TIME", "TIMESTAMP", "$.event_time"),
)
COMPANIES = (
    {"Ticker": "AMZN", "Company": "Amazon"},
    {"Ticker": "WMT", "Company": "Walmart"},
)


def source(name="SOURCE_SQL_STREAM_001"):
    options = {"connector": "kinesis", "stream.arn": f"{ARN}in", "format": "json"}
    return GivenTable(name, "source", options, TRADES)


def output(name=OUTPUT):
    options = {"connector": "kinesis", "stream.arn": f"{ARN}{name}", "format": "json"}
    return GivenTable(name, "sink", options)


REFERENCE = GivenTable(
    "CompanyName",
    "reference",
    {"connector": "filesystem", "path": "s3://code/companies.csv", "format": "csv"},
    (GivenColumn("Ticker", "VARCHAR(4)"), GivenColumn("Company", "VARCHAR(20)")),
)
TABLES = (source(), output(), REFERENCE)


def planned(sql, tables=TABLES):
    return plan_program(Program("kda", sql, tables=tables))


def pumped(columns, query):
    """An application with one pump into its output."""
    return (
        f'CREATE OR REPLACE STREAM "{OUTPUT}" ({columns});\n'
        f'CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "{OUTPUT}"\n{query};'
    )


def refusal(sql, tables=TABLES):
    with pytest.raises(Refused) as caught:
        planned(sql, tables)
    assert not caught.value.needs_flink
    return caught.value


def nodes(plan, kind):
    return [node for node in plan.nodes() if isinstance(node, kind)]


def only(plan, kind):
    found = nodes(plan, kind)
    assert len(found) == 1, [type(node).__name__ for node in plan.nodes()]
    return found[0]


def trades(seed, count=400, seconds=600):
    """Trades in the order of their arrival; what happened is up to a minute older."""
    chance = random.Random(seed)
    moments = sorted(chance.randrange(seconds * 1000) for _ in range(count))
    rows = []
    for moment in moments:
        arrived = START + timedelta(milliseconds=moment)
        rows.append(
            {
                "TICKER_SYMBOL": chance.choice(["AMZN", "WMT", "TBV", "QXZ"]),
                "SECTOR": chance.choice(["RETAIL", "ENERGY", None]),
                "CHANGE": chance.randrange(-8, 8) / 4,
                "PRICE": chance.randrange(4, 800) / 4,
                "SHARES": chance.randrange(1, 50),
                "EVENT_TIME": arrived - timedelta(milliseconds=chance.randrange(60_000)),
                "APPROXIMATE_ARRIVAL_TIME": arrived,
                "ROWTIME": arrived,
            }
        )
    return rows


class Running:
    """An application, run step by step; `rows` are what each output got. It can be restarted."""

    def __init__(self, plan):
        self._plan = plan
        self._states = {}
        self.rows = {}
        self.pipeline = self._made()

    def _made(self):
        reading = nodes(self._plan, plans.LookupJoin)
        pipeline = Pipeline(
            self._plan,
            DuckCompute(),
            lambda name: self._states.setdefault(name, MemoryState()),
            lookups={
                node.id: partial(
                    pa.Table.from_pylist, list(COMPANIES), schema_of(node.table.columns)
                )
                for node in reading
            },
        )
        for node in pipeline.sinks.values():
            self.rows.setdefault(node.table.name, [])
        return pipeline

    def restart(self, now_ms):
        saved = self.pipeline.saved()
        self._states = {name: state.restored() for name, state in self._states.items()}
        self.pipeline = self._made()
        self.pipeline.restore(saved, now_ms)

    def step(self, rows=(), now_ms=START_MS, behind_ms=None, errors=(), split="shard-0"):
        arrivals = {}
        for name, node in self.pipeline.sources.items():
            columns = (*node.table.columns, *(each.column for each in node.table.metadata))
            given = [{column.name: row.get(column.name) for column in columns} for row in rows]
            table = pa.Table.from_pylist(given, schema_of(columns))
            told = tuple(RecordError(*each) for each in errors)
            arrivals[name] = [Arrival(split, table, None, behind_ms=behind_ms, errors=told)]
        self._take(self.pipeline.step(arrivals, now_ms))

    def wait(self, now_ms):
        """A step without news."""
        self._take(self.pipeline.step({}, now_ms))

    def drain(self, now_ms=START_MS):
        self._take(self.pipeline.drain(now_ms))

    def _take(self, given):
        for name, rows in given.items():
            self.rows[self.pipeline.sinks[name].table.name] += rows.to_pylist()


def run(sql, rows, tables=TABLES, batch=37):
    """What each output gets of these rows, in batches with a restart in the middle."""
    running = Running(planned(sql, tables))
    half = len(rows) // 2 // batch * batch
    for begin in range(0, len(rows), batch):
        if begin == half:
            running.restart(START_MS)
        running.step(rows[begin : begin + batch])
    running.drain()
    return running.rows


def answer(sql, rows):
    """The answer of DuckDB over all rows at once, as `s`."""
    columns = [(column.name, column.type) for column in TRADES]
    schema = pa.schema(
        [
            (name, _ARROW[kind.partition("(")[0]])
            for name, kind in [
                *columns,
                ("APPROXIMATE_ARRIVAL_TIME", "TIMESTAMP"),
                ("ROWTIME", "TIMESTAMP"),
            ]
        ]
    )
    connection = duckdb.connect()
    connection.register("s", pa.Table.from_pylist(rows, schema))
    connection.register("companies", pa.Table.from_pylist(list(COMPANIES)))
    return connection.execute(sql).fetchall()


_ARROW = {
    "VARCHAR": pa.string(),
    "REAL": pa.float32(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "TIMESTAMP": pa.timestamp("us"),
}


def check_same(found, expected):
    """Equal rows, in any order."""
    assert expected, "nothing is compared"
    got = Counter(tuple(row.values()) for row in found)
    wanted = Counter(expected)
    assert got == wanted, f"missing {wanted - got}, too many {got - wanted}"
