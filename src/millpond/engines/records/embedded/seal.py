"""How a value lies on disk: CRC-32C of key and value (four bytes, big-endian), then the value.

The key is part of the sum, so that a value found under another key is damage too.
"""

from awscrt.checksums import crc32c

from millpond.kernel.errors import Damaged

_SUM_SIZE_BYTES = 4


def seal(key: bytes, value: bytes) -> bytes:
    """The stored form of `value` under `key`."""
    total: int = crc32c(value, crc32c(key))
    return total.to_bytes(_SUM_SIZE_BYTES, "big") + value


def unseal(key: bytes, stored: bytes) -> bytes:
    """The value in a stored form.

    Raises:
        Damaged: it is not what `seal` made for this key.
    """
    value = stored[_SUM_SIZE_BYTES:]
    if crc32c(value, crc32c(key)).to_bytes(_SUM_SIZE_BYTES, "big") != stored[:_SUM_SIZE_BYTES]:
        raise Damaged(f"The record {key!r} does not match its checksum.")
    return value
