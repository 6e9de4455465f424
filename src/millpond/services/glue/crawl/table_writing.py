"""Writes the tables that a crawl found, by the crawler's policies.

Each table is one transaction. A crawl that is begun again goes on where it was, because it
compares before it writes. A table that only holds more data than before gets its statistics in
place, without a new version.
"""

from dataclasses import dataclass

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Scope
from millpond.services.glue import store
from millpond.services.glue.crawl.configuration import CrawlConfiguration
from millpond.services.glue.crawl.inventory import is_own
from millpond.services.glue.crawl.plan import (
    CRAWL_RUN,
    DEPRECATED_BY,
    STATISTICS,
    UPDATED_BY,
    TablePlan,
    without_statistics,
)
from millpond.services.glue.crawlers import Changes, Definition
from millpond.services.glue.model import Database, Table, next_version
from millpond.services.glue.needs import Needs
from millpond.services.glue.shapes import (
    Column,
    DatabaseInput,
    PartitionIndex,
    StorageDescriptor,
    TableInput,
)


@dataclass(frozen=True, slots=True)
class Writer:
    """One crawl's writing. `created_by` is the ARN that its tables bear."""

    needs: Needs
    scope: Scope
    crawler: str
    definition: Definition
    configuration: CrawlConfiguration
    created_by: str

    @property
    def updates(self) -> bool:
        return self.definition.update_behavior == "UPDATE_IN_DATABASE"


async def ensure_database(writer: Writer) -> Database:
    """The crawler's database, made where it is missing, as Glue does."""
    name = writer.definition.database

    async def work(transaction: Transaction) -> Database:
        database = await store.load_database(transaction, writer.scope, name)
        if database is None:
            needs = writer.needs
            database = Database(
                id=needs.ids.hex(8), input=DatabaseInput(name=name), created_ms=needs.clock.now_ms()
            )
            store.save_database(transaction, writer.scope, database)
        return database

    return await transact(writer.needs.records, work)


async def write_table(
    writer: Writer, database: Database, name: str, plan: TablePlan
) -> tuple[Table, Changes]:
    """The table as the catalog has it afterwards, and what was changed."""
    described = msgspec.structs.replace(plan.table, name=name)

    async def work(transaction: Transaction) -> tuple[Table, Changes]:
        table = await store.load_table(transaction, writer.scope, database, name)
        if table is None:
            table = _new_table(writer, described)
            store.save_table(transaction, writer.scope, database.id, table)
            return table, Changes(tables_created=1)
        if not writer.updates:
            return table, Changes()
        wanted = _merge(table.input, described, only_new=writer.configuration.merge_new_columns)
        if _essence(wanted) == _essence(table.input):
            refreshed = msgspec.structs.replace(table, input=_with_statistics(table.input, wanted))
            if refreshed.input != table.input:
                store.save_table(transaction, writer.scope, database.id, refreshed)
            return refreshed, Changes()
        updated = next_version(table, wanted, None, writer.needs.clock.now_ms())
        store.save_version(transaction, writer.scope, table)
        store.save_table(transaction, writer.scope, database.id, updated)
        return updated, Changes(tables_updated=1)

    return await transact(writer.needs.records, work)


def _new_table(writer: Writer, described: TableInput) -> Table:
    keys = [column.name for column in described.partition_keys or ()]
    indexed = writer.configuration.partition_index and keys
    now_ms = writer.needs.clock.now_ms()
    return Table(
        id=writer.needs.ids.hex(8),
        input=described,
        created_ms=now_ms,
        updated_ms=now_ms,
        created_by=writer.created_by,
        indexes=(PartitionIndex(index_name="crawler_partition_index", keys=keys),)
        if indexed
        else (),
    )


def _merge(former: TableInput, found: TableInput, *, only_new: bool) -> TableInput:
    """The table as it is to be.

    `only_new`: columns are added, and nothing else is changed. Otherwise the table becomes what
    was found, and what others have set in it goes; columns that are read by name keep their order.
    """
    before, after = former.storage_descriptor, found.storage_descriptor
    assert after is not None
    if before is None:
        return found
    if only_new:
        keys = {column.name for column in former.partition_keys or ()}
        columns = _append(before.columns or [], after.columns or [], keys)
        parameters = {**(former.parameters or {}), **_counted(found.parameters)}
        parameters.pop(DEPRECATED_BY, None)
        return msgspec.structs.replace(
            former,
            storage_descriptor=msgspec.structs.replace(before, columns=columns),
            parameters=parameters,
        )
    if (found.parameters or {}).get("classification") == "csv":
        return found
    columns = _in_order(before.columns or [], after.columns or [])
    return msgspec.structs.replace(
        found, storage_descriptor=msgspec.structs.replace(after, columns=columns)
    )


def _append(have: list[Column], found: list[Column], keys: set[str]) -> list[Column]:
    names = {column.name.lower() for column in have} | keys
    return [*have, *(column for column in found if column.name not in names)]


def _in_order(former: list[Column], found: list[Column]) -> list[Column]:
    """The found columns, those that were there before first and in their order."""
    ranks = {column.name: rank for rank, column in enumerate(former)}
    return sorted(found, key=lambda column: ranks.get(column.name, len(ranks)))


def _counted(parameters: dict[str, str] | None) -> dict[str, str]:
    """The parameters that every crawl sets anew."""
    kept = STATISTICS | {CRAWL_RUN, UPDATED_BY}
    return {name: value for name, value in (parameters or {}).items() if name in kept}


def _essence(described: TableInput) -> TableInput:
    """A table without what changes with every file."""
    storage = described.storage_descriptor
    if storage is not None:
        storage = msgspec.structs.replace(
            storage, parameters=without_statistics(storage.parameters)
        )
    return msgspec.structs.replace(
        described, parameters=without_statistics(described.parameters), storage_descriptor=storage
    )


def _with_statistics(former: TableInput, found: TableInput) -> TableInput:
    """The former table with the found one's counts; the run that first wrote it stays named."""
    counts = {
        name: value for name, value in _counted(found.parameters).items() if name in STATISTICS
    }
    storage = former.storage_descriptor
    if storage is not None:
        storage = msgspec.structs.replace(
            storage, parameters={**(storage.parameters or {}), **counts}
        )
    return msgspec.structs.replace(
        former, parameters={**(former.parameters or {}), **counts}, storage_descriptor=storage
    )


async def retire_table(writer: Writer, database: Database, name: str) -> Changes:
    """A table whose data is gone: delete it, mark it, or leave it, as the crawler is told."""
    behavior = writer.definition.delete_behavior

    async def work(transaction: Transaction) -> Changes:
        table = await store.load_table(transaction, writer.scope, database, name)
        if table is None or not is_own(table, writer.crawler) or behavior == "LOG":
            return Changes()
        if behavior == "DELETE_FROM_DATABASE":
            store.drop_table(transaction, writer.scope, database.id, table)
            return Changes(tables_deleted=1)
        parameters = dict(table.input.parameters or {})
        if DEPRECATED_BY in parameters:
            return Changes()
        now_ms = writer.needs.clock.now_ms()
        parameters[DEPRECATED_BY] = str(now_ms)
        marked = msgspec.structs.replace(table.input, parameters=parameters)
        store.save_version(transaction, writer.scope, table)
        updated = next_version(table, marked, None, now_ms)
        store.save_table(transaction, writer.scope, database.id, updated)
        return Changes(tables_updated=1)

    return await transact(writer.needs.records, work)


def storage_as_table(storage: StorageDescriptor, table: StorageDescriptor) -> StorageDescriptor:
    """A partition's storage that takes columns, formats and SerDe from its table."""
    return msgspec.structs.replace(table, location=storage.location, parameters=storage.parameters)
