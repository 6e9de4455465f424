"""How a record lies in its shard's log: the entry's key is the partition key, its value the data.

A record without a partition key, and one that is encrypted, has a key that begins with a byte no
UTF-8 text has, and a byte of flags.
"""

from typing import NamedTuple

_MARK = 0xFF
_WITHOUT_KEY = 1
_ENCRYPTED = 2

KEYLESS = bytes((_MARK, _WITHOUT_KEY))
"""The key of a record that has none, where the stream distributes records by itself."""


class EntryKey(NamedTuple):
    """`partition_key` is None when the producer gave none."""

    partition_key: str | None
    encrypted: bool


def pack_key(partition_key: str | None) -> bytes:
    """The key of a record that is not encrypted."""
    return KEYLESS if partition_key is None else partition_key.encode()


def key_size(key: bytes) -> int:
    """What the partition key in an entry's key counts against limits, in bytes."""
    return 0 if key == KEYLESS else len(key)


def as_encrypted(key: bytes) -> bytes:
    """The key of the same record when it is encrypted."""
    if key == KEYLESS:
        return bytes((_MARK, _WITHOUT_KEY | _ENCRYPTED))
    return bytes((_MARK, _ENCRYPTED)) + key


def unpack_key(key: bytes) -> EntryKey:
    if key[0] != _MARK:
        return EntryKey(key.decode(), encrypted=False)
    flags = key[1]
    partition_key = None if flags & _WITHOUT_KEY else key[2:].decode()
    return EntryKey(partition_key, encrypted=bool(flags & _ENCRYPTED))
