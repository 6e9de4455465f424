"""The partitions of a table in records.

Partitions of one table have their columns, formats and SerDe mostly in common. What they share is
kept once, under its digest; a partition's own record holds its values, location and parameters,
which makes reading a hundred thousand of them cheap. What no partition shares any more goes when
the table goes.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.glue import keys
from millpond.services.glue.keys import record_key
from millpond.services.glue.model import Partition, join_storage, split_storage
from millpond.services.glue.shapes import StorageDescriptor
from millpond.services.glue.statistics_store import Statistics

_encode = msgspec.msgpack.Encoder().encode
_PARTITION = msgspec.msgpack.Decoder(Partition)
_STORAGE = msgspec.msgpack.Decoder(StorageDescriptor)


class Partitions:
    """The partitions of one table within one transaction; what they share is loaded once."""

    def __init__(self, transaction: Transaction, scope: Scope, table_id: str) -> None:
        self._transaction = transaction
        self._scope = scope
        self._table_id = table_id
        self._prefix = record_key(scope, "partition", table_id)
        self._layout_prefix = record_key(scope, "layout", table_id)
        self._layouts: dict[str, StorageDescriptor | None] = {}

    async def load(self, values: tuple[str, ...]) -> Partition | None:
        value = await self._transaction.get(self._prefix + keys.join_values(values))
        return None if value is None else await self.decode(value)

    async def has(self, values: tuple[str, ...]) -> bool:
        return await self._transaction.get(self._prefix + keys.join_values(values)) is not None

    async def save(self, partition: Partition) -> None:
        own, shared, name = split_storage(partition.input.storage_descriptor)
        if shared is not None and name not in self._layouts:
            key = self._layout_prefix + keys.join(name)
            if await self._transaction.get(key) is None:
                self._transaction.put(key, _encode(shared))
            self._layouts[name] = shared
        stored = msgspec.structs.replace(
            partition,
            layout=name,
            input=msgspec.structs.replace(partition.input, storage_descriptor=own),
        )
        self._transaction.put(self._prefix + keys.join_values(partition.values), _encode(stored))

    async def delete(self, values: tuple[str, ...]) -> None:
        """Remove a partition with the statistics of its columns."""
        self._transaction.delete(self._prefix + keys.join_values(values))
        await Statistics(self._transaction, self._scope, self._table_id, values).clear()

    async def scan(
        self, leading: tuple[str, ...] = (), after: bytes = b""
    ) -> AsyncIterator[tuple[bytes, tuple[str, ...], bytes]]:
        """Position, values and undecoded record of each partition whose first values are
        `leading`, in order, those after the position `after`."""
        begin = self._prefix + keys.begin_values(leading)
        start = max(begin, self._prefix + after + b"\x00") if after else begin
        end = end_of(begin)
        if start >= end:
            return
        async for key, value in self._transaction.scan(start, end):
            position = key[len(self._prefix) :]
            values = keys.split_values(position)
            yield position, values or _PARTITION.decode(value).values, value

    async def decode(self, value: bytes) -> Partition:
        """The partition of a record that `scan` gave, with its whole storage."""
        partition = _PARTITION.decode(value)
        if not partition.layout:
            return partition
        shared = await self._layout(partition.layout)
        storage = join_storage(partition.input.storage_descriptor, shared)
        return msgspec.structs.replace(
            partition, input=msgspec.structs.replace(partition.input, storage_descriptor=storage)
        )

    async def _layout(self, name: str) -> StorageDescriptor | None:
        if name not in self._layouts:
            key = self._layout_prefix + keys.join(name)
            value = await self._transaction.get(key)
            self._layouts[name] = None if value is None else _STORAGE.decode(value)
        return self._layouts[name]
