"""The graph of a visual job: its nodes, read and ordered.

Nodes are ordered so that inputs come first, and otherwise by their identifiers, numbers in them by
their size: the same graph has the same order, however it was sent.
"""

import heapq
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.shapes import CodeGenConfigurationNode
from millpond.services.glue.visual.kinds import MANY, REFUSED, kind_of

NODE_ID = re.compile(r"[A-Za-z0-9_-]+\Z")
MEMBERS: Mapping[str, str] = dict(
    zip(
        CodeGenConfigurationNode.__struct_fields__,
        CodeGenConfigurationNode.__struct_encode_fields__,
        strict=True,
    )
)
"""AWS's names of the kinds of nodes, by ours."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `kind` is AWS's name of its kind, `body` that kind's structure."""

    id: str
    kind: str
    body: Any

    @property
    def name(self) -> str:
        return self.body.name or ""

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(getattr(self.body, "inputs", None) or ())

    def refusal(self, why: str) -> InvalidInput:
        """The refusal of this node; `why` is a sentence."""
        return InvalidInput(f"Node '{self.id}' ({self.name}): {why}")


@dataclass(frozen=True)
class Graph:
    """The nodes by their identifiers, inputs before those that read them."""

    nodes: Mapping[str, Node]

    @cached_property
    def readers(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that read each node."""
        found: dict[str, list[Node]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            for name in dict.fromkeys(node.inputs):
                found[name].append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def after(self, start: str) -> set[str]:
        """The nodes that a node's rows reach, and the node."""
        reached, waiting = {start}, [start]
        while waiting:
            for reader in self.readers[waiting.pop()]:
                if reader.id not in reached:
                    reached.add(reader.id)
                    waiting.append(reader.id)
        return reached


def read_graph(given: Mapping[str, CodeGenConfigurationNode]) -> Graph:
    """Read the nodes of a job.

    Raises:
        InvalidInput: a node is not one kind of node, or of one that is not implemented; its inputs
            are not there, too many or too few, targets, or lead in a circle.
    """
    if not given:
        raise InvalidInput("CodeGenConfigurationNodes has no nodes.")
    nodes = {name: _read_node(name, given[name]) for name in sorted(given, key=natural)}
    for node in nodes.values():
        _check_inputs(node, nodes)
    return Graph(_ordered(nodes))


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts numbers within names by their size."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple(_sized(part) if part.isdigit() else (1, 0, part) for part in parts)


def _sized(digits: str) -> tuple[int, int, str]:
    number = digits.lstrip("0")
    return 0, len(number), number


def _read_node(name: str, given: CodeGenConfigurationNode) -> Node:
    if not NODE_ID.match(name):
        raise InvalidInput(
            f"Node '{name}': an identifier has letters, digits, underscores and hyphens alone."
        )
    found = [(aws, getattr(given, ours)) for ours, aws in MEMBERS.items()]
    found = [(aws, body) for aws, body in found if body is not None]
    if len(found) != 1:
        named = " and ".join(aws for aws, _ in found) or "none"
        raise InvalidInput(f"Node '{name}': a node is of exactly one kind, this is of {named}.")
    node = Node(name, *found[0])
    if reason := REFUSED.get(node.kind):
        raise node.refusal(f"{node.kind} is not implemented: {reason}")
    return node


def _check_inputs(node: Node, nodes: Mapping[str, Node]) -> None:
    kind = kind_of(node.kind)
    for name in node.inputs:
        if name not in nodes:
            raise node.refusal(f"its input '{name}' is not a node.")
        if name == node.id:
            raise node.refusal("it is its own input.")
        if kind_of(nodes[name].kind).role == "target":
            raise node.refusal(f"its input '{name}' is a target, which nothing can read.")
    if len(set(node.inputs)) < len(node.inputs):
        raise node.refusal("it has the same input twice.")
    if kind.inputs == MANY:
        if not node.inputs:
            raise node.refusal(f"{node.kind} has one input or more, this has none.")
    elif len(node.inputs) != kind.inputs:
        wanted = "one input" if kind.inputs == 1 else f"{kind.inputs} inputs"
        raise node.refusal(f"{node.kind} has {wanted}, this has {len(node.inputs) or 'none'}.")


def _ordered(nodes: Mapping[str, Node]) -> dict[str, Node]:
    missing = {name: set(node.inputs) for name, node in nodes.items()}
    readers: dict[str, list[str]] = {name: [] for name in nodes}
    for name, inputs in missing.items():
        for each in inputs:
            readers[each].append(name)
    ready = [(natural(name), name) for name, inputs in missing.items() if not inputs]
    heapq.heapify(ready)
    ordered: dict[str, Node] = {}
    while ready:
        _, name = heapq.heappop(ready)
        ordered[name] = nodes[name]
        for reader in readers[name]:
            missing[reader].discard(name)
            if not missing[reader]:
                heapq.heappush(ready, (natural(reader), reader))
    if len(ordered) < len(nodes):
        circle = _circle({name: node for name, node in nodes.items() if name not in ordered})
        raise circle[0].refusal(
            "its inputs lead back to it: " + " <- ".join(n.id for n in [*circle, circle[0]]) + "."
        )
    return ordered


def _circle(left: Mapping[str, Node]) -> list[Node]:
    """Nodes that read each other in a circle, among nodes that all wait for another of them."""
    node = left[min(left, key=natural)]
    walked: list[Node] = []
    while node not in walked:
        walked.append(node)
        node = left[next(name for name in node.inputs if name in left)]
    return walked[walked.index(node) :]
