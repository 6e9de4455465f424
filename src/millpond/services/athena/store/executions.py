"""Query executions in records, by id, and listed by work group from the newest on."""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.athena.model.executions import Execution
from millpond.services.athena.store.keys import key, last_name, prefix

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Execution).decode
_LAST_MS = 10**14


async def load(transaction: Transaction, scope: Scope, execution_id: str) -> Execution | None:
    value = await transaction.get(key(scope, "execution", execution_id))
    return None if value is None else _decode(value)


def add(transaction: Transaction, scope: Scope, execution: Execution) -> None:
    """Keep a new execution and list it in its work group."""
    save(transaction, scope, execution)
    position = f"{_LAST_MS - execution.submitted_ms:015d}.{execution.id}"
    listed = key(scope, "ran-in", execution.work_group, position)
    transaction.put(listed, execution.id.encode())


def save(transaction: Transaction, scope: Scope, execution: Execution) -> None:
    transaction.put(key(scope, "execution", execution.id), _encode(execution))


async def scan(
    transaction: Transaction, scope: Scope, work_group: str, after: str = ""
) -> AsyncIterator[tuple[str, str]]:
    """Positions and ids of a work group's executions, the newest first, those after `after`."""
    group = prefix(scope, "ran-in", work_group)
    start = group + after.encode() + b"\x00" if after else group
    async for found, value in transaction.scan(start, end_of(group)):
        yield last_name(found), value.decode()
