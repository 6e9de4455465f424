"""How two types become one."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.infer.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    TIMESTAMP,
    UNSEEN,
    Array,
    Decimal,
    Map,
    Scalar,
    Struct,
    merge,
    merge_all,
)

TINYINT = Scalar("tinyint")
scalars = st.sampled_from(
    [BIGINT, BOOLEAN, DATE, DOUBLE, FLOAT, INT, STRING, TIMESTAMP, UNSEEN, TINYINT]
)
decimals = st.integers(1, 38).flatmap(
    lambda precision: st.builds(Decimal, st.just(precision), st.integers(0, precision))
)
kinds = st.recursive(
    scalars | decimals,
    lambda inner: (
        st.builds(Array, inner)
        | st.builds(Map, inner, inner)
        | st.dictionaries(st.sampled_from("abc"), inner, min_size=1).map(
            lambda fields: Struct(tuple(fields.items()))
        )
    ),
    max_leaves=4,
)


def without_order(kind):
    if isinstance(kind, Struct):
        return frozenset((name, without_order(part)) for name, part in kind.fields)
    if isinstance(kind, Array):
        return ("array", without_order(kind.item))
    if isinstance(kind, Map):
        return ("map", without_order(kind.key), without_order(kind.value))
    return str(kind)


@given(kinds, kinds)
def test_the_order_does_not_matter_and_once_is_enough(one, other):
    merged = merge(one, other)
    assert without_order(merged) == without_order(merge(other, one))
    assert merge(merged, one) == merged
    assert merge(one, one) == one


@given(st.lists(kinds, max_size=4))
def test_many_become_what_they_become_one_after_another(several):
    assert merge_all(several) == reduce(merge, several, UNSEEN)


@given(kinds)
def test_nothing_seen_changes_nothing(kind):
    assert merge(kind, UNSEEN) == merge(UNSEEN, kind) == kind


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (BIGINT, DOUBLE, "double"),
        (INT, BIGINT, "bigint"),
        (TINYINT, INT, "int"),
        (FLOAT, INT, "double"),
        (BIGINT, STRING, "string"),
        (BOOLEAN, BIGINT, "string"),
        (DATE, TIMESTAMP, "string"),
        (Decimal(5, 2), Decimal(6, 1), "decimal(7,2)"),
        (Decimal(5, 2), INT, "decimal(12,2)"),
        (Decimal(38, 0), Decimal(38, 38), "double"),
        (Array(INT), Array(BIGINT), "array<bigint>"),
        (Array(INT), INT, "string"),
        (UNSEEN, UNSEEN, "string"),
        (
            Struct((("a", INT), ("b", STRING))),
            Struct((("c", INT), ("a", DOUBLE))),
            "struct<a:double,b:string,c:int>",
        ),
    ],
)
def test_types_widen(one, other, merged):
    assert str(merge(one, other)) == merged
