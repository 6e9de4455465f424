"""Objects in records: each with its body, and with the rows of its parts if it was made of some."""

from collections.abc import Sequence

from msgspec import msgpack

from millpond.engines.objects.interface import Blob
from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.errors import Damaged
from millpond.services.s3.model.stored import PartRow, StoredObject
from millpond.services.s3.store import keys
from millpond.services.s3.store.blobs import load_blob, name_blob, read_blob, release_blob

_encode = msgpack.Encoder().encode
_decode_rows = msgpack.Decoder(list[PartRow]).decode

read_object = msgpack.Decoder(StoredObject).decode
"""An object from its record."""


async def has_objects(transaction: Transaction, bucket: str) -> bool:
    space = keys.space(keys.OBJECT, bucket)
    async for _ in transaction.scan(space, end_of(space)):
        return True
    return False


async def load_object(transaction: Transaction, bucket: str, key: bytes) -> StoredObject | None:
    value = await transaction.get(keys.of_object(keys.OBJECT, bucket, key))
    return None if value is None else read_object(value)


async def load_body(
    transaction: Transaction, bucket: str, key: bytes, stored: StoredObject
) -> Blob:
    """The object's blob, with a small body in it.

    Raises:
        Damaged: there is none.
    """
    if stored.blob_id:
        blob = await load_blob(transaction, stored.blob_id)
    else:
        value = await transaction.get(keys.of_object(keys.BODY, bucket, key))
        blob = None if value is None else read_blob(value)
    if blob is None:
        raise Damaged(f"The body of an object in bucket {bucket} is missing.")
    return blob


async def load_rows(transaction: Transaction, bucket: str, key: bytes) -> list[PartRow]:
    """What remains known of the parts that an object was made of."""
    value = await transaction.get(keys.of_object(keys.ROWS, bucket, key))
    return [] if value is None else _decode_rows(value)


def save_object(
    transaction: Transaction,
    bucket: str,
    key: bytes,
    stored: StoredObject,
    blob: Blob,
    *,
    replaced: StoredObject | None,
    rows: Sequence[PartRow] = (),
) -> None:
    """Put an object and its body in the place of `replaced`."""
    if replaced is not None:
        _release(transaction, bucket, key, replaced, keeps_body=blob.inline is not None)
    if blob.inline is not None:
        transaction.put(keys.of_object(keys.BODY, bucket, key), _encode(blob))
    else:
        name_blob(transaction, blob)
    if rows:
        transaction.put(keys.of_object(keys.ROWS, bucket, key), _encode(list(rows)))
    transaction.put(keys.of_object(keys.OBJECT, bucket, key), _encode(stored))


def delete_object(transaction: Transaction, bucket: str, key: bytes, stored: StoredObject) -> None:
    transaction.delete(keys.of_object(keys.OBJECT, bucket, key))
    _release(transaction, bucket, key, stored, keeps_body=False)


def _release(
    transaction: Transaction, bucket: str, key: bytes, stored: StoredObject, *, keeps_body: bool
) -> None:
    """Let go of what belongs to an object besides its own record."""
    if stored.parts_count:
        transaction.delete(keys.of_object(keys.ROWS, bucket, key))
    if stored.blob_id:
        release_blob(transaction, stored.blob_id, stored.size)
    elif not keeps_body:
        transaction.delete(keys.of_object(keys.BODY, bucket, key))
