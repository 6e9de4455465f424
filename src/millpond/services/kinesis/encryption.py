"""Encrypts records of streams whose encryption is on: AES-256-GCM under keys of the stream's own.

What is stored in place of a record's data: the number of the data key (2 bytes), a nonce (12
bytes), the encrypted data and its tag. The entry's key, which says that the data is encrypted, is
authenticated with it. What came before encryption was switched on, or after it was switched off,
is stored as it is.

The data keys stand in the stream's record and go with it: what is left of a deleted stream's
encrypted records cannot be read by anybody.
"""

from millpond.engines.log.encryption import seal, unseal
from millpond.kernel.errors import Damaged

_NUMBER_SIZE_BYTES = 2
_SEALED_AT = 14


def encrypt(data_keys: tuple[bytes, ...], entry_key: bytes, data: bytes) -> bytes:
    """What to store for `data`, encrypted with the newest of a stream's `data_keys`."""
    number = len(data_keys) - 1
    return number.to_bytes(_NUMBER_SIZE_BYTES, "big") + seal(data_keys[number], data, entry_key)


def decrypt(data_keys: tuple[bytes, ...], entry_key: bytes, value: bytes) -> bytes:
    """The data that `encrypt` was given.

    Raises:
        Damaged: it was not encrypted with one of these keys, or was changed since.
    """
    number = int.from_bytes(value[:_NUMBER_SIZE_BYTES], "big")
    if number >= len(data_keys) or len(value) < _SEALED_AT:
        raise Damaged("A record was encrypted with a key that its stream does not have.")
    return unseal(data_keys[number], value[_NUMBER_SIZE_BYTES:], entry_key)
