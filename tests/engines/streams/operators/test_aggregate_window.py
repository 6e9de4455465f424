"""Windows by steps, out of order and with restarts, beside one query over the whole input."""

from collections import defaultdict
from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from window_aggregates import AGGREGATES, NAMES, WHOLE, finished
from window_histories import COLUMNS, ROWS, counted, history, ran, whole

from millpond.engines.streams.operators.aggregate_window import AggregateWindowOperator
from millpond.engines.streams.plan import AggregateWindow, Window
from millpond.engines.streams.types import TIMESTAMP, Column, schema_of

BOUNDS = tuple(Column(name, TIMESTAMP) for name in ("window_start", "window_end", "window_time"))
EPOCH = datetime(1970, 1, 1)
MILLI = timedelta(milliseconds=1)
ROWS_EMPTY = schema_of(COLUMNS).empty_table()
TYPES = {column.name: column.type for column in COLUMNS}


def node(window, keys=("key", "zone"), aggregates=AGGREGATES, **more):
    columns = (
        *(Column(key, TYPES[key]) for key in keys),
        *(Column(each.name, each.type) for each in aggregates),
        *BOUNDS,
    )
    return AggregateWindow(columns, ROWS, window, keys, aggregates, rowtime="window_time", **more)


def series(window):
    """The windows of the input's rows as SQL: their first and last millisecond."""
    lo, hi = "(SELECT min(t) // 1000 * 1000 - 100000 FROM input)", "(SELECT max(t) + 1 FROM input)"
    begin = (
        f"CAST(floor(({lo} - {window.offset_ms}) / {{0}}.0) AS BIGINT) * {{0}} + {window.offset_ms}"
    )
    if window.kind == "cumulate":
        size, slide = window.size_ms, window.slide_ms
        return (
            f"SELECT b AS s, b + k * {slide} AS e FROM generate_series({begin.format(size)}, {hi}, "
            f"{size}) x(b), generate_series(1, {size // slide}) y(k)"
        )
    slide = window.slide_ms or window.size_ms
    return (
        f"SELECT s, s + {window.size_ms} AS e FROM "
        f"generate_series({begin.format(slide)}, {hi}, {slide}) x(s)"
    )


def expected(steps, window, keys=("key", "zone"), lateness=0):
    con = whole(steps)
    con.execute(f"CREATE TABLE windows AS {series(window)}")
    con.execute(
        "CREATE TABLE pairs AS SELECT input.*, s, e, "
        f"before IS NOT NULL AND before >= e - 1 + {lateness} AS late "
        "FROM input JOIN windows ON s <= t AND t < e"
    )
    late = con.sql(
        "SELECT (SELECT count(*) FROM (SELECT n FROM pairs GROUP BY n HAVING bool_and(late))) "
        "+ (SELECT count(*) FROM input WHERE t IS NULL)"
    ).fetchall()[0][0]
    by = ", ".join([*keys, "s", "e"])
    found = con.sql(
        f"SELECT {', '.join([*keys, *WHOLE, 's', 'e'])} FROM pairs WHERE NOT late GROUP BY {by}"
    )
    return counted(finished(found.to_arrow_table().to_pylist(), keys)), late


def given(done, keys=("key", "zone")):
    """What was given, with bounds in milliseconds; the window's time is its last millisecond."""
    rows = []
    for row in done.given:
        start, end, last = (
            round((row[each.name] - EPOCH).total_seconds() * 1000) for each in BOUNDS
        )
        assert last == end - 1
        rows.append((*(row[key] for key in keys), *(row[name] for name in NAMES), start, end))
    return counted(rows)


ALIGNED = [
    Window("tumble", "ts", 2000),
    Window("tumble", "ts", 700, offset_ms=-150),
    Window("hop", "ts", 3000, 1000),
    Window("hop", "ts", 2500, 1000, 300),
    Window("hop", "ts", 400, 1000),
    Window("cumulate", "ts", 4000, 1000),
    Window("cumulate", "ts", 6000, 500, 250),
]


@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("window", ALIGNED, ids=lambda w: f"{w.kind}-{w.size_ms}-{w.slide_ms}")
def test_windows_hold_what_one_query_over_all_rows_says(window, seed, restart):
    steps = list(history(seed))
    done = ran(lambda tools: AggregateWindowOperator(node(window), tools), steps, restart=restart)
    wanted, late = expected(steps, window)
    assert given(done) == wanted
    assert sum(wanted.values()) > 20
    assert done.late == late
    assert done.state.row_count() == 0


def sessions(held, over, gap):
    """A key's rows (time, number) in sessions: those that are over."""
    chains = []
    for time, number in sorted(held):
        if chains and time <= chains[-1][-1][0] + gap:
            chains[-1].append((time, number))
        else:
            chains.append([(time, number)])
    ended = [chain for chain in chains if over is not None and chain[-1][0] + gap - 1 <= over]
    return [(chain[0][0], chain[-1][0] + gap, chain) for chain in ended]


def staggers(held, over, size):
    """The same of staggered windows."""
    windows = []
    for time, number in sorted(held):
        if not windows or time >= windows[-1][0] + size:
            windows.append((time, time + size, []))
        windows[-1][2].append((time, number))
    return [each for each in windows if over is not None and each[1] - 1 <= over]


def followed(steps, windows_of, length, keys, *, alone=False):
    """Windows of keys, followed step by step in plain Python: the window of each row by its number,
    and how many rows are late. `alone`: a row is late by itself."""
    window, late, open_rows, before = {}, 0, defaultdict(list), None
    for rows, watermark in [*steps, (ROWS_EMPTY, 1 << 62)]:
        new = set()
        for row in rows.to_pylist():
            if row["ts"] is None:
                late += 1
                continue
            time = (row["ts"] - EPOCH) // MILLI
            if alone and before is not None and time + length - 1 <= before:
                late += 1
                continue
            new.add(row["n"])
            open_rows[tuple(row[key] for key in keys)].append((time, row["n"]))
        for held in open_rows.values():
            for over, is_late in ((None if alone else before, True), (watermark, False)):
                for start, end, gone in windows_of(held, over, length):
                    for one in gone:
                        held.remove(one)
                        if is_late:
                            assert one[1] in new
                            late += 1
                        else:
                            window[one[1]] = (start, end)
        before = watermark
    return window, late


def expected_of_keys(steps, windows_of, length, keys, alone):
    window, late = followed(steps, windows_of, length, keys, alone=alone)
    con = whole(steps)
    pairs = [(n, *bounds) for n, bounds in window.items()]
    numbers, starts, ends = zip(*pairs, strict=True)
    con.register("windows", pa.table({"n": numbers, "s": starts, "e": ends}))
    found = con.sql(
        f"SELECT {', '.join([*keys, *WHOLE, 's', 'e'])} FROM input JOIN windows USING (n) "
        f"GROUP BY {', '.join([*keys, 's', 'e'])}"
    )
    return counted(finished(found.to_arrow_table().to_pylist(), keys)), late


OF_KEYS = [("session", 900, sessions), ("session", 60, sessions), ("stagger", 1500, staggers)]


@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("kind", "length", "windows_of"), OF_KEYS)
def test_windows_of_keys_hold_what_following_them_row_by_row_says(
    kind, length, windows_of, seed, restart
):
    keys = [("key", "zone"), ("key",), ()][seed % 3]
    steps = list(history(seed, rows=[40, 8][seed % 2]))
    window = Window(kind, "ts", length)
    done = ran(
        lambda tools: AggregateWindowOperator(node(window, keys), tools), steps, restart=restart
    )
    wanted, late = expected_of_keys(steps, windows_of, length, keys, kind == "stagger")
    assert given(done, keys) == wanted
    assert done.late == late
    assert done.state.row_count() == 0


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_sessions_without_late_rows_are_the_islands_of_the_whole_input(seed):
    gap, keys = 700, ("key",)
    steps = [(rows, mark - 20_000) for rows, mark in history(seed, rows=25, pace_ms=4000, jump=0.0)]
    done = ran(
        lambda tools: AggregateWindowOperator(node(Window("session", "ts", gap), keys), tools),
        steps,
        restart=3,
    )
    con = whole(steps)
    found = con.sql(f"""
        WITH steps AS (SELECT *, lag(t) OVER (PARTITION BY key ORDER BY t) AS earlier FROM input
                WHERE t IS NOT NULL),
            parts AS (SELECT *, sum(CASE WHEN t <= earlier + {gap} THEN 0 ELSE 1 END)
                OVER (PARTITION BY key ORDER BY t ROWS UNBOUNDED PRECEDING) AS part FROM steps)
        SELECT key, {", ".join(WHOLE)}, min(t) AS s, max(t) + {gap} AS e
        FROM parts GROUP BY key, part
    """)
    assert given(done, keys) == counted(finished(found.to_arrow_table().to_pylist(), keys))
    assert done.late == sum(row["ts"] is None for rows, _ in steps for row in rows.to_pylist())
