"""Keys of records: parts joined so that byte order is the order of the parts.

A NUL inside of a part is written as NUL FF, and each part ends with NUL 01: a part that begins
another one comes first, and a prefix of whole parts matches whole parts alone.
"""

import hashlib
from collections.abc import Sequence

from millpond.kernel.call import Scope

_END = b"\x00\x01"
LONG_SIZE_BYTES = 1500
"""Longer values are cut here and told apart by a digest, to stay within the engine's keys."""
_DIGEST_SIZE_BYTES = 32


def record_key(scope: Scope, kind: str, *parts: str) -> bytes:
    """The key of a record of `kind`, or the beginning of several."""
    return b"glue\x00" + join(scope.account, scope.region, kind, *parts)


def join(*parts: str) -> bytes:
    """Parts as the beginning of a key."""
    return b"".join(_escape(part) + _END for part in parts)


def join_values(values: Sequence[str]) -> bytes:
    """Partition values as the end of a key, in order of the values."""
    joined = join(*values)
    if len(joined) <= LONG_SIZE_BYTES:
        return joined
    return joined[:LONG_SIZE_BYTES] + hashlib.sha256(joined).digest()


def begin_values(values: Sequence[str]) -> bytes:
    """What the keys of all partitions begin with whose first values are these."""
    return join(*values)[:LONG_SIZE_BYTES]


def split_values(key: bytes) -> tuple[str, ...] | None:
    """The values that `join_values` joined; None when they were cut."""
    if len(key) == LONG_SIZE_BYTES + _DIGEST_SIZE_BYTES:
        return None
    return tuple(split(key))


def split(key: bytes) -> list[str]:
    """The parts that `join` joined."""
    return [part.replace(b"\x00\xff", b"\x00").decode() for part in key.split(_END)[:-1]]


def _escape(part: str) -> bytes:
    return part.encode().replace(b"\x00", b"\x00\xff")
