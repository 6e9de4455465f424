"""A plan at work, step by step, with the real DuckDB beneath."""

import pyarrow as pa
import pytest

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Arrival, RecordError
from millpond.engines.streams.operators.interface import AFTER_ALL_MS, Step
from millpond.engines.streams.runtime import pipeline as pipelines
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.pipeline import Pipeline
from millpond.engines.streams.types import (
    BIGINT,
    INT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_LTZ,
    Column,
    DataType,
    schema_of,
)

TINYINT = DataType("TINYINT")
TABLE = plans.Table(
    "orders", (Column("id", BIGINT), Column("text", STRING), Column("ts", TIMESTAMP))
)


def source(table=TABLE, watermark='"ts" - INTERVAL 5 SECOND', **more):
    columns = more.pop("columns", table.columns)
    rowtime = "ts" if watermark else None
    return plans.Source(columns, table, watermark=watermark, rowtime=rowtime, **more)


def project(below, *expressions, columns=None, **more):
    columns = columns or tuple(Column(f"c{n}", BIGINT) for n in range(len(expressions)))
    return plans.Project(columns, below, expressions, **more)


def sink(below, name="out"):
    return plans.Sink(below.columns, below, plans.Table(name, below.columns))


def made(*sinks, **settings):
    def no_state(node_id):
        return None

    given = {name.replace("__", "-").replace("_", "."): value for name, value in settings.items()}
    return Pipeline(plans.Plan(tuple(sinks), settings=given), DuckCompute(), no_state)


def arrival(*rows, split="s", position=None, table=TABLE, **more):
    given = [dict(zip((each.name for each in table.columns), row, strict=True)) for row in rows]
    return Arrival(split, pa.Table.from_pylist(given, schema_of(table.columns)), position, **more)


def order(number, seconds=0, text="a"):
    return (number, text, seconds * 1_000_000)


def only(answer, node):
    assert list(answer) == [node.id]
    return answer[node.id].to_pydict()


def test_rows_pass_a_projection_and_a_filter_in_order():
    orders = source()
    out = sink(project(orders, '"id" * 2', condition='"id" % 2 = 1'))
    pipeline = made(out)
    given = pipeline.step({orders.id: [arrival(order(3), order(2)), arrival(order(1))]}, 0)
    assert only(given, out) == {"c0": [6, 2]}
    assert pipeline.figures.records_in == 3


def test_a_row_that_fails_goes_to_the_errors_and_the_others_on():
    orders = source()
    out = sink(project(orders, 'CAST("text" AS INTEGER)'))
    errors = sink(plans.Errors(plans.ERROR_COLUMNS), "error_stream")
    pipeline = made(out, errors)
    texts = ["1", "x", "3", "4", "y", "6"]
    rows = arrival(*(order(n, text=text) for n, text in enumerate(texts)))
    assert only(pipeline.step({orders.id: [rows]}, 5_000), out) == {"c0": [1, 3, 4, 6]}
    assert pipeline.due_ms() == 5_000
    told = only(pipeline.step({}, 6_000), errors)
    assert ["x" in told["message"][0], "y" in told["message"][1]] == [True, True]
    assert told["data_row"][0] == '{"id": 1, "text": "x", "ts": "1970-01-01 00:00:00"}'
    assert pipeline.due_ms() is None
    assert pipeline.figures.record_errors == 2
    assert [failure.time_ms for failure in pipeline.take_failures()] == [5_000, 5_000]


def test_rows_that_fail_are_found_by_halving_where_the_compute_cannot_try(monkeypatch):
    orders = source()
    out = sink(project(orders, 'CAST("text" AS INTEGER)'))
    pipeline = made(out)
    project_operator = pipeline._running[0].operator
    monkeypatch.setattr(
        project_operator._diverting, "_question", "SELECT CAST('x' AS BOOLEAN) AS broken FROM i"
    )
    texts = [str(n) if n % 7 else "bad" for n in range(100)]
    rows = arrival(*(order(n, text=text) for n, text in enumerate(texts)))
    given = only(pipeline.step({orders.id: [rows]}, 0), out)
    assert given == {"c0": [n for n in range(100) if n % 7]}
    assert pipeline.figures.record_errors == 15


def test_a_step_in_which_every_row_fails_looks_at_the_first_alone():
    orders = source()
    pipeline = made(sink(project(orders, 'CAST("text" AS INTEGER)')))
    rows = arrival(*(order(n, text=f"t{n}") for n in range(5_000)))
    assert pipeline.step({orders.id: [rows]}, 0) == {}
    failures = pipeline.take_failures()
    assert len(failures) == 5_000
    assert "t63" in failures[63].reason
    assert "an earlier row's reason" in failures[64].reason
    assert '"id": 4999' in failures[4999].row


def test_rows_that_a_condition_leaves_out_cannot_fail():
    orders = source()
    node = project(orders, 'CAST("text" AS INTEGER)', condition="\"text\" <> 'x'")
    pipeline = made(sink(node))
    rows = arrival(order(1, text="x"), order(2, text="2"), order(3, text="y"), order(4, text=None))
    assert only(pipeline.step({orders.id: [rows]}, 0), sink(node)) == {"c0": [2]}
    assert ["y" in failure.row for failure in pipeline.take_failures()] == [True]


def test_records_that_a_format_refused_are_errors_too():
    orders = source()
    errors = sink(plans.Errors(plans.ERROR_COLUMNS), "error_stream")
    pipeline = made(sink(orders), errors)
    broken = arrival(errors=(RecordError("no JSON", "{"),))
    assert pipeline.step({orders.id: [broken]}, 0) == {}
    told = only(pipeline.step({}, 0), errors)
    assert (told["message"], told["data_row"]) == (["no JSON"], ["{"])


def test_computed_columns_of_a_source_see_its_physical_ones_and_may_fail():
    columns = (*TABLE.columns, Column("n", INT), Column("now", TIMESTAMP_LTZ))
    orders = source(
        columns=columns,
        computed=(("n", 'CAST("text" AS INTEGER)'), ("now", "")),
        processing=("now",),
    )
    out = sink(orders)
    pipeline = made(out)
    rows = [order(1, 10, "7"), order(2, 20, "x"), order(3, 15, "8")]
    given = only(pipeline.step({orders.id: [arrival(*rows)]}, 1_000), out)
    assert given["n"] == [7, 8]
    assert {time.timestamp() for time in given["now"]} == {1.0}
    assert pipeline.watermark_ms == 10_000
    (failure,) = pipeline.take_failures()
    assert "now" not in failure.row


def test_unnested_lists_repeat_their_rows():
    orders = source()
    node = project(
        orders,
        '"id"',
        '"part"',
        columns=(Column("id", BIGINT), Column("part", STRING)),
        unnest=("part", "string_split(\"text\", ',')"),
    )
    pipeline = made(sink(node))
    given = only(pipeline.step({orders.id: [arrival(order(1, text="a,b"))]}, 0), sink(node))
    assert given == {"id": [1, 1], "part": ["a", "b"]}


def test_a_processing_column_holds_the_time_of_its_step():
    orders = source()
    columns = (Column("id", BIGINT), Column("at", TIMESTAMP_LTZ))
    node = plans.Project(columns, orders, ('"id"', "now()"), processing=("at",))
    pipeline = made(sink(node))
    given = only(pipeline.step({orders.id: [arrival(order(1), order(2))]}, 2_000), sink(node))
    assert [time.timestamp() for time in given["at"]] == [2.0, 2.0]


def test_equal_nodes_run_once_for_all_sinks():
    orders = source()
    first = sink(project(orders, '"id"'), "first")
    second = sink(project(orders, '"id"'), "second")
    pipeline = made(first, second)
    assert len(pipeline._running) == 1
    given = pipeline.step({orders.id: [arrival(order(1))]}, 0)
    assert set(given) == {first.id, second.id}


class Watching:
    """An operator that notes what it sees."""

    def __init__(self, node, due=None):
        self.node = node
        self.seen = []
        self.due = due

    def step(self, inputs, now_ms):
        self.seen.append([(given.rows.num_rows, given.watermark_ms) for given in inputs])
        return Step(inputs[0].rows.slice(0, 0), min(given.watermark_ms for given in inputs))

    def due_ms(self):
        return self.due


@pytest.fixture
def watching(monkeypatch):
    made_ones = []

    def make(node, tools):
        made_ones.append(Watching(node))
        return made_ones[-1]

    monkeypatch.setattr(pipelines, "make_operator", make)
    return made_ones


def test_an_operator_without_news_is_not_run_unless_it_is_due(watching):
    orders = source()
    pipeline = made(sink(project(orders, '"id"')))
    (operator,) = watching
    pipeline.step({orders.id: [arrival(order(1, 10))]}, 0)
    pipeline.step({}, 1)
    assert operator.seen == [[(1, 5_000)]]
    operator.due = 50
    pipeline.step({}, 49)
    pipeline.step({}, 50)
    assert operator.seen == [[(1, 5_000)], [(0, 5_000)]]
    assert pipeline.due_ms() == 50


def test_the_watermark_waits_for_the_slowest_split_unless_it_is_idle():
    orders = source()
    pipeline = made(sink(project(orders, '"id"')), table_exec_source_idle__timeout="2 s")
    pipeline.step({orders.id: [arrival(split="a"), arrival(order(1, 50), split="b")]}, 0)
    assert pipeline.watermark_ms is None
    pipeline.step({orders.id: [arrival(order(1, 40), split="a")]}, 100)
    assert pipeline.watermark_ms == 35_000
    pipeline.step({orders.id: [arrival(order(1, 60), order(2, 55), split="b")]}, 500)
    assert pipeline.due_ms() == 2_100
    pipeline.step({}, 2_100)
    assert pipeline.watermark_ms == 55_000
    pipeline.step({orders.id: [arrival(order(1, 45), split="a")]}, 2_200)
    assert pipeline.watermark_ms == 55_000
    pipeline.step({orders.id: [arrival(order(1, 90), split="b", ended=True)]}, 2_200)
    pipeline.step({orders.id: [arrival(order(1, 70), split="a")]}, 2_300)
    assert pipeline.watermark_ms == 65_000


def test_the_end_of_the_watermark_reaches_every_operator_and_the_errors(watching):
    orders = source()
    both = plans.Union(orders.columns, (orders, source(plans.Table("b", TABLE.columns))))
    pipeline = made(sink(both))
    pipeline.step({orders.id: [arrival(order(1, 10))]}, 0)
    assert pipeline.drain(1) == {}
    assert watching[0].seen[-1] == [(0, AFTER_ALL_MS), (0, AFTER_ALL_MS)]
    assert pipeline.watermark_ms == AFTER_ALL_MS


def test_a_source_that_is_idle_holds_nobody_up_that_it_meets(watching):
    table = plans.Table("b", TABLE.columns, options=(("scan.watermark.idle-timeout", "1 s"),))
    orders, other = source(), source(table)
    alone = source(plans.Table("c", table.columns, options=table.options))
    both = plans.Union(orders.columns, (orders, other))
    pipeline = made(sink(both), sink(project(alone, '"id"'), "alone"))
    arrivals = {
        orders.id: [arrival(order(1, 100))],
        other.id: [arrival(order(1, 10))],
        alone.id: [arrival(order(1, 10))],
    }
    pipeline.step(arrivals, 0)
    assert pipeline.due_ms() == 1_000
    pipeline.step({}, 1_000)
    union, lonely = watching
    assert union.seen == [[(1, 95_000), (1, 5_000)], [(0, 95_000), (0, 95_000)]]
    assert lonely.seen == [[(1, 5_000)]]
    assert pipeline.due_ms() is None


def test_a_restored_pipeline_tells_its_operators_first_what_is_late(watching):
    orders = source()
    plan = sink(project(orders, '"id"'))
    pipeline = made(plan)
    pipeline.step({orders.id: [arrival(order(1, 100))]}, 7_000)
    again = made(plan)
    again.restore(pipeline.saved(), 8_000)
    again.step({orders.id: [arrival(order(1, 50))]}, 9_000)
    assert watching[1].seen == [[(0, 95_000)], [(1, 95_000)]]


def test_a_sink_gets_the_column_of_changes_besides_its_own():
    orders = source()
    columns = (Column("id", BIGINT), Column(plans.KIND, TINYINT))
    node = plans.Project(columns, orders, ('"id"', "0"), upsert_keys=("id",))
    table = plans.Table("latest", (Column("number", BIGINT),), primary_key=("number",))
    out = plans.Sink(table.columns, node, table)
    given = made(out).step({orders.id: [arrival(order(7))]}, 0)
    assert only(given, out) == {"number": [7], plans.KIND: [0]}
