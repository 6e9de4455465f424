"""Encrypts what its owner keeps in a log: AES-256-GCM under data keys of the owner's own.

Something sealed is a nonce (12 bytes), the encrypted bytes and their tag.
"""

import os
from collections.abc import Callable
from functools import lru_cache

from millpond.kernel.errors import Damaged
from millpond.kernel.ids import Ids

_KEY_SIZE_BYTES = 32
_NONCE_SIZE_BYTES = 12
_CIPHERS_KEPT_MAX = 1024


def new_data_key(ids: Ids) -> bytes:
    return bytes.fromhex(ids.hex(_KEY_SIZE_BYTES))


def seal(data_key: bytes, data: bytes, associated: bytes) -> bytes:
    """`data`, encrypted; `associated` is authenticated with it, and not in it."""
    nonce = os.urandom(_NONCE_SIZE_BYTES)
    encrypt, _ = _cipher(data_key)
    return nonce + encrypt(nonce, data, associated)


def unseal(data_key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """What `seal` was given.

    Raises:
        Damaged: it was not sealed with this key and `associated`, or was changed since.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as in `_cipher`

    _, decrypt = _cipher(data_key)
    try:
        return decrypt(sealed[:_NONCE_SIZE_BYTES], sealed[_NONCE_SIZE_BYTES:], associated)
    except InvalidTag:
        raise Damaged("What was encrypted was changed since it was written.") from None


_Cipher = Callable[[bytes, bytes, bytes], bytes]


@lru_cache(maxsize=_CIPHERS_KEPT_MAX)
def _cipher(data_key: bytes) -> tuple[_Cipher, _Cipher]:
    """How to encrypt and decrypt. Loaded when the first entry needs it: that takes 30 ms, and most
    servers never encrypt."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    cipher = AESGCM(data_key)
    return cipher.encrypt, cipher.decrypt
