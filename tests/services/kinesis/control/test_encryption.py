"""Records of encrypted streams: read back as they were, and never when they were changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.log.encryption import new_data_key
from millpond.kernel.errors import Damaged
from millpond.kernel.ids import SeededIds
from millpond.services.kinesis.encryption import decrypt, encrypt

IDS = SeededIds(11)
KEYS = tuple(new_data_key(IDS) for _ in range(3))


@given(st.binary(), st.binary(max_size=40), st.integers(1, 3))
def test_what_was_encrypted_is_read_back_with_the_keys_of_today(
    data: bytes, entry_key: bytes, keys_then: int
) -> None:
    stored = encrypt(KEYS[:keys_then], entry_key, data)
    assert decrypt(KEYS, entry_key, stored) == data


def test_the_same_data_is_never_stored_the_same_twice() -> None:
    assert encrypt(KEYS, b"k", b"data") != encrypt(KEYS, b"k", b"data")


@given(st.data())
def test_any_change_is_noticed(data: st.DataObject) -> None:
    stored = bytearray(encrypt(KEYS, b"k", b"some data that matters"))
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Damaged):
        decrypt(KEYS, b"k", bytes(stored))


def test_data_is_bound_to_its_partition_key_and_its_stream() -> None:
    stored = encrypt(KEYS, b"k", b"data")
    with pytest.raises(Damaged):
        decrypt(KEYS, b"other", stored)
    with pytest.raises(Damaged):
        decrypt(tuple(new_data_key(IDS) for _ in range(3)), b"k", stored)
    with pytest.raises(Damaged):
        decrypt(KEYS[:2], b"k", stored)
    with pytest.raises(Damaged):
        decrypt(KEYS, b"k", stored[:10])
