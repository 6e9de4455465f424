"""Random histories for operators, and runs over them with restarts in the middle. Half of the times
and most watermarks are round, so that they meet on the edges of windows."""

import random
from collections import Counter
from decimal import Decimal

import duckdb
import pyarrow as pa
from memory_state import MemoryState

from millpond.engines.streams.operators.interface import AFTER_ALL_MS, Counters, Step, Tools
from millpond.engines.streams.plan import Source, Table
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    Column,
    DataType,
    schema_of,
)

DECIMAL = DataType("DECIMAL", (10, 2))
COLUMNS = (
    Column("n", BIGINT),
    Column("key", STRING),
    Column("zone", INT),
    Column("ts", TIMESTAMP),
    Column("amount", BIGINT),
    Column("small", INT),
    Column("share", DOUBLE),
    Column("price", DECIMAL),
    Column("word", STRING),
    Column("good", BOOLEAN),
)
ROWS = Source(COLUMNS, Table("rows", COLUMNS), rowtime="ts")
COMPUTE = DuckCompute()


def history(seed, *, steps=12, rows=40, spread_ms=3000, pace_ms=1500, jump=0.1, begin_ms=-9000):
    """Steps of (rows, watermark): rows out of order, some very late, some without key, value or
    time, and a watermark that is behind by as much as it likes."""
    rng = random.Random(seed)
    now, watermark, number = begin_ms, None, 0
    for _ in range(steps):
        now += rng.randrange(pace_ms) + (20_000 if rng.random() < jump else 0)
        many = []
        for _ in range(rng.choice([0, 1, rows, 2 * rows])):
            late = rng.random() < 0.15
            time = now - rng.randrange(spread_ms) * (4 if late else 1)
            exact = rng.random() < 0.5
            time = time // 100 * 100 if exact else time
            many.append(
                {
                    "n": number,
                    "key": rng.choice(["a", "b", "c", "ü", None]),
                    "zone": rng.choice([1, 2, None]),
                    "ts": None
                    if rng.random() < 0.02
                    else time * 1000 + (0 if exact else rng.randrange(1000)),
                    "amount": rng.choice([None, 0, 7, -7, 1 << 62, rng.randrange(-999, 999)]),
                    "small": rng.choice([None, -1, 2, 2_000_000_000]),
                    "share": rng.choice([None, 0.5, 1e6 + 0.25, -3.75]),
                    "price": rng.choice([None, Decimal("0.05"), Decimal("-12345678.91")]),
                    "word": rng.choice([None, "x", "yy", "", "ß"]),
                    "good": rng.choice([None, True, False]),
                }
            )
            number += 1
        reached = now - rng.randrange(spread_ms)
        if rng.random() < 0.7:
            reached = reached // 100 * 100 - 1
        watermark = reached if watermark is None else max(watermark, reached)
        yield pa.Table.from_pylist(many, schema_of(COLUMNS)), watermark


class Ran:
    """What an operator gave over a history, row by row, and what it counted."""

    def __init__(self):
        self.given = []
        self.late = 0
        self.state = None

    def rows(self, *names):
        """The rows that were given, as tuples."""
        return [tuple(row[name] for name in names or row) for row in self.given]


def ran(make, steps, *, settings=None, restart=0, ends=True, clock=None):
    """Runs `make(tools)` over steps, made anew every `restart` steps from the state's bytes. Each
    row that comes out must not be late for what came out before."""
    done = Ran()
    state, operator = MemoryState(), None
    steps = list(steps)
    if ends:
        steps.append((schema_of(COLUMNS).empty_table(), AFTER_ALL_MS))
    for at, (rows, watermark) in enumerate(steps):
        if operator is None or (restart and at % restart == 0):
            state = state.restored()
            counters = Counters()
            operator = make(Tools(COMPUTE, state, counters, settings or {}))
        before = counters.late_records_dropped
        answer = operator.step([Step(rows, watermark)], clock[at] if clock else at)
        done.late += counters.late_records_dropped - before
        done.given += [{**row, "$step": at} for row in answer.rows.to_pylist()]
    done.state = state
    return done


def whole(steps):
    """The whole input as one table in DuckDB, with its step, the watermark before it, and the time
    in milliseconds."""
    tables, before = [], None
    for at, (rows, watermark) in enumerate(steps):
        count = rows.num_rows
        rows = rows.append_column("step", pa.array([at] * count, pa.int64()))
        tables.append(rows.append_column("before", pa.array([before] * count, pa.int64())))
        before = watermark
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("given", pa.concat_tables(tables))
    con.execute(
        "CREATE TABLE input AS SELECT *, CAST(floor(epoch_us(ts) / 1000.0) AS BIGINT) AS t "
        "FROM given"
    )
    return con


def counted(rows):
    """Rows as a bag, lists made comparable."""
    return Counter(tuple(map(_plain, row)) for row in rows)


def _plain(value):
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return value
