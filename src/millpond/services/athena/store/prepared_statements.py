"""Prepared statements in records, by work group and name."""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.athena.shapes import PreparedStatement
from millpond.services.athena.store.keys import key, prefix

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PreparedStatement).decode


async def load(
    transaction: Transaction, scope: Scope, work_group: str, name: str
) -> PreparedStatement | None:
    value = await transaction.get(key(scope, "prepared", work_group, name))
    return None if value is None else _decode(value)


def save(transaction: Transaction, scope: Scope, statement: PreparedStatement) -> None:
    assert statement.work_group_name
    assert statement.statement_name
    at = key(scope, "prepared", statement.work_group_name, statement.statement_name)
    transaction.put(at, _encode(statement))


def delete(transaction: Transaction, scope: Scope, work_group: str, name: str) -> None:
    transaction.delete(key(scope, "prepared", work_group, name))


async def scan(
    transaction: Transaction, scope: Scope, work_group: str, after: str = ""
) -> AsyncIterator[PreparedStatement]:
    """The prepared statements of a work group by name, those after `after`."""
    group = prefix(scope, "prepared", work_group)
    start = group + after.encode() + b"\x00" if after else group
    async for _, value in transaction.scan(start, end_of(group)):
        yield _decode(value)
