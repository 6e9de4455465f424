"""How many items tables have.

Writers keep no counter: it would be what they all meet at. A small table is counted when it is
described; a larger one shows when it was last counted, which a task does again where that is older
than `COUNTED_AGAIN_MS`. DynamoDB's own figures are up to six hours old.
"""

from millpond.engines.records.interface import Transaction, end_of, transact
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, Wake, schedule
from millpond.services.dynamodb import store
from millpond.services.dynamodb.model.tables import Table
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.store import Counts

COUNTED_AT_ONCE = 1000
"""Records that a description counts, of the table and its indexes each."""
COUNTED_AGAIN_MS = 10 * 60 * 1000
COUNT_KIND = "count"


async def current_counts(transaction: Transaction, needs: Needs, table: Table) -> Counts | None:
    """The counts of a small table; None of a larger one."""
    counted = await store.count(transaction, store.items_prefix(table), COUNTED_AT_ONCE)
    if counted is None:
        return None
    indexes = {}
    for index in table.indexes:
        entries = await store.count(transaction, store.entries_prefix(index), COUNTED_AT_ONCE)
        if entries is not None:
            indexes[index.id] = entries
    return Counts(needs.clock.now_ms(), counted, indexes)


async def last_counts(transaction: Transaction, needs: Needs, table: Table) -> tuple[Counts, bool]:
    """The counts that were last taken, and whether they are too old."""
    counts = await store.load_counts(transaction, table)
    if counts is None:
        return Counts(0, (0, 0)), True
    return counts, counts.at_ms + COUNTED_AGAIN_MS <= needs.clock.now_ms()


def schedule_count(transaction: Transaction, scope: Scope, table: Table) -> None:
    """Have a table counted in the background."""
    schedule(transaction, Task("dynamodb", COUNT_KIND, table.name, 0, scope.account, scope.region))


async def count_table(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Count a table's items and its indexes' entries, a few thousand at a time."""
    async with needs.records.transaction() as transaction:
        table = await store.load_table(transaction, task, task.subject)
    if table is None:
        return None
    ranges = [store.items_prefix(table), *map(store.entries_prefix, table.indexes)]
    found: list[tuple[int, int]] = []
    for prefix in ranges:
        records = size_bytes = 0
        place: bytes | None = prefix
        while place is not None:
            if wake.stopping:
                return needs.clock.now_ms()
            async with needs.records.transaction() as transaction:
                more, place = await store.count_from(transaction, place, end_of(prefix), 5000)
            records, size_bytes = records + more[0], size_bytes + more[1]
        found.append((records, size_bytes))
    indexes = {index.id: each for index, each in zip(table.indexes, found[1:], strict=True)}
    counts = Counts(needs.clock.now_ms(), found[0], indexes)

    async def keep(transaction: Transaction) -> None:
        now = await store.load_table(transaction, task, task.subject)
        if now is not None and now.id == table.id:
            store.save_counts(transaction, table, counts)

    await transact(needs.records, keep)
    return None
