"""Shard iterators: opaque to clients, signed so that only our own are taken back.

An iterator holds where to read on and when it was given out. Its signature covers the account and
the region too: it is worth nothing in others.
"""

import base64
import hmac
import struct
import time
from typing import NamedTuple

LIFETIME_MS = 300_000
"""How old an iterator may be. Source: Kinesis API reference, GetShardIterator."""

_HEAD = struct.Struct(">BQQQ")
_VERSION = 1
_MAC_SIZE_BYTES = 16


class BadIterator(ValueError):
    """Not an iterator that was given out for this account and region."""


class ShardIterator(NamedTuple):
    """Read on at `position` of the shard's log. `stream_id` tells a stream from a later one of the
    same name; `issued_ms` is epoch milliseconds."""

    stream_name: str
    stream_id: str
    shard_index: int
    position: int
    issued_ms: int


def seal(secret: bytes, account: str, region: str, iterator: ShardIterator) -> str:
    """The iterator as clients see it: Base64, at most 400 characters."""
    payload = (
        _HEAD.pack(_VERSION, iterator.issued_ms, iterator.shard_index, iterator.position)
        + f"{iterator.stream_id}\0{iterator.stream_name}".encode()
    )
    return base64.b64encode(_mac(secret, account, region, payload) + payload).decode()


def unseal(secret: bytes, account: str, region: str, text: str) -> ShardIterator:
    """The iterator that `seal` made into `text`.

    Raises:
        BadIterator: it is damaged, or was made for another account or region.
    """
    try:
        sealed = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadIterator("It is not Base64.") from error
    mac, payload = sealed[:_MAC_SIZE_BYTES], sealed[_MAC_SIZE_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, account, region, payload)):
        raise BadIterator("It is damaged, or another's.")
    version, issued_ms, shard_index, position = _HEAD.unpack_from(payload)
    if version != _VERSION:
        raise BadIterator("It is of another version.")
    stream_id, _, stream_name = payload[_HEAD.size :].decode().partition("\0")
    return ShardIterator(stream_name, stream_id, shard_index, position, issued_ms)


def expired(iterator: ShardIterator, now_ms: int) -> str | None:
    """AWS's sentence about an iterator that is too old; None when it is not."""
    if now_ms - iterator.issued_ms <= LIFETIME_MS:
        return None
    return (
        f"Iterator expired. The iterator was created at time {_date(iterator.issued_ms)} while "
        f"right now it is {_date(now_ms)} which is further in the future than the tolerated delay "
        f"of {LIFETIME_MS} milliseconds."
    )


def _mac(secret: bytes, account: str, region: str, payload: bytes) -> bytes:
    signed = f"kinesis shard iterator\0{account}\0{region}\0".encode() + payload
    return hmac.digest(secret, signed, "sha256")[:_MAC_SIZE_BYTES]


def _date(epoch_ms: int) -> str:
    """`Thu Jan 22 01:22:02 UTC 2015`"""
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(epoch_ms / 1000))
