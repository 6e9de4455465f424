"""Iterators as clients hold them: opaque, bound to their place, not to be forged."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.kinesis.model.iterators import (
    LIFETIME_MS,
    BadIterator,
    ShardIterator,
    expired,
    seal,
    unseal,
)

SECRET = b"a secret"
_names = st.text("abcXYZ019_.-", min_size=1, max_size=128)
_numbers = st.integers(0, 2**63)
iterators = st.builds(ShardIterator, _names, st.uuids().map(str), _numbers, _numbers, _numbers)


@given(iterators)
def test_an_iterator_is_read_back_as_it_was(iterator):
    text = seal(SECRET, "1", "r", iterator)
    assert unseal(SECRET, "1", "r", text) == iterator
    assert len(text) <= 400


@given(iterators, st.data())
def test_a_changed_iterator_is_refused(iterator, data):
    sealed = bytearray(base64.b64decode(seal(SECRET, "1", "r", iterator)))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadIterator):
        unseal(SECRET, "1", "r", base64.b64encode(sealed).decode())


@given(st.text(max_size=512))
def test_no_text_passes_for_an_iterator(text):
    with pytest.raises(BadIterator):
        unseal(SECRET, "1", "r", text)


@pytest.mark.parametrize(
    ("secret", "account", "region"),
    [(b"other", "1", "r"), (SECRET, "2", "r"), (SECRET, "1", "q")],
)
def test_an_iterator_of_another_account_region_or_folder_is_refused(secret, account, region):
    text = seal(SECRET, "1", "r", ShardIterator("s", "id", 0, 0, 0))
    with pytest.raises(BadIterator):
        unseal(secret, account, region, text)


def test_an_iterator_expires_after_five_minutes():
    iterator = ShardIterator("s", "id", 0, 0, 1_421_892_122_000)
    assert expired(iterator, iterator.issued_ms + LIFETIME_MS) is None
    assert expired(iterator, iterator.issued_ms + LIFETIME_MS + 1000) == (
        "Iterator expired. The iterator was created at time Thu Jan 22 02:02:02 UTC 2015 while "
        "right now it is Thu Jan 22 02:07:03 UTC 2015 which is further in the future than the "
        "tolerated delay of 300000 milliseconds."
    )
