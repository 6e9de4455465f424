"""How queries and packs are laid out in records.

    query       account, region, id                 → Query
    query-time  account, region, time downward, id  → nothing
    query-open  account, region, id                 → nothing; those that have not ended
    definition  account, region, id                 → Definition
    unpacked    group id, stream id, position       → Waiting
    pack        group id, pack id                   → Pack

below `logs`. Values are msgpack.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, schedule
from millpond.services.logs.insights.model import (
    RUNNING,
    Definition,
    Pack,
    Query,
    Waiting,
)
from millpond.services.logs.model.groups import Group, Stream
from millpond.services.logs.store import Batch, key

QUERY_TASK = "query"
PACK_TASK = "pack"
TIDY_TASK = "tidy_insights"
PACK_AT_BYTES = 16 << 20
"""A stream's events are packed each time that so much has come in."""
_LAST = 2**63 - 1

_encode = msgspec.msgpack.Encoder().encode
_QUERY = msgspec.msgpack.Decoder(Query)
_DEFINITION = msgspec.msgpack.Decoder(Definition)
_WAITING = msgspec.msgpack.Decoder(Waiting)
_PACK = msgspec.msgpack.Decoder(Pack)


# Queries


def _time_key(scope: Scope, query: Query) -> bytes:
    return key("query-time", scope.account, scope.region) + (
        (_LAST - query.created_ms).to_bytes(8) + query.id.encode()
    )


def add_query(transaction: Transaction, scope: Scope, query: Query) -> None:
    """Write down a new query and have it run."""
    save_query(transaction, scope, query)
    transaction.put(_time_key(scope, query), b"")
    transaction.put(key("query-open", scope.account, scope.region, query.id), b"")
    wake_query(transaction, scope, query.id)


def wake_query(transaction: Transaction, scope: Scope, query_id: str) -> None:
    """Have the step of a query look at it."""
    task = Task("logs", QUERY_TASK, query_id, 0, scope.account, scope.region)
    schedule(transaction, task)


def save_query(transaction: Transaction, scope: Scope, query: Query) -> None:
    transaction.put(key("query", scope.account, scope.region, query.id), _encode(query))
    if query.status not in RUNNING:
        transaction.delete(key("query-open", scope.account, scope.region, query.id))


async def load_query(transaction: Transaction, scope: Scope, query_id: str) -> Query | None:
    value = await transaction.get(key("query", scope.account, scope.region, query_id))
    return None if value is None else _QUERY.decode(value)


def delete_query(transaction: Transaction, scope: Scope, query: Query) -> None:
    transaction.delete(key("query", scope.account, scope.region, query.id))
    transaction.delete(_time_key(scope, query))
    transaction.delete(key("query-open", scope.account, scope.region, query.id))


async def count_open(transaction: Transaction, scope: Scope) -> int:
    """How many queries have not ended."""
    prefix = key("query-open", scope.account, scope.region)
    return len([found async for found, _ in transaction.scan(prefix, end_of(prefix))])


async def scan_queries(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[tuple[str, Query]]:
    """Queries from the newest on, with what continues after each."""
    prefix = key("query-time", scope.account, scope.region)
    start = prefix + bytes.fromhex(after) + b"\0" if after else prefix
    async for found, _ in transaction.scan(start, end_of(prefix)):
        place = found[len(prefix) :]
        query = await load_query(transaction, scope, place[8:].decode())
        if query is not None:
            yield place.hex(), query


async def results_names(transaction: Transaction) -> set[str]:
    """The files of all results."""
    prefix = key("query")
    found = transaction.scan(prefix, end_of(prefix))
    return {_QUERY.decode(value).results async for _, value in found}


# Saved queries


def save_definition(transaction: Transaction, scope: Scope, definition: Definition) -> None:
    name = key("definition", scope.account, scope.region, definition.id)
    transaction.put(name, _encode(definition))


async def load_definition(
    transaction: Transaction, scope: Scope, definition_id: str
) -> Definition | None:
    value = await transaction.get(key("definition", scope.account, scope.region, definition_id))
    return None if value is None else _DEFINITION.decode(value)


def delete_definition(transaction: Transaction, scope: Scope, definition_id: str) -> None:
    transaction.delete(key("definition", scope.account, scope.region, definition_id))


async def scan_definitions(transaction: Transaction, scope: Scope) -> AsyncIterator[Definition]:
    prefix = key("definition", scope.account, scope.region)
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        yield _DEFINITION.decode(value)


# Events


def _waiting_key(group_id: str, stream_id: str, position: int) -> bytes:
    return key("unpacked", group_id, stream_id) + position.to_bytes(8)


def add_unpacked(
    transaction: Transaction, scope: Scope, group: Group, stream: Stream, batch: Batch
) -> None:
    """Write down that a batch is in no pack; have the group's packed where much waits. `stream` is
    as it was before the batch."""
    waiting = Waiting(
        stream.id,
        stream.name,
        batch.first_ms,
        batch.last_ms,
        batch.position,
        batch.count,
        batch.size_bytes,
    )
    transaction.put(_waiting_key(group.id, stream.id, batch.position), _encode(waiting))
    before, after = stream.stored_bytes, stream.stored_bytes + batch.size_bytes
    if before // PACK_AT_BYTES != after // PACK_AT_BYTES:
        schedule_packing(transaction, scope, group.name)


def schedule_packing(transaction: Transaction, scope: Scope, group_name: str) -> None:
    """Have the events of a group packed in the background."""
    schedule(transaction, Task("logs", PACK_TASK, group_name, 0, scope.account, scope.region))


async def is_waiting(transaction: Transaction, group_id: str, waiting: Waiting) -> bool:
    name = _waiting_key(group_id, waiting.stream_id, waiting.position)
    return await transaction.get(name) is not None


def forget_waiting(transaction: Transaction, group_id: str, waiting: Waiting) -> None:
    forget_unpacked(transaction, group_id, waiting.stream_id, waiting.position)


def forget_unpacked(transaction: Transaction, group_id: str, stream_id: str, position: int) -> None:
    """The batch at a position needs no pack any more."""
    transaction.delete(_waiting_key(group_id, stream_id, position))


async def scan_waiting(transaction: Transaction, group_id: str) -> AsyncIterator[Waiting]:
    """The batches of a group that are in no pack, stream by stream as they came."""
    prefix = key("unpacked", group_id)
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        yield _WAITING.decode(value)


def save_pack(transaction: Transaction, group_id: str, pack: Pack) -> None:
    transaction.put(key("pack", group_id, pack.id), _encode(pack))


def forget_pack(transaction: Transaction, group_id: str, pack: Pack) -> None:
    transaction.delete(key("pack", group_id, pack.id))


async def scan_packs(transaction: Transaction, group_id: str) -> AsyncIterator[Pack]:
    prefix = key("pack", group_id)
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        yield _PACK.decode(value)


async def pack_names(transaction: Transaction) -> set[str]:
    """The files of all packs."""
    prefix = key("pack")
    return {_PACK.decode(value).id async for _, value in transaction.scan(prefix, end_of(prefix))}
