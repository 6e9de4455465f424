"""How a record lies in its shard's log: the entry's key is the partition key, its value the data.

A record without a partition key, and one that is encrypted, has a key that begins with a byte no
UTF-8 text has, and a byte of flags.
"""

from typing import NamedTuple

_MARK = 0xFF
_WITHOUT_KEY = 1
_ENCRYPTED = 2


class EntryKey(NamedTuple):
    """`partition_key` is None when the producer gave none."""

    partition_key: str | None
    encrypted: bool


def pack_key(partition_key: str | None, *, encrypted: bool) -> bytes:
    if partition_key is not None and not encrypted:
        return partition_key.encode()
    flags = (_WITHOUT_KEY if partition_key is None else 0) | (_ENCRYPTED if encrypted else 0)
    return bytes((_MARK, flags)) + (partition_key or "").encode()


def is_plain(key: bytes) -> bool:
    """It is a partition key and nothing else."""
    return key[0] != _MARK


def unpack_key(key: bytes) -> EntryKey:
    if is_plain(key):
        return EntryKey(key.decode(), encrypted=False)
    flags = key[1]
    partition_key = None if flags & _WITHOUT_KEY else key[2:].decode()
    return EntryKey(partition_key, encrypted=bool(flags & _ENCRYPTED))
