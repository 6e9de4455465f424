"""Expressions that are none: AWS's words say what is wrong, and nothing else is ever raised."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.dynamodb.errors import ValidationError
from millpond.services.dynamodb.model.expressions.conditions import parse_condition
from millpond.services.dynamodb.model.expressions.key_conditions import parse_key_condition
from millpond.services.dynamodb.model.expressions.nodes import (
    Add,
    All,
    Arithmetic,
    At,
    Bound,
    Compare,
    Delete,
    Exists,
    IfNotExists,
    ListAppend,
    Literally,
    Not,
    Remove,
    Set,
    Size,
)
from millpond.services.dynamodb.model.expressions.nodes import (
    Any as AnyOf,
)
from millpond.services.dynamodb.model.expressions.projections import parse_projection
from millpond.services.dynamodb.model.expressions.reserved import RESERVED
from millpond.services.dynamodb.model.expressions.tokens import Substitutes
from millpond.services.dynamodb.model.expressions.updates import parse_update
from millpond.services.dynamodb.model.tables import KeySchema
from millpond.services.dynamodb.model.values import Value

PIECES = (
    "a", "b.c", "d[0]", "#n", ":v", ":s", "(", ")", ",", "=", "<>", "<", "+", "-", "[", "]", ".",
    "AND", "or", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "add", "DELETE", "attribute_exists(a)",
    "size(a)", "contains", "begins_with(a, :s)", "if_not_exists(a, :v)", "list_append", "0", "é",
)  # fmt: skip


def substitutes() -> Substitutes:
    values = {":v": Value(n="1"), ":w": Value(n="2"), ":s": Value(s="x"), ":l": Value(l=[])}
    return Substitutes({"#n": "name", "#m": "size"}, values)


def parse(kind: str, text: str) -> Any:
    match kind:
        case "update":
            return parse_update(text, substitutes())
        case "projection":
            return parse_projection(text, substitutes())
        case "key":
            return parse_key_condition(KeySchema("a", "N", "b", "S"), text, substitutes())
        case _:
            return parse_condition("ConditionExpression", text, substitutes())


KINDS = st.sampled_from(("update", "projection", "key", "condition"))


@given(KINDS, st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
def test_any_text_is_an_expression_or_refused(kind: str, text: str) -> None:
    with contextlib.suppress(ValidationError):
        parse(kind, text)


@pytest.mark.parametrize(
    "text", ["(" * 4000, "NOT " * 1000, "size(" * 700, "a." * 2000, "a[0]" * 1000]
)
@pytest.mark.parametrize("kind", ["update", "projection", "key", "condition"])
def test_no_nesting_is_too_deep_to_be_refused(kind: str, text: str) -> None:
    with pytest.raises(ValidationError):
        parse(kind, text)
    with pytest.raises(ValidationError):
        parse(kind, f"SET a = {text}")


def test_and_binds_closer_than_or_and_not_closest() -> None:
    exists = {name: Exists((name,)) for name in "abc"}
    text = "NOT attribute_exists(a) and attribute_exists(b) OR attribute_exists(c)"
    assert parse("condition", text) == AnyOf((All((Not(exists["a"]), exists["b"])), exists["c"]))
    grouped = "attribute_exists(a) AND (attribute_exists(b) OR attribute_exists(c))"
    assert parse("condition", grouped) == All((exists["a"], AnyOf((exists["b"], exists["c"]))))


def test_operands_are_paths_values_and_sizes() -> None:
    assert parse("condition", "#n.b[2].c<=size(a)") == Compare(
        "<=", At(("name", "b", 2, "c")), Size(At(("a",)))
    )


def test_an_update_has_four_sections() -> None:
    text = "SET a = if_not_exists(b, :v) + :v, c[1]=list_append(:l, d) remove e.f ADD g :v"
    update = parse("update", text)
    assert update.actions == (
        Set(
            ("a",),
            Arithmetic("+", IfNotExists(("b",), Literally(Value(n="1"))), Literally(Value(n="1"))),
        ),
        Set(("c", 1), ListAppend(Literally(Value(l=[])), At(("d",)))),
        Remove(("e", "f")),
        Add(("g",), Value(n="1")),
    )
    given = Substitutes(None, {":t": Value(ss=["x"])})
    assert parse_update("DELETE h :t", given).actions == (Delete(("h",), Value(ss=["x"])),)


def test_key_conditions_may_stand_in_any_order() -> None:
    for text in ("a = :v AND begins_with(b, :s)", "(begins_with(b, :s)) AND (a = :v)"):
        found = parse("key", text)
        assert found.partition == Value(n="1")
        assert found.bound == Bound("begins_with", Value(s="x"))
    assert parse("key", "a = :v and :s > b").bound == Bound("<", Value(s="x"))


def test_there_are_573_reserved_words() -> None:
    assert len(RESERVED) == 573
    assert {"NAME", "STATUS", "SIZE", "TTL", "OWNER", "TIMESTAMP"} <= RESERVED


@pytest.mark.parametrize(
    ("kind", "text", "refusal"),
    [
        ("condition", "", "The expression can not be empty;"),
        ("condition", "a = ", 'Syntax error; token: "<EOF>", near: "= "'),
        ("condition", "a == :v", 'Syntax error; token: "=", near: "== :v"'),
        ("condition", "a ! :v", 'Syntax error; token: "!", near: "a ! :v"'),
        ("condition", "Status = :v", "Attribute name is a reserved keyword; reserved keyword: "
         "Status"),
        ("condition", "#x = :v", "An expression attribute name used in the document path is not "
         "defined; attribute name: #x"),
        ("condition", "a = :x", "An expression attribute value used in expression is not defined; "
         "attribute value: :x"),
        ("condition", "foo(a)", "Invalid function name; function: foo"),
        ("condition", "attribute_exists(a, b)", "Incorrect number of operands for operator or "
         "function; operator or function: attribute_exists, number of operands: 2"),
        ("condition", "attribute_exists(:v)", "Operator or function requires a document path; "
         "operator or function: attribute_exists"),
        ("condition", "begins_with(a, :v)", "Incorrect operand type for operator or function; "
         "operator or function: begins_with, operand type: N"),
        ("condition", "a < :l", "Incorrect operand type for operator or function; operator or "
         "function: <, operand type: L"),
        ("condition", "a = a", "The first operand must be distinct from the remaining operands for "
         "this operator or function; operator: =, first operand: [a]"),
        ("condition", "a BETWEEN :w AND :v", "The BETWEEN operator requires upper bound to be "
         "greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper "
         "bound operand: AttributeValue: {N:1}"),
        ("condition", "a BETWEEN :s AND :v", "The BETWEEN operator requires same data type for "
         "lower and upper bounds; lower bound operand: AttributeValue: {S:x}, upper bound operand: "
         "AttributeValue: {N:1}"),
        ("condition", "a = contains(b, :s)", "The function is not allowed to be used this way in "
         "an expression; function: contains"),
        ("condition", "attribute_type(a, :s)", "Invalid attribute type name found; type: x, valid "
         "types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
        ("update", "a = :v", 'Syntax error; token: "a", near: "a ="'),
        ("update", "SET a = :v SET b = :v", 'The "SET" section can only be used once in an update '
         "expression;"),
        ("update", "SET a = :v, a.b = :v", "Two document paths overlap with each other; must "
         "remove or rewrite one of these paths; path one: [a], path two: [a, b]"),
        ("update", "SET a.b = :v, a = :v", "Two document paths overlap with each other; must "
         "remove or rewrite one of these paths; path one: [a, b], path two: [a]"),
        ("update", "SET a[0] = :v REMOVE a.b", "Two document paths conflict with each other; must "
         "remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]"),
        ("update", "ADD a :s", "Incorrect operand type for operator or function; operator: ADD, "
         "operand type: STRING"),
        ("update", "DELETE a :v", "Incorrect operand type for operator or function; operator: "
         "DELETE, operand type: NUMBER"),
        ("update", "SET a = b + :s", "Incorrect operand type for operator or function; operator "
         "or function: +, operand type: S"),
        ("update", "SET a = list_append(b, :v)", "Incorrect operand type for operator or function; "
         "operator or function: list_append, operand type: N"),
        ("projection", "a, b, a", "Two document paths overlap with each other; must remove or "
         "rewrite one of these paths; path one: [a], path two: [a]"),
    ],
)  # fmt: skip
def test_refusals_are_worded_as_aws_words_them(kind: str, text: str, refusal: str) -> None:
    parameter = {
        "condition": "ConditionExpression",
        "update": "UpdateExpression",
        "projection": "ProjectionExpression",
    }[kind]
    with pytest.raises(ValidationError) as refused:
        parse(kind, text)
    assert refused.value.message == f"Invalid {parameter}: {refusal}"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("b = :s", "Query condition missed key schema element: a"),
        ("a = :v AND c = :v", "Query condition missed key schema element: b"),
        ("a > :v", "Query key condition not supported"),
        ("a = :v OR b = :s", "Invalid operator used in KeyConditionExpression: OR"),
        ("a = :v AND b <> :s", "Invalid operator used in KeyConditionExpression: <>"),
        ("a = :v AND a = :w", "Invalid KeyConditionExpression: KeyConditionExpressions must only "
         "contain one condition per key"),
        ("a = :s", "One or more parameter values were invalid: Condition parameter type does not "
         "match schema type"),
        ("a = :v AND attribute_exists(b)", "Query key condition not supported"),
    ],
)  # fmt: skip
def test_keys_can_only_be_asked_for_one_range(text: str, refusal: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse("key", text)
    assert refused.value.message == refusal


def test_substitutes_must_be_used_and_well_named() -> None:
    given = substitutes()
    parse_condition("ConditionExpression", "#n = :v", given)
    with pytest.raises(ValidationError, match=r"ExpressionAttributeNames unused .* keys: \{#m\}"):
        given.check_used()
    with pytest.raises(ValidationError, match="ExpressionAttributeNames must not be empty"):
        Substitutes({}, None)
    with pytest.raises(ValidationError, match='Syntax error; key: "x"'):
        Substitutes(None, {"x": Value(n="1")})
    with pytest.raises(ValidationError, match=r"contains invalid value: .* for key :v"):
        Substitutes(None, {":v": Value()})
