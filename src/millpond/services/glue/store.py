"""How the catalog is laid out in records; `partition_store` and `statistics_store` go on.

    database   name                    → Database
    table      database id, name       → Table
    version    table id, version       → Archived
    partition  table id, values        → Partition
    layout     table id, digest        → StorageDescriptor (what partitions have in common)
    statistics table id, partition, column → ColumnStatistics
    function   database id, name       → Function
    crawler    name                    → Crawler
    crawl      crawler id, number      → Crawl
    tags       resource                → tags

each below `glue`, the account and the region. Values are msgpack with AWS's member names.
"""

from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel import tasks
from millpond.kernel.call import Scope
from millpond.services.glue import keys
from millpond.services.glue.crawlers import Crawl, Crawler
from millpond.services.glue.keys import record_key
from millpond.services.glue.model import (
    Archived,
    Database,
    Function,
    Table,
)

_T = TypeVar("_T")

_encode = msgspec.msgpack.Encoder().encode
_DATABASE = msgspec.msgpack.Decoder(Database)
_TABLE = msgspec.msgpack.Decoder(Table)
_ARCHIVED = msgspec.msgpack.Decoder(Archived)
_FUNCTION = msgspec.msgpack.Decoder(Function)
_CRAWLER = msgspec.msgpack.Decoder(Crawler)
_CRAWL = msgspec.msgpack.Decoder(Crawl)
_TAGS = msgspec.msgpack.Decoder(dict[str, str])


async def _load(
    transaction: Transaction, key: bytes, decoder: "msgspec.msgpack.Decoder[_T]"
) -> _T | None:
    value = await transaction.get(key)
    return None if value is None else decoder.decode(value)


async def _scan(
    transaction: Transaction, prefix: bytes, after: str, decoder: "msgspec.msgpack.Decoder[_T]"
) -> AsyncIterator[_T]:
    start = end_of(prefix + keys.join(after)) if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield decoder.decode(value)


# Databases


async def load_database(transaction: Transaction, scope: Scope, name: str) -> Database | None:
    return await _load(transaction, record_key(scope, "database", name), _DATABASE)


def save_database(transaction: Transaction, scope: Scope, database: Database) -> None:
    transaction.put(record_key(scope, "database", database.input.name), _encode(database))


def delete_database(transaction: Transaction, scope: Scope, name: str) -> None:
    transaction.delete(record_key(scope, "database", name))


def scan_databases(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[Database]:
    """Databases by name, those after `after`."""
    return _scan(transaction, record_key(scope, "database"), after, _DATABASE)


# Tables and their versions


async def load_table(
    transaction: Transaction, scope: Scope, database: Database, name: str
) -> Table | None:
    return await _load(transaction, record_key(scope, "table", database.id, name), _TABLE)


def save_table(transaction: Transaction, scope: Scope, database_id: str, table: Table) -> None:
    transaction.put(record_key(scope, "table", database_id, table.input.name), _encode(table))


def drop_table(transaction: Transaction, scope: Scope, database_id: str, table: Table) -> None:
    """Take a table out of sight; its versions and partitions go in the background."""
    transaction.delete(record_key(scope, "table", database_id, table.input.name))
    schedule_sweep(transaction, scope, "sweep_table", table.id)


def scan_tables(
    transaction: Transaction, scope: Scope, database_id: str, after: str = ""
) -> AsyncIterator[Table]:
    """Tables by name, those after `after`."""
    return _scan(transaction, record_key(scope, "table", database_id), after, _TABLE)


async def load_version(
    transaction: Transaction, scope: Scope, table_id: str, version: int
) -> Archived | None:
    return await _load(
        transaction, record_key(scope, "version", table_id, f"{version:018d}"), _ARCHIVED
    )


def save_version(transaction: Transaction, scope: Scope, table: Table) -> None:
    """Archive the table as it is."""
    archived = Archived(input=table.input, version=table.version, updated_ms=table.updated_ms)
    key = record_key(scope, "version", table.id, f"{table.version:018d}")
    transaction.put(key, _encode(archived))


def delete_version(transaction: Transaction, scope: Scope, table_id: str, version: int) -> None:
    transaction.delete(record_key(scope, "version", table_id, f"{version:018d}"))


async def scan_versions(
    transaction: Transaction, scope: Scope, table_id: str, before: int | None
) -> AsyncIterator[Archived]:
    """Archived versions, the newest first, those before `before`."""
    prefix = record_key(scope, "version", table_id)
    end = end_of(prefix) if before is None else prefix + keys.join(f"{before:018d}")
    async for _, value in transaction.scan(prefix, end, reverse=True):
        yield _ARCHIVED.decode(value)


# What is below an owner that is gone


def schedule_sweep(transaction: Transaction, scope: Scope, kind: str, owner_id: str) -> None:
    """Have all that is below an owner removed in the background; `kind` is the task's."""
    task = tasks.Task("glue", kind, owner_id, 0, scope.account, scope.region)
    tasks.schedule(transaction, task)


async def sweep(
    transaction: Transaction, scope: Scope, kind: str, owner_id: str, count: int
) -> int:
    """Delete up to `count` records of `kind` below an owner that is gone; how many there were."""
    prefix = record_key(scope, kind, owner_id)
    found = 0
    async for key, _ in transaction.scan(prefix, end_of(prefix)):
        if found >= count:
            break
        transaction.delete(key)
        found += 1
    return found


# Functions


async def load_function(
    transaction: Transaction, scope: Scope, database: Database, name: str
) -> Function | None:
    return await _load(transaction, record_key(scope, "function", database.id, name), _FUNCTION)


def save_function(
    transaction: Transaction, scope: Scope, database: Database, name: str, function: Function
) -> None:
    transaction.put(record_key(scope, "function", database.id, name), _encode(function))


def delete_function(transaction: Transaction, scope: Scope, database: Database, name: str) -> None:
    transaction.delete(record_key(scope, "function", database.id, name))


def scan_functions(
    transaction: Transaction, scope: Scope, database: Database, after: str = ""
) -> AsyncIterator[Function]:
    return _scan(transaction, record_key(scope, "function", database.id), after, _FUNCTION)


# Crawlers and their crawls


async def load_crawler(transaction: Transaction, scope: Scope, name: str) -> Crawler | None:
    return await _load(transaction, record_key(scope, "crawler", name), _CRAWLER)


def save_crawler(transaction: Transaction, scope: Scope, crawler: Crawler) -> None:
    transaction.put(record_key(scope, "crawler", crawler.name), _encode(crawler))


def delete_crawler(transaction: Transaction, scope: Scope, name: str) -> None:
    transaction.delete(record_key(scope, "crawler", name))


def scan_crawlers(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[Crawler]:
    """Crawlers by name, those after `after`."""
    return _scan(transaction, record_key(scope, "crawler"), after, _CRAWLER)


def save_crawl(transaction: Transaction, scope: Scope, crawler_id: str, crawl: Crawl) -> None:
    transaction.put(record_key(scope, "crawl", crawler_id, f"{crawl.number:018d}"), _encode(crawl))


async def scan_crawls(
    transaction: Transaction, scope: Scope, crawler_id: str, before: int | None = None
) -> AsyncIterator[Crawl]:
    """Crawls, the newest first, those before number `before`."""
    prefix = record_key(scope, "crawl", crawler_id)
    end = end_of(prefix) if before is None else prefix + keys.join(f"{before:018d}")
    async for _, value in transaction.scan(prefix, end, reverse=True):
        yield _CRAWL.decode(value)


# Tags


async def load_tags(transaction: Transaction, scope: Scope, resource: str) -> dict[str, str]:
    return await _load(transaction, record_key(scope, "tags", resource), _TAGS) or {}


def save_tags(transaction: Transaction, scope: Scope, resource: str, tags: dict[str, str]) -> None:
    """Keep a resource's tags (`crawler/name`); none at all leave no record."""
    key = record_key(scope, "tags", resource)
    if tags:
        transaction.put(key, _encode(tags))
    else:
        transaction.delete(key)
