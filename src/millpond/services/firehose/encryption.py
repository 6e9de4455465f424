"""Encrypts what waits in a delivery stream's log: AES-256-GCM under keys of the stream's own.

An entry that is encrypted has a key: the number of its data key, in 2 bytes. Its value is a nonce
(12 bytes), the encrypted entry and its tag; the entry's key is authenticated with it. The data keys
stand in the delivery stream's record and go with it.
"""

from millpond.engines.log.encryption import seal, unseal
from millpond.engines.log.interface import Entry
from millpond.kernel.errors import Damaged

_NUMBER_SIZE_BYTES = 2


def encrypt(data_keys: tuple[bytes, ...], value: bytes) -> tuple[bytes, bytes]:
    """The entry for `value`, encrypted with the newest of a delivery stream's `data_keys`."""
    key = (len(data_keys) - 1).to_bytes(_NUMBER_SIZE_BYTES, "big")
    return key, seal(data_keys[-1], value, key)


def decrypt(data_keys: tuple[bytes, ...], entry: Entry) -> bytes:
    """The value of an entry, decrypted if it was encrypted.

    Raises:
        Damaged: it was not encrypted with one of these keys, or was changed since.
    """
    if not entry.key:
        return entry.value
    number = int.from_bytes(entry.key, "big")
    if number >= len(data_keys):
        raise Damaged("An entry was encrypted with a key that its delivery stream does not have.")
    return unseal(data_keys[number], entry.value, entry.key)
