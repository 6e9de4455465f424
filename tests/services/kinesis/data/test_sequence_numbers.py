"""Sequence numbers and entries' keys, by properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.kinesis.model import sequence
from millpond.services.kinesis.model.entries import (
    KEYLESS,
    as_encrypted,
    key_size,
    pack_key,
    unpack_key,
)

created = st.integers(0, 2**36 - 1)
indexes = st.integers(0, 2**31 - 1)
positions = st.integers(0, 2**63)
partition_keys = st.text(min_size=1, max_size=256).filter(str.isprintable)


@given(created, indexes, positions)
def test_a_number_says_where_its_record_lies(created_s, index, position):
    number = sequence.base(created_s, index) + sequence.step(position)
    assert sequence.read(str(number)) == (created_s, position + 1, index)
    assert len(str(number)) == 56
    assert sequence.read(str(sequence.base(created_s, index))) == (created_s, 0, index)


@given(created, indexes, positions, positions)
def test_numbers_grow_within_a_shard(created_s, index, one, other):
    base = sequence.base(created_s, index)
    assert (base + sequence.step(one) < base + sequence.step(other)) == (one < other)
    assert sequence.step(one + 1) - sequence.step(one) == sequence.STEP


@given(st.integers(0, 2**36 - 2), indexes, indexes, positions, positions)
def test_a_child_s_numbers_are_greater_than_its_parents(created_s, parent, child, one, other):
    last = sequence.base(created_s, parent) + sequence.step(one)
    assert sequence.base(created_s + 1, child) + sequence.step(other) > last


@pytest.mark.parametrize("text", ["", "x", "17", "-1", "²", "9" * 58, "1" * 56, "4" + "0" * 55])
def test_what_no_shard_gave_out_is_no_number(text):
    with pytest.raises(ValueError, match="sequence number"):
        sequence.read(text)


@given(partition_keys | st.none())
def test_a_partition_key_comes_back_encrypted_or_not(partition_key):
    plain = pack_key(partition_key)
    assert unpack_key(plain) == (partition_key, False)
    assert unpack_key(as_encrypted(plain)) == (partition_key, True)
    assert plain
    assert key_size(plain) == len((partition_key or "").encode())
    assert (plain == KEYLESS) == (partition_key is None)
