"""Named queries in records, by id, and listed by work group."""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.athena.shapes import NamedQuery
from millpond.services.athena.store.keys import key, last_name, prefix

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NamedQuery).decode


async def load(transaction: Transaction, scope: Scope, query_id: str) -> NamedQuery | None:
    value = await transaction.get(key(scope, "named", query_id))
    return None if value is None else _decode(value)


def save(transaction: Transaction, scope: Scope, query: NamedQuery) -> None:
    assert query.named_query_id
    assert query.work_group
    transaction.put(key(scope, "named", query.named_query_id), _encode(query))
    transaction.put(key(scope, "named-in", query.work_group, query.named_query_id), b"")


def delete(transaction: Transaction, scope: Scope, query: NamedQuery) -> None:
    assert query.named_query_id
    assert query.work_group
    transaction.delete(key(scope, "named", query.named_query_id))
    transaction.delete(key(scope, "named-in", query.work_group, query.named_query_id))


async def scan_ids(
    transaction: Transaction, scope: Scope, work_group: str, after: str = ""
) -> AsyncIterator[str]:
    """Ids of the named queries of a work group, those after `after`."""
    group = prefix(scope, "named-in", work_group)
    start = group + after.encode() + b"\x00" if after else group
    async for found, _ in transaction.scan(start, end_of(group)):
        yield last_name(found)
