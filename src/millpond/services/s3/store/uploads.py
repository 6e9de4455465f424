"""Multipart uploads and their parts in records.

An upload that ends, however it ends, leaves its parts to a task: ending it stays one small write.
"""

from collections.abc import AsyncIterator

from msgspec import msgpack

from millpond.engines.records.interface import KEY_SIZE_BYTES_MAX, Transaction, end_of
from millpond.kernel.tasks import Task, schedule
from millpond.services.s3.errors import KeyTooLong
from millpond.services.s3.model.names import KEY_SIZE_BYTES_MAX as USER_KEY_SIZE_BYTES_MAX
from millpond.services.s3.model.stored import Part, Upload
from millpond.services.s3.store import keys
from millpond.services.s3.store.blobs import name_blob, release_blob

ABANDONED_TASK = Task("s3", "remove-parts", "")

_encode = msgpack.Encoder().encode
_decode_part = msgpack.Decoder(Part).decode

read_upload = msgpack.Decoder(Upload).decode
"""An upload from its record."""


async def load_upload(
    transaction: Transaction, bucket: str, key: bytes, upload_id: str
) -> Upload | None:
    record_key = keys.of_upload(bucket, key, upload_id)
    if len(record_key) > KEY_SIZE_BYTES_MAX:
        return None
    value = await transaction.get(record_key)
    return None if value is None else read_upload(value)


def save_upload(transaction: Transaction, bucket: str, key: bytes, upload: Upload) -> None:
    """Raises KeyTooLong: with its NULs escaped, the key is longer than a record's may be."""
    record_key = keys.of_upload(bucket, key, upload.id)
    if len(record_key) > KEY_SIZE_BYTES_MAX:
        raise KeyTooLong(len(keys.escape(key)), USER_KEY_SIZE_BYTES_MAX)
    transaction.put(record_key, _encode(upload))


def end_upload(transaction: Transaction, bucket: str, key: bytes, upload_id: str) -> None:
    """An upload is over; a task removes its parts."""
    _abandon(transaction, keys.of_upload(bucket, key, upload_id), upload_id)


async def end_uploads(transaction: Transaction, bucket: str) -> None:
    """All uploads of a bucket are over."""
    space = keys.space(keys.UPLOAD, bucket)
    async for record_key, value in transaction.scan(space, end_of(space)):
        _abandon(transaction, record_key, read_upload(value).id)


async def load_part(transaction: Transaction, upload_id: str, number: int) -> Part | None:
    value = await transaction.get(keys.of_part(upload_id, number))
    return None if value is None else _decode_part(value)


async def scan_parts(
    transaction: Transaction, upload_id: str, after: int = 0
) -> AsyncIterator[Part]:
    """An upload's parts with numbers above `after`, by number."""
    end = end_of(keys.PART + upload_id.encode() + b"\x00")
    async for _, value in transaction.scan(keys.of_part(upload_id, after + 1), end):
        yield _decode_part(value)


def save_part(
    transaction: Transaction, upload_id: str, part: Part, *, replaced: Part | None
) -> None:
    if replaced is not None:
        release_blob(transaction, replaced.blob.id, replaced.blob.size)
    name_blob(transaction, part.blob)
    transaction.put(keys.of_part(upload_id, part.number), _encode(part))


def delete_part(transaction: Transaction, upload_id: str, part: Part) -> None:
    transaction.delete(keys.of_part(upload_id, part.number))
    release_blob(transaction, part.blob.id, part.blob.size)


async def next_abandoned(transaction: Transaction) -> str | None:
    """An upload whose parts are to be removed."""
    async for record_key, _ in transaction.scan(keys.ABANDONED, end_of(keys.ABANDONED)):
        return record_key[len(keys.ABANDONED) :].decode()
    return None


def forget_abandoned(transaction: Transaction, upload_id: str) -> None:
    transaction.delete(keys.of_abandoned(upload_id))


def _abandon(transaction: Transaction, record_key: bytes, upload_id: str) -> None:
    transaction.delete(record_key)
    transaction.put(keys.of_abandoned(upload_id), b"")
    schedule(transaction, ABANDONED_TASK)
