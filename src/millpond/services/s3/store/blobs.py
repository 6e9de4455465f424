"""Which blobs are named by a record, and which are to be removed.

A blob that a record names stands in the index; letting go of it moves it to the removals, in the
same transaction as the change that it follows from. A task gives removals back to the engine.
"""

from collections.abc import AsyncIterator

from msgspec import msgpack

from millpond.engines.objects.interface import Blob
from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.tasks import Task, schedule
from millpond.services.s3.store import keys

REMOVAL_TASK = Task("s3", "remove-blobs", "")

_encode = msgpack.Encoder().encode

read_blob = msgpack.Decoder(Blob).decode
"""A blob from its record."""


async def load_blob(transaction: Transaction, blob_id: str) -> Blob | None:
    value = await transaction.get(keys.of_blob(blob_id))
    return None if value is None else read_blob(value)


def name_blob(transaction: Transaction, blob: Blob) -> None:
    """A record names this blob from this commit on; an inline one needs no name."""
    if blob.id:
        transaction.put(keys.of_blob(blob.id), _encode(blob))


def release_blob(transaction: Transaction, blob_id: str, size: int) -> None:
    """No record names this blob any more."""
    if blob_id:
        transaction.delete(keys.of_blob(blob_id))
        transaction.put(keys.of_removal(blob_id), _encode(Blob(size=size, id=blob_id)))
        schedule(transaction, REMOVAL_TASK)


async def scan_removals(transaction: Transaction) -> AsyncIterator[Blob]:
    """Blobs to be given back to the engine: their sizes and ids."""
    async for _, value in transaction.scan(keys.REMOVAL, end_of(keys.REMOVAL)):
        yield read_blob(value)


def forget_removal(transaction: Transaction, blob: Blob) -> None:
    transaction.delete(keys.of_removal(blob.id))


async def named_ids(transaction: Transaction) -> set[str]:
    """The ids of all blobs that records know, as content or as something to be removed."""
    return {
        key[len(space) :].decode()
        for space in (keys.BLOB, keys.REMOVAL)
        async for key, _ in transaction.scan(space, end_of(space))
    }
