"""Client request tokens in records: what a repeated request is answered with."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.athena.store.keys import key


async def load(transaction: Transaction, scope: Scope, kind: str, token: str) -> str | None:
    """The id of what the first request with this token made."""
    value = await transaction.get(key(scope, "token", kind, token))
    return None if value is None else value.decode()


def save(transaction: Transaction, scope: Scope, kind: str, token: str, made_id: str) -> None:
    transaction.put(key(scope, "token", kind, token), made_id.encode())
