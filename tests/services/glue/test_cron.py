"""Schedules."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.cron import BadCron, parse_cron


def ms(*parts):
    return int(datetime.datetime(*parts, tzinfo=datetime.UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cron(0 12 * * ? *)", (2026, 11, 22, 12, 0)),
        ("cron(15 12 * * ? *)", (2026, 11, 21, 12, 15)),
        ("cron(0/15 * * * ? *)", (2026, 11, 21, 12, 15)),
        ("cron(15 10 ? * MON-FRI *)", (2026, 11, 23, 10, 15)),
        ("cron(0 8 1 * ? *)", (2026, 12, 1, 8, 0)),
        ("cron(0 0 L * ? *)", (2026, 11, 30, 0, 0)),
        ("cron(0 0 L FEB ? *)", (2027, 2, 28, 0, 0)),
        ("cron(0 0 LW * ? *)", (2026, 11, 30, 0, 0)),
        ("cron(0 0 1W * ? 2027)", (2027, 1, 1, 0, 0)),
        ("cron(0 0 31W 1 ? 2027)", (2027, 1, 29, 0, 0)),
        ("cron(0 0 1W 5 ? 2027)", (2027, 5, 3, 0, 0)),
        ("cron(0 0 ? * L *)", (2026, 11, 28, 0, 0)),
        ("cron(0 8 ? * 6L 2027-2030)", (2027, 1, 29, 8, 0)),
        ("cron(0 8 ? * 2#1 *)", (2026, 12, 7, 8, 0)),
        ("cron(0 8 ? * SUN#5 *)", (2026, 11, 29, 8, 0)),
        ("cron(0 8 29 2 ? *)", (2028, 2, 29, 8, 0)),
        ("cron(0 8 1,15 3,6 ? *)", (2027, 3, 1, 8, 0)),
        ("cron(0 8 1 1 ? 2020)", None),
        ("cron(0 8 30 2 ? *)", None),
    ],
)
def test_the_next_time(text, expected):
    found = parse_cron(text).next_after(ms(2026, 11, 21, 12, 7, 30))
    assert found == (None if expected is None else ms(*expected))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 12 * * ? *",
        "rate(5 minutes)",
        "cron(0 12 * * *)",
        "cron(0 12 * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(60 12 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 12 32 * ? *)",
        "cron(0 12 * 13 ? *)",
        "cron(0 12 ? * 8 *)",
        "cron(0 12 ? * FUN *)",
        "cron(0 12 ? * 2#6 *)",
        "cron(0 5-1 * * ? *)",
        "cron(0/0 * * * ? *)",
        "cron(* * * * ? *)",
        "cron(0,3 * * * ? *)",
        "cron(59,0 * * * ? *)",
        "cron(0 12 * * ? 1969)",
    ],
)
def test_what_is_not_a_schedule_is_refused(text):
    with pytest.raises(BadCron):
        parse_cron(text)


@given(
    st.integers(ms(2000, 1, 1), ms(2100, 1, 1)),
    st.sampled_from(["0/5", "0", "7,30", "*/20"]),
    st.sampled_from(["*", "3", "0/6"]),
)
def test_the_next_time_is_later_and_none_is_passed_over(now, minutes, hours):
    cron = parse_cron(f"cron({minutes} {hours} * * ? *)")
    found = cron.next_after(now)
    assert found is not None
    assert found > now
    assert found % 60_000 == 0
    assert cron.next_after(found - 1) == found
    moment = datetime.datetime.fromtimestamp(found / 1000, datetime.UTC)
    assert moment.minute in cron.minutes
    assert moment.hour in cron.hours
    between = range((now // 60_000 + 1) * 60_000, found, 60_000)
    passed = (datetime.datetime.fromtimestamp(ms_ / 1000, datetime.UTC) for ms_ in between)
    assert not any(at.minute in cron.minutes and at.hour in cron.hours for at in passed)
