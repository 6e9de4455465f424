"""Deletes items whose time has come.

The order of expiry is an index of all items by that time, kept like any other: a look at its
beginning is enough, once a minute. Until they are deleted, expired items are there to be read, as
in DynamoDB; items that expired more than five years ago stay.
"""

from decimal import Decimal

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, Wake, schedule
from millpond.services.dynamodb import store
from millpond.services.dynamodb.model.keys import place_of
from millpond.services.dynamodb.model.ranges import expiry_range
from millpond.services.dynamodb.model.tables import Table
from millpond.services.dynamodb.model.values import Item
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.writing import replace_item

EXPIRE_KIND = "expire"
LOOKED_AGAIN_MS = 60_000
DELETED_AT_ONCE = 100
OLDEST_SECONDS = 5 * 365 * 24 * 3600


def schedule_expiry(transaction: Transaction, scope: Scope, table: Table) -> None:
    """Have a table's expired items deleted from now on."""
    task = Task("dynamodb", EXPIRE_KIND, table.name, 0, scope.account, scope.region)
    schedule(transaction, task)


async def expire(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Delete what has expired, and say when to look again."""
    while not wake.stopping:
        now_seconds = needs.clock.now_ms() // 1000
        async with needs.records.transaction() as transaction:
            table = await store.load_table(transaction, task, task.subject)
            if table is None or table.time_to_live is None:
                return None
            found = await _expired(transaction, table, now_seconds)
        if found:
            await transact(needs.records, _Deletion(task, found, now_seconds))
        if len(found) < DELETED_AT_ONCE:
            break
    return needs.clock.now_ms() + LOOKED_AGAIN_MS


async def _expired(transaction: Transaction, table: Table, now_seconds: int) -> list[Item]:
    """Keys of the first items that have expired."""
    assert table.time_to_live is not None
    prefix = store.entries_prefix(table.time_to_live.order)
    start, end = expiry_range(now_seconds - OLDEST_SECONDS, now_seconds)
    found: list[Item] = []
    async for _, value in transaction.scan(prefix + start, prefix + end):
        found.append(store.read_stored(value).item)
        if len(found) == DELETED_AT_ONCE:
            break
    return found


class _Deletion:
    """The deletion of items that had expired when they were looked for."""

    def __init__(self, task: Task, keys: list[Item], now_seconds: int) -> None:
        self._task = task
        self._keys = keys
        self._now_seconds = now_seconds

    async def __call__(self, transaction: Transaction) -> None:
        table = await store.load_table(transaction, self._task, self._task.subject)
        if table is None or table.time_to_live is None:
            return
        for key in self._keys:
            place = place_of(table.schema, key)
            stored = await store.load_item(transaction, table, place)
            if stored is None:
                continue
            item = stored.item
            until = item.get(table.time_to_live.attribute)
            if until is None or until.n is None or Decimal(until.n) > self._now_seconds:
                continue
            replace_item(transaction, table, place, (item, stored.size_bytes), (None, 0))
