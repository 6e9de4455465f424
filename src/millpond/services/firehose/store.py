"""How delivery streams are laid out in records.

    stream    name  → DeliveryStream
    progress  id    → Progress

each below `firehose`, the account and the region. Values are msgpack.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, schedule
from millpond.services.firehose.model.stream import DeliveryStream, Progress

DELIVERY_TASK = "deliver"

_encode = msgspec.msgpack.Encoder().encode
_STREAM = msgspec.msgpack.Decoder(DeliveryStream)
_PROGRESS = msgspec.msgpack.Decoder(Progress)


def _key(scope: Scope, kind: str, name: str) -> bytes:
    return "\0".join(("firehose", scope.account, scope.region, kind, name)).encode()


async def load_stream(transaction: Transaction, scope: Scope, name: str) -> DeliveryStream | None:
    value = await transaction.get(_key(scope, "stream", name))
    return None if value is None else _STREAM.decode(value)


def save_stream(transaction: Transaction, scope: Scope, stream: DeliveryStream) -> None:
    """Write a delivery stream, and have whoever delivers for it look at it."""
    transaction.put(_key(scope, "stream", stream.name), _encode(stream))
    task = Task("firehose", DELIVERY_TASK, stream.name, 0, scope.account, scope.region)
    schedule(transaction, task)


def delete_stream(transaction: Transaction, scope: Scope, stream: DeliveryStream) -> None:
    transaction.delete(_key(scope, "stream", stream.name))
    transaction.delete(_key(scope, "progress", stream.id))


async def scan_streams(
    transaction: Transaction, scope: Scope, after: str
) -> AsyncIterator[DeliveryStream]:
    """Delivery streams by name, those after `after`."""
    prefix = _key(scope, "stream", "")
    start = prefix + after.encode() + b"\0" if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _STREAM.decode(value)


async def load_progress(transaction: Transaction, scope: Scope, stream_id: str) -> Progress:
    value = await transaction.get(_key(scope, "progress", stream_id))
    return Progress() if value is None else _PROGRESS.decode(value)


def save_progress(
    transaction: Transaction, scope: Scope, stream_id: str, progress: Progress
) -> None:
    transaction.put(_key(scope, "progress", stream_id), _encode(progress))
