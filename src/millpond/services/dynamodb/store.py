"""How tables and their items are laid out in records.

    table     account, region, name        → Table
    item      table id, item's place       → size, item
    entry     index id, entry's place      → size, projected item
    count     table id                     → Counts
    filling   index id                     → where the next items to be entered are
    token     account, region, token       → Token

each below `dynamodb`. Ids of tables and indexes are new in each life: what was below a deleted one
never shows below its successor, and is swept by a task. Places are in `model/keys`; a size is four
bytes, big-endian, and what follows is msgpack with AWS's member names.
"""

from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel import tasks
from millpond.kernel.call import Scope
from millpond.services.dynamodb.model.tables import Index, Table
from millpond.services.dynamodb.model.values import Item, Value

TOKEN_KEPT_MS = 10 * 60 * 1000
"""How long a ClientRequestToken stands for what it did."""
_SIZE_BYTES = 4
_encode = msgspec.msgpack.Encoder().encode
_TABLE = msgspec.msgpack.Decoder(Table)
_ITEM = msgspec.msgpack.Decoder(dict[str, Value])


class Counts(msgspec.Struct, frozen=True):
    """How many records there are, and their bytes: of the table first, then of its indexes by id.
    `at_ms` says when they were counted."""

    at_ms: int
    table: tuple[int, int]
    indexes: dict[str, tuple[int, int]] = {}


class Token(msgspec.Struct, frozen=True):
    """A transaction that was done under a ClientRequestToken."""

    digest: bytes
    done_ms: int


_COUNTS = msgspec.msgpack.Decoder(Counts)
_TOKEN = msgspec.msgpack.Decoder(Token)


class Stored(NamedTuple):
    """An item or an index entry as it lies in a record."""

    size_bytes: int
    data: bytes

    @property
    def item(self) -> Item:
        return _ITEM.decode(self.data)


def read_stored(value: bytes) -> Stored:
    """What a record of an item or entry holds."""
    return Stored(int.from_bytes(value[:_SIZE_BYTES], "big"), value[_SIZE_BYTES:])


def stored_value(item: Mapping[str, Value], size_bytes: int) -> bytes:
    """The record of an item or entry."""
    return size_bytes.to_bytes(_SIZE_BYTES, "big") + _encode(item)


def _key(scope: Scope, kind: str, *parts: str) -> bytes:
    return b"\x00".join(
        part.encode() for part in ("dynamodb", kind, scope.account, scope.region, *parts)
    )


# Tables


async def load_table(transaction: Transaction, scope: Scope, name: str) -> Table | None:
    value = await transaction.get(_key(scope, "table", name))
    return None if value is None else _decoded(value)


@lru_cache(maxsize=256)
def _decoded(value: bytes) -> Table:
    return _TABLE.decode(value)


def save_table(transaction: Transaction, scope: Scope, table: Table) -> None:
    transaction.put(_key(scope, "table", table.name), _encode(table))


def drop_table(transaction: Transaction, scope: Scope, table: Table) -> None:
    """Take a table out of sight; its items and entries go in the background."""
    transaction.delete(_key(scope, "table", table.name))
    transaction.delete(_counts_key(table))
    schedule_sweep(transaction, scope, items_prefix(table))
    for index in table.maintained:
        drop_index(transaction, scope, index)


def drop_index(transaction: Transaction, scope: Scope, index: Index) -> None:
    """Have an index's entries removed in the background."""
    transaction.delete(_filling_key(index))
    schedule_sweep(transaction, scope, entries_prefix(index))


def schedule_sweep(transaction: Transaction, scope: Scope, prefix: bytes) -> None:
    """Have all records below `prefix` removed in the background."""
    task = tasks.Task("dynamodb", "sweep", prefix.hex(), 0, scope.account, scope.region)
    tasks.schedule(transaction, task)


async def scan_table_names(
    transaction: Transaction, scope: Scope, after: str
) -> AsyncIterator[str]:
    """Names of tables in order, those after `after`."""
    prefix = _key(scope, "table", "")
    async for key, _ in transaction.scan(prefix + after.encode() + b"\x00", end_of(prefix)):
        yield key[len(prefix) :].decode()


# Items and entries


def items_prefix(table: Table) -> bytes:
    """What the keys of a table's items begin with."""
    return b"dynamodb\x00item\x00" + bytes.fromhex(table.id.replace("-", ""))


def entries_prefix(index: Index) -> bytes:
    """What the keys of an index's entries begin with."""
    return b"dynamodb\x00entry\x00" + bytes.fromhex(index.id)


async def load_item(transaction: Transaction, table: Table, place: bytes) -> Stored | None:
    """The item at `place`."""
    value = await transaction.get(items_prefix(table) + place)
    return None if value is None else read_stored(value)


async def sweep(transaction: Transaction, prefix: bytes, count: int) -> int:
    """Delete up to `count` records below `prefix`; how many there were."""
    deleted = 0
    async for key, _ in transaction.scan(prefix, end_of(prefix)):
        if deleted == count:
            break
        transaction.delete(key)
        deleted += 1
    return deleted


async def count(transaction: Transaction, prefix: bytes, most: int) -> tuple[int, int] | None:
    """How many records below `prefix`, and the bytes of their items; None when more than `most`."""
    records = size_bytes = 0
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        if records == most:
            return None
        records += 1
        size_bytes += int.from_bytes(value[:_SIZE_BYTES], "big")
    return records, size_bytes


async def count_from(
    transaction: Transaction, start: bytes, end: bytes, most: int
) -> tuple[tuple[int, int], bytes | None]:
    """Records and bytes of up to `most` records from `start` on, and where to go on; None at the
    end."""
    records = size_bytes = 0
    async for key, value in transaction.scan(start, end):
        if records == most:
            return (records, size_bytes), key
        records += 1
        size_bytes += int.from_bytes(value[:_SIZE_BYTES], "big")
    return (records, size_bytes), None


# What is kept beside tables


def _counts_key(table: Table) -> bytes:
    return b"dynamodb\x00count\x00" + table.id.encode()


async def load_counts(transaction: Transaction, table: Table) -> Counts | None:
    value = await transaction.get(_counts_key(table))
    return None if value is None else _COUNTS.decode(value)


def save_counts(transaction: Transaction, table: Table, counts: Counts) -> None:
    transaction.put(_counts_key(table), _encode(counts))


def _filling_key(index: Index) -> bytes:
    return b"dynamodb\x00filling\x00" + index.id.encode()


async def load_filling(transaction: Transaction, index: Index) -> bytes:
    """The place of the first item that is not entered yet."""
    return await transaction.get(_filling_key(index)) or b""


def save_filling(transaction: Transaction, index: Index, place: bytes) -> None:
    transaction.put(_filling_key(index), place)


def delete_filling(transaction: Transaction, index: Index) -> None:
    transaction.delete(_filling_key(index))


async def load_token(transaction: Transaction, scope: Scope, token: str) -> Token | None:
    value = await transaction.get(_key(scope, "token", token))
    return None if value is None else _TOKEN.decode(value)


def save_token(transaction: Transaction, scope: Scope, name: str, token: Token) -> None:
    transaction.put(_key(scope, "token", name), _encode(token))


async def old_tokens(
    transaction: Transaction, before_ms: int, after: bytes, most: int
) -> tuple[list[bytes], bytes | None]:
    """Keys of tokens older than `before_ms` among the `most` that come after the key `after`, and
    the key to go on after; None at the end."""
    prefix = b"dynamodb\x00token\x00"
    found: list[bytes] = []
    seen = 0
    async for key, value in transaction.scan(max(prefix, after + b"\x00"), end_of(prefix)):
        if _TOKEN.decode(value).done_ms < before_ms:
            found.append(key)
        seen += 1
        if seen == most:
            return found, key
    return found, None


async def forget_token(transaction: Transaction, key: bytes, before_ms: int) -> None:
    """Delete the token under `key` if it is still an old one."""
    value = await transaction.get(key)
    if value is not None and _TOKEN.decode(value).done_ms < before_ms:
        transaction.delete(key)
