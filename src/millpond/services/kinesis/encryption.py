"""Encrypts records of streams whose encryption is on: AES-256-GCM under keys of the stream's own.

What is stored in place of a record's data: the number of the data key (2 bytes), a nonce (12
bytes), the encrypted data and its tag. The entry's key, which says that the data is encrypted, is
authenticated with it. What came before encryption was switched on, or after it was switched off,
is stored as it is.

The data keys stand in the stream's record and go with it: what is left of a deleted stream's
encrypted records cannot be read by anybody.
"""

import os
from collections.abc import Callable
from functools import lru_cache

from millpond.kernel.errors import Damaged
from millpond.kernel.ids import Ids

_KEY_SIZE_BYTES = 32
_NUMBER_SIZE_BYTES = 2
_SEALED_AT = 14
_CIPHERS_KEPT_MAX = 1024


def new_data_key(ids: Ids) -> bytes:
    return bytes.fromhex(ids.hex(_KEY_SIZE_BYTES))


def encrypt(data_keys: tuple[bytes, ...], entry_key: bytes, data: bytes) -> bytes:
    """What to store for `data`, encrypted with the newest of a stream's `data_keys`."""
    number = len(data_keys) - 1
    nonce = os.urandom(_SEALED_AT - _NUMBER_SIZE_BYTES)
    sealed, _ = _cipher(data_keys[number])
    return number.to_bytes(_NUMBER_SIZE_BYTES, "big") + nonce + sealed(nonce, data, entry_key)


def decrypt(data_keys: tuple[bytes, ...], entry_key: bytes, value: bytes) -> bytes:
    """The data that `encrypt` was given.

    Raises:
        Damaged: it was not encrypted with one of these keys, or was changed since.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as in `_cipher`

    number = int.from_bytes(value[:_NUMBER_SIZE_BYTES], "big")
    if number >= len(data_keys) or len(value) < _SEALED_AT:
        raise Damaged("A record was encrypted with a key that its stream does not have.")
    _, opened = _cipher(data_keys[number])
    try:
        return opened(value[_NUMBER_SIZE_BYTES:_SEALED_AT], value[_SEALED_AT:], entry_key)
    except InvalidTag:
        raise Damaged("An encrypted record was changed since it was written.") from None


_Cipher = Callable[[bytes, bytes, bytes], bytes]


@lru_cache(maxsize=_CIPHERS_KEPT_MAX)
def _cipher(data_key: bytes) -> tuple[_Cipher, _Cipher]:
    """How to encrypt and decrypt. Loaded when the first record needs it: loading takes 30 ms, and
    most servers never encrypt."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    cipher = AESGCM(data_key)
    return cipher.encrypt, cipher.decrypt
