"""Changes items: conditions, limits, and the index entries that follow, in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from millpond.engines.records.interface import Transaction
from millpond.services.dynamodb import store
from millpond.services.dynamodb.errors import ConditionalCheckFailed, ValidationError
from millpond.services.dynamodb.model.capacity import Consumed, write_units
from millpond.services.dynamodb.model.expressions.evaluate import holds
from millpond.services.dynamodb.model.expressions.nodes import Condition
from millpond.services.dynamodb.model.keys import belongs, check_index_keys, entry_place, place_of
from millpond.services.dynamodb.model.tables import Index, Table
from millpond.services.dynamodb.model.values import (
    ITEM_SIZE_BYTES_MAX,
    Item,
    Value,
    item_size_bytes,
)

Make = Callable[[Item | None], Item | None]
"""The new item for the old one; None where there is to be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a request does to the item of one key. Without `make` it only asks its condition."""

    key: Item
    make: Make | None = None
    condition: Condition | None = None
    shows_item: bool = False
    """A failed condition shows the item as it is."""
    too_large: str = "Item size has exceeded the maximum allowed size"


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change found and left, and what it consumed."""

    old: Item | None
    new: Item | None
    consumed: Consumed = field(default_factory=Consumed)


async def change_item(transaction: Transaction, table: Table, change: Change) -> Changed:
    """Do `change`.

    Raises:
        ConditionalCheckFailed: its condition does not hold; nothing was written.
        ValidationError: what it makes is no item of this table.
    """
    place = place_of(table.schema, change.key)
    stored = await store.load_item(transaction, table, place)
    old = None if stored is None else stored.item
    old_size = 0 if stored is None else stored.size_bytes
    if change.condition is not None and not holds(change.condition, old or {}):
        raise ConditionalCheckFailed(old if change.shows_item else None)
    if change.make is None:
        return Changed(old, old, Consumed(write_units(old_size)))
    new = change.make(old)
    size = 0
    if new is not None:
        size = item_size_bytes(new)
        if size > ITEM_SIZE_BYTES_MAX:
            raise ValidationError(change.too_large)
        check_index_keys(table, new)
    return Changed(old, new, replace_item(transaction, table, place, (old, old_size), (new, size)))


def replace_item(
    transaction: Transaction,
    table: Table,
    place: bytes,
    before: tuple[Item | None, int],
    after: tuple[Item | None, int],
) -> Consumed:
    """Put an item (with its size) in the place of another, with all that follows it."""
    (old, old_size), (new, size) = before, after
    key = store.items_prefix(table) + place
    if new is not None and new != old:
        transaction.put(key, store.stored_value(new, size))
    elif new is None and old is not None:
        transaction.delete(key)
    consumed = Consumed(write_units(max(old_size, size)))
    for index in table.maintained:
        units = _follow(transaction, table, index, old, new)
        if units and index.name:
            consumed.add_index(index.name, units, local=index.local)
    return consumed


def enter(transaction: Transaction, table: Table, index: Index, item: Mapping[str, Value]) -> None:
    """Write an item's entry in `index`, if it has one."""
    _follow(transaction, table, index, None, item)


def _follow(
    transaction: Transaction,
    table: Table,
    index: Index,
    old: Mapping[str, Value] | None,
    new: Mapping[str, Value] | None,
) -> float:
    """Bring an index's entry up to date; the units that it takes."""
    was = _entry(table, index, old)
    becomes = _entry(table, index, new)
    if was == becomes:
        return 0.0
    prefix = store.entries_prefix(index)
    units = 0.0
    if was is not None and (becomes is None or becomes[0] != was[0]):
        transaction.delete(prefix + was[0])
        units += write_units(item_size_bytes(was[1]))
    if becomes is not None:
        size = item_size_bytes(becomes[1])
        transaction.put(prefix + becomes[0], store.stored_value(becomes[1], size))
        replaced = was is not None and becomes[0] == was[0]
        units += write_units(max(size, item_size_bytes(was[1]) if replaced and was else 0))
    return units


def _entry(
    table: Table, index: Index, item: Mapping[str, Value] | None
) -> tuple[bytes, Mapping[str, Value]] | None:
    """Where an item's entry lies and what it holds; None when `index` does not have the item."""
    if item is None or not belongs(index, item):
        return None
    names = table.projected(index)
    if names is not None:
        item = {name: value for name, value in item.items() if name in names}
    return entry_place(table, index, item), item
