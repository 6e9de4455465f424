"""Encrypts what waits in a delivery stream's log: AES-256-GCM under keys of the stream's own.

An entry that is encrypted has a key: the number of its data key, in 2 bytes. Its value is a nonce
(12 bytes), the encrypted entry and its tag; the entry's key is authenticated with it. The data keys
stand in the delivery stream's record and go with it.
"""

import os
from collections.abc import Callable
from functools import lru_cache

from millpond.engines.log.interface import Entry
from millpond.kernel.errors import Damaged
from millpond.kernel.ids import Ids

_KEY_SIZE_BYTES = 32
_NUMBER_SIZE_BYTES = 2
_NONCE_SIZE_BYTES = 12
_CIPHERS_KEPT_MAX = 1024


def new_data_key(ids: Ids) -> bytes:
    return bytes.fromhex(ids.hex(_KEY_SIZE_BYTES))


def encrypt(data_keys: tuple[bytes, ...], value: bytes) -> tuple[bytes, bytes]:
    """The entry for `value`, encrypted with the newest of a delivery stream's `data_keys`."""
    number = len(data_keys) - 1
    key = number.to_bytes(_NUMBER_SIZE_BYTES, "big")
    nonce = os.urandom(_NONCE_SIZE_BYTES)
    seal, _ = _cipher(data_keys[number])
    return key, nonce + seal(nonce, value, key)


def decrypt(data_keys: tuple[bytes, ...], entry: Entry) -> bytes:
    """The value of an entry, decrypted if it was encrypted.

    Raises:
        Damaged: it was not encrypted with one of these keys, or was changed since.
    """
    if not entry.key:
        return entry.value
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as in `_cipher`

    number = int.from_bytes(entry.key, "big")
    if number >= len(data_keys):
        raise Damaged("An entry was encrypted with a key that its delivery stream does not have.")
    _, open_ = _cipher(data_keys[number])
    try:
        return open_(entry.value[:_NONCE_SIZE_BYTES], entry.value[_NONCE_SIZE_BYTES:], entry.key)
    except InvalidTag:
        raise Damaged("An encrypted entry was changed since it was written.") from None


_Cipher = Callable[[bytes, bytes, bytes], bytes]


@lru_cache(maxsize=_CIPHERS_KEPT_MAX)
def _cipher(data_key: bytes) -> tuple[_Cipher, _Cipher]:
    """How to encrypt and decrypt. Loaded when the first entry needs it: that takes 30 ms, and most
    servers never encrypt."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    cipher = AESGCM(data_key)
    return cipher.encrypt, cipher.decrypt
