"""Prefix expressions: what they become, and which are refused."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.model.naming import derive_random, derive_uuid
from millpond.services.firehose.model.prefixes import (
    Expression,
    check_prefixes,
    check_zone,
    error_prefix,
    object_prefix,
    zoned,
)
from millpond.services.firehose.model.timestamps import BadPattern, format_time

WHEN = datetime(2018, 8, 7, 9, 5, 3, 45_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy/MM/dd/HH/", "2018/08/07/09/"),
        ("YYYY-'W'ww", "2018-W32"),
        ("yy M d H h K k m s", "18 8 7 9 9 9 9 5 3"),
        ("MMM MMMM MMMMM", "Aug August A"),
        ("E EEEE e D", "Tue Tuesday 3 219"),
        ("hh:mm:ss.SSS a", "09:05:03.045 AM"),
        ("'it''s' yyyy", "it's 2018"),
        ("Q QQQ", "3 Q3"),
        ("X XXX x Z", "Z Z +00 +0000"),
        ("yyyy-MM-dd'T'HH", "2018-08-07T09"),
        ("uuuu", "2018"),
    ],
)
def test_patterns_are_javas(pattern, expected):
    assert format_time(pattern, WHEN) == expected


def test_the_week_based_year_turns_with_the_week_of_1_january():
    assert format_time("YYYY ww", datetime(2017, 12, 31, tzinfo=UTC)) == "2018 01"
    assert format_time("YYYY ww", datetime(2018, 12, 29, tzinfo=UTC)) == "2018 52"
    assert format_time("YYYY ww", datetime(2018, 12, 30, tzinfo=UTC)) == "2019 01"


@pytest.mark.parametrize("pattern", ["yyyy{", "b", "i#", "I"])
def test_patterns_that_java_does_not_know_are_refused(pattern):
    with pytest.raises(BadPattern):
        format_time(pattern, WHEN)


@given(st.text(alphabet="yMdHhmsSEaDQXxZ'/-: \0", max_size=12))
def test_any_pattern_of_known_letters_gives_text_or_is_refused(pattern):
    with contextlib.suppress(BadPattern):
        assert isinstance(format_time(pattern, WHEN), str)


def test_prefixes_are_evaluated_as_in_the_guide():
    assert object_prefix(None, WHEN, "r") == "2018/08/07/09/"
    assert object_prefix("in/", WHEN, "r") == "in/2018/08/07/09/"
    assert object_prefix("y=!{timestamp:yyyy}/", WHEN, "r") == "y=2018/"
    assert object_prefix("!{firehose:random-string}/a", WHEN, "R") == "R/a"
    keys = {Expression("partitionKeyFromQuery", "id"): "7"}
    assert object_prefix("id=!{partitionKeyFromQuery:id}/", WHEN, "r", keys) == "id=7/"
    failed = "processing-failed"
    assert error_prefix(None, None, WHEN, "r", failed) == f"{failed}/2018/08/07/09/"
    assert error_prefix(None, "in/", WHEN, "r", failed) == f"in/{failed}/2018/08/07/09/"
    assert error_prefix("bad/", "in/", WHEN, "r", failed) == f"bad/{failed}/2018/08/07/09/"
    text = "bad/!{firehose:error-output-type}/!{timestamp:dd}/"
    assert error_prefix(text, "in/", WHEN, "r", failed) == f"bad/{failed}/07/"


@pytest.mark.parametrize(
    ("prefix", "errors", "partitioned", "words"),
    [
        ("!{timestamp:yyyy}/", None, False, "ErrorOutputPrefix cannot be null"),
        ("!{firehose:error-output-type}/", "e/", False, "cannot contain"),
        ("a/", "!{timestamp:yyyy}/", False, "must contain at least one"),
        ("a!{b", None, False, "may only begin an expression"),
        ("!{other:x}", "e/", False, "unknown namespace: other"),
        ("!{firehose:x}", "e/", False, "unknown value"),
        ("!{timestamp:bb}", "e/", False, "Unknown pattern letter: b"),
        ("!{partitionKeyFromQuery:id}/", "e/", False, "Namespaces can only be part"),
        ("a/", "e/", True, "should contain Dynamic"),
        ("!{partitionKeyFromLambda:id}/", None, True, "ErrorOutputPrefix"),
        ("x" * 510 + "!{timestamp:yyyy}", "e/", False, "longer than 512"),
    ],
)
def test_prefixes_that_cannot_be_are_refused(prefix, errors, partitioned, words):
    with pytest.raises(InvalidArgument, match=words.replace("!{", r"!\{")):
        check_prefixes(prefix, errors, partitioned=partitioned)


def test_time_zones_are_known_or_refused():
    check_zone("Asia/Tokyo")
    check_zone("")
    with pytest.raises(InvalidArgument, match="Mars/Base"):
        check_zone("Mars/Base")
    assert zoned(0, "Asia/Tokyo").hour == 9


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_names_are_the_same_for_the_same_and_others_for_others(one, other):
    assert (derive_uuid(*one) == derive_uuid(*other)) == ("\0".join(one) == "\0".join(other))
    assert len(derive_random(derive_uuid(*one))) == 11
