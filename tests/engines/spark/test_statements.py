"""Scripts of SQL are taken apart, and rows put in words, as the Spark SQL CLI does."""

import datetime
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.spark.runtime.statements import (
    for_engine,
    line_of,
    read_setting,
    split_statements,
    substitute,
)

PIECES = st.sampled_from(
    [
        "SELECT 1",
        "'a;b'",
        '"c;d"',
        "`e;f`",
        "'it\\'s;'",
        "x",
        " ",
        "\n",
        "-- no;\n",
        "/* ; */",
        "--",
    ]
)


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        (" ; ;\n", []),
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', \";\", `;`; x", ["SELECT ';', \";\", `;`", "x"]),
        ("-- a; b\nSELECT 1 -- c;\n; /* d; */ SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT /*+ BROADCAST(t) */ 1", ["SELECT /*+ BROADCAST(t) */ 1"]),
        ("SELECT 'it\\'s; fine'; x", ["SELECT 'it\\'s; fine'", "x"]),
        ("SELECT '--'; x", ["SELECT '--'", "x"]),
        ("SELECT 'open; end", ["SELECT 'open; end"]),
    ],
)
def test_statements_end_at_semicolons_outside_of_quotes_and_comments(script, statements):
    assert list(split_statements(script)) == statements


@given(st.lists(PIECES).map("".join), st.lists(PIECES).map("".join))
def test_a_whole_script_after_another_is_the_statements_of_both(first, second):
    if first.rstrip().endswith("--"):
        first += "\n"
    both = [*split_statements(first), *split_statements(second)]
    assert list(split_statements(f"{first}\n;{second}")) == both


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("use shop", "USE DATABASE shop"),
        ("USE `a b`", "USE DATABASE `a b`"),
        ("\n  use shop", "USE DATABASE shop"),
        ("USE DATABASE shop", "USE DATABASE shop"),
        ("use catalog c", "use catalog c"),
        ("DESC shop.orders", "DESCRIBE TABLE shop.orders"),
        ("describe table t", "describe table t"),
        ("DESCRIBE EXTENDED t", "DESCRIBE EXTENDED t"),
        ("SELECT use FROM t", "SELECT use FROM t"),
    ],
)
def test_short_forms_are_written_out(short, long):
    assert for_engine(short) == long


@pytest.mark.parametrize(
    ("statement", "setting"),
    [
        ("SET spark.sql.x", ("spark.sql.x", None)),
        ("set spark.sql.x = a b ", ("spark.sql.x", "a b")),
        ("SET x=", ("x", "")),
        ("SELECT 1", None),
        ("SET", None),
        ("SET TIME ZONE 'UTC'", None),
    ],
)
def test_settings_are_read(statement, setting):
    assert read_setting(statement) == setting


def test_variables_are_put_in():
    variables = {"day": "2024-01-01", "n": "3"}
    text = "SELECT '${hivevar:day}', ${n}, ${hiveconf:n}, ${unknown}"
    assert substitute(text, variables) == "SELECT '2024-01-01', 3, 3, ${unknown}"


def test_values_are_printed_as_the_cli_prints_them():
    row = [
        None,
        True,
        "t\u00e9xt",
        1.5,
        decimal.Decimal("1E+2"),
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 1, 2, 3),
        datetime.datetime(2024, 2, 29, 1, 2, 3, 450000),
        b"bytes",
        [None, "a", [1]],
        {"k": None},
    ]
    assert line_of(row).split("\t") == [
        "NULL",
        "true",
        "t\u00e9xt",
        "1.5",
        "100",
        "2024-02-29",
        "2024-02-29 01:02:03",
        "2024-02-29 01:02:03.45",
        "bytes",
        '[null,"a",[1]]',
        '{"k":null}',
    ]
