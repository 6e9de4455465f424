"""Flink SQL's own forms, and where in a program each part stands."""

import pytest
from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.dialect import (
    parse_expression,
    parse_query,
    position_of,
)
from millpond.engines.streams.sql.intervals import read_interval
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.sql.window_tables import WindowTable

START = Position(1, 1)


def _window(text: str) -> WindowTable:
    found = parse_query(f"SELECT * FROM {text}", START).find(WindowTable)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "kind", "intervals"),
    [
        ("TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTES))", "TUMBLE", ["size"]),
        ("TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTES)", "TUMBLE", ["size"]),
        ("TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '5' MINUTE))",
         "TUMBLE", ["size", "offset"]),
        ("TABLE(TUMBLE(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' DAY))",
         "TUMBLE", ["size"]),
        ("TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR))",
         "HOP", ["slide", "size"]),
        ("TABLE(HOP(SIZE => INTERVAL '1' HOUR, DATA => TABLE t, SLIDE => INTERVAL '5' MINUTE,"
         " TIMECOL => DESCRIPTOR(ts)))", "HOP", ["slide", "size"]),
        ("TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR))",
         "CUMULATE", ["step", "size"]),
        ("TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTE))",
         "SESSION", ["gap"]),
    ],
)  # fmt: skip
def test_window_tables_are_read_with_and_without_names(
    text: str, kind: str, intervals: list[str]
) -> None:
    window = _window(f"{text} AS w")
    assert window.this == kind
    assert window.args["data"].name == "t"
    assert window.args["time"].name == "ts"
    assert window.alias == "w"
    assert {
        name for name in ("size", "slide", "step", "gap", "offset") if window.args.get(name)
    } == set(intervals)


def test_a_session_has_keys_and_any_window_may_be_over_a_query() -> None:
    keys = _window("SESSION(TABLE t PARTITION BY (k, l), DESCRIPTOR(ts), INTERVAL '5' MINUTE)")
    assert [key.name for key in keys.args["keys"]] == ["k", "l"]
    more = _window("SESSION(TABLE t PARTITION BY k, l, DESCRIPTOR(ts), INTERVAL '5' MINUTE)")
    assert [key.name for key in more.args["keys"]] == ["k", "l"]
    inner = _window("TUMBLE((SELECT * FROM a), DESCRIPTOR(ts), INTERVAL '5' MINUTE)")
    assert isinstance(inner.args["data"], exp.Subquery)


def test_a_lookup_join_keeps_the_time_that_it_looks_up_at() -> None:
    tree = parse_query(
        "SELECT * FROM o LEFT JOIN c FOR SYSTEM_TIME AS OF o.proctime AS d ON o.id = d.id", START
    )
    table = tree.args["joins"][0].this
    assert table.name == "c"
    assert table.alias == "d"
    assert [part.name for part in table.args["version"].expression.parts] == ["o", "proctime"]


def test_over_windows_keep_their_frame_and_name() -> None:
    tree = parse_query(
        "SELECT SUM(a) FILTER (WHERE b) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN"
        " INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW), COUNT(*) OVER w FROM t"
        " WINDOW w AS (ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
        START,
    )
    first, second = tree.expressions
    assert isinstance(first.this, exp.Filter)
    assert read_interval(first.args["spec"].args["start"]) == (0, 600_000_000)
    assert second.alias == "w"
    assert tree.args["windows"][0].args["spec"].args["kind"] == "ROWS"


def test_every_call_keeps_its_name_and_its_arguments() -> None:
    tree = parse_query(
        "SELECT COUNT(*), COUNT(DISTINCT a), FLOOR(ts TO DAY), SUBSTRING(s FROM 2 FOR 3) FROM t",
        START,
    )
    calls = tree.expressions
    assert [call.this for call in calls] == ["COUNT", "COUNT", "FLOOR", "SUBSTRING"]
    assert isinstance(calls[0].expressions[0], exp.Star)
    assert isinstance(calls[1].expressions[0], exp.Distinct)
    assert calls[2].expressions[1] == exp.Var(this="DAY")
    assert len(calls[3].expressions) == 3


@pytest.mark.parametrize(
    ("text", "months", "micros"),
    [
        ("'10' MINUTE", 0, 600_000_000),
        ("'10' MINUTES", 0, 600_000_000),
        ("'1:30' MINUTE TO SECOND", 0, 90_000_000),
        ("'1 02:03:04.5' DAY TO SECOND", 0, 93_784_500_000),
        ("'0.001' SECOND", 0, 1000),
        ("'-5' SECOND", 0, -5_000_000),
        ("'1' WEEK", 0, 604_800_000_000),
        ("'1-2' YEAR TO MONTH", 14, 0),
        ("'2' QUARTER", 6, 0),
        ("'90' DAY(3)", 0, 7_776_000_000_000),
    ],
)
def test_intervals_are_months_or_microseconds(text: str, months: int, micros: int) -> None:
    assert read_interval(parse_expression(f"INTERVAL {text}", START)) == (months, micros)


def test_each_part_tells_where_in_the_program_it_stands() -> None:
    tree = parse_query("SELECT a,\n  'x\ny' || fn(b.c)\nFROM t", Position(10, 5))
    assert position_of(tree.expressions[0]) == Position(10, 12)
    assert position_of(tree.expressions[1]) == Position(11, 3)
    assert position_of(tree.expressions[1].expression) == Position(12, 7)
    assert position_of(tree.find(exp.Table)) == Position(13, 6)


@pytest.mark.parametrize(
    ("text", "said", "line", "column"),
    [
        ("SELECT a FORM b FROM t", 'Encountered "b"', 10, 19),
        ("SELECT a, FROM t", 'Encountered "FROM"', 10, 15),
        ("SELECT (a + b\nFROM t", 'Encountered "FROM"', 11, 1),
        ("SELECT a\nFROM t WHERE a != 3", "Bang equal '!=' is not allowed", 11, 16),
        ("SELECT 'abc FROM t", "does not end", 10, 12),
        ("SELECT a::INT FROM t", 'Encountered "::"', 10, 13),
        ("SELECT CAST(a AS FOO) FROM t", "Unknown type 'FOO'", 10, 22),
        ("SELECT a FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts)))", "TUMBLE lacks SIZE", 10, 25),
        ('SELECT "a" FROM t', "Encountered", 10, 12),
        ("SELECT FROM t", "SELECT selects nothing", 10, 5),
        ("SELECT INTERVAL '1' FURLONG FROM t", "Expecting a unit of time", 10, 25),
        ("DROP TABLE t", "query was expected", 10, 5),
        ("", "no text", 10, 5),
    ],
)
def test_what_is_no_query_is_refused_with_line_and_column(
    text: str, said: str, line: int, column: int
) -> None:
    with pytest.raises(Refused) as refused:
        parse_query(text, Position(10, 5))
    assert said in refused.value.text
    assert (refused.value.line, refused.value.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (a))",
        "SELECT * FROM t /*+ OPTIONS('a'='b') */",
        "SELECT /*+ STATE_TTL('t'='1d') */ a FROM t",
    ],
)
def test_hints_and_match_recognize_are_refused_by_name(text: str) -> None:
    with pytest.raises(Refused, match=r"MATCH_RECOGNIZE|hint") as refused:
        parse_query(text, START)
    assert refused.value.needs_flink
