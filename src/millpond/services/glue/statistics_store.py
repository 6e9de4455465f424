"""Column statistics in records, by table or partition and column."""

import hashlib
from collections.abc import Sequence

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.glue import keys
from millpond.services.glue.keys import record_key
from millpond.services.glue.shapes import ColumnStatistics

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ColumnStatistics).decode


class Statistics:
    """What is told of the columns of a table, or of one partition of it."""

    def __init__(
        self,
        transaction: Transaction,
        scope: Scope,
        table_id: str,
        values: Sequence[str] | None = None,
    ) -> None:
        self._transaction = transaction
        owner = "" if values is None else hashlib.sha256(keys.join_values(values)).hexdigest()
        self._prefix = record_key(scope, "statistics", table_id, owner)

    async def load(self, column: str) -> ColumnStatistics | None:
        value = await self._transaction.get(self._prefix + keys.join(column))
        return None if value is None else _decode(value)

    def save(self, column: str, told: ColumnStatistics) -> None:
        self._transaction.put(self._prefix + keys.join(column), _encode(told))

    def delete(self, column: str) -> None:
        self._transaction.delete(self._prefix + keys.join(column))

    async def clear(self) -> None:
        async for key, _ in self._transaction.scan(self._prefix, end_of(self._prefix)):
            self._transaction.delete(key)
