"""DynamoDB's work in the background: filling indexes, expiry, counting, and clearing up."""

from collections.abc import Mapping

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.dynamodb import store
from millpond.services.dynamodb.counting import COUNT_KIND, count_table
from millpond.services.dynamodb.expiring import EXPIRE_KIND, expire
from millpond.services.dynamodb.filling import FILL_KIND, fill
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.store import TOKEN_KEPT_MS

SWEPT_AT_ONCE = 1000
"""Records that one transaction removes."""
_TOKENS_AT_ONCE = 1000


async def sweep(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove what is below a table or index that is gone."""
    prefix = bytes.fromhex(task.subject)

    async def work(transaction: Transaction) -> int:
        return await store.sweep(transaction, prefix, SWEPT_AT_ONCE)

    while await transact(needs.records, work):
        if wake.stopping:
            return needs.clock.now_ms()
    return None


async def forget_tokens(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Forget the ClientRequestTokens of transactions that are too old to be repeated."""
    before_ms = needs.clock.now_ms() - TOKEN_KEPT_MS
    place: bytes | None = b""
    while place is not None and not wake.stopping:
        async with needs.records.transaction() as transaction:
            keys, place = await store.old_tokens(transaction, before_ms, place, _TOKENS_AT_ONCE)

        async def forget(transaction: Transaction, keys: list[bytes] = keys) -> None:
            for key in keys:
                await store.forget_token(transaction, key, before_ms)

        if keys:
            await transact(needs.records, forget)
    return needs.clock.now_ms() + TOKEN_KEPT_MS


STEPS: Mapping[str, Step] = {
    "sweep": sweep,
    "forget_tokens": forget_tokens,
    FILL_KIND: fill,
    EXPIRE_KIND: expire,
    COUNT_KIND: count_table,
}

TASKS_AT_START: tuple[Task, ...] = (Task("dynamodb", "forget_tokens", ""),)
