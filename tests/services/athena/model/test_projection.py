"""The partitions that a table's properties tell of."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.sql.interface import Condition
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.model.comparing import holds
from millpond.services.athena.model.projection import Key, project

NOW = datetime.datetime(2024, 3, 31, 15, 30, 7)


def values(kind="string", conditions=(), now=NOW, **settings):
    """The values of the column `c`."""
    parameters = {f"projection.c.{name.replace('_', '.')}": text for name, text in settings.items()}
    found = project(parameters, "s3://b/t", [Key("c", kind)], conditions, now)
    return [one.values[0] for one in found]


def test_an_enumeration_has_the_values_it_names():
    assert values(type="enum", values="b, a,c") == ["b", "a", "c"]
    asked = [Condition("c", "in", ["a", "x"])]
    assert values(type="enum", values="b,a,c", conditions=asked) == ["a"]


def test_integers_count_in_steps_with_their_zeros():
    assert values("int", type="integer", range="-1,3", interval="2") == ["-1", "1", "3"]
    assert values(type="integer", range="8,11", digits="2") == ["08", "09", "10", "11"]
    asked = [Condition("c", ">", ["9"])]
    assert values("int", asked, type="integer", range="8,11") == ["10", "11"]
    assert values(type="integer", range="3,1") == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"range": "2024-02-28,2024-03-01", "format": "yyyy-MM-dd"},
            "2024-02-28 2024-02-29 2024-03-01",
        ),
        ({"range": "2023/12,2024/02", "format": "yyyy/MM"}, "2023/12 2024/01 2024/02"),
        ({"range": "NOW-2DAYS,NOW", "format": "yyyyMMdd"}, "20240329 20240330 20240331"),
        ({"range": "NOW-1MONTH,NOW", "format": "yyyy-MM"}, "2024-02 2024-03"),
        (
            {"range": "NOW-1DAY-1HOUR,NOW-1DAYS", "format": "yyyy-MM-dd'T'HH", "interval": "1"}
            | {"interval_unit": "HOURS"},
            "2024-03-30T14 2024-03-30T15",
        ),
        (
            {"range": "2020,2024", "format": "yyyy", "interval": "2", "interval_unit": "YEARS"},
            "2020 2022 2024",
        ),
        (
            {"range": "2024-01-31,2024-03-31", "format": "yyyy-MM-dd", "interval": "1"}
            | {"interval_unit": "MONTHS"},
            "2024-01-31 2024-02-29 2024-03-31",
        ),
    ],
)
def test_dates_run_through_their_range(settings, expected):
    assert values(type="date", **settings) == expected.split()


def test_a_column_of_dates_is_read_as_dates_and_lies_as_it_is_written():
    parameters = {
        "projection.c.type": "date",
        "projection.c.range": "2024/01/01,2024/01/03",
        "projection.c.format": "yyyy/MM/dd",
        "storage.location.template": "s3://b/logs/${c}",
    }
    asked = [Condition("c", ">=", ["2024-01-03"])]
    (found,) = project(parameters, "s3://b/t/", [Key("c", "date")], asked, NOW)
    assert (found.values, found.location) == (["2024-01-03"], "s3://b/logs/2024/01/03/")


def test_columns_multiply_and_lie_below_the_table():
    parameters = {
        "projection.a.type": "enum",
        "projection.a.values": "x,y",
        "projection.b.type": "injected",
    }
    asked = [Condition("b", "=", ["7"])]
    found = project(parameters, "s3://b/t", [Key("a", "string"), Key("b", "string")], asked, NOW)
    assert [one.location for one in found] == ["s3://b/t/a=x/b=7/", "s3://b/t/a=y/b=7/"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "projection.c.type is missing"),
        ({"type": "other"}, "none of enum"),
        ({"type": "enum"}, "values is missing"),
        ({"type": "integer", "range": "1"}, "two values"),
        ({"type": "integer", "range": "a,b"}, "not of integers"),
        ({"type": "integer", "range": "1,2", "interval": "0"}, "from 1 on"),
        ({"type": "integer", "range": "1,9999999"}, "More than 1000000"),
        ({"type": "date", "range": "2024,2025", "format": "yyyy"}, "interval and its unit"),
        ({"type": "date", "range": "2024,x", "format": "yyyy-MM-dd"}, "does not fit"),
        ({"type": "date", "range": "NOW-1EON,NOW", "format": "yyyy-MM-dd"}, "unknown unit EON"),
        ({"type": "date", "range": "1,2", "format": "EEE"}, "is not supported: EEE"),
        ({"type": "injected"}, "static equality conditions"),
    ],
)
def test_what_is_wrong_is_named(settings, says):
    with pytest.raises(QueryFailed, match=says):
        values(**settings)


def test_a_template_needs_every_column():
    parameters = {
        "projection.c.type": "enum",
        "projection.c.values": "a",
        "storage.location.template": "s3://b/x/",
    }
    with pytest.raises(QueryFailed, match="no place for the partition column c"):
        project(parameters, "s3://b/t/", [Key("c", "string")], (), NOW)


OPERATORS = st.sampled_from(["=", "<", "<=", ">", ">="])


@given(st.lists(st.tuples(OPERATORS, st.integers(-3, 12).map(str)), max_size=3), st.booleans())
def test_conditions_leave_what_they_hold_for(conditions, is_text):
    kind = "string" if is_text else "int"
    settings = {"type": "integer", "range": "0,10", "digits": "2"}
    asked = [Condition("c", operator, [value]) for operator, value in conditions]
    expected = [
        value
        for value in values(kind, **settings)
        if all(holds(one.operator, value, one.values, kind) for one in asked)
    ]
    assert values(kind, asked, **settings) == expected
