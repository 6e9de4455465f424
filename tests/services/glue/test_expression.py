"""The grammar of GetPartitions' expressions, against SQLite, which judges the same text."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.expression import (
    BadLiteral,
    UnsupportedExpression,
    compile_filter,
    leading_values,
    parse_expression,
)
from millpond.services.glue.expression.values import NULL

KEYS = [("s", "string"), ("n", "int"), ("d", "date")]
TEXTS = ["a", "b", "ab", "it's", "B", ""]
DAYS = ["2020-01-01", "2020-02-29", "2021-12-31"]

texts = st.sampled_from(TEXTS)
numbers = st.integers(-3, 12)
days = st.sampled_from(DAYS)
operators = st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="])


def quote(text):
    return "'" + text.replace("'", "''") + "'"


literals = {"s": texts.map(quote), "n": numbers.map(str), "d": days.map(quote)}
keys = st.sampled_from(["s", "n", "d"])


def keyed(build):
    return keys.flatmap(lambda key: build(key, literals[key]))


comparisons = keyed(lambda key, of: st.builds(lambda o, v: f"{key} {o} {v}", operators, of))
flipped = keyed(lambda key, of: st.builds(lambda o, v: f"{v} {o} {key}", operators, of))
choices = keyed(
    lambda key, of: st.builds(
        lambda no, values: f"{key} {no} ({', '.join(values)})",
        st.sampled_from(["in", "NOT IN"]),
        st.lists(of, min_size=1, max_size=4),
    )
)
ranges = keyed(
    lambda key, of: st.builds(
        lambda no, low, high: f"{key} {no} {low} and {high}",
        st.sampled_from(["between", "NOT BETWEEN"]),
        of,
        of,
    )
)
likes = st.builds(
    lambda no, pattern: f"s {no} '{pattern}'",
    st.sampled_from(["like", "not like"]),
    st.text("ab%_", max_size=5),
)
nulls = keyed(lambda key, _: st.sampled_from([f"{key} is null", f"{key} IS NOT NULL"]))
expressions = st.recursive(
    st.one_of(comparisons, flipped, choices, ranges, likes, nulls),
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=6,
)
rows = st.lists(
    st.tuples(st.none() | texts, st.none() | numbers.map(str), st.none() | days),
    min_size=1,
    max_size=12,
)

SQLITE = sqlite3.connect(":memory:")
SQLITE.execute("pragma case_sensitive_like = on")


def by_sqlite(expression, partitions):
    """The numbers of the partitions that SQLite chooses."""
    SQLITE.execute("drop table if exists p")
    SQLITE.execute("create table p (row integer, s text, n integer, d text)")
    SQLITE.executemany(
        "insert into p values (?, ?, ?, ?)",
        [(row, *partition) for row, partition in enumerate(partitions)],
    )
    return {row for (row,) in SQLITE.execute(f"select row from p where {expression}")}


@given(expressions, rows)
def test_an_expression_chooses_what_sql_chooses(expression, partitions):
    matches = compile_filter(parse_expression(expression), KEYS)
    stored = [
        tuple(NULL if value is None else value for value in partition) for partition in partitions
    ]
    chosen = {row for row, values in enumerate(stored) if matches(values)}
    assert chosen == by_sqlite(expression, partitions)


@given(expressions, rows)
def test_looking_at_leading_values_alone_misses_nothing(expression, partitions):
    tree = parse_expression(expression)
    matches = compile_filter(tree, KEYS)
    leading = leading_values(tree, KEYS)
    assert leading == sorted(leading)
    for partition in partitions:
        values = tuple(NULL if value is None else value for value in partition)
        if matches(values):
            assert any(values[: len(choice)] == choice for choice in leading)


@pytest.mark.parametrize(
    ("expression", "leading"),
    [
        ("s = 'a'", [("a",)]),
        ("s in ('b', 'a') and n = 1", [("a",), ("b",)]),
        ("s = 'a' or n = 1", [()]),
        ("s = 'a' and s in ('b')", []),
        ("n = 1", [()]),
        ("s > 'a'", [()]),
    ],
)
def test_leading_values_are_those_of_the_first_text_keys(expression, leading):
    assert leading_values(parse_expression(expression), KEYS) == leading


def chosen(expression, declared, *values):
    matches = compile_filter(parse_expression(expression), [("k", declared)])
    return [value for value in values if matches((value,))]


def test_values_compare_by_their_type():
    assert chosen("k > 9", "int", "10", "9", "8") == ["10"]
    assert chosen("k > '9'", "string", "10", "91") == ["91"]
    assert chosen("k = 1", "bigint", "1", "01", "2") == ["1", "01"]
    assert chosen("k = 1.50", "decimal(10,2)", "1.5", "1.51") == ["1.5"]
    assert chosen("k < '2020-02-01'", "date", "2020-01-31", "2020-02-01") == ["2020-01-31"]
    assert chosen(
        "k >= timestamp '2020-01-01 00:00:00.5'",
        "timestamp",
        "2020-01-01 00:00:00",
        "2020-01-01 00:00:00.51",
        "2020-01-01 00:00:01",
    ) == ["2020-01-01 00:00:00.51", "2020-01-01 00:00:01"]
    assert chosen("k = 2015", "varchar(4)", "2015", "2016") == ["2015"]


@pytest.mark.parametrize(
    "expression",
    [
        "k=(2015)",
        "((k) = '2015')",
        '`k` = "2015"',
        "\"k\" = '2015'",
        "K = '2015'",
        "2015 = k",
        "('2015') = (k)",
        "k in (('2015'))",
        "NOT k <> '2015' AND NOT NOT k = '2015'",
    ],
)
def test_clients_write_it_in_many_ways(expression):
    assert chosen(expression, "string", "2014", "2015") == ["2015"]


@pytest.mark.parametrize(
    "expression",
    [
        "k",
        "k =",
        "= 1",
        "k = 1 and",
        "k = other",
        "lower(k) = 'a'",
        "k in ()",
        "k between 1",
        "k not 1",
        "k is 1",
        "k = 'open",
        "(k = 1",
        "k = 1)",
        "k = 1; drop table t",
        "(" * 2000 + "k = 1" + ")" * 2000,
        "not " * 5000 + "(",
    ],
)
def test_what_is_not_an_expression_is_refused(expression):
    with pytest.raises(UnsupportedExpression, match="Unsupported expression"):
        parse_expression(expression)


@pytest.mark.parametrize(
    ("expression", "declared", "words"),
    [
        ("other = 1", "int", "Invalid partition expression!"),
        ("k = 'x'", "int", '"x" is not an integer.'),
        ("k = 'x'", "decimal(3,1)", "x is not a decimal."),
        ("k = '2020-13-01'", "date", "2020-13-01 is not a date."),
        ("k = '2020'", "timestamp", "Timestamp format must be yyyy-mm-dd hh:mm:ss"),
        ("k = 1", "double", "Unknown type : 'double'"),
        ("k like '1%'", "int", "Integral data type doesn't support operation 'LIKE'"),
        ("k like '1%'", "date", "Date data type doesn't support operation 'LIKE'"),
    ],
)
def test_what_does_not_fit_the_keys_is_refused_in_glues_words(expression, declared, words):
    with pytest.raises(BadLiteral) as refused:
        chosen(expression, declared, "1")
    assert words in str(refused.value)
