"""Conditions on rows, as Python that is true of the rows to keep.

A constant is a number where it looks like one, unless its column is known to hold text; values
that look like nothing else are text. Which column holds what is known from the node's inputs, as
far as they say so (`columns`).
"""

import re
from collections.abc import Sequence
from typing import Any

from millpond.services.glue.visual.columns import type_of
from millpond.services.glue.visual.graph import Graph, Node
from millpond.services.glue.visual.layout import Condition, literal

OPERATORS = {"EQ": "==", "LT": "<", "GT": ">", "LTE": "<=", "GTE": ">="}
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
WORDS = {"true": "True", "false": "False"}
TEXT_TYPES = frozenset({"string", "char", "varchar"})


def condition(graph: Graph, node: Node, filters: Sequence[Any], operator: str) -> Condition:
    """The condition of a node's filters, put together by `AND` or `OR`."""
    if not filters:
        raise node.refusal("Filters has no filter.")
    parts = tuple(_test(graph, node, each) for each in filters)
    return Condition(operator.lower(), parts)


def uses_patterns(filters: Sequence[Any]) -> bool:
    """Whether the condition needs `re`."""
    return any(each.operation == "REGEX" for each in filters)


def _test(graph: Graph, node: Node, given: Any) -> str:
    written = _plain(graph, node, given)
    return f"(not ({written}))" if given.negated else written


def _plain(graph: Graph, node: Node, given: Any) -> str:
    operation, values = given.operation, given.values
    columns = [each for each in values if each.type == "COLUMNEXTRACTED"]
    constants = [each for each in values if each.type == "CONSTANT"]
    if not columns:
        raise node.refusal(f"a filter {operation} names no column (COLUMNEXTRACTED).")
    field = _field(node, columns[0])
    if operation == "ISNULL":
        if len(values) != 1:
            raise node.refusal("a filter ISNULL has one value, the column.")
        return f"{field} is None"
    if len(values) != 2:
        raise node.refusal(f"a filter {operation} has two values, not {len(values)}.")
    if operation == "REGEX":
        if not constants:
            raise node.refusal("a filter REGEX has a column and a constant, its pattern.")
        pattern = _constant(node, constants[0])
        try:
            re.compile(pattern)
        except (re.error, OverflowError) as error:
            raise node.refusal(f"the pattern {pattern!r} is not valid: {error}.") from None
        except RecursionError:
            raise node.refusal(f"the pattern {pattern!r} is nested too deeply.") from None
        return f"bool(re.match({literal(pattern)}, {field}))"
    kind = type_of(graph, node.inputs[0], columns[0].value)
    sides = [
        _field(node, each)
        if each.type == "COLUMNEXTRACTED"
        else written_constant(_constant(node, each), kind)
        for each in values
    ]
    return f"{sides[0]} {OPERATORS[operation]} {sides[1]}"


def _field(node: Node, given: Any) -> str:
    if not given.value or not all(given.value):
        raise node.refusal("a filter's column has an empty name.")
    return "row" + "".join(f"[{literal(name)}]" for name in given.value)


def _constant(node: Node, given: Any) -> str:
    if len(given.value) != 1:
        raise node.refusal(f"a filter's constant is one text, not {len(given.value)}.")
    constant: str = given.value[0]
    return constant


def written_constant(text: str, kind: str | None) -> str:
    """The constant as Python; `kind` is Glue's type of the column, where it is known."""
    if kind in TEXT_TYPES:
        return literal(text)
    if NUMBER.match(text):
        return text
    if kind == "boolean" or (kind is None and text in WORDS):
        return WORDS.get(text.lower(), literal(text))
    return literal(text)
