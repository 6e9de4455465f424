"""Commits what was prepared outside a transaction.

A streamed body cannot be read twice, so an operation that stores one does not leave a lost race to
the dispatch, which would run it again from its start: the body is stored first, and `commit` runs
only the transaction again. What comes to nothing is given back to the engine at once; where nobody
knows what came of it (a lost answer, a cancelled request), it is left to orphan collection.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from millpond.engines.objects.interface import Blob
from millpond.engines.records.interface import Transaction
from millpond.kernel.errors import Conflict, Full, ServiceError
from millpond.services.s3.errors import OperationAborted
from millpond.services.s3.needs import Needs

RACES_MAX = 256
"""How often a transaction may lose before its caller is told. Each loss is someone's success."""

Answer = TypeVar("Answer")


async def commit(
    needs: Needs, blob: Blob, write: Callable[[Transaction], Awaitable[Answer]]
) -> Answer:
    """Run `write` in a transaction until it commits; it names `blob`, which is not named before.

    Raises:
        ServiceError: what `write` refuses; the blob is given back.
        OperationAborted: others came first too often.
    """
    try:
        for _ in range(RACES_MAX):
            try:
                async with needs.records.transaction() as transaction:
                    return await write(transaction)
            except Conflict:
                continue
        raise OperationAborted
    except (ServiceError, Full):
        if blob.id:
            await needs.objects.discard([blob])
        raise
