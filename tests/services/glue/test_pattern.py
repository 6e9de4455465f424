"""Patterns that cannot hold the process up, against Python's own `re`."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.crawl.exclusions import compile_exclusions
from millpond.services.glue.pattern import BadPattern, compile_pattern, parse_regex

atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\.", "_", "1"])
repeats = st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "{2,}"])
patterns = st.recursive(
    st.builds("{}{}".format, atoms, repeats),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{}){}".format, inner, inner, repeats),
    ),
    max_leaves=5,
)


@given(patterns, st.text("abc1._", max_size=8))
def test_a_pattern_matches_as_in_python(pattern, text):
    matches = compile_pattern(parse_regex(pattern))
    assert matches(text) == (re.fullmatch(pattern, text, re.ASCII) is not None)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)*b", "a*a*a*a*a*a*a*a*b"])
def test_no_pattern_takes_long(pattern):
    started = time.perf_counter()
    assert not compile_pattern(parse_regex(pattern))("a" * 2000)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", "a)", "[a", "*a", "a{", "a{2", "a{x}", "(?=a)", r"\q", "a\\", "[z-a]", "a{999}"),
        "(((a{99}){99}){99})",
        "(" * 500 + "a" + ")" * 500,
    ],
)
def test_what_cannot_be_read_is_refused(pattern):
    with pytest.raises(BadPattern):
        compile_pattern(parse_regex(pattern))


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.csv", ["a.csv", ".csv"], ["x/a.csv", "a.csv2"]),
        ("*.*", ["a.b"], ["a", "x/a.b"]),
        ("*.{csv,avro}", ["a.csv", "a.avro"], ["a.orc"]),
        ("foo.?", ["foo.x"], ["foo.", "foo.xy", "foo./"]),
        ("myfolder/*", ["myfolder/a"], ["myfolder/a/b"]),
        ("myfolder/**", ["myfolder/a", "myfolder/a/b"], ["other/a"]),
        ("**.csv", ["a.csv", "x/y/a.csv"], ["a.cs"]),
        ("[a-g].csv", ["c.csv"], ["h.csv", "aa.csv"]),
        ("[!a-g].csv", ["h.csv"], ["c.csv"]),
        ("a[-x]b", ["a-b", "axb"], ["ayb"]),
        (r"\*x\{", ["*x{"], ["ax{"]),
    ],
)
def test_exclude_patterns_are_globs_over_folders(pattern, matching, other):
    excluded = compile_exclusions([pattern])
    assert all(excluded(key) for key in matching)
    assert not any(excluded(key) for key in other)


@pytest.mark.parametrize("pattern", ["[ab", "{a,b", "{a,{b}}", "[z-a]"])
def test_a_glob_that_does_not_end_is_refused(pattern):
    with pytest.raises(BadPattern):
        compile_exclusions([pattern])
