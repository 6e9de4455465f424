"""Transactions of background work, where nobody runs a lost race again for us."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from millpond.engines.records.interface import Transaction
from millpond.kernel.errors import Conflict
from millpond.services.dynamodb.needs import Needs

ATTEMPTS_MAX = 20
_PAUSE_SECONDS = 0.002

_T = TypeVar("_T")


async def transact(needs: Needs, work: Callable[[Transaction], Awaitable[_T]]) -> _T:
    """What `work` gives, once its transaction is committed; it may be run several times.

    Raises:
        Conflict: every one of `ATTEMPTS_MAX` races was lost.
    """
    for attempt in range(1, ATTEMPTS_MAX):
        try:
            async with needs.records.transaction() as transaction:
                return await work(transaction)
        except Conflict:
            await asyncio.sleep(_PAUSE_SECONDS * attempt)
    async with needs.records.transaction() as transaction:
        return await work(transaction)
