"""Several JSON values in one record."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.firehose.transform.json_objects import (
    NotJson,
    split_delimited,
    split_json,
)

objects = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
    max_size=4,
)


@given(st.lists(objects, min_size=1, max_size=8), st.sampled_from(["", " ", "\n", "\r\n", "\n\n"]))
def test_values_come_out_as_they_were_written(values: list[Any], between: str) -> None:
    texts = [json.dumps(value) for value in values]
    record = between.join(texts).encode()
    assert split_json(record) == [text.encode() for text in texts]


@given(st.binary(max_size=100))
def test_any_bytes_are_values_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotJson):
        assert all(split_json(data))


def test_an_array_is_one_value() -> None:
    assert split_json(b'[{"a":1},{"a":2}]') == [b'[{"a":1},{"a":2}]']


def test_a_value_over_several_lines_is_one() -> None:
    assert split_json(b'{\n "a": 1\n}\n{"b":2}') == [b'{\n "a": 1\n}', b'{"b":2}']


@pytest.mark.parametrize("data", [b"", b" \n", b"{}x", b'{"a":1}{"a":', b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused(data: bytes) -> None:
    with pytest.raises(NotJson):
        split_json(data)


def test_pieces_between_delimiters_keep_their_bytes() -> None:
    assert split_delimited(b"a||b\n||||\xff||", b"||") == [b"a", b"b\n", b"\xff"]
