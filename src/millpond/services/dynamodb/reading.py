"""Reads pages of items and index entries, for Query and Scan."""

from dataclasses import dataclass, field

from millpond.engines.records.interface import Transaction
from millpond.services.dynamodb import store
from millpond.services.dynamodb.model.capacity import read_units
from millpond.services.dynamodb.model.expressions.evaluate import holds
from millpond.services.dynamodb.model.expressions.nodes import Condition
from millpond.services.dynamodb.model.expressions.projections import Projection
from millpond.services.dynamodb.model.keys import key_of, place_of
from millpond.services.dynamodb.model.tables import Index, Table
from millpond.services.dynamodb.model.values import Item

PAGE_SIZE_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What to read: records in `[start, end)`, and what to show of them.

    `fetches`: entries of a local index stand for their whole items.
    """

    table: Table
    index: Index | None
    start: bytes
    end: bytes
    reverse: bool = False
    limit: int | None = None
    condition: Condition | None = None
    projection: Projection | None = None
    counts_only: bool = False
    fetches: bool = False


@dataclass(slots=True)
class Page:
    """`last` is the key to go on after; None at the end. `scanned` and sizes are
    those before filtering, and `fetched_units` are strong reads of whole items."""

    items: list[Item] = field(default_factory=list)
    count: int = 0
    scanned: int = 0
    size_bytes: int = 0
    fetched_units: float = 0.0
    last: Item | None = None


async def read_page(transaction: Transaction, reading: Reading) -> Page:
    """Items in order until the limit, the page's size or the end is reached."""
    page = Page()
    previous: store.Stored | None = None
    async for _, value in transaction.scan(reading.start, reading.end, reverse=reading.reverse):
        stored = store.read_stored(value)
        if previous is not None and page.size_bytes + stored.size_bytes > PAGE_SIZE_BYTES_MAX:
            page.last = _position(reading, previous)
            return page
        page.scanned += 1
        page.size_bytes += stored.size_bytes
        await _take(transaction, reading, page, stored)
        previous = stored
        if page.scanned == reading.limit:
            page.last = _position(reading, stored)
            return page
    return page


async def _take(
    transaction: Transaction, reading: Reading, page: Page, stored: store.Stored
) -> None:
    """Add what a record holds to the page, if it meets the filter."""
    if reading.counts_only and reading.condition is None:
        page.count += 1
        return
    item = stored.item
    if reading.fetches:
        place = place_of(reading.table.schema, item)
        whole = await store.load_item(transaction, reading.table, place)
        assert whole is not None, "An entry has its item."
        item = whole.item
        page.fetched_units += read_units(whole.size_bytes, consistent=True)
    if reading.condition is not None and not holds(reading.condition, item):
        return
    page.count += 1
    if not reading.counts_only:
        page.items.append(item if reading.projection is None else reading.projection.of(item))


def _position(reading: Reading, stored: store.Stored) -> Item:
    """The key of a record as clients send it back."""
    item = stored.item
    position = key_of(reading.table.schema, item)
    if reading.index is not None:
        position |= key_of(reading.index.schema, item)
    return position
