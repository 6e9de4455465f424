"""Groups for good: a step gives what changed, as a query over everything so far says it."""

import pytest
from window_aggregates import AGGREGATES, NAMES, WHOLE, finished
from window_histories import COLUMNS, ROWS, counted, history, ran, whole

from millpond.engines.streams.operators.group_aggregate import GroupAggregateOperator
from millpond.engines.streams.plan import KIND, GroupAggregate
from millpond.engines.streams.types import Column, DataType

TYPES = {column.name: column.type for column in COLUMNS}


def made(keys, aggregates=AGGREGATES, settings=None):
    columns = (
        *(Column(key, TYPES[key]) for key in keys),
        *(Column(each.name, each.type) for each in aggregates),
        Column(KIND, DataType("TINYINT")),
    )
    node = GroupAggregate(columns, ROWS, keys, aggregates, upsert_keys=keys)
    return lambda tools: GroupAggregateOperator(node, tools)


def by_key(rows, keys):
    return {row[: len(keys)]: row for row in rows}


def plain(row):
    return next(iter(counted([row])))


@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("keys", [("key", "zone"), ("n",), ()])
@pytest.mark.parametrize("seed", [1, 2])
def test_each_step_gives_the_groups_that_it_changed(keys, seed, restart):
    steps = list(history(seed, rows=12, steps=12))
    done = ran(made(keys), steps, restart=restart, ends=False)
    con = whole(steps)
    held = {}
    for at in range(len(steps)):
        by = f"GROUP BY {', '.join(keys)}" if keys else "HAVING count(*) > 0"
        sql = f"SELECT {', '.join([*keys, *WHOLE])} FROM input WHERE step <= {at} {by}"
        found = finished(con.sql(sql).to_arrow_table().to_pylist(), keys, ())
        now = {key: plain(row) for key, row in by_key(found, keys).items()}
        changed = {key: row for key, row in now.items() if held.get(key) != row}
        rows = [row for row in done.given if row["$step"] == at]
        assert all(row[KIND] == 0 for row in rows)
        answered = by_key([tuple(row[name] for name in (*keys, *NAMES)) for row in rows], keys)
        assert len(answered) == len(rows)
        assert {key: plain(row) for key, row in answered.items()} == changed
        held = now
    assert held


def test_a_group_that_did_not_change_is_not_given_again():
    steps = list(history(3, steps=1, rows=20))
    most = [each for each in AGGREGATES if each.name in ("most", "first")]
    done = ran(made(("key",), most), [*steps, *steps], ends=False)
    assert {row["$step"] for row in done.given} == {0}


def test_a_key_begins_anew_when_its_life_without_rows_is_over():
    rows = next(iter(history(3, steps=1, rows=20)))[0]
    one = rows.slice(0, 1)
    count = [each for each in AGGREGATES if each.name == "rows"]
    clock = [0, 600, 1500, 2500, 9000]
    done = ran(
        made(("key",), count),
        [(one, 0)] * 5,
        settings={"table.exec.state.ttl": "1 s"},
        restart=1,
        ends=False,
        clock=clock,
    )
    assert [row["rows"] for row in done.given] == [1, 2, 3, 1, 1]
    assert done.state.row_count() == 1
