"""Buckets in records."""

from collections.abc import AsyncIterator

from msgspec import msgpack

from millpond.engines.records.interface import Transaction, end_of
from millpond.services.s3.model.names import NAME_LENGTH_MAX
from millpond.services.s3.model.stored import Bucket
from millpond.services.s3.store import keys

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Bucket).decode


async def load_bucket(transaction: Transaction, name: str) -> Bucket | None:
    value = await transaction.get(keys.of_bucket(name))
    return None if value is None else _decode(value)


def save_bucket(transaction: Transaction, bucket: Bucket) -> None:
    transaction.put(keys.of_bucket(bucket.name), _encode(bucket))


def delete_bucket(transaction: Transaction, name: str) -> None:
    transaction.delete(keys.of_bucket(name))


async def scan_buckets(transaction: Transaction, prefix: str, after: str) -> AsyncIterator[Bucket]:
    """Buckets whose name begins with `prefix` and comes after `after`, by name."""
    if not prefix.isascii() or len(prefix) > NAME_LENGTH_MAX:
        return
    start = keys.of_bucket(prefix)
    behind = keys.of_bucket(after) + b"\x00" if after else start
    async for _, value in transaction.scan(max(start, behind), end_of(start)):
        yield _decode(value)
