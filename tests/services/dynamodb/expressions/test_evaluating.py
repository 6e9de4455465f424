"""What conditions say of an item."""

from typing import Any

import pytest

from millpond.services.dynamodb.model.expressions.conditions import parse_condition
from millpond.services.dynamodb.model.expressions.evaluate import holds
from millpond.services.dynamodb.model.expressions.tokens import Substitutes
from millpond.services.dynamodb.model.values import Value

ITEM = {
    "s": Value(s="banana"),
    "n": Value(n="10"),
    "b": Value(b=b"\x01\x02"),
    "yes": Value(bool_=True),
    "nil": Value(null=True),
    "ss": Value(ss=["a", "b"]),
    "ns": Value(ns=["1", "2.5"]),
    "l": Value(l=[Value(s="x"), Value(m={"k": Value(n="1")})]),
    "m": Value(m={"a": Value(n="1"), "b": Value(l=[])}),
}
VALUES = {
    ":s": Value(s="banana"),
    ":ana": Value(s="ana"),
    ":ban": Value(s="ban"),
    ":a": Value(s="a"),
    ":x": Value(s="x"),
    ":n": Value(n="10.0"),
    ":9": Value(n="9"),
    ":100": Value(n="100"),
    ":1": Value(n="1"),
    ":2": Value(n="2"),
    ":6": Value(n="6"),
    ":b": Value(b=b"\x02"),
    ":t": Value(bool_=True),
    ":ssr": Value(ss=["b", "a"]),
    ":map": Value(m={"b": Value(l=[]), "a": Value(n="1.0")}),
    ":k": Value(m={"k": Value(n="1")}),
    ":N": Value(s="N"),
    ":BOOL": Value(s="BOOL"),
}


def said(text: str) -> bool:
    used = {name: value for name, value in VALUES.items() if name in text}
    return holds(parse_condition("FilterExpression", text, Substitutes(None, used or None)), ITEM)


@pytest.mark.parametrize(
    "text",
    [
        "s = :s",
        "n = :n",
        "n > :9 AND n < :100",
        "s <> :n",
        "absent <> :s",
        "absent <> s",
        "ss = :ssr",
        "m = :map",
        "m.a = :1",
        "l[1].k = :1",
        "n BETWEEN :9 AND :100",
        "n IN (:9, :n)",
        "yes = :t",
        "attribute_exists(m.b)",
        "attribute_not_exists(m.c)",
        "attribute_not_exists(l[2])",
        "attribute_not_exists(s.x)",
        "attribute_type(n, :N)",
        "attribute_type(yes, :BOOL)",
        "begins_with(s, :ban)",
        "contains(s, :ana)",
        "contains(b, :b)",
        "contains(ss, :a)",
        "contains(ns, :1)",
        "contains(l, :x)",
        "contains(l, :k)",
        "size(s) = :6",
        "size(b) = :2",
        "size(l) = :2",
        "size(m) = :2",
        "size(ss) <= :2",
        "s > m.c OR s = :s",
        "NOT s = :x",
        "not (n < :9 or n > :100)",
    ],
)
def test_conditions_that_hold(text: str) -> None:
    assert said(text)


@pytest.mark.parametrize(
    "text",
    [
        "s = :n",
        "n <> :n",
        "s < :9",
        "absent = absent2",
        "absent < :9",
        "absent BETWEEN :9 AND :100",
        "absent IN (:s)",
        "size(n) = :2",
        "size(absent) = :2",
        "contains(n, :1)",
        "contains(ss, :1)",
        "begins_with(n, :ban)",
        "begins_with(s, :ana)",
        "l[5] = :1",
        "l[0].k = :1",
        "nil = :t",
        "attribute_type(absent, :N)",
        "NOT (s = :s AND n = :n)",
    ],
)
def test_conditions_that_do_not_hold(text: str) -> None:
    assert not said(text)


def test_strings_are_ordered_by_utf_8() -> None:
    given = {":v": Value(s="\uffff")}
    condition = parse_condition("FilterExpression", "a > :v", Substitutes(None, given))
    item: dict[str, Any] = {"a": Value(s="\U00010000")}
    assert holds(condition, item)
