"""What programs become: nodes, their columns, times, keys and settings."""

import json

from program_runs import TABLES, nodes, only, planned, query_plan, run

from millpond.engines.streams import plan as plans
from millpond.engines.streams.interface import GivenColumn, GivenTable
from millpond.engines.streams.sql.explain import explain
from millpond.engines.streams.types import BIGINT, STRING, Column, DataType

DAY_WINDOW = "TABLE(TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '1' DAY))"


def test_a_source_has_all_columns_in_the_order_of_their_declaration():
    plan = planned(
        """CREATE TABLE t (
          id BIGINT, twice AS id * 2, came TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
          ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
        ) WITH ('connector' = 'kinesis', 'stream.arn' = 'arn:aws:kinesis:eu-west-1:1:stream/s',
          'aws.region' = 'eu-west-1', 'format' = 'json');
        CREATE TABLE o (id BIGINT, came TIMESTAMP_LTZ(3)) WITH ('connector' = 'print');
        INSERT INTO o SELECT twice, came FROM t;"""
    )
    source = only(plan, plans.Source)
    assert source.names == ("id", "twice", "came", "ts", "pt")
    assert source.table.columns == (
        Column("id", BIGINT),
        Column("ts", DataType("TIMESTAMP", (3,))),
    )
    assert [each.key for each in source.table.metadata] == ["timestamp"]
    assert [name for name, _ in source.computed] == ["twice", "pt"]
    assert (source.rowtime, source.processing) == ("ts", ("pt",))
    assert source.watermark == '("ts" - INTERVAL (1000000) MICROSECONDS)'


def test_neighbouring_projections_are_one():
    plan = query_plan(
        """SELECT b + 1 FROM (SELECT n * 2 AS b, card FROM tx WHERE n > 0)
        WHERE b < 9 AND card = 'x'""",
        "v INT",
    )
    project = only(plan, plans.Project)
    assert isinstance(project.input, plans.Source)
    assert project.condition.startswith('(CASE WHEN ("n" > CAST(0 AS INTEGER)) THEN ')


def test_plain_columns_need_no_projection():
    plan = query_plan("SELECT * FROM alerts", "card STRING, why STRING, ts TIMESTAMP(3)")
    assert isinstance(only(plan, plans.Sink).input, plans.Source)


def test_a_window_is_aggregated_at_once_and_keeps_only_what_it_reads():
    plan = query_plan(
        f"""SELECT card, window_start, SUM(n) FILTER (WHERE amount > 1), COUNT(DISTINCT n),
          SUM(n) + 1
        FROM {DAY_WINDOW} WHERE card <> 'x' GROUP BY window_start, window_end, card""",
        "card STRING, s TIMESTAMP(3), a INT, b BIGINT, c INT",
    )
    window = only(plan, plans.AggregateWindow)
    assert window.window == plans.Window("tumble", "ts", 86_400_000)
    assert window.keys == ("card",)
    assert [
        (each.function, each.arguments, each.distinct, bool(each.condition))
        for each in window.aggregates
    ] == [
        ("SUM", ("n",), False, True),
        ("COUNT", ("n",), True, False),
        ("SUM", ("n",), False, False),
    ]
    assert window.names[-3:] == ("window_start", "window_end", "window_time")
    assert (window.rowtime, window.upsert_keys) == ("window_time", None)
    assert set(window.input.names) == {"card", "ts", "n", "$value"}


def test_each_kind_of_window():
    def made(function):
        plan = query_plan(
            f"SELECT card FROM TABLE({function}) GROUP BY window_start, window_end, card",
            "card STRING",
        )
        return only(plan, plans.AggregateWindow).window

    second = 1000
    assert made(
        "HOP(TABLE tx, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)"
    ) == plans.Window("hop", "ts", 10 * second, 5 * second)
    assert made(
        "CUMULATE(TABLE tx, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '1' HOUR)"
    ) == plans.Window("cumulate", "ts", 3600 * second, 5 * second)
    assert made(
        "SESSION(TABLE tx PARTITION BY card, DESCRIPTOR(ts), INTERVAL '5' SECOND)"
    ) == plans.Window("session", "ts", 5 * second)
    assert made(
        "TUMBLE(DATA => TABLE tx, TIMECOL => DESCRIPTOR(pt), SIZE => INTERVAL '1' DAY, "
        "`OFFSET` => INTERVAL '1' HOUR)".replace("`", "")
    ) == plans.Window("tumble", "pt", 86_400 * second, 0, 3600 * second, True)


def test_allowed_lateness_makes_a_window_change():
    query = f"""SELECT card, window_start, window_end, COUNT(*) FROM {DAY_WINDOW}
        GROUP BY card, window_start, window_end"""
    columns = "card STRING, s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT"
    key = ", PRIMARY KEY (card, s, e) NOT ENFORCED"
    plan = query_plan(
        query,
        columns + key,
        tables=f"SET 'table.exec.emit.allow-lateness' = '5 min';{TABLES}",
    )
    window = only(plan, plans.AggregateWindow)
    assert window.lateness_ms == 300_000
    assert window.upsert_keys == ("card", "window_start", "window_end")
    assert window.names[-1] == plans.KIND
    assert plan.sinks[0].upsert_keys == ("card", "s", "e")
    assert plan.sinks[0].names == ("card", "s", "e", "c")
    assert plan.sinks[0].input.names[-1] == plans.KIND


def test_bounds_of_an_interval_join_in_any_arrangement():
    def bounds(condition):
        plan = query_plan(
            f"SELECT t.card FROM tx t JOIN alerts a ON t.card = a.card AND {condition}",
            "card STRING",
        )
        join = only(plan, plans.Join)
        return join.left_time, join.right_time, join.lower_ms, join.upper_ms

    assert bounds("a.ts BETWEEN t.ts - INTERVAL '5' SECOND AND t.ts + INTERVAL '1' SECOND") == (
        "ts",
        "ts0",
        -1000,
        5000,
    )
    assert bounds("t.ts >= a.ts AND t.ts - INTERVAL '1' SECOND < a.ts") == ("ts", "ts0", 0, 999)
    assert bounds("a.ts + INTERVAL '2' SECOND > t.ts AND a.ts <= t.ts") == ("ts", "ts0", 0, 1999)
    assert bounds("t.ts = a.ts") == ("ts", "ts0", 0, 0)
    assert bounds("t.ts >= a.ts") == (None, None, None, None)


def test_the_time_of_a_joined_row_is_an_attribute_after_an_interval_join_alone():
    def query(condition):
        return f"""SELECT card, window_start FROM TABLE(TUMBLE((
          SELECT t.card, t.ts FROM tx t JOIN alerts a ON t.card = a.card {condition}
        ), DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY card, window_start, window_end"""

    columns = "card STRING, s TIMESTAMP(3)"
    plan = query_plan(query("AND a.ts BETWEEN t.ts AND t.ts + INTERVAL '1' DAY"), columns)
    assert only(plan, plans.AggregateWindow).window.time == "ts"


def test_overs_of_one_window_are_one_node():
    plan = query_plan(
        """SELECT SUM(n) OVER w, MAX(n) OVER w, COUNT(*) OVER (PARTITION BY card ORDER BY ts ROWS
          BETWEEN 3 PRECEDING AND CURRENT ROW) FROM tx
        WINDOW w AS (PARTITION BY card ORDER BY ts RANGE INTERVAL '1' HOUR PRECEDING)""",
        "a INT, b INT, c BIGINT",
    )
    first, second = nodes(plan, plans.Over)
    assert (first.keys, first.time, first.frame) == (
        ("card",),
        "ts",
        plans.Frame(range_ms=3_600_000),
    )
    assert [each.function for each in first.functions] == ["SUM", "MAX"]
    assert second.frame == plans.Frame(rows=3, is_rows=True)
    assert second.input == first
    assert first.input.names == ("card", "n", "ts")


def test_a_lookup_names_its_columns_apart():
    plan = query_plan(
        """SELECT t.card, o.owner FROM tx t
        JOIN owners FOR SYSTEM_TIME AS OF t.pt AS o ON o.card = t.card AND o.owner > t.card""",
        "card STRING, owner STRING",
    )
    join = only(plan, plans.LookupJoin)
    assert (join.keys, join.table_keys, join.kind) == (("card",), ("card",), "inner")
    assert join.table_columns == ("card0", "owner")
    assert join.names == ("card", "pt", "card0", "owner")
    assert join.condition == '(r."owner" > l."card")'
    assert join.refresh_ms == 3_600_000


def test_equal_parts_of_a_program_are_one_node():
    plan = planned(
        f"""{TABLES}
        CREATE VIEW days AS SELECT card, COUNT(*) AS c FROM {DAY_WINDOW}
          GROUP BY card, window_start, window_end;
        CREATE TABLE o1 (card STRING) WITH ('connector' = 'print');
        CREATE TABLE o2 (c BIGINT) WITH ('connector' = 'print');
        INSERT INTO o1 SELECT card FROM days; INSERT INTO o2 SELECT c FROM days WHERE c > 1;"""
    )
    assert len(nodes(plan, plans.AggregateWindow)) == 1
    assert [sink.table.name for sink in plan.sinks] == ["o1", "o2"]


def test_given_tables_are_there():
    tables = [
        GivenTable(
            "given",
            "source",
            {"connector": "datagen"},
            [GivenColumn("a", "BIGINT", "$.x"), GivenColumn("b", "VARCHAR(3)")],
        )
    ]
    plan = planned(
        "CREATE TABLE o (a BIGINT) WITH ('connector' = 'print'); INSERT INTO o SELECT a FROM given",
        tables=tables,
        settings={"x": "1"},
    )
    table = only(plan, plans.Source).table
    assert table.columns == (Column("a", BIGINT), Column("b", DataType("VARCHAR", (3,))))
    assert table.paths == (("a", "$.x"),)
    assert plan.settings == {"x": "1"}


def test_tables_of_a_catalog_are_looked_up():
    asked = []

    def look_up(options, database, name):
        asked.append((dict(options), database, name))
        return plans.Table(name, (Column("a", STRING),), options=(("connector", "datagen"),))

    from millpond.engines.streams.interface import Program
    from millpond.engines.streams.sql.program import plan_program

    plan = plan_program(
        Program(
            "flink",
            """CREATE CATALOG lake WITH ('type' = 'iceberg', 'catalog-type' = 'glue');
            CREATE TABLE o (a STRING) WITH ('connector' = 'print');
            INSERT INTO o SELECT a FROM lake.sales.orders;
            USE CATALOG lake; USE sales;
            INSERT INTO default_catalog.default_database.o SELECT a FROM returns;""",
        ),
        look_up,
    )
    options = {"type": "iceberg", "catalog-type": "glue"}
    assert asked == [(options, "sales", "orders"), (options, "sales", "returns")]
    assert [node.table.name for node in nodes(plan, plans.Source)] == ["orders", "returns"]


def test_python_functions_are_of_the_plan(tmp_path, monkeypatch):
    (tmp_path / "scoring_here.py").write_text("def score(x: float) -> float:\n    return x * 10\n")
    monkeypatch.syspath_prepend(tmp_path)
    plan = query_plan(
        "SELECT card FROM (SELECT card, SCORE(amount) AS s FROM tx) WHERE s > 5",
        "card STRING",
        tables=f"{TABLES}CREATE FUNCTION score AS 'scoring_here.score' LANGUAGE PYTHON;"
        "CREATE FUNCTION unused AS 'nowhere.f' LANGUAGE PYTHON;",
    )
    (function,) = plan.functions
    assert (function.name, function.module, function.attribute) == (
        "score",
        "scoring_here",
        "score",
    )
    assert function.result == DataType("DOUBLE")
    project = only(plan, plans.Project)
    assert project.functions == ("score",)
    assert project.condition.count("score") == 1


def test_rows_of_values_come_once():
    plan = query_plan("VALUES (1, 'a'), (2, 'b')", "n INT, s STRING")
    source = only(plan, plans.Source)
    assert source.table.option("connector") == "datagen"
    rows = run(plan, [{"VALUES": [{"$row": 0}, {"$row": 1}]}])["o"]
    assert rows == [{"n": 1, "s": "a"}, {"n": 2, "s": "b"}]


def test_a_plan_is_explained_in_flinks_form():
    plan = query_plan(
        f"""SELECT card, SUM(n) FROM {DAY_WINDOW} GROUP BY card, window_start, window_end""",
        "card STRING, s INT",
    )
    told = json.loads(explain(plan))["nodes"]
    assert [node["type"] for node in told] == [
        *("Source: tx", "Project", "AggregateWindow", "Project", "Sink: o")
    ]
    assert told[2]["predecessors"] == [{"id": 2, "ship_strategy": "HASH", "side": "second"}]
    assert (
        "window=[TUMBLE(time_col=[ts], size=[86400000 ms])], groupBy=[card]"
        in (told[2]["contents"])
    )
