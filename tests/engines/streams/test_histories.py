"""Programs from their text to what a sink holds, on random histories: rows out of order in several
splits, NULLs, late rows, runs that are lost at any moment and go on from checkpoints. Each result
is that of one DuckDB query, written for itself, over the whole input at once."""

import asyncio
import random
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent / "runtime"))
from scripted_runs import CommittingSink, Shelf, until

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Arrival
from millpond.engines.streams.interface import Finished, Program
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.loop import Loop, Settings
from millpond.engines.streams.sql.program import plan_program
from millpond.engines.streams.types import schema_of

DELAY_MS = 4_000
SPAN_MS = 60_000
LIVES = 4
BEGAN_MS = 1_767_225_600_000

TABLES = """
CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND) WITH ('connector' = 'datagen');
CREATE TABLE u (k STRING, v INT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND) WITH ('connector' = 'datagen');
CREATE TABLE names (k STRING, name STRING)
  WITH ('connector' = 'filesystem', 'path' = 's3://b/names', 'format' = 'csv');
"""
AGGREGATES = "COUNT(*), COUNT(v), SUM(v), MIN(v), MAX(v), COUNT(DISTINCT v)"
SUMS = "n BIGINT, m BIGINT, s INT, least INT, most INT, d BIGINT"
NAMES = [("a", "Anna"), ("b", "Berta")]


class Case(NamedTuple):
    """`columns` of the sink, the program's query and DuckDB's; `ms` is the time there. `keys`: rows
    replace one another by these columns. `late`: rows that come too late count for nothing."""

    columns: str
    query: str
    expected: str
    keys: tuple[str, ...] = ()
    late: bool = False


def windowed(function: str) -> str:
    return f"SELECT k, window_start, window_end, {AGGREGATES} FROM TABLE({function}) GROUP BY k, window_start, window_end"  # noqa: E501


def of_windows(starts: str, ends: str) -> str:
    """Aggregates over windows: `starts` a list of them for each row, `ends` of a start `w`."""
    return f"""SELECT k, w, {ends}, {AGGREGATES} FROM
    (SELECT *, unnest({starts}) AS w FROM t) GROUP BY ALL"""


WINDOW = f"k STRING, ws TIMESTAMP(3), we TIMESTAMP(3), {SUMS}"
CASES = {
    "tumble": Case(
        WINDOW,
        windowed("TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)"),
        of_windows("[ms - ms % 10000]", "w + 10000"),
        late=True,
    ),
    "tumble with an offset": Case(
        WINDOW,
        windowed("TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '3' SECOND)"),
        of_windows("[ms - (ms - 3000) % 10000]", "w + 10000"),
        late=True,
    ),
    "hop": Case(
        WINDOW,
        windowed("HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '12' SECOND)"),
        of_windows("range(ms - ms % 4000 - 8000, ms + 1, 4000)", "w + 12000"),
        late=True,
    ),
    "cumulate": Case(
        WINDOW,
        windowed("CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '12' SECOND)"),
        f"""SELECT k, ms - ms % 12000 AS w, e, {AGGREGATES} FROM (
        SELECT *, unnest(range(ms - ms % 3000 + 3000, ms - ms % 12000 + 12001, 3000)) AS e
        FROM t) GROUP BY ALL""",
        late=True,
    ),
    "session": Case(
        WINDOW,
        windowed("SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)"),
        f"""SELECT k, min(ms), max(ms) + 3000, {AGGREGATES} FROM (
        SELECT *, sum(is_new) OVER (PARTITION BY k ORDER BY ms) AS session FROM (
        SELECT *, CASE WHEN ms - lag(ms) OVER (PARTITION BY k ORDER BY ms) < 3000 THEN 0 ELSE 1 END
        AS is_new FROM t)) GROUP BY k, session""",
        late=True,
    ),
    "over a range": Case(
        "k STRING, ts TIMESTAMP(3), n BIGINT, s INT, most INT",
        """SELECT k, ts, COUNT(v) OVER w, SUM(v) OVER w, MAX(v) OVER w FROM t WINDOW w AS (
        PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '7' SECOND PRECEDING AND CURRENT ROW)""",
        """SELECT k, ms, count(v) OVER w, sum(v) OVER w, max(v) OVER w FROM t WINDOW w AS (
        PARTITION BY k ORDER BY ms RANGE BETWEEN 7000 PRECEDING AND CURRENT ROW)""",
        late=True,
    ),
    "over rows": Case(
        "k STRING, ts TIMESTAMP(3), n BIGINT, s INT, before INT",
        """SELECT k, ts, COUNT(v) OVER w, SUM(v) OVER w, LAG(v) OVER b FROM t WINDOW w AS (
        PARTITION BY k ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW),
        b AS (PARTITION BY k ORDER BY ts)""",
        """SELECT k, ms, count(v) OVER w, sum(v) OVER w, lag(v) OVER b FROM t WINDOW w AS (
        PARTITION BY k ORDER BY ms ROWS BETWEEN 3 PRECEDING AND CURRENT ROW),
        b AS (PARTITION BY k ORDER BY ms)""",
        late=True,
    ),
    "top 2 of each window": Case(
        "ws TIMESTAMP(3), k STRING, s INT, place BIGINT",
        """SELECT window_start, k, s, place FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY s DESC, k)
        AS place FROM (SELECT window_start, window_end, k, COALESCE(SUM(v), 0) AS s
        FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        WHERE k IS NOT NULL GROUP BY window_start, window_end, k)) WHERE place <= 2""",
        """SELECT *, row_number() OVER (PARTITION BY w ORDER BY s DESC, k) AS place FROM (
        SELECT ms - ms % 10000 AS w, k, coalesce(sum(v), 0) AS s FROM t
        WHERE k IS NOT NULL GROUP BY ALL) QUALIFY place <= 2""",
        late=True,
    ),
    "window join": Case(
        "k STRING, ws TIMESTAMP(3), a INT, b INT",
        """SELECT COALESCE(l.k, r.k), COALESCE(l.window_start, r.window_start), l.v, r.v FROM
        (SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '6' SECOND))) AS l
        FULL JOIN (SELECT * FROM TABLE(TUMBLE(TABLE u, DESCRIPTOR(ts), INTERVAL '6' SECOND))) AS r
        ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end""",
        """SELECT coalesce(l.k, r.k), coalesce(l.ms - l.ms % 6000, r.ms - r.ms % 6000), l.v, r.v
        FROM t l FULL JOIN u r ON l.k = r.k AND l.ms // 6000 = r.ms // 6000""",
    ),
    "interval join": Case(
        "k STRING, ts TIMESTAMP(3), a INT, other TIMESTAMP(3), b INT",
        """SELECT t.k, t.ts, t.v, u.ts, u.v FROM t LEFT JOIN u ON t.k = u.k
        AND u.ts BETWEEN t.ts - INTERVAL '2' SECOND AND t.ts + INTERVAL '3' SECOND""",
        """SELECT t.k, t.ms, t.v, u.ms, u.v FROM t LEFT JOIN u ON t.k = u.k
        AND u.ms BETWEEN t.ms - 2000 AND t.ms + 3000""",
    ),
    "join for good": Case(
        "k STRING, ts TIMESTAMP(3), a INT, other TIMESTAMP(3), b INT",
        "SELECT t.k, t.ts, t.v, u.ts, u.v FROM t JOIN u ON t.k = u.k AND t.v = u.v",
        "SELECT t.k, t.ms, t.v, u.ms, u.v FROM t JOIN u ON t.k = u.k AND t.v = u.v",
    ),
    "union": Case(
        WINDOW,
        f"""SELECT k, window_start, window_end, {AGGREGATES} FROM TABLE(
        TUMBLE(TABLE both_of, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        GROUP BY k, window_start, window_end""",
        f"""SELECT k, ms - ms % 10000 AS w, w + 10000, {AGGREGATES} FROM
        (SELECT k, v, ms FROM t UNION ALL SELECT k, v, ms FROM u WHERE v > 3) GROUP BY ALL""",
    ),
    "lookup": Case(
        "k STRING, ts TIMESTAMP(3), v INT, name STRING",
        """SELECT t.k, t.ts, t.v, n.name FROM t
        LEFT JOIN names FOR SYSTEM_TIME AS OF t.pt AS n ON t.k = n.k""",
        "SELECT t.k, ms, v, name FROM t LEFT JOIN names n ON t.k = n.k",
    ),
    "groups without windows": Case(
        f"k STRING, {SUMS}, PRIMARY KEY (k) NOT ENFORCED",
        f"SELECT k, {AGGREGATES} FROM t GROUP BY k",
        f"SELECT k, {AGGREGATES} FROM t GROUP BY k",
        keys=("k",),
    ),
    "the last of each key": Case(
        "k STRING, v INT, ts TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED",
        """SELECT k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC)
        AS place FROM t) WHERE place = 1""",
        "SELECT k, v, ms FROM t QUALIFY row_number() OVER (PARTITION BY k ORDER BY ms DESC) = 1",
        keys=("k",),
    ),
    "the first of each key": Case(
        "k STRING, v INT, ts TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED",
        """SELECT k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts)
        AS place FROM t) WHERE place = 1""",
        "SELECT k, v, ms FROM t QUALIFY row_number() OVER (PARTITION BY k ORDER BY ms) = 1",
        keys=("k",),
    ),
}
UNION = """CREATE VIEW both_of AS SELECT k, v, ts FROM t UNION ALL
SELECT k, v, ts FROM u WHERE v > 3;"""


class History:
    """Rows (key, value, ms) of a table, in batches of splits, each at most 3 s out of order."""

    def __init__(self, chance: random.Random) -> None:
        moments = sorted(chance.sample(range(SPAN_MS), 70))
        moments = [moment for moment in moments if not 20_000 < moment < 27_000]
        rows = [(self._row(chance, moment), moment) for moment in moments]
        rows.sort(key=lambda each: each[1] + chance.random() * 3_000)
        self.splits: dict[str, list[list[tuple]]] = {"a": [], "b": [], "c": []}
        while rows:
            count = chance.randint(0, 6)
            batch, rows = [row for row, _ in rows[:count]], rows[count:]
            self.splits[chance.choice("abc")].append(batch)
        for number, batches in enumerate(self.splits.values()):
            # A split without rows, or with old ones alone, would hold the watermark back.
            batches.append([self._row(chance, SPAN_MS + number)])
        self.counts = {split: len(batches) for split, batches in self.splits.items()}
        self.chance = chance

    def rows(self) -> list[tuple]:
        """All but those that `come_late` added."""
        return [
            row
            for split, batches in self.splits.items()
            for batch in batches[: self.counts[split]]
            for row in batch
        ]

    def come_late(self) -> None:
        for batches in self.splits.values():
            moments = self.chance.sample(range(-90_000, -30_000), 3)
            batches.append([self._row(self.chance, moment) for moment in moments])

    def _row(self, chance: random.Random, moment: int) -> tuple:
        key = chance.choice(["a", "b", "c", "d", None])
        return key, chance.choice([None, *range(8)]), BEGAN_MS + moment


class Source:
    """Gives a history's batches, a split after another or in turn, as chance will have it."""

    def __init__(self, node: plans.Source, history: History, chance: random.Random, ends: bool):
        self._schema = schema_of(node.table.columns)
        self._history, self._chance, self._ends = history, chance, ends
        self.emitted = 0
        self.all_read = False

    async def open(self) -> None:
        pass

    async def run(self, positions, emit) -> None:
        left = {}
        for split, batches in self._history.splits.items():
            first = positions.get(split, 0)
            left[split] = list(enumerate(batches, 1))[first:]
            await emit(Arrival(split, self._table([]), first))
        while any(left.values()):
            split = self._chance.choice([split for split, batches in left.items() if batches])
            position, batch = left[split].pop(0)
            await emit(Arrival(split, self._table(batch), position))
            self.emitted += 1
            await asyncio.sleep(self._chance.choice([0, 0, 0.002]))
        self.all_read = True
        if not self._ends:
            await asyncio.Event().wait()

    def _table(self, rows: list[tuple]) -> pa.Table:
        given = [{"k": key, "v": value, "ts": ms * 1000} for key, value, ms in rows]
        return pa.Table.from_pylist(given, self._schema)


class Names:
    """The reference table, which does not change."""

    def __init__(self, table: plans.Table) -> None:
        self._table = table

    async def load(self) -> pa.Table:
        rows = [{"k": key, "name": name} for key, name in NAMES]
        return pa.Table.from_pylist(rows, schema_of(self._table.columns))

    def every_seconds(self) -> None:
        return None


class World:
    """A program, its histories and what its sink holds, through several lives."""

    def __init__(self, case: Case, chance: random.Random, folder: Path) -> None:
        self._chance, self._folder = chance, folder
        self.shelf = Shelf()
        self.histories = {"t": History(chance), "u": History(chance)}
        text = f"{TABLES}{UNION}CREATE TABLE o ({case.columns}) WITH ('connector' = 'print');"
        self._plan = plan_program(Program("flink", f"{text}INSERT INTO o {case.query};"))

    def begin(self, *, ends: bool) -> tuple[Loop, dict[str, Source]]:
        nodes = list(self._plan.nodes())
        sources = {
            node.id: Source(node, self.histories[node.table.name], self._chance, ends)
            for node in nodes
            if isinstance(node, plans.Source)
        }
        loop = Loop(
            self._plan,
            DuckCompute(),
            Settings(
                folder=self._folder,
                state_memory_bytes=self._chance.choice([0, 1 << 20]),
                checkpoint_seconds=self._chance.choice([0.000_1, 0.01]),
                checkpoint_pause_seconds=0.0,
            ),
            lambda event: None,
            sources=sources,
            sinks={sink.id: CommittingSink(self.shelf) for sink in self._plan.sinks},
            lookups={
                node.id: Names(node.table) for node in nodes if isinstance(node, plans.LookupJoin)
            },
        )
        return loop, sources

    async def lose(self) -> None:
        """A run that is lost at some moment."""
        loop, sources = self.begin(ends=False)
        await loop.open()
        run = asyncio.create_task(loop.run())
        least = self._chance.randint(0, 12)
        async with asyncio.timeout(20):
            while sum(source.emitted for source in sources.values()) < least:
                await asyncio.sleep(0.001)
                if all(source.all_read for source in sources.values()):
                    break
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)

    async def rest(self) -> None:
        """A run that reads all there is, and is stopped."""
        loop, _ = self.begin(ends=False)
        await loop.open()
        run = asyncio.create_task(loop.run())
        node_names = {name: node.table.name for name, node in loop._pipeline.sources.items()}
        await until(
            lambda: all(
                loop._readings[name].positions == self.histories[table].counts
                for name, table in node_names.items()
            )
        )
        await loop.snapshot("all read", last=True)
        loop.stop(drain=False)
        assert await run == Finished(stopped=True)

    async def end(self) -> None:
        loop, _ = self.begin(ends=True)
        await loop.open()
        assert await asyncio.wait_for(loop.run(), 20) == Finished()


def comparable(value):
    if isinstance(value, datetime):
        return round(value.replace(tzinfo=UTC).timestamp() * 1000)
    return value


def result(rows: list[dict], keys: tuple[str, ...]) -> Counter:
    kept = {}
    for number, row in enumerate(rows):
        place = tuple(row[key] for key in keys) if keys else number
        kept.pop(place, None)
        if not row.get(plans.KIND):
            values = [value for name, value in row.items() if name != plans.KIND]
            kept[place] = tuple(map(comparable, values))
    return Counter(kept.values())


def expected(case: Case, histories: dict[str, History]) -> Counter:
    con = duckdb.connect()
    for name, history in histories.items():
        con.execute(f"CREATE TABLE {name} (k VARCHAR, v INTEGER, ms BIGINT)")
        con.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", history.rows())
    con.execute("CREATE TABLE names (k VARCHAR, name VARCHAR)")
    con.executemany("INSERT INTO names VALUES (?, ?)", NAMES)
    return Counter(con.execute(case.expected).fetchall())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CASES)
async def test_a_program_gives_what_one_query_gives(tmp_path, name, seed):
    case = CASES[name]
    chance = random.Random(f"{name} {seed}")
    world = World(case, chance, tmp_path)
    for _ in range(LIVES):
        await world.lose()
    if case.late:
        await world.rest()
        for history in world.histories.values():
            history.come_late()
    await world.end()
    assert result(world.shelf.rows(), case.keys) == expected(case, world.histories)
