"""The types of columns, as far as a graph tells them.

Sources may tell their schema (`OutputSchemas`), mappings tell the types they make; nodes that
leave columns alone are looked through. Nothing is read for it.
"""

from collections.abc import Sequence

from millpond.services.glue.visual.graph import Graph, Node

TRANSPARENT = frozenset(
    {"Filter", "SelectFields", "DropFields", "DropDuplicates", "DropNullFields", "Spigot"}
)


def type_of(graph: Graph, name: str, path: Sequence[str]) -> str | None:
    """Glue's type of a column behind a node, or None where the graph does not tell."""
    node = graph.nodes[name]
    while node.kind in TRANSPARENT:
        node = graph.nodes[node.inputs[0]]
    if node.kind == "ApplyMapping":
        return _mapped(node, path)
    wanted = ".".join(path)
    for schema in getattr(node.body, "output_schemas", None) or ():
        for column in schema.columns or ():
            if column.name == wanted and column.type:
                return _base(column.type)
    return None


def _mapped(node: Node, path: Sequence[str]) -> str | None:
    mappings = node.body.mapping
    for name in path[:-1]:
        inner = [each.children or [] for each in mappings if each.to_key == name]
        mappings = inner[0] if inner else []
    found = [each.to_type for each in mappings if each.to_key == path[-1] and not each.dropped]
    return _base(found[0]) if found and found[0] else None


def _base(kind: str) -> str:
    return kind.partition("(")[0].strip().lower()
