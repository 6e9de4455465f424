"""Lookup joins, equal to one query over all rows and the table."""

import random
from collections import Counter
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from memory_state import MemoryState

from millpond.engines.streams.operators import pairs as pairing
from millpond.engines.streams.operators.interface import Counters, Step, Tools
from millpond.engines.streams.operators.lookup_join import LookupJoinOperator
from millpond.engines.streams.plan import LookupJoin, Source, Table
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.types import (
    BIGINT,
    DOUBLE,
    INT,
    STRING,
    Column,
    DataType,
    schema_of,
)

ROWS = (Column("n", BIGINT), Column("k", INT), Column("name", STRING), Column("x", INT))
REFERENCE = (
    Column("k", DataType("DECIMAL", (12, 3))),
    Column("name", STRING),
    Column("limit", DOUBLE),
    Column("x", INT),
)
NAMES = ("k0", "name0", "limit", "x0")


@pytest.fixture(scope="module")
def compute():
    made = DuckCompute()
    yield made
    made.close()


def rows_of(seed, count=200):
    chance = random.Random(seed)
    return pa.table(
        {
            "n": pa.array(range(count), pa.int64()),
            "k": pa.array([chance.choice([None, *range(8)]) for _ in range(count)], pa.int32()),
            "name": pa.array([chance.choice([None, "a", "b"]) for _ in range(count)]),
            "x": pa.array([chance.randrange(4) for _ in range(count)], pa.int32()),
        },
        schema=schema_of(ROWS),
    )


def reference(seed, count=30):
    chance = random.Random(seed)
    keys = [
        None if chance.random() < 0.1 else Decimal(chance.choice([*range(6), 2.5]))
        for _ in range(count)
    ]
    return pa.table(
        {
            "k": pa.array(keys, pa.decimal128(12, 3)),
            "name": pa.array([chance.choice([None, "a", "b"]) for _ in range(count)]),
            "limit": pa.array([chance.random() for _ in range(count)]),
            "x": pa.array([chance.randrange(4) for _ in range(count)], pa.int32()),
        },
        schema=schema_of(REFERENCE),
    )


def lookup_node(kind="inner", keys=("k",), condition=None):
    added = tuple(Column(name, each.type) for name, each in zip(NAMES, REFERENCE, strict=True))
    return LookupJoin(
        ROWS + added,
        Source(ROWS, Table("t", ROWS)),
        Table("limits", REFERENCE),
        keys,
        keys,
        NAMES,
        kind,
        condition,
    )


def expected(node, rows, table):
    con = duckdb.connect()
    con.register("l", rows)
    con.register("r", table.rename_columns(NAMES))
    pairs = [f"l.{one} = r.{one}0" for one in node.keys]
    if node.condition:
        pairs.append(node.condition)
    return con.execute(f"SELECT l.*, r.* FROM l {node.kind} JOIN r ON {' AND '.join(pairs)}")


def same(found, wanted):
    one, other = (
        Counter(zip(*(column.to_pylist() for column in rows.columns), strict=True))
        for rows in (found, wanted)
    )
    assert one == other
    assert one


@pytest.mark.parametrize("condition", [None, 'l."x" > r."x0"'])
@pytest.mark.parametrize("keys", [("k",), ("k", "name")])
@pytest.mark.parametrize("kind", ["inner", "left"])
def test_each_row_meets_the_rows_that_have_its_keys(kind, keys, condition, compute, monkeypatch):
    monkeypatch.setattr(pairing, "_PAIRS", 40)
    table = reference(3)
    node = lookup_node(kind, keys, condition)
    tools = Tools(compute, MemoryState(), Counters(), lookup=lambda: table)
    operator = LookupJoinOperator(node, tools)
    rows = rows_of(1)
    answers = [operator.step([Step(rows.slice(at, 60), at)], 0) for at in range(0, 240, 60)]
    assert [answer.watermark_ms for answer in answers] == [0, 60, 120, 180]
    found = pa.concat_tables([answer.rows for answer in answers])
    assert found.schema.equals(schema_of(node.columns))
    same(found, expected(node, rows, table).to_arrow_table())
    assert found["n"].to_pylist() == sorted(found["n"].to_pylist())


def test_a_table_that_was_read_again_answers_from_then_on(compute):
    tables = [reference(3)]
    node = lookup_node("left")
    tools = Tools(compute, MemoryState(), Counters(), lookup=lambda: tables[-1])
    operator = LookupJoinOperator(node, tools)
    rows = rows_of(1)
    for seed in (4, 5):
        found = operator.step([Step(rows, 0)], 0).rows
        same(found, expected(node, rows, tables[-1]).to_arrow_table())
        tables.append(reference(seed))
    tables.append(reference(3).slice(0, 0))
    found = operator.step([Step(rows, 0)], 0).rows
    assert found["limit"].null_count == found.num_rows == rows.num_rows


def test_no_rows_give_none_and_the_watermark(compute):
    operator = LookupJoinOperator(
        lookup_node(), Tools(compute, MemoryState(), Counters(), lookup=lambda: reference(1))
    )
    answer = operator.step([Step(rows_of(1, 0), 7)], 0)
    assert (answer.rows.num_rows, answer.watermark_ms) == (0, 7)
