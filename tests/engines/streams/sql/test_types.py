"""Flink's types as text, what they have in common, and what fills what."""

import pytest

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.dialect import parse_type
from millpond.engines.streams.sql.functions.aggregates import aggregate_type
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.sql.types import assignable, common_type
from millpond.engines.streams.types import DataType

START = Position(1, 1)


def kind(text: str) -> DataType:
    return parse_type(text, START)


@pytest.mark.parametrize(
    ("text", "flink"),
    [
        ("INTEGER", "INT"),
        ("double precision", "DOUBLE"),
        ("DECIMAL", "DECIMAL(10, 0)"),
        ("NUMERIC(5)", "DECIMAL(5, 0)"),
        ("DEC(5, 2)", "DECIMAL(5, 2)"),
        ("CHAR", "CHAR(1)"),
        ("VARCHAR(2147483647)", "STRING"),
        ("VARBINARY(2147483647)", "BYTES"),
        ("TIME", "TIME(0)"),
        ("TIMESTAMP", "TIMESTAMP(6)"),
        ("TIMESTAMP(3) WITHOUT TIME ZONE", "TIMESTAMP(3)"),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)"),
        ("TIMESTAMP_LTZ(0)", "TIMESTAMP_LTZ(0)"),
        ("ARRAY<ROW<a INT, `b c` STRING NOT NULL>>", "ARRAY<ROW<`a` INT, `b c` STRING>>"),
        ("ROW(a INT 'a comment', b MAP<STRING, ARRAY<INT>>)",
         "ROW<`a` INT, `b` MAP<STRING, ARRAY<INT>>>"),
        ("INT ARRAY", "ARRAY<INT>"),
        ("MULTISET<STRING>", "MULTISET<STRING>"),
    ],
)  # fmt: skip
def test_types_are_read_with_flinks_defaults(text: str, flink: str) -> None:
    assert kind(text).flink() == flink


def test_not_null_is_kept() -> None:
    assert not kind("INT NOT NULL").nullable
    assert not kind("ROW<a INT NOT NULL>").fields[0][1].nullable


@pytest.mark.parametrize(
    ("text", "said", "needs_flink"),
    [
        ("TIMESTAMP(9)", r"TIMESTAMP\(9\) is not supported", True),
        ("INTERVAL DAY", "INTERVAL is not supported", True),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE is unknown", False),
        ("DECIMAL(39, 2)", "precision from 1 to 38", False),
        ("DECIMAL(3, 4)", "precision from 1 to 38", False),
        ("VARCHAR(0)", "one length", False),
        ("FOO", "Unknown type 'FOO'", False),
        ("ROW<a INT, a INT>", "twice", False),
        ("ARRAY<INT", 'expected ">"', False),
        ("INT INT", 'Encountered "INT"', False),
    ],
)
def test_what_is_no_type_is_refused(text: str, said: str, needs_flink: bool) -> None:
    with pytest.raises(Refused, match=said) as refused:
        kind(text)
    assert refused.value.needs_flink == needs_flink
    assert refused.value.line == 1


@pytest.mark.parametrize(
    ("kinds", "common"),
    [
        (["TINYINT", "INT"], "INT"),
        (["INT", "DECIMAL(5, 2)"], "DECIMAL(12, 2)"),
        (["DECIMAL(10, 2)", "DECIMAL(8, 4)"], "DECIMAL(12, 4)"),
        (["FLOAT", "BIGINT"], "FLOAT"),
        (["FLOAT", "DECIMAL(5, 2)"], "DOUBLE"),
        (["CHAR(3)", "VARCHAR(5)"], "VARCHAR(5)"),
        (["VARCHAR(5)", "STRING"], "STRING"),
        (["DATE", "TIMESTAMP(3)"], "TIMESTAMP(3)"),
        (["TIMESTAMP(6)", "TIMESTAMP_LTZ(3)"], "TIMESTAMP_LTZ(6)"),
        (["ARRAY<INT>", "ARRAY<BIGINT>"], "ARRAY<BIGINT>"),
        (["INT", "STRING"], None),
        (["TIME", "DATE"], None),
        (["BOOLEAN", "INT"], None),
    ],
)
def test_types_have_flinks_common_type(kinds: list[str], common: str | None) -> None:
    found = common_type([kind(text) for text in kinds])
    assert (found.flink() if found else None) == common
    again = common_type([kind(text) for text in reversed(kinds)])
    assert again == found


@pytest.mark.parametrize(
    ("source", "target", "fits"),
    [
        ("INT", "BIGINT", True),
        ("BIGINT", "INT", False),
        ("INT", "DECIMAL(10, 2)", True),
        ("DECIMAL(10, 2)", "DOUBLE", True),
        ("DOUBLE", "FLOAT", False),
        ("STRING", "VARCHAR(3)", True),
        ("INT", "STRING", False),
        ("TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", True),
        ("TIMESTAMP(3)", "DATE", True),
        ("DATE", "TIMESTAMP(3)", False),
        ("ROW<a INT>", "ROW<b BIGINT>", True),
        ("ROW<a INT>", "ROW<a INT, b INT>", False),
        ("ARRAY<STRING>", "ARRAY<INT>", False),
    ],
)
def test_an_insert_casts_only_what_loses_nothing(source: str, target: str, fits: bool) -> None:
    assert assignable(kind(source), kind(target)) == fits


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        ("COUNT", [], "BIGINT"),
        ("SUM", ["INT"], "INT"),
        ("SUM", ["DECIMAL(10, 2)"], "DECIMAL(38, 2)"),
        ("AVG", ["INT"], "INT"),
        ("AVG", ["DECIMAL(10, 2)"], "DECIMAL(38, 6)"),
        ("AVG", ["DOUBLE"], "DOUBLE"),
        ("MAX", ["STRING"], "STRING"),
        ("STDDEV_POP", ["DOUBLE"], "DOUBLE"),
        ("first_value", ["DATE"], "DATE"),
        ("LISTAGG", ["STRING", "STRING"], "STRING"),
        ("COLLECT", ["INT"], "MULTISET<INT>"),
        ("ARRAY_AGG", ["INT"], "ARRAY<INT>"),
        ("ROW_NUMBER", [], "BIGINT"),
        ("LAG", ["STRING", "INT"], "STRING"),
    ],
)
def test_aggregates_give_flinks_types(function: str, arguments: list[str], result: str) -> None:
    assert aggregate_type(function, [kind(text) for text in arguments], START).flink() == result


@pytest.mark.parametrize(
    ("function", "arguments", "needs_flink"),
    [
        ("SUM", ["STRING"], False),
        ("SUM", [], False),
        ("MAX", ["ARRAY<INT>"], False),
        ("NOTHING", ["INT"], False),
        ("LEAD", ["INT"], True),
        ("JSON_ARRAYAGG", ["INT"], True),
    ],
)
def test_a_wrong_aggregate_is_refused(
    function: str, arguments: list[str], needs_flink: bool
) -> None:
    with pytest.raises(Refused, match=function) as refused:
        aggregate_type(function, [kind(text) for text in arguments], Position(3, 4))
    assert refused.value.needs_flink == needs_flink
    assert (refused.value.line, refused.value.column) == (3, 4)
