"""How log groups and streams are laid out in records, and which batch of events lies where.

    group   account, region, name     → Group
    stream  group id, name            → Stream
    first   stream id, first event's time, position → Batch
    last    stream id, last event's time, position  → Batch

below `logs`. A batch is what one PutLogEvents put into the stream's log: it is found by the time
it begins (to read forward) and by the time it ends (to read backward). Values are msgpack.
"""

import hashlib
from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel import tasks
from millpond.kernel.call import Scope
from millpond.services.logs.model.groups import Group, Stream

LONG_SIZE_BYTES = 1500
"""Longer names are cut here and told apart by a digest, to stay within the engine's keys."""
RETAIN_TASK = "retain"
SWEEP_GROUP_TASK = "sweep_group"
SWEEP_STREAM_TASK = "sweep_stream"
FORGET_PACKS_TASK = "forget_packs"
_END = b"\x00\x01"


class Batch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Events in the order of time: where they lie in the log, and what they count for."""

    first_ms: int
    last_ms: int
    position: int
    count: int
    size_bytes: int


_encode = msgspec.msgpack.Encoder().encode
_GROUP = msgspec.msgpack.Decoder(Group)
_STREAM = msgspec.msgpack.Decoder(Stream)
_BATCH = msgspec.msgpack.Decoder(Batch)


def _escape(part: str) -> bytes:
    """A NUL becomes NUL FF: the end of a part is told from one inside of it."""
    return part.encode().replace(b"\x00", b"\x00\xff")


def key(kind: str, *parts: str) -> bytes:
    """The key of a record, or what keys of a kind begin with."""
    return b"logs\0" + b"".join(_escape(part) + _END for part in (kind, *parts))


def name_part(name: str) -> bytes:
    """A name as the end of a key; a long one is cut and told apart by a digest."""
    escaped = _escape(name)
    if len(escaped) <= LONG_SIZE_BYTES:
        return escaped + _END
    return escaped[:LONG_SIZE_BYTES] + hashlib.sha256(escaped).digest()


def _range(base: bytes, beginning: str, after: str) -> tuple[bytes, bytes]:
    """The keys whose names begin with `beginning` and come after `after`."""
    prefix = base + _escape(beginning)[:LONG_SIZE_BYTES]
    return (base + name_part(after) + b"\0" if after else prefix), end_of(prefix)


# Groups


async def load_group(transaction: Transaction, scope: Scope, name: str) -> Group | None:
    value = await transaction.get(key("group", scope.account, scope.region) + name_part(name))
    return None if value is None else _GROUP.decode(value)


def save_group(transaction: Transaction, scope: Scope, group: Group) -> None:
    transaction.put(
        key("group", scope.account, scope.region) + name_part(group.name), _encode(group)
    )


def drop_group(transaction: Transaction, scope: Scope, group: Group) -> None:
    """Take a group out of sight; its streams go in the background."""
    transaction.delete(key("group", scope.account, scope.region) + name_part(group.name))
    for kind in (SWEEP_GROUP_TASK, FORGET_PACKS_TASK):
        tasks.schedule(transaction, tasks.Task("logs", kind, group.id))


async def scan_groups(
    transaction: Transaction, scope: Scope, beginning: str = "", after: str = ""
) -> AsyncIterator[Group]:
    """Groups by name: those whose names begin so and come after `after`."""
    base = key("group", scope.account, scope.region)
    async for _, value in transaction.scan(*_range(base, beginning, after)):
        yield _GROUP.decode(value)


# Streams


async def load_stream(transaction: Transaction, group_id: str, name: str) -> Stream | None:
    value = await transaction.get(key("stream", group_id) + name_part(name))
    return None if value is None else _STREAM.decode(value)


def save_stream(transaction: Transaction, group_id: str, stream: Stream) -> None:
    transaction.put(key("stream", group_id) + name_part(stream.name), _encode(stream))


def drop_stream(transaction: Transaction, group_id: str, stream: Stream) -> None:
    """Take a stream out of sight; its events go in the background."""
    transaction.delete(key("stream", group_id) + name_part(stream.name))
    schedule_sweep(transaction, stream.id)


def schedule_sweep(transaction: Transaction, stream_id: str) -> None:
    """Have the events of a stream that is gone removed in the background."""
    tasks.schedule(transaction, tasks.Task("logs", SWEEP_STREAM_TASK, stream_id))


async def scan_streams(
    transaction: Transaction, group_id: str, beginning: str = "", after: str = ""
) -> AsyncIterator[Stream]:
    """Streams of a group by name: those whose names begin so and come after `after`."""
    async for _, value in transaction.scan(*_range(key("stream", group_id), beginning, after)):
        yield _STREAM.decode(value)


# Batches of events


def _batch_key(kind: str, stream_id: str, time_ms: int, position: int = 0) -> bytes:
    return key(kind, stream_id) + time_ms.to_bytes(8) + position.to_bytes(8)


def add_batch(transaction: Transaction, stream_id: str, batch: Batch) -> None:
    value = _encode(batch)
    transaction.put(_batch_key("first", stream_id, batch.first_ms, batch.position), value)
    transaction.put(_batch_key("last", stream_id, batch.last_ms, batch.position), value)


def delete_batch(transaction: Transaction, stream_id: str, batch: Batch) -> None:
    transaction.delete(_batch_key("first", stream_id, batch.first_ms, batch.position))
    transaction.delete(_batch_key("last", stream_id, batch.last_ms, batch.position))


async def scan_batches(
    transaction: Transaction, stream_id: str, from_ms: int = 0
) -> AsyncIterator[Batch]:
    """Batches in the order of their first events, those that begin at `from_ms` or later."""
    prefix = key("first", stream_id)
    start = _batch_key("first", stream_id, max(from_ms, 0))
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _BATCH.decode(value)


async def scan_batches_back(
    transaction: Transaction, stream_id: str, to_ms: int
) -> AsyncIterator[Batch]:
    """Batches by their last events, the newest first, those that end before `to_ms`."""
    prefix = key("last", stream_id)
    end = _batch_key("last", stream_id, min(to_ms, 2**63))
    async for _, value in transaction.scan(prefix, end, reverse=True):
        yield _BATCH.decode(value)


async def scan_batches_ended(
    transaction: Transaction, stream_id: str, before_ms: int
) -> AsyncIterator[Batch]:
    """Batches all of whose events are older than `before_ms`, the oldest first."""
    prefix = key("last", stream_id)
    end = _batch_key("last", stream_id, max(before_ms, 0))
    async for _, value in transaction.scan(prefix, end):
        yield _BATCH.decode(value)
