"""What a query gives while it is planned: a node, and what SQL sees of its columns.

SQL's names are kept apart from the node's: selecting, renaming and leaving out columns makes no
node. A window that a table function assigns, and a row's rank, wait here as well until it shows
what they are used for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from millpond.engines.streams.plan import KIND, Node, Window
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.types import Column, DataType, quoted

TimeRole = Literal["rowtime", "processing"]
WindowRole = Literal["start", "end", "time"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column as SQL sees it: `column` is its name in the node, `table` the alias that may qualify
    it. One that is `hidden` is there by its name, and no part of `*`."""

    name: str
    column: str
    type: DataType
    table: str | None = None
    time: TimeRole | None = None
    window: WindowRole | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Assigned:
    """A window table function that no node stands for yet: its columns are in `fields` and not in
    the node."""

    window: Window
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """`column` of the node, and how it sorts."""

    column: str
    descending: bool
    nulls_first: bool

    def sql(self) -> str:
        direction = "DESC" if self.descending else "ASC"
        return f"{quoted(self.column)} {direction} NULLS {'FIRST' if self.nulls_first else 'LAST'}"


@dataclass(frozen=True, slots=True)
class Ranking:
    """ROW_NUMBER() and its kin over keys, that a filter may make a Top-N or a deduplication:
    `name` is the column that it gives, in `fields` and not in the node."""

    function: str
    name: str
    keys: tuple[Field, ...]
    order: tuple[Order, ...]
    ordered: tuple[Field, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Relation:
    """`windowed` tells which windows its rows carry (fields with a window role), for comparison
    with another's: equal ones can be joined by window."""

    node: Node
    fields: tuple[Field, ...]
    windowed: Window | None = None
    assigned: Assigned | None = None
    ranking: Ranking | None = None

    def aliased(self, table: str | None, names: Iterable[str] = ()) -> "Relation":
        """With `table` before its columns, and perhaps other names for them."""
        names = tuple(names)
        fields = tuple(
            replace(each, table=table, name=names[place] if names else each.name)
            for place, each in enumerate(self.fields)
        )
        return replace(self, fields=fields)

    def role(self, role: WindowRole) -> Field | None:
        """The first field that is the window's start, end or time."""
        return next((each for each in self.fields if each.window == role), None)

    def column(self, name: str) -> Column:
        """A column of the node."""
        return next(column for column in self.node.columns if column.name == name)

    @property
    def changes(self) -> bool:
        return self.node.upsert_keys is not None


def fields_of(node: Node, table: str | None = None) -> tuple[Field, ...]:
    """All columns of a node, as they are named there."""
    return tuple(
        Field(
            column.name,
            column.name,
            column.type,
            table,
            time="rowtime" if column.name == node.rowtime else None,
        )
        for column in node.columns
        if column.name != KIND
    )


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """A column's name that is not taken: the wanted one, or with the first number that helps."""
    taken = set(taken)
    if wanted not in taken:
        return wanted
    number = 0
    while f"{wanted}{number}" in taken:
        number += 1
    return f"{wanted}{number}"
