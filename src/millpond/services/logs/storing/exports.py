"""Export tasks.

export  account, region, when it was made (ms, from the latest on), id → Export
export_id  account, region, id  → the key of it
exporting  account, region  → the id of the one that is not ended
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, schedule
from millpond.services.logs import store
from millpond.services.logs.model.exports import Export

EXPORT_TASK = "export"
_TIME_MAX = 2**63

_encode = msgspec.msgpack.Encoder().encode
_EXPORT = msgspec.msgpack.Decoder(Export)


def _export_key(scope: Scope, export: Export) -> bytes:
    prefix = store.key("export", scope.account, scope.region)
    return prefix + (_TIME_MAX - export.created_ms).to_bytes(8) + export.id.encode()


def _id_key(scope: Scope, export_id: str) -> bytes:
    return store.key("export_id", scope.account, scope.region, export_id)


def _active_key(scope: Scope) -> bytes:
    return store.key("exporting", scope.account, scope.region)


async def load_export(transaction: Transaction, scope: Scope, export_id: str) -> Export | None:
    key = await transaction.get(_id_key(scope, export_id))
    value = None if key is None else await transaction.get(key)
    return None if value is None else _EXPORT.decode(value)


async def load_active(transaction: Transaction, scope: Scope) -> str:
    """The id of the export that is not ended; empty: there is none."""
    return (await transaction.get(_active_key(scope)) or b"").decode()


def save_export(transaction: Transaction, scope: Scope, export: Export) -> None:
    """Write an export, and that it is the active one, or is so no longer."""
    key = _export_key(scope, export)
    transaction.put(key, _encode(export))
    transaction.put(_id_key(scope, export.id), key)
    if export.ended:
        transaction.delete(_active_key(scope))
    else:
        transaction.put(_active_key(scope), export.id.encode())


def schedule_export(transaction: Transaction, scope: Scope, export: Export) -> None:
    """Have an export done, or looked at again."""
    task = Task("logs", EXPORT_TASK, export.id, 0, scope.account, scope.region)
    schedule(transaction, task)


async def scan_exports(
    transaction: Transaction, scope: Scope, after: Export | None = None
) -> AsyncIterator[Export]:
    """Exports, the latest first; those after `after`."""
    prefix = store.key("export", scope.account, scope.region)
    start = prefix if after is None else _export_key(scope, after) + b"\0"
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _EXPORT.decode(value)
