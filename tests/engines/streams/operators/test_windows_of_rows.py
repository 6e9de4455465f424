"""Rows that get their windows, and what is answered over all rows of a window."""

from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from test_aggregate_window import ALIGNED, BOUNDS, OF_KEYS, followed, series
from window_histories import COLUMNS, ROWS, counted, history, ran, whole

from millpond.engines.streams.operators.assign_windows import AssignWindowsOperator
from millpond.engines.streams.operators.interface import BEFORE_ALL_MS, Step
from millpond.engines.streams.operators.per_window import PerWindowOperator
from millpond.engines.streams.plan import AssignWindows, PerWindow, Window
from millpond.engines.streams.types import BIGINT, STRING, TIMESTAMP, Column

EPOCH = datetime(1970, 1, 1)


def assigned(window, keys=()):
    return AssignWindows((*COLUMNS, *BOUNDS), ROWS, window, keys, rowtime="window_time")


def millis(moment):
    return (moment - EPOCH) // timedelta(milliseconds=1)


def windows_of(done):
    return sorted(
        (row["n"], millis(row["window_start"]), millis(row["window_end"])) for row in done.given
    )


@pytest.mark.parametrize("window", ALIGNED, ids=lambda w: f"{w.kind}-{w.size_ms}-{w.slide_ms}")
def test_each_row_goes_on_once_for_each_of_its_windows(window):
    steps = list(history(1))
    done = ran(lambda tools: AssignWindowsOperator(assigned(window), tools), steps)
    con = whole(steps)
    con.execute(f"CREATE TABLE windows AS {series(window)}")
    wanted = con.sql("SELECT n, s, e FROM input JOIN windows ON s <= t AND t < e ORDER BY ALL")
    assert windows_of(done) == wanted.fetchall()
    values = {row["n"]: row for rows, _ in steps for row in rows.to_pylist()}
    for row in done.given:
        assert {name: row[name] for name in values[row["n"]]} == values[row["n"]]
        assert row["window_time"] == row["window_end"] - timedelta(milliseconds=1)


@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("kind", "length", "follow"), OF_KEYS)
def test_rows_of_keys_go_on_when_their_window_is_complete(kind, length, follow, seed, restart):
    keys = ("key", "zone")
    steps = list(history(seed))
    node = assigned(Window(kind, "ts", length), keys)
    done = ran(lambda tools: AssignWindowsOperator(node, tools), steps, restart=restart)
    window, late = followed(steps, follow, length, keys, alone=kind == "stagger")
    assert windows_of(done) == sorted((n, *bounds) for n, bounds in window.items())
    assert done.late == late
    values = {row["n"]: row for rows, _ in steps for row in rows.to_pylist()}
    for row in done.given:
        assert {name: row[name] for name in values[row["n"]]} == values[row["n"]]
    assert done.state.row_count() == 0


TOP = PerWindow(
    (
        Column("key", STRING),
        Column("n", BIGINT),
        Column("rank", BIGINT),
        Column("window_end", TIMESTAMP),
    ),
    (assigned(Window("hop", "ts", 3000, 1000)),),
    'SELECT "key", "n", row_number() OVER (PARTITION BY "window_start", "window_end", "key" '
    'ORDER BY "amount" DESC NULLS LAST, "n") AS "rank", "window_end" FROM i0 '
    'QUALIFY "rank" <= 2',
    ("window_start",),
    ("window_end",),
)


class Chain:
    """An operator over what another gives."""

    def __init__(self, first, then):
        self.first, self.then = first, then

    def step(self, inputs, now_ms):
        return self.then.step([self.first.step(inputs, now_ms)], now_ms)


def chained(first, then):
    """Both in one run; the first keeps no state that matters beyond a window of the clock."""

    def make(tools):
        return Chain(AssignWindowsOperator(first, tools), PerWindowOperator(then, tools))

    return make


@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_top_n_of_each_window_is_what_one_query_over_all_rows_says(seed, restart):
    steps = list(history(seed))
    done = ran(chained(TOP.parts[0], TOP), steps, restart=restart)
    con = whole(steps)
    con.execute(f"CREATE TABLE windows AS {series(TOP.parts[0].window)}")
    wanted = con.sql("""
        WITH pairs AS (SELECT * FROM input JOIN windows ON s <= t AND t < e
            WHERE before IS NULL OR e - 1 > before)
        SELECT key, n, row_number() OVER (PARTITION BY e, key
            ORDER BY amount DESC NULLS LAST, n) AS rank, e FROM pairs QUALIFY rank <= 2
    """).fetchall()
    given = [(*row[:3], millis(row[3])) for row in done.rows("key", "n", "rank", "window_end")]
    assert counted(given) == counted(wanted)
    late = con.sql("""
        SELECT (SELECT count(*) FROM input JOIN windows ON s <= t AND t < e WHERE e - 1 <= before)
            + (SELECT count(*) FROM input WHERE t IS NULL)
    """).fetchall()[0][0]
    assert done.late == late
    assert done.state.row_count() == 0


def test_a_join_of_two_inputs_waits_for_both():
    from memory_state import MemoryState
    from window_histories import COMPUTE

    from millpond.engines.streams.operators.interface import Counters, Tools

    rows = next(iter(history(2, steps=1, rows=30)))[0]
    part = assigned(Window("tumble", "ts", 2000))
    sql = (
        'SELECT l."n", r."n" FROM i0 l JOIN i1 r ON l."key" = r."key" '
        'AND l."window_end" = r."window_end"'
    )
    columns = (Column("n", BIGINT), Column("m", BIGINT))
    node = PerWindow(columns, (part, part), sql, ("window_start",) * 2, ("window_end",) * 2)
    counters = Counters()
    operator = PerWindowOperator(node, Tools(COMPUTE, MemoryState(), counters))
    with_windows = (
        AssignWindowsOperator(part, Tools(COMPUTE, MemoryState(), Counters()))
        .step([Step(rows, BEFORE_ALL_MS)], 0)
        .rows
    )
    first = operator.step([Step(with_windows, 1 << 40), Step(with_windows, BEFORE_ALL_MS)], 0)
    assert first.rows.num_rows == 0
    assert first.watermark_ms == BEFORE_ALL_MS
    empty = with_windows.slice(0, 0)
    then = operator.step([Step(empty, 1 << 40), Step(empty, 1 << 40)], 0)
    pairs = {
        (one["n"], other["n"])
        for one in with_windows.to_pylist()
        for other in with_windows.to_pylist()
        if one["key"] is not None
        and (one["key"], one["window_end"]) == (other["key"], other["window_end"])
    }
    assert set(zip(*then.rows.to_pydict().values(), strict=True)) == pairs
    assert len(pairs) > 20
    late = operator.step([Step(with_windows, 1 << 40), Step(empty, 1 << 40)], 0)
    assert late.rows.num_rows == 0
    assert counters.late_records_dropped == with_windows.num_rows


def test_a_row_is_late_as_soon_as_the_watermark_is_at_the_last_millisecond_of_its_window():
    rows, _ = next(iter(history(2, steps=1, rows=30)))
    rows = rows.set_column(
        rows.schema.get_field_index("ts"),
        rows.schema.field("ts"),
        pa.repeat(500_000, len(rows)).cast("timestamp[us]"),
    )
    node = replace(TOP, parts=(assigned(Window("tumble", "ts", 1000)),))
    for mark, late in ((998, 0), (999, rows.num_rows)):
        steps = [(rows.slice(0, 0), mark), (rows, mark)]
        done = ran(chained(node.parts[0], node), steps)
        assert done.late == late
        assert bool(done.given) is not bool(late)
