"""Times as text, in the three forms of AWS."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.wire.timestamps import format_timestamp, parse_timestamp

MILLISECONDS = st.integers(0, 253_402_300_799_999)


@given(MILLISECONDS)
def test_a_time_in_iso_8601_reads_as_it_was(milliseconds: int) -> None:
    text = format_timestamp(milliseconds / 1000, "iso8601")
    assert round(parse_timestamp(text) * 1000) == milliseconds
    assert len(text) == 24


@given(st.integers(0, 253_402_300_799))
def test_a_time_as_http_writes_it_reads_as_it_was(seconds: int) -> None:
    text = format_timestamp(seconds, "rfc822")
    assert parse_timestamp(text) == seconds
    moment = datetime.fromtimestamp(seconds, UTC)
    assert datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC) == moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1994-11-06T08:49:37Z", 784111777.0),
        ("1994-11-06T08:49:37.250Z", 784111777.25),
        ("1994-11-06T09:49:37+01:00", 784111777.0),
        ("19941106T084937Z", 784111777.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0),
        ("6 Nov 1994 08:49:37 +0000", 784111777.0),
        ("784111777", 784111777.0),
        ("784111777.5", 784111777.5),
    ],
)
def test_a_time_is_read_in_each_form(text: str, seconds: float) -> None:
    assert parse_timestamp(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "now", "1994-11-06", "1994-13-06T08:49:37Z", "Sun, 32 Nov 1994 08:49:37 GMT",
     "Sun, 06 Foo 1994 08:49:37 GMT", "1e9", "nan", "9" * 400, "1994-11-06T08:49:37Z\n"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_timestamp(text)


@pytest.mark.parametrize(("seconds", "text"), [(1.0, "1"), (1.5, "1.5")])
def test_a_whole_number_of_seconds_is_written_whole(seconds: float, text: str) -> None:
    assert format_timestamp(seconds, "unixTimestamp") == text
