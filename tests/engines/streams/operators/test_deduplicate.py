"""The first and the last row of each key, beside a query over everything that came."""

import pytest
from window_histories import COLUMNS, ROWS, history, ran, whole

from millpond.engines.streams.operators.deduplicate import DeduplicateOperator
from millpond.engines.streams.plan import KIND, Deduplicate
from millpond.engines.streams.types import Column, DataType

CHANGES = (*COLUMNS, Column(KIND, DataType("TINYINT")))


def made(keep, processing, keys=("key", "zone")):
    columns = CHANGES if keep == "last" else COLUMNS
    upsert = keys if keep == "last" else None
    node = Deduplicate(columns, ROWS, keys, "ts", keep, processing, upsert_keys=upsert)
    return lambda tools: DeduplicateOperator(node, tools)


def numbers(done):
    return sorted(row["n"] for row in done.given)


def answered(con, sql):
    return [row[0] for row in con.sql(sql).fetchall()]


@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("keys", ["key, zone", "key, amount", "n"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_first_by_arrival_goes_on_at_once_and_no_other(seed, keys, restart):
    steps = list(history(seed))
    done = ran(made("first", True, tuple(keys.split(", "))), steps, restart=restart)
    con = whole(steps)
    assert numbers(done) == answered(con, f"SELECT min(n) FROM input GROUP BY {keys} ORDER BY 1")
    at = dict(con.sql("SELECT n, step FROM input").fetchall())
    assert all(row["$step"] == at[row["n"]] for row in done.given)


@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("keys", ["key, zone", "key, amount", "n"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_by_event_time_goes_on_when_the_watermark_has_passed_it(seed, keys, restart):
    steps = list(history(seed, jump=0.0))
    done = ran(made("first", False, tuple(keys.split(", "))), steps, restart=restart)
    con = whole(steps)
    # A row is known to be the first from the step on that it came in or that passed it.
    marks = ", ".join(f"({at}, {mark})" for at, (_, mark) in enumerate(steps))
    con.execute(f"CREATE TABLE marks AS FROM (VALUES {marks}) x(place, mark)")
    con.execute(f"""
        CREATE TABLE known AS SELECT *, greatest(step, coalesce((SELECT min(place) FROM marks
            WHERE mark >= t), {len(steps)})) AS told FROM input WHERE t IS NOT NULL
    """)
    wanted = con.sql(f"""
        SELECT n, told FROM known
        QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY told, t, n) = 1 ORDER BY n
    """).fetchall()
    assert sorted((row["n"], row["$step"]) for row in done.given) == wanted
    assert done.late == answered(con, "SELECT count(*) FROM input WHERE t IS NULL")[0]


@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_last_by_event_time_replaces_the_one_before(seed, restart):
    steps = list(history(seed))
    done = ran(made("last", False), steps, restart=restart, ends=False)
    con = whole(steps)
    wanted = con.sql("""
        WITH best AS (SELECT step, n, key, zone, t, row_number() OVER (PARTITION BY step, key, zone
                ORDER BY t DESC, n DESC) AS place FROM input WHERE t IS NOT NULL),
            earlier AS (SELECT *, max(t) OVER (PARTITION BY key, zone ORDER BY step
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS held FROM best WHERE place = 1)
        SELECT n, step FROM earlier WHERE held IS NULL OR t >= held ORDER BY n
    """).fetchall()
    assert sorted((row["n"], row["$step"]) for row in done.given) == wanted
    assert all(row[KIND] == 0 for row in done.given)
    assert len({(row["key"], row["zone"]) for row in done.given}) < len(done.given)


def test_the_last_by_arrival_is_the_last_of_each_step():
    steps = list(history(4))
    done = ran(made("last", True), steps, ends=False)
    wanted = answered(whole(steps), "SELECT max(n) FROM input GROUP BY step, key, zone ORDER BY 1")
    assert numbers(done) == wanted


def test_a_key_is_forgotten_when_its_life_is_over():
    rows = next(iter(history(5, steps=1, rows=20)))[0].slice(0, 1)
    done = ran(
        made("first", True),
        [(rows, 0)] * 5,
        settings={"table.exec.state.ttl": "1 s"},
        ends=False,
        clock=[0, 900, 1000, 1900, 5000],
    )
    assert [row["$step"] for row in done.given] == [0, 2, 4]
    assert done.state.row_count() == 1


def test_of_equal_times_the_row_that_came_later_is_the_last():
    rows, _ = next(iter(history(5, steps=1, rows=20)))
    rows = rows.filter(rows.column("ts").is_valid()).slice(0, 1)
    done = ran(made("last", False), [(rows, -(1 << 40)), (rows, -(1 << 40))], ends=False)
    assert [row["$step"] for row in done.given] == [0, 1]
