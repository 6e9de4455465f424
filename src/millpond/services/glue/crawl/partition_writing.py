"""Writes the partitions of a table that a crawl found, in batches of one transaction each."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.services.glue import store
from millpond.services.glue.crawl.plan import DEPRECATED_BY, without_statistics
from millpond.services.glue.crawl.reading import Checkpoint
from millpond.services.glue.crawl.table_writing import Writer, storage_as_table
from millpond.services.glue.crawlers import Changes
from millpond.services.glue.model import Database, Partition, Table
from millpond.services.glue.partition_store import Partitions
from millpond.services.glue.shapes import PartitionInput

BATCH_SIZE = 200

_T = TypeVar("_T")


async def write_partitions(
    writer: Writer,
    database: Database,
    table: Table,
    found: Sequence[PartitionInput],
    checkpoint: Checkpoint,
) -> Changes:
    """Add and update the partitions found, and retire those that are gone.

    A table whose keys are others than those found (it was made by hand, or is not to be updated)
    keeps its partitions as they are.
    """
    wanted = [
        partition
        for partition in _inherit(writer, table, found)
        if len(partition.values or ()) == len(table.keys)
    ]
    changes = Changes()
    for batch in _batches(wanted):
        await checkpoint()
        changes = changes.plus(await _write_batch(writer, database, table, batch))
    if len(wanted) < len(found):
        return changes
    keep = {tuple(partition.values or ()) for partition in wanted}
    for values in _batches(await _gone(writer, table, keep)):
        await checkpoint()
        changes = changes.plus(await _retire_batch(writer, database, table, values))
    return changes


def _batches(things: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(things), BATCH_SIZE):
        yield things[start : start + BATCH_SIZE]


def _inherit(
    writer: Writer, table: Table, found: Sequence[PartitionInput]
) -> Sequence[PartitionInput]:
    """The partitions, with the table's columns, formats and SerDe if the crawler is told so."""
    storage = table.input.storage_descriptor
    if not writer.configuration.inherit_from_table or storage is None:
        return found
    return [
        msgspec.structs.replace(
            partition, storage_descriptor=storage_as_table(partition.storage_descriptor, storage)
        )
        for partition in found
        if partition.storage_descriptor is not None
    ]


async def _write_batch(
    writer: Writer, database: Database, table: Table, batch: Sequence[PartitionInput]
) -> Changes:
    async def work(transaction: Transaction) -> Changes:
        changes = Changes()
        if not await _is_there(transaction, writer, database, table):
            return changes
        partitions = Partitions(transaction, writer.scope, table.id)
        for described in batch:
            now_ms = writer.needs.clock.now_ms()
            partition = Partition(input=described, created_ms=now_ms)
            former = await partitions.load(partition.values)
            if former is None:
                await partitions.save(partition)
                changes = changes.plus(Changes(partitions_created=1))
            elif writer.updates and former.input != described:
                await partitions.save(msgspec.structs.replace(former, input=described))
                if _essence(former.input) != _essence(described):
                    changes = changes.plus(Changes(partitions_updated=1))
        return changes

    return await transact(writer.needs.records, work)


async def _is_there(
    transaction: Transaction, writer: Writer, database: Database, table: Table
) -> bool:
    """Whether the table still lives; somebody may have dropped it meanwhile."""
    now = await store.load_table(transaction, writer.scope, database, table.input.name)
    return now is not None and now.id == table.id


def _essence(described: PartitionInput) -> PartitionInput:
    """A partition without what changes with every file."""
    storage = described.storage_descriptor
    if storage is not None:
        storage = msgspec.structs.replace(
            storage, parameters=without_statistics(storage.parameters)
        )
    return msgspec.structs.replace(
        described, parameters=without_statistics(described.parameters), storage_descriptor=storage
    )


async def _gone(writer: Writer, table: Table, keep: set[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The values of partitions within the table's folder that were not found any more, unless that
    is only to be logged, and of those that do not fit the table's keys."""
    logs = writer.definition.delete_behavior == "LOG"
    storage = table.input.storage_descriptor
    folder = (storage and storage.location) or ""

    async def work(transaction: Transaction) -> list[tuple[str, ...]]:
        gone: list[tuple[str, ...]] = []
        partitions = Partitions(transaction, writer.scope, table.id)
        async for _, values, record in partitions.scan():
            if len(values) != len(table.keys):
                gone.append(values)
            elif not logs and values not in keep:
                inner = (await partitions.decode(record)).input.storage_descriptor
                if ((inner and inner.location) or "").startswith(folder):
                    gone.append(values)
        return gone

    return await transact(writer.needs.records, work)


async def _retire_batch(
    writer: Writer, database: Database, table: Table, batch: Sequence[tuple[str, ...]]
) -> Changes:
    delete = writer.definition.delete_behavior == "DELETE_FROM_DATABASE"

    async def work(transaction: Transaction) -> Changes:
        changes = Changes()
        if not await _is_there(transaction, writer, database, table):
            return changes
        partitions = Partitions(transaction, writer.scope, table.id)
        for values in batch:
            former = await partitions.load(values)
            if former is None:
                continue
            if delete or len(values) != len(table.keys):
                await partitions.delete(values)
                changes = changes.plus(Changes(partitions_deleted=1))
                continue
            parameters = dict(former.input.parameters or {})
            if DEPRECATED_BY not in parameters:
                parameters[DEPRECATED_BY] = str(writer.needs.clock.now_ms())
                marked = msgspec.structs.replace(former.input, parameters=parameters)
                await partitions.save(msgspec.structs.replace(former, input=marked))
                changes = changes.plus(Changes(partitions_updated=1))
        return changes

    return await transact(writer.needs.records, work)
