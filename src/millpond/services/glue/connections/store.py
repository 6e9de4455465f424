"""How connections are laid out in records.

    connection   name   → Stored

below `glue`, the account and the region. Values are msgpack with AWS's member names.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.glue import keys
from millpond.services.glue.connections.model import Stored
from millpond.services.glue.keys import record_key

_encode = msgspec.msgpack.Encoder().encode
_STORED = msgspec.msgpack.Decoder(Stored)


async def load_connection(transaction: Transaction, scope: Scope, name: str) -> Stored | None:
    value = await transaction.get(record_key(scope, "connection", name))
    return None if value is None else _STORED.decode(value)


def save_connection(transaction: Transaction, scope: Scope, connection: Stored) -> None:
    transaction.put(record_key(scope, "connection", connection.input.name), _encode(connection))


def delete_connection(transaction: Transaction, scope: Scope, name: str) -> None:
    transaction.delete(record_key(scope, "connection", name))


async def scan_connections(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[Stored]:
    """Connections by name, those after `after`."""
    prefix = record_key(scope, "connection")
    start = end_of(prefix + keys.join(after)) if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _STORED.decode(value)
