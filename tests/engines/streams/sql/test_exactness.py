"""Arithmetic and NULL, over many values and all functions."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.engines.streams.sql.dialect import parse_expression
from millpond.engines.streams.sql.expressions import translate
from millpond.engines.streams.sql.typed import Position
from tests.engines.streams.sql.expression_tools import Row, evaluate, typed

_CONNECTION = duckdb.connect()


def _computed(text: str) -> tuple[object, tuple[int, ...]]:
    found = translate(parse_expression(text, Position(1, 1)), Row())
    row = _CONNECTION.execute(f"SELECT {found.sql}").fetchone()
    assert row is not None
    return row[0], found.type.parameters


_SCALED = st.tuples(st.integers(-(10**12), 10**12), st.integers(1, 6)).map(
    lambda pair: Decimal(pair[0]).scaleb(-pair[1])
)


@settings(max_examples=150, deadline=None)
@given(left=_SCALED, right=_SCALED)
def test_decimals_are_divided_exactly_and_rounded_half_up(left: Decimal, right: Decimal) -> None:
    if not right:
        return
    value, (_, scale) = _computed(f"{left:f} / {right:f}")
    with localcontext() as context:
        context.prec = 80
        wanted = (left / right).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    assert value == wanted


@settings(max_examples=100, deadline=None)
@given(left=_SCALED, right=_SCALED, sign=st.sampled_from("+-*"))
def test_decimals_are_added_and_multiplied_exactly(
    left: Decimal, right: Decimal, sign: str
) -> None:
    value, _ = _computed(f"({left:f}) {sign} ({right:f})")
    with localcontext() as context:
        context.prec = 80
        wanted = {"+": left + right, "-": left - right, "*": left * right}[sign]
    assert value == wanted


@settings(max_examples=100, deadline=None)
@given(left=st.integers(-(2**31), 2**31 - 1), right=st.integers(-1000, 1000))
def test_whole_numbers_are_divided_towards_zero(left: int, right: int) -> None:
    if not right or (left == -(2**31) and right == -1):
        return
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    assert _computed(f"({left}) / ({right})")[0] == quotient
    assert _computed(f"({left}) % ({right})")[0] == left - quotient * right


@settings(max_examples=150, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_double_is_written_as_java_writes_it(number: float) -> None:
    text = _CONNECTION.execute(
        f"SELECT {typed('CAST(d AS STRING)').sql} FROM (SELECT CAST(? AS DOUBLE) AS d)", [number]
    ).fetchone()
    assert text is not None
    written = text[0]
    assert float(written) == number
    small_or_large = number != 0 and not 1e-3 <= abs(number) < 1e7
    assert ("E" in written) == small_or_large
    mantissa = written.split("E")[0].lstrip("-")
    assert "." in mantissa
    if small_or_large:
        assert mantissa[0] in "123456789"
        assert mantissa[1] == "."


_OF_NULL = [
    "n_i + 1", "n_dec * 2", "n_dec / 3", "-n_d", "n_s || 'a'", "n_ts + INTERVAL '1' DAY",
    "n_i > 1", "n_i BETWEEN 1 AND 2", "i BETWEEN n_i AND 10", "n_s LIKE 'a'", "n_s SIMILAR TO 'a'",
    "CAST(n_d AS STRING)", "CAST(n_ts AS STRING)", "CAST(n_b AS STRING)", "CAST(n_i AS BIGINT)",
    "CAST(n_s AS CHAR(3))", "CAST(n_place AS ROW<c STRING, l DOUBLE>)", "CAST(n_s AS DATE)",
    "CAST(n_ltz AS TIMESTAMP(3))", "CAST(n_ints AS ARRAY<STRING>)",
    "UPPER(n_s)", "SUBSTRING(n_s FROM 1)", "SUBSTRING(s FROM n_i)", "SUBSTRING(s, 1, n_i)",
    "TRIM(n_s)", "TRIM('a' FROM n_s)", "REPLACE(n_s, 'a', 'b')", "LPAD(n_s, 2, 'x')",
    "LPAD(s, n_i, 'x')", "RPAD(s, 9, n_s)", "OVERLAY(n_s PLACING 'a' FROM 1)",
    "OVERLAY(s PLACING n_s FROM 1)", "SPLIT_INDEX(n_s, ',', 0)", "SPLIT_INDEX(s, n_s, 0)",
    "REGEXP_EXTRACT(n_s, 'a')", "REGEXP_REPLACE(n_s, 'a', 'b')", "REGEXP(n_s, 'a')",
    "CONCAT(s, n_s)", "INITCAP(n_s)", "POSITION('a' IN n_s)", "LOCATE('a', s, n_i)", "ASCII(n_s)",
    "CHR(n_i)", "REPEAT(s, n_i)", "LEFT(s, n_i)", "RIGHT(n_s, 1)", "STR_TO_MAP(n_s)",
    "PARSE_URL(n_s, 'HOST')", "TO_BASE64(n_s)", "FROM_BASE64(n_s)", "MD5(n_s)", "SHA256(n_s)",
    "ENCODE(n_s, 'UTF-8')", "DECODE(n_bytes, 'UTF-8')", "ABS(n_i)", "SIGN(n_dec)",
    "ROUND(n_d, 1)", "ROUND(n_dec, 1)", "TRUNCATE(n_dec, 1)", "CEIL(n_dec)", "FLOOR(n_d)",
    "MOD(n_i, 2)", "POWER(n_i, 2)", "LOG(n_d)", "LN(n_d)", "SQRT(n_d)", "HEX(n_i)", "BIN(n_i)",
    "EXTRACT(YEAR FROM n_ts)", "FLOOR(n_ts TO DAY)", "CEIL(n_day TO MONTH)", "HOUR(n_ltz)",
    "TIMESTAMPADD(DAY, 1, n_ts)", "TIMESTAMPADD(DAY, n_i, ts)", "TIMESTAMPDIFF(DAY, n_ts, ts)",
    "DATE_FORMAT(n_ts, 'yyyy')", "TO_TIMESTAMP(n_s)", "TO_TIMESTAMP(n_s, 'yyyy')", "TO_DATE(n_s)",
    "TO_TIMESTAMP_LTZ(n_l, 3)", "FROM_UNIXTIME(n_l)", "UNIX_TIMESTAMP(n_s)",
    "CONVERT_TZ(n_s, 'UTC', 'UTC')", "n_ints[1]", "ints[n_i]", "n_counts['a']", "counts['b']",
    "CARDINALITY(n_ints)", "CARDINALITY(n_counts)", "ARRAY_CONTAINS(n_ints, NULL)",
    "ARRAY_POSITION(ints, n_i)", "ARRAY_APPEND(n_ints, 1)", "ARRAY_PREPEND(n_ints, 1)",
    "ARRAY_REMOVE(n_ints, 1)", "ARRAY_DISTINCT(n_ints)", "ARRAY_REVERSE(n_ints)",
    "ARRAY_MAX(n_ints)", "ARRAY_CONCAT(ints, n_ints)", "ARRAY_JOIN(n_words, ',')",
    "ARRAY_JOIN(words, n_s)", "ARRAY_SLICE(n_ints, 1, 2)", "ARRAY_SLICE(ints, n_i)",
    "MAP_KEYS(n_counts)", "MAP_VALUES(n_counts)", "MAP_ENTRIES(n_counts)",
    "JSON_VALUE(n_s, '$.a')", "JSON_QUERY(n_s, '$.a')", "JSON_EXISTS(n_s, '$')",
    "JSON_STRING(n_s)", "JSON_STRING(n_place)", "GREATEST(1, n_i)", "LEAST(n_i, 1)",
]  # fmt: skip


@pytest.mark.parametrize("text", _OF_NULL)
def test_of_null_comes_null(text: str) -> None:
    assert evaluate(text)[0] is None
