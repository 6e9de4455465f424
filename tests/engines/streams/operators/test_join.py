"""Joins of streams on random histories, equal to one query over all rows."""

import random
from collections import Counter

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from memory_state import MemoryState

from millpond.engines.streams.operators import join, key_types, keyed_rows
from millpond.engines.streams.operators import pairs as pairing
from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.interface import (
    AFTER_ALL_MS,
    BEFORE_ALL_MS,
    Counters,
    Step,
    Tools,
)
from millpond.engines.streams.operators.join import JoinOperator
from millpond.engines.streams.plan import Join, Source, Table
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.types import (
    BIGINT,
    INT,
    STRING,
    TIMESTAMP,
    Column,
    DataType,
    schema_of,
)

BEGIN_MS = 1_700_000_000_000
LEFT = (
    Column("ln", BIGINT),
    Column("lts", TIMESTAMP),
    Column("lk", INT),
    Column("lname", STRING),
    Column("lx", INT),
)
RIGHT = (
    Column("rn", BIGINT),
    Column("rts", TIMESTAMP),
    Column("rk", BIGINT),
    Column("rname", STRING),
    Column("rx", INT),
)
BOUNDS = {"around": (-4_000, 3_000), "before": (-6_000, -1_000), "after": (500, 2_500)}
CONDITION = 'l."lx" <> r."rx"'


@pytest.fixture(scope="module")
def compute():
    made = DuckCompute()
    yield made
    made.close()


def history(seed, columns, count=300, keys=6):
    """Rows in the order of arrival, late and early ones, NULL keys and duplicates among them."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        moment = number * 200 - chance.choice([0, 0, 400, 2_000, chance.randrange(15_000)])
        values = [
            number,
            (BEGIN_MS + moment // 500 * 500) * 1000,
            None if chance.random() < 0.1 else chance.randrange(keys),
            chance.choice([None, "a", "a", "a", "é"]),
            chance.randrange(3),
        ]
        rows.append(values)
    arrays = [
        pa.array(values, column.type.arrow())
        for values, column in zip(zip(*rows, strict=True), columns, strict=True)
    ]
    return pa.table(arrays, schema=schema_of(columns))


def join_node(kind="inner", bounds=None, condition=None, by_name=True):
    left = Source(LEFT, Table("l", LEFT), rowtime="lts" if bounds else None)
    right = Source(RIGHT, Table("r", RIGHT), rowtime="rts" if bounds else None)
    names = ("name",) if by_name else ()
    lower, upper = bounds or (None, None)
    return Join(
        LEFT + RIGHT,
        left,
        right,
        kind,
        ("lk", *(f"l{name}" for name in names)),
        ("rk", *(f"r{name}" for name in names)),
        "lts" if bounds else None,
        "rts" if bounds else None,
        lower,
        upper,
        condition,
    )


class Run:
    """A join at work on two histories, with restarts."""

    def __init__(self, node, compute, seed, settings=None):
        self.node = node
        self.chance = random.Random(seed)
        self.state = MemoryState()
        self.rows = [schema_of(node.columns).empty_table()]
        self.sizes = []
        self.came = {"l": [], "r": []}
        self.tools = (compute, settings or {})
        self.operator = self.made()
        self.watermark = BEFORE_ALL_MS

    def made(self):
        compute, settings = self.tools
        return JoinOperator(self.node, Tools(compute, self.state, Counters(), settings))

    def steps(self, left, right, delay_ms=4_000):
        at = {"l": 0, "r": 0}
        whole = {"l": left, "r": right}
        before = newest = dict.fromkeys("lr", BEFORE_ALL_MS)
        now, number = BEGIN_MS, 0
        newest = dict(newest)
        marks = dict(before)
        while at["l"] < left.num_rows or at["r"] < right.num_rows:
            given = []
            before_ms = max(min(marks.values()), BEFORE_ALL_MS)
            for side in "lr":
                size = self.chance.choice([0, 1, 5, 30])
                rows = whole[side].slice(at[side], size)
                at[side] = min(at[side] + size, whole[side].num_rows)
                moments = [value // 1000 for value in rows.column(1).cast(pa.int64()).to_pylist()]
                self.came[side] += [
                    (row, number, before_ms, now) for row in rows.column(0).to_pylist()
                ]
                newest[side] = max([newest[side], *moments])
                marks[side] = max(marks[side], newest[side] - delay_ms)
                given.append(Step(rows, marks[side]))
            self.step(given, now)
            number += 1
            now += self.chance.choice([0, 1_000])
            if self.chance.random() < 0.2:
                self.state = self.state.restored()
                self.operator = self.made()
        self.step(
            [Step(left.slice(0, 0), AFTER_ALL_MS), Step(right.slice(0, 0), AFTER_ALL_MS)], now
        )
        assert self.watermark == AFTER_ALL_MS
        return pa.concat_tables(self.rows)

    def step(self, given, now):
        answer = self.operator.step(given, now)
        assert answer.watermark_ms >= self.watermark
        assert answer.rows.schema.equals(schema_of(self.node.columns))
        self.watermark = answer.watermark_ms
        self.rows.append(answer.rows)
        self.sizes.append(self.state.row_count())


def expected(run, left, right, ttl_ms=None):
    """Pairs of the rows and, of outer sides, rows without: one query. Of two rows that did not come
    in one step the second finds the first if that was in reach of the watermark then."""
    node = run.node
    con = duckdb.connect()
    for side, rows in (("l", left), ("r", right)):
        con.register(f"{side}_given", rows)
        names = ["number", "step", "mark", "now_ms"]
        con.register(f"{side}_came", pa.table(list(zip(*run.came[side], strict=True)), names=names))
        con.execute(
            f"CREATE TABLE {side} AS SELECT *, epoch_ms({side}ts) AS t "
            f"FROM {side}_given JOIN {side}_came ON {side}n = number"
        )
    pairs = [
        f"l.{one} = r.{other}" for one, other in zip(node.left_keys, node.right_keys, strict=True)
    ]
    if node.condition:
        pairs.append(node.condition)
    if node.lower_ms is not None:
        pairs.append(f"l.t BETWEEN r.t + {node.lower_ms} AND r.t + {node.upper_ms}")
        pairs.append(
            f"(l.step = r.step OR (l.step < r.step AND l.t - {node.lower_ms} > r.mark) "
            f"OR (r.step < l.step AND r.t + {node.upper_ms} > l.mark))"
        )
    if ttl_ms:
        pairs.append(f"abs(l.now_ms - r.now_ms) <= {ttl_ms}")
    chosen = ", ".join(column.name for column in node.columns)
    return con.execute(
        f"SELECT {chosen} FROM l {node.kind} JOIN r ON {' AND '.join(pairs)}"
    ).to_arrow_table()


def same(found, wanted):
    one, other = (
        Counter(zip(*(column.to_pylist() for column in rows.columns), strict=True))
        for rows in (found, wanted)
    )
    assert wanted.num_rows > 50
    assert not one - other, ("too many", list((one - other).items())[:3])
    assert not other - one, ("missing", list((other - one).items())[:3])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("kind", ["inner", "left", "right", "full"])
def test_an_interval_join_is_as_one_of_all_rows(kind, bounds, seed, compute, monkeypatch):
    monkeypatch.setattr(join, "_RUN_ROWS_MAX", 32)
    left, right = history(seed, LEFT), history(seed + 50, RIGHT)
    node = join_node(kind, BOUNDS[bounds], CONDITION if seed % 2 else None)
    run = Run(node, compute, seed)
    same(run.steps(left, right), expected(run, left, right))


@pytest.mark.parametrize("seed", range(4))
def test_an_inner_join_without_bounds_is_as_one_of_all_rows(seed, compute, monkeypatch):
    monkeypatch.setattr(join, "_RUN_ROWS_MAX", 32)
    monkeypatch.setattr(pairing, "_PAIRS", 50)
    left, right = history(seed, LEFT), history(seed + 50, RIGHT)
    run = Run(join_node(condition=CONDITION if seed % 2 else None), compute, seed)
    same(run.steps(left, right), expected(run, left, right))


def test_rows_without_bounds_are_kept_for_the_time_to_live(compute):
    left, right = history(1, LEFT), history(51, RIGHT)
    run = Run(join_node(), compute, 1, {"table.exec.state.ttl": "5000 ms"})
    same(run.steps(left, right), expected(run, left, right, ttl_ms=5_000))


@pytest.mark.parametrize("kind", ["inner", "full"])
def test_keys_whose_hashes_meet_are_told_apart(kind, compute, monkeypatch):
    real = key_types.fingerprints

    def colliding(columns, count, seed):
        hashes, checks = real(columns, count, seed)
        return Fingerprints(hashes & np.uint64(1), checks)

    monkeypatch.setattr(key_types, "fingerprints", colliding)
    left, right = history(4, LEFT), history(54, RIGHT)
    run = Run(join_node(kind, BOUNDS["around"]), compute, 4)
    same(run.steps(left, right), expected(run, left, right))


def test_rows_out_of_reach_are_forgotten(compute, monkeypatch):
    monkeypatch.setattr(join, "_RUN_ROWS_MAX", 32)
    left, right = history(5, LEFT, 3_000), history(55, RIGHT, 3_000)
    for kind, most in (("inner", 600), ("full", 900)):
        run = Run(join_node(kind, BOUNDS["around"]), compute, 5)
        run.steps(left, right)
        assert max(run.sizes) < most
        assert run.sizes[-1] == 0


def one(columns, number, moment_ms, key, name="a", x=0):
    values = [number, moment_ms * 1000, key, name, x]
    return pa.table(
        [pa.array([v], c.type.arrow()) for v, c in zip(values, columns, strict=True)],
        schema=schema_of(columns),
    )


def test_a_row_goes_on_alone_when_the_watermark_says_that_no_partner_can_come(compute):
    operator = JoinOperator(
        join_node("left", (-4_000, 3_000)), Tools(compute, MemoryState(), Counters())
    )
    nothing = schema_of(RIGHT).empty_table()
    none = schema_of(LEFT).empty_table()
    first = operator.step([Step(one(LEFT, 1, 10_000, 1), 9_000), Step(nothing, 9_000)], 0)
    assert (first.rows.num_rows, first.watermark_ms) == (0, 5_000)
    still = operator.step([Step(none, 20_000), Step(nothing, 13_999)], 0)
    assert (still.rows.num_rows, still.watermark_ms) == (0, 9_999)
    last = operator.step([Step(none, 20_000), Step(nothing, 14_000)], 0)
    assert last.rows.to_pylist()[0] | {"lts": None} == {
        **dict.fromkeys(schema_of(LEFT + RIGHT).names),
        **{"ln": 1, "lk": 1, "lname": "a", "lx": 0},
    }
    late = operator.step([Step(one(LEFT, 2, 9_000, 1), 20_000), Step(nothing, 14_000)], 0)
    assert late.rows["ln"].to_pylist() == [2]


def test_a_late_row_finds_what_is_kept(compute):
    operator = JoinOperator(
        join_node("inner", (-4_000, 3_000)), Tools(compute, MemoryState(), Counters())
    )
    nothing = schema_of(RIGHT).empty_table()
    none = schema_of(LEFT).empty_table()
    operator.step([Step(one(LEFT, 1, 10_000, 1), 12_000), Step(nothing, 12_000)], 0)
    kept = operator.step([Step(none, 13_999), Step(one(RIGHT, 7, 8_000, 1), 13_999)], 0)
    assert kept.rows.select(["ln", "rn"]).to_pylist() == [{"ln": 1, "rn": 7}]
    operator.step([Step(none, 14_000), Step(nothing, 14_000)], 0)
    gone = operator.step([Step(none, 14_000), Step(one(RIGHT, 8, 8_000, 1), 14_000)], 0)
    assert gone.rows.num_rows == 0


def test_a_key_that_all_rows_have_is_paired_in_pieces(compute, monkeypatch):
    sizes = []

    class Measured:
        def run(self, sql, **tables):
            sizes.append(tables["l"].num_rows)
            return compute.run(sql, **tables)

    monkeypatch.setattr(pairing, "_PAIRS", 1_000)
    left = history(6, LEFT, 200, keys=1)
    right = history(56, RIGHT, 200, keys=1)
    node = join_node(condition=CONDITION, by_name=False)
    operator = JoinOperator(node, Tools(Measured(), MemoryState(), Counters()))
    answer = operator.step([Step(left, 0), Step(right, 0)], 0)
    run = Run(node, compute, 6)
    run.came = {"l": [(n, 0, 0, 0) for n in range(200)], "r": [(n, 0, 0, 0) for n in range(200)]}
    same(answer.rows, expected(run, left, right))
    assert max(sizes) == 1_000
    assert len(sizes) > 20


def test_keys_of_unlike_types_are_equal_as_in_sql(compute):
    kinds = {
        "SMALLINT": [1, 2, -1, None],
        "BIGINT": [1, 2, -1, None],
        "DOUBLE": [1.0, 2.5, -1.0, None],
        "FLOAT": [1.0, 2.5, -0.0, None],
        "DECIMAL(10, 2)": [1, 2.5, -1, None],
        "DECIMAL(30, 4)": [1, 2.5, 0, None],
    }
    con = duckdb.connect()
    for one_sql, ones in kinds.items():
        for other_sql, others in kinds.items():
            left_type, right_type = _type(one_sql), _type(other_sql)
            common = [key_types.common_type(left_type, right_type)]
            keys = [
                key_types.Keys(("k",), common, 1).of(
                    pa.table({"k": pa.array(values).cast(kind.arrow())})
                )[0]
                for values, kind in ((ones, left_type), (others, right_type))
            ]
            for at, value in enumerate(ones[:3]):
                for place, other in enumerate(others[:3]):
                    equal = con.execute(
                        f"SELECT CAST({value} AS {one_sql}) = CAST({other} AS {other_sql})"
                    ).fetchone()[0]
                    assert (keys[0].hashes[at] == keys[1].hashes[place]) == equal


def _type(sql):
    name, _, rest = sql.partition("(")
    return DataType(name, tuple(map(int, rest[:-1].split(",")))) if rest else DataType(name)


def test_runs_are_few_and_searched_exactly():
    chance = random.Random(1)
    state = MemoryState()
    past = keyed_rows.KeyedRows(state, 1, in_order=False, rows_max=500)
    added = []
    for _ in range(100):
        count = chance.randrange(1, 40)
        hashes = np.array([chance.randrange(9) for _ in range(count)], np.uint64)
        checks = hashes // np.uint64(3)
        keys = Fingerprints(hashes // np.uint64(2), checks)
        times = np.array([chance.randrange(1000) for _ in range(count)])
        order = keyed_rows.key_order(keys, times)
        keys = Fingerprints(keys.hashes[order], keys.checks[order])
        past.add(pa.table({"v": pa.array(times[order])}), keys, times[order])
        added += zip(keys.hashes.tolist(), keys.checks.tolist(), times[order].tolist(), strict=True)
    assert len(past.runs()) < 12
    found = Counter()
    wanted = sorted({(one, other) for one, other, _ in added})
    keys = Fingerprints(*(np.array(part, np.uint64) for part in zip(*wanted, strict=True)))
    reach = pairing.Reach(np.full(len(wanted), 200), np.full(len(wanted), 700))
    for run in past.runs():
        for mine, theirs in pairing.pairs(keys, run, reach):
            for at, place in zip(mine, theirs, strict=True):
                found[(*wanted[at], int(run.times[place]))] += 1
    assert found == Counter(row for row in added if 200 <= row[2] <= 700)
