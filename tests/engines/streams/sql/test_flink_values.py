"""Edges of casts, arithmetic and functions. The values were taken from Apache Flink 2.3."""

import pytest
from duckdb import Error

from tests.engines.streams.sql.expression_tools import evaluate, shown


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("l % 2", 1, "INT"),
        ("MOD(l, i)", 3, "INT"),
        ("MOD(i, tiny)", 2, "TINYINT"),
        ("MOD(7, -3)", 1, "INT"),
        ("CAST('.5' AS INT)", 0, "INT"),
        ("CAST('1.' AS INT)", 1, "INT"),
        ("CAST('127.9' AS TINYINT)", 127, "TINYINT"),
        ("CAST(TIME '10:20:30.5' AS STRING)", "10:20:30.5", "STRING"),
        ("CAST(CAST('10:20:30.123' AS TIME(3)) AS STRING)", "10:20:30.123", "STRING"),
        ("CAST(ints AS STRING)", "[1, 2, NULL]", "STRING"),
        ("CAST(n_ints AS STRING)", None, "STRING"),
        ("CAST(counts AS STRING)", "{a=1, b=NULL}", "STRING"),
        ("CAST(place AS STRING)", "(Oslo, 59.9)", "STRING"),
        ("CAST(n_place AS STRING)", None, "STRING"),
        ("CAST(ARRAY[ROW(1, 'x')] AS STRING)", "[(1, x)]", "STRING"),
        ("REGEXP_REPLACE(s, '(l)(l)', '$2-$1')", "he$2-$1o", "STRING"),
        ("REGEXP_REPLACE(s, 'l', '\\$')", "he\\$\\$o", "STRING"),
        ("REGEXP_REPLACE(s, 'l', n_s)", None, "STRING"),
        ("LOCATE('l', s, 0)", 3, "INT"),
        ("LOCATE('', s, 3)", 1, "INT"),
        ("LOCATE('l', s, 99)", 0, "INT"),
        ("SPLIT('', ',')", [], "ARRAY<STRING>"),
        ("JSON_VALUE('{}', '$.b' DEFAULT 'x' ON EMPTY DEFAULT 'y' ON ERROR)", "y", "STRING"),
        ("JSON_VALUE('{}', '$.b' ERROR ON EMPTY)", None, "STRING"),
        ("ROUND(1.005E0, 2)", 1.01, "DOUBLE"),
        ("ROUND(2.5E0, 0)", 3.0, "DOUBLE"),
        ("ROUND(-1.5E0)", -2.0, "DOUBLE"),
        ("ROUND(n_d, 1)", None, "DOUBLE"),
    ],
)
def test_an_edge_gives_flinks_value_and_type(text: str, value: object, kind: str) -> None:
    found, found_kind = evaluate(text)
    assert (shown(found), found_kind) == (value, kind)


@pytest.mark.parametrize(
    "text",
    [
        "CAST('1e2' AS INT)",
        "CAST('0x10' AS INT)",
        "CAST('1_000' AS INT)",
        "CAST('' AS INT)",
        "CAST('2020-01-02T10:00:00' AS TIMESTAMP(3))",
        "CAST('2020-01-02 10:00' AS TIMESTAMP(3))",
        "CAST('2020-01-02 10:00:00+02:00' AS TIMESTAMP_LTZ(3))",
    ],
)
def test_text_that_flink_does_not_read_fails_the_row(text: str) -> None:
    with pytest.raises(Error):
        evaluate(text)
    assert evaluate(text.replace("CAST", "TRY_CAST", 1))[0] is None


def test_a_large_or_special_double_is_rounded_as_it_is() -> None:
    assert evaluate("ROUND(1E30, 2)")[0] == 1e30
    assert evaluate("CAST(ROUND(d / 0, 2) AS STRING)")[0] == "Infinity"
