"""Reads ProjectionExpression, and takes what it names out of an item."""

from collections.abc import Mapping, Sequence

from millpond.services.dynamodb.model.expressions.nodes import Path
from millpond.services.dynamodb.model.expressions.tokens import Cursor, Substitutes, check_apart
from millpond.services.dynamodb.model.values import Item, Value

_Tree = dict[str | int, "_Tree"]


class Projection:
    """The parts of an item that are asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self._tree: _Tree = {}
        for path in paths:
            branch = self._tree
            for part in path:
                branch = branch.setdefault(part, {})

    @property
    def names(self) -> frozenset[str]:
        """The attributes that the paths begin with."""
        return frozenset(str(path[0]) for path in self.paths)

    def of(self, item: Mapping[str, Value]) -> Item:
        """What `item` has of them. Elements of a list that are not asked for close up."""
        return _of_map(self._tree, item)


def parse_projection(text: str, substitutes: Substitutes) -> Projection:
    """The projection that `text` says.

    Raises:
        ValidationError: it is none; AWS's words say where.
    """
    cursor = Cursor("ProjectionExpression", text, substitutes)
    paths = [cursor.path()]
    while cursor.take_sign(","):
        paths.append(cursor.path())
    cursor.expect_end()
    check_apart(cursor, paths)
    return Projection(paths)


def _of_map(tree: _Tree, held: Mapping[str, Value]) -> Item:
    found: Item = {}
    for name, branch in tree.items():
        value = held.get(name) if isinstance(name, str) else None
        if value is not None and (part := _of(branch, value)) is not None:
            found[str(name)] = part
    return found


def _of(tree: _Tree, value: Value) -> Value | None:
    """The part of `value` that `tree` names; None when it has none of it."""
    if not tree:
        return value
    if value.m is not None:
        inside = _of_map(tree, value.m)
        return Value(m=inside) if inside else None
    if value.l is not None:
        places = sorted(part for part in tree if isinstance(part, int) and part < len(value.l))
        parts = [_of(tree[place], value.l[place]) for place in places]
        elements = [part for part in parts if part is not None]
        return Value(l=elements) if elements else None
    return None
