"""Neighbouring `Project`s become one, so that a step calls DuckDB less often.

An inner one is taken into the outer where nothing else reads it and what it computes may be written
down where it is mentioned: what calls a Python function, or is another each time, only once.
"""

import re
from collections import Counter
from dataclasses import fields, replace

from millpond.engines.streams.plan import Node, Plan, Project, Sink
from millpond.engines.streams.sql.planning.prune import NAMES, functions_in
from millpond.engines.streams.types import quoted

_CHANGING = re.compile(r"\b(random|rand|uuid|gen_random_uuid|setseed)\s*\(", re.IGNORECASE)


def fused(plan: Plan) -> Plan:
    """The same plan with fewer nodes."""
    readers = Counter(below.id for node in plan.nodes() for below in node.inputs)
    made: dict[str, Node] = {}
    sinks = tuple(_rebuilt(sink, readers, made) for sink in plan.sinks)
    return replace(plan, sinks=tuple(sink for sink in sinks if isinstance(sink, Sink)))


def _rebuilt(node: Node, readers: Counter[str], made: dict[str, Node]) -> Node:
    known = made.get(node.id)
    if known is not None:
        return known
    changed: dict[str, object] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changed[each.name] = _rebuilt(value, readers, made)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[each.name] = tuple(_rebuilt(part, readers, made) for part in value)
    new = replace(node, **changed) if changed else node  # type: ignore[arg-type]
    if isinstance(new, Project) and isinstance(node, Project):
        new = _joined(new, shared=readers[node.input.id] > 1)
    made[node.id] = new
    return new


def _joined(outer: Project, *, shared: bool) -> Node:
    inner = outer.input
    if isinstance(inner, Project) and _fits(outer, inner, shared):
        by_name = dict(zip(inner.names, inner.expressions, strict=True))
        condition = _and(inner.condition, outer.condition and _written(outer.condition, by_name))
        processing = tuple(
            name
            for name, expression in zip(outer.names, outer.expressions, strict=True)
            if name in outer.processing or expression in map(quoted, inner.processing)
        )
        outer = replace(
            outer,
            input=inner.input,
            expressions=tuple(_written(each, by_name) for each in outer.expressions),
            condition=condition,
            unnest=inner.unnest,
            processing=processing,
            functions=tuple(sorted({*outer.functions, *inner.functions})),
        )
        return _joined(outer, shared=False)
    if _changes_nothing(outer):
        return outer.input
    return outer


def _fits(outer: Project, inner: Project, shared: bool) -> bool:
    plain = set(map(quoted, inner.input.names))
    trivial = inner.condition is None and all(each in plain for each in inner.expressions)
    if outer.unnest or (shared and not trivial):
        return False
    if inner.upsert_keys is not None and outer.upsert_keys is None:
        return False
    texts = [*outer.expressions, *([outer.condition] if outer.condition else ())]
    for name in inner.processing:
        if any(each != quoted(name) and quoted(name) in each for each in texts):
            return False
    if inner.functions and inner.condition and _calls(inner, inner.condition):
        return False
    return all(
        _is_free(inner, expression) or sum(text.count(quoted(name)) for text in texts) < 2
        for name, expression in zip(inner.names, inner.expressions, strict=True)
    )


def _calls(node: Project, expression: str) -> bool:
    return bool(functions_in(node.functions, [expression]))


def _is_free(node: Project, expression: str) -> bool:
    """Whether an expression may be computed more than once."""
    return not _calls(node, expression) and not _CHANGING.search(expression)


def _changes_nothing(node: Project) -> bool:
    below = node.input
    return (
        node.condition is None
        and node.unnest is None
        and not node.processing
        and node.columns == below.columns
        and node.expressions == tuple(map(quoted, below.names))
        and node.upsert_keys == below.upsert_keys
    )


def _and(first: str | None, then: str | None) -> str | None:
    """Both conditions; the second is not computed for rows that the first leaves out."""
    if first is None or then is None:
        return first or then
    return f"(CASE WHEN {first} THEN {then} ELSE FALSE END)"


def _written(expression: str, by_name: dict[str, str]) -> str:
    """An expression with others in place of the columns that it names."""

    def replacement(match: re.Match[str]) -> str:
        text = match.group()
        if text.startswith("'"):
            return text
        after = expression[match.end() : match.end() + 1]
        if after == "(":
            return text
        return by_name.get(text[1:-1].replace('""', '"'), text)

    return NAMES.sub(replacement, expression)
