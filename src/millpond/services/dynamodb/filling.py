"""Fills a new index, or the order of expiry, with the items that were there before it.

Writers keep it up to date from the moment it is in the table's record; this enters the rest, a few
items in a transaction. A race with a writer is run again: both have read the item.
"""

import msgspec

from millpond.engines.records.interface import Transaction, end_of, transact
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, Wake, schedule
from millpond.services.dynamodb import store
from millpond.services.dynamodb.model.tables import Index, Table
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.writing import enter

FILL_KIND = "fill"
FILLED_AT_ONCE = 100
"""Items that one transaction enters."""


def schedule_filling(transaction: Transaction, scope: Scope, table: Table, index: Index) -> None:
    """Have `index` filled in the background."""
    subject = f"{table.name}/{index.id}"
    schedule(transaction, Task("dynamodb", FILL_KIND, subject, 0, scope.account, scope.region))


async def fill(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Enter the items of a table in one of its indexes, and make that active at the end."""
    name, _, index_id = task.subject.partition("/")
    while not wake.stopping:
        if not await _fill_some(needs, task, name, index_id):
            return None
    return needs.clock.now_ms()


async def _fill_some(needs: Needs, task: Task, name: str, index_id: str) -> bool:
    """Enter the next items; False when nothing is left to do."""
    async with needs.records.transaction() as transaction:
        table, index = await _load(transaction, task, name, index_id)
        if table is None or index is None or not index.filling:
            return False
        start = await store.load_filling(transaction, index)
        prefix = store.items_prefix(table)
        places: list[bytes] = []
        async for key, _ in transaction.scan(prefix + start, end_of(prefix)):
            places.append(key[len(prefix) :])
            if len(places) > FILLED_AT_ONCE:
                break

    async def work(transaction: Transaction) -> bool:
        table, index = await _load(transaction, task, name, index_id)
        if table is None or index is None:
            return False
        for place in places[:FILLED_AT_ONCE]:
            stored = await store.load_item(transaction, table, place)
            if stored is not None:
                enter(transaction, table, index, stored.item)
        if len(places) > FILLED_AT_ONCE:
            store.save_filling(transaction, index, places[FILLED_AT_ONCE])
            return True
        store.delete_filling(transaction, index)
        store.save_table(transaction, task, _with_active(table, index))
        return False

    return await transact(needs.records, work)


async def _load(
    transaction: Transaction, task: Task, name: str, index_id: str
) -> tuple[Table | None, Index | None]:
    table = await store.load_table(transaction, task, name)
    if table is None:
        return None, None
    found = (index for index in table.maintained if index.id == index_id)
    return table, next(found, None)


def _with_active(table: Table, index: Index) -> Table:
    active = msgspec.structs.replace(index, filling=False)
    expiry = table.time_to_live
    if expiry is not None and expiry.order.id == index.id:
        return msgspec.structs.replace(
            table, time_to_live=msgspec.structs.replace(expiry, order=active)
        )
    indexes = tuple(active if each.id == index.id else each for each in table.indexes)
    return msgspec.structs.replace(table, indexes=indexes)
