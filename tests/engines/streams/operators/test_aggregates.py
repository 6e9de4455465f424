"""Aggregates over whole groups at once, beside DuckDB's own functions."""

import pytest
from window_aggregates import AGGREGATES, NAMES, WHOLE, finished
from window_histories import COLUMNS, counted, history, whole

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.operators import aggregates
from millpond.engines.streams.plan import Aggregate
from millpond.engines.streams.types import BIGINT

TYPES = {column.name: column.type for column in COLUMNS}


def grouped(con, chosen):
    rows = con.sql(f"SELECT key, zone, {', '.join(chosen)} FROM rows GROUP BY key, zone")
    return rows.to_arrow_table().to_pylist()


@pytest.mark.parametrize("seed", range(3))
def test_each_aggregate_over_a_group_at_once_is_what_its_function_gives(seed):
    con = whole(list(history(seed)))
    con.execute(f'CREATE VIEW rows AS SELECT *, n AS "{aggregates.ORDER}" FROM input')
    answers = grouped(
        con, [f"{aggregates.whole(each, TYPES)} AS {each.name}" for each in AGGREGATES]
    )
    given = [tuple(row[name] for name in ("key", "zone", *NAMES)) for row in answers]
    assert counted(given) == counted(finished(grouped(con, WHOLE), ("key", "zone"), ()))
    assert len(given) > 10


def test_a_function_that_is_none_is_refused_by_its_name():
    nothing = Aggregate("x", "MEDIAN", ("amount",), BIGINT)
    with pytest.raises(Refused, match="The aggregate function MEDIAN is not supported"):
        aggregates.parts_of(nothing, TYPES, "")
