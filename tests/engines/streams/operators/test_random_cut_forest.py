"""Anomaly scores: high for what is unlike, the same after a restart, and none without numbers."""

import json
import math
import random

import pyarrow as pa
import pytest
from memory_state import MemoryState

from millpond.engines.streams.operators.interface import Counters, Step, Tools
from millpond.engines.streams.operators.random_cut_forest import RandomCutForestOperator
from millpond.engines.streams.plan import Node, RandomCutForest
from millpond.engines.streams.types import DOUBLE, INT, STRING, Column, schema_of

COLUMNS = (Column("name", STRING), Column("pulse", INT), Column("heat", DOUBLE))
SCORE = Column("ANOMALY_SCORE", DOUBLE)
WHY = Column("ANOMALY_EXPLANATION", STRING)


def node(**options):
    added = (SCORE, WHY) if options.get("explains") else (SCORE,)
    defaults = {"trees": 50, "samples": 128, "time_decay": 10_000} | options
    return RandomCutForest((*COLUMNS, *added), Node(COLUMNS), ("pulse", "heat"), **defaults)


def made(forest, state):
    return RandomCutForestOperator(forest, Tools(None, state, Counters()))


def patients(count, seed=3):
    chance = random.Random(seed)
    return [
        {"name": "p", "pulse": round(chance.gauss(70, 5)), "heat": chance.gauss(37, 0.3)}
        for _ in range(count)
    ]


def scored(operator, rows):
    given = pa.Table.from_pylist(rows, schema_of(COLUMNS))
    return operator.step([Step(given, 7)], 0)


def scores(operator, rows):
    return scored(operator, rows).rows.column("ANOMALY_SCORE").to_pylist()


def test_what_is_unlike_the_rest_scores_high() -> None:
    operator = made(node(), MemoryState())
    usual = scores(operator, patients(600))
    assert usual[:20] == [0.0] * 20, "nothing is known at first"
    (odd,) = scores(operator, [{"name": "x", "pulse": 180, "heat": 41.5}])
    assert odd > 2 * max(usual[300:])


def test_rows_keep_their_columns_and_the_watermark_goes_on() -> None:
    rows = patients(3)
    answer = scored(made(node(), MemoryState()), rows)
    assert answer.watermark_ms == 7
    assert answer.rows.drop_columns(["ANOMALY_SCORE"]).to_pylist() == rows


@pytest.mark.parametrize("shingle", [1, 4])
@pytest.mark.parametrize("kept", [100, 5_000], ids=["forest-and-points", "points-alone"])
def test_after_a_restart_scores_are_what_they_would_have_been(shingle, kept, monkeypatch) -> None:
    monkeypatch.setattr("millpond.engines.streams.operators.random_cut_forest._POINTS_KEPT", kept)
    rows = patients(900)
    whole = scores(made(node(shingle=shingle), MemoryState()), rows)
    state = MemoryState()
    found = []
    for begin in range(0, 900, 90):
        found += scores(made(node(shingle=shingle), state), rows[begin : begin + 90])
        state = state.restored()
    assert found == whole
    assert sum(chunk.num_rows for chunk in state.chunks(1)) < max(kept, 901)


def test_a_row_without_numbers_has_no_score_and_is_not_learned() -> None:
    rows = patients(300)
    holes = [
        {"name": "n", "pulse": None, "heat": 37.0},
        {"name": "n", "pulse": 70, "heat": math.nan},
        {"name": "n", "pulse": 70, "heat": math.inf},
        {"name": "n", "pulse": 70, "heat": 1e300},
    ]
    plain = scores(made(node(), MemoryState()), rows)
    found = scores(made(node(), MemoryState()), rows[:150] + holes + rows[150:])
    assert found[150:154] == [None] * 4
    assert found[:150] + found[154:] == plain


def test_an_explanation_tells_what_each_column_adds_and_in_which_direction() -> None:
    operator = made(node(explains=True), MemoryState())
    scored(operator, patients(600))
    odd = {"name": "x", "pulse": 20, "heat": 41.5}
    (row,) = scored(operator, [odd]).rows.to_pylist()
    why = json.loads(row["ANOMALY_EXPLANATION"])
    assert list(why) == ["pulse", "heat"]
    assert (why["pulse"]["DIRECTION"], why["heat"]["DIRECTION"]) == ("LOW", "HIGH")
    added = sum(float(each["ATTRIBUTION_SCORE"]) for each in why.values())
    assert added == pytest.approx(row["ANOMALY_SCORE"], abs=0.001)
    plain = made(node(explains=True, directed=False), MemoryState())
    (row,) = scored(plain, [odd]).rows.to_pylist()
    assert list(json.loads(row["ANOMALY_EXPLANATION"])["heat"]) == ["ATTRIBUTION_SCORE"]


def test_what_was_long_ago_is_forgotten_sooner_with_a_shorter_decay() -> None:
    """After the level moved, the new one is usual sooner."""
    then, now = patients(500), [row | {"pulse": row["pulse"] + 60} for row in patients(300, 4)]
    late = []
    for decay in (100, 100_000):
        operator = made(node(time_decay=decay, samples=256), MemoryState())
        scores(operator, then)
        late.append(sum(scores(operator, now)[200:]))
    assert late[0] < late[1]
