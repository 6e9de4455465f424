"""Columns that nothing reads any more are left out before nodes that remember rows."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields, replace

from millpond.engines.streams.plan import (
    KIND,
    AssignWindows,
    Deduplicate,
    Join,
    Node,
    Over,
    Plan,
    Project,
    PythonFunction,
    Sink,
    Union,
)
from millpond.engines.streams.types import quoted

NAMES = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
"""The literals and the quoted names of an expression."""

_NARROWED = AssignWindows | Deduplicate | Join | Over | Union


def mentioned(expression: str | None) -> set[str]:
    """The names that an expression has in it."""
    found = NAMES.findall(expression or "")
    return {text[1:-1].replace('""', '"') for text in found if text.startswith('"')}


def functions_in(functions: Iterable[str], expressions: Iterable[str]) -> tuple[str, ...]:
    """The Python functions, of these, that expressions call."""
    texts = list(expressions)
    calls = {name: PythonFunction(name, "", "").called for name in functions}
    return tuple(name for name, call in calls.items() if any(f"{call}(" in text for text in texts))


def pruned(plan: Plan) -> Plan:
    """The same plan with fewer columns."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for node in reversed(list(plan.nodes())):
        for below in node.inputs:
            wanted[below.id] |= _asked(node, below, wanted[node.id])
    made: dict[str, Node] = {}
    sinks = tuple(_rebuilt(sink, wanted, made) for sink in plan.sinks)
    return replace(plan, sinks=tuple(sink for sink in sinks if isinstance(sink, Sink)))


def _asked(node: Node, below: Node, wanted: set[str]) -> set[str]:
    """The columns of an input that a node reads when these of its own are."""
    match node:
        case Project():
            texts = [
                expression
                for name, expression in zip(node.names, node.expressions, strict=True)
                if _stays(node, name, wanted)
            ]
            texts += [node.condition or "", node.unnest[1] if node.unnest else ""]
            asked = {name for text in texts for name in mentioned(text)}
        case AssignWindows():
            asked = {*wanted, node.window.time, *node.keys}
        case Deduplicate():
            asked = {*wanted, node.time, *node.keys}
        case Over():
            asked = {*wanted, node.time, *node.keys}
            for each in node.functions:
                asked |= {*each.arguments, each.condition or ""}
        case Join():
            times = {node.left_time or "", node.right_time or ""}
            asked = {*wanted, *node.left_keys, *node.right_keys, *times}
            asked |= mentioned(node.condition)
        case Union():
            asked = wanted
        case _:
            return set(below.names)
    return {*asked, *(below.upsert_keys or ()), KIND} & set(below.names)


def _stays(node: Node, name: str, wanted: Iterable[str]) -> bool:
    return name in wanted or name == KIND or name in (node.upsert_keys or ())


def _rebuilt(node: Node, wanted: defaultdict[str, set[str]], made: dict[str, Node]) -> Node:
    if node.id in made:
        return made[node.id]
    changed: dict[str, object] = {}
    asked = wanted[node.id]
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changed[each.name] = _input(node, value, wanted, made)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[each.name] = tuple(_input(node, part, wanted, made) for part in value)
    if isinstance(node, Project):
        kept = [place for place, name in enumerate(node.names) if _stays(node, name, asked)]
        kept = kept or [0]
        changed["columns"] = tuple(node.columns[place] for place in kept)
        changed["expressions"] = tuple(node.expressions[place] for place in kept)
        changed["processing"] = tuple(each for each in node.processing if each in asked)
        texts = [str(node.condition), str(node.unnest)]
        texts += [node.expressions[place] for place in kept]
        changed["functions"] = functions_in(node.functions, texts)
    elif isinstance(node, _NARROWED):
        inputs = {name for value in changed.values() for name in _names(value)}
        own = {*node.names} - {name for below in node.inputs for name in below.names}
        changed["columns"] = tuple(column for column in node.columns if column.name in inputs | own)
    new = replace(node, **changed) if changed else node  # type: ignore[arg-type]
    if new.rowtime not in new.names:
        new = replace(new, rowtime=None)
    made[node.id] = new
    return made[node.id]


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, Node):
        return value.names
    (first, *_) = value if isinstance(value, tuple) else ()
    assert isinstance(first, Node)
    return first.names


def _input(
    node: Node, below: Node, wanted: defaultdict[str, set[str]], made: dict[str, Node]
) -> Node:
    """An input with the columns alone that a node reads, where it remembers them."""
    new = _rebuilt(below, wanted, made)
    if not isinstance(node, _NARROWED) or (isinstance(node, Over) and isinstance(new, Over)):
        return new
    asked = _asked(node, below, wanted[node.id])
    kept = [column for column in new.columns if column.name in asked]
    if len(kept) == len(new.columns) or not kept:
        return new
    return Project(
        tuple(kept),
        new,
        tuple(quoted(column.name) for column in kept),
        rowtime=new.rowtime if new.rowtime in asked else None,
        upsert_keys=new.upsert_keys,
        where=node.where,
    )
