"""What the catalog holds, and the rules for it. Pure.

What a caller described is kept as AWS's own structure (`DatabaseInput`, `TableInput`, …); beside
it stands what the platform knows: ids, versions, times. Times are epoch milliseconds.

An id belongs to one life of a thing: a table that is dropped and made again has another, so that
what was below the first one (versions, partitions) never shows below the second.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from millpond.services.glue.errors import AlreadyExists, ConcurrentModification, InvalidInput
from millpond.services.glue.shapes import (
    DatabaseInput,
    PartitionIndex,
    PartitionInput,
    StorageDescriptor,
    TableInput,
    UserDefinedFunctionInput,
)

TAGS_MAX = 50
INDEXES_MAX = 3


class Database(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    input: DatabaseInput
    created_ms: int


class Table(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table as it is now; `version` counts from 0 and goes up with every update."""

    id: str
    input: TableInput
    version: int = 0
    created_ms: int
    updated_ms: int
    created_by: str = ""
    indexes: tuple[PartitionIndex, ...] = ()

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """The partition keys as (name, declared type)."""
        keys = self.input.partition_keys or []
        return tuple((key.name, key.type or "string") for key in keys)


class Archived(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table as it was in an earlier version."""

    input: TableInput
    version: int
    updated_ms: int


class Partition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A partition. What its storage has in common with others stands elsewhere, under `layout`:
    `input.storage_descriptor` here holds the location and parameters alone."""

    input: PartitionInput
    created_ms: int
    layout: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(self.input.values or ())


class Function(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    input: UserDefinedFunctionInput
    created_ms: int


def fold(name: str) -> str:
    """A name as the catalog keeps it: Hive knows lower case alone."""
    return name.lower()


def next_version(table: Table, new: TableInput, expected: str | None, now_ms: int) -> Table:
    """The table after an update.

    Raises:
        ConcurrentModification: `expected` is given and is not the version that is replaced.
        InvalidInput: `expected` is not a number.
    """
    if expected is not None and read_version(expected) != table.version:
        raise ConcurrentModification("Update table failed due to concurrent modifications.")
    return msgspec.structs.replace(table, input=new, version=table.version + 1, updated_ms=now_ms)


def read_version(text: str) -> int:
    """A version id.

    Raises:
        InvalidInput: it is not a whole number.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidInput(f"Version id {text} is not valid: it must be a whole number.")
    return int(text)


def check_values(keys: Sequence[object], values: Sequence[str] | None) -> tuple[str, ...]:
    """A partition's values, as many as the table has keys.

    Raises:
        InvalidInput: their numbers differ.
    """
    if values is None:
        raise InvalidInput("The partition values cannot be null.")
    if len(values) != len(keys):
        raise InvalidInput(
            "The number of partition keys do not match the number of partition values"
        )
    return tuple(values)


def check_indexes(
    keys: Sequence[tuple[str, str]], have: Sequence[PartitionIndex], new: Sequence[PartitionIndex]
) -> tuple[PartitionIndex, ...]:
    """A table's partition indexes with the new ones, over keys that it has.

    Raises:
        InvalidInput: an index names a key that is not there or twice, or there are too many.
        AlreadyExists: the name is taken.
    """
    names = {name.lower() for name, _ in keys}
    indexes = list(have)
    for index in new:
        wanted = [key.lower() for key in index.keys]
        if len(set(wanted)) < len(wanted) or not set(wanted) <= names:
            raise InvalidInput("PartitionIndex keys must be distinct partition keys of the table.")
        if any(index.index_name == other.index_name for other in indexes):
            raise AlreadyExists(f"Index {index.index_name} already exists.")
        indexes.append(PartitionIndex(index_name=index.index_name, keys=wanted))
    if len(indexes) > INDEXES_MAX:
        raise InvalidInput(f"A table has at most {INDEXES_MAX} partition indexes.")
    return tuple(indexes)


def split_storage(
    storage: StorageDescriptor | None,
) -> tuple[StorageDescriptor | None, StorageDescriptor | None, str]:
    """A partition's storage in two: what is its own, what many share, and the latter's name."""
    if storage is None:
        return None, None, ""
    own = StorageDescriptor(location=storage.location, parameters=storage.parameters)
    shared = msgspec.structs.replace(storage, location=None, parameters=None)
    return own, shared, hashlib.sha256(msgspec.msgpack.encode(shared)).hexdigest()[:32]


def join_storage(
    own: StorageDescriptor | None, shared: StorageDescriptor | None
) -> StorageDescriptor | None:
    """The storage that `split_storage` took apart."""
    if own is None or shared is None:
        return own
    return msgspec.structs.replace(shared, location=own.location, parameters=own.parameters)


def merge_tags(have: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """A resource's tags with the new ones.

    Raises:
        InvalidInput: there would be more than `TAGS_MAX`.
    """
    merged = have | new
    if len(merged) > TAGS_MAX:
        raise InvalidInput(f"A resource has at most {TAGS_MAX} tags.")
    return merged
