"""What a record must be to be delivered as JSON, as a string, or as bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.kinesis.channels.formats import fault_of

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANY_JSON, st.booleans())
def test_every_json_text_is_json(value: object, ascii_only: bool) -> None:
    try:
        text = json.dumps(value, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    assert fault_of("JSON", text) is None


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123tfne\\u. ').map(str.encode))
def test_json_is_what_the_standard_library_reads_of_utf_8(data: bytes) -> None:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(data.decode(), parse_constant=refuse)
        expected = True
    except ValueError:
        expected = False
    assert (fault_of("JSON", data) is None) == expected


@given(st.binary(max_size=60))
def test_a_string_is_utf_8_and_bytes_are_anything(data: bytes) -> None:
    assert fault_of("BYTE_ARRAY", data) is None
    try:
        data.decode()
    except UnicodeDecodeError:
        fault = fault_of("STRING", data)
        assert fault is not None
        assert fault.code == "InvalidString"
    else:
        assert fault_of("STRING", data) is None


@pytest.mark.parametrize(
    "data", [b"", b"  ", b"{", b'{"a":1}{"a":2}', b"NaN", b"\xff", b"[" * 90_000]
)
def test_what_is_not_json_is_told_as_such(data: bytes) -> None:
    fault = fault_of("JSON", data)
    assert fault is not None
    assert fault.code == "InvalidJson"
    assert fault.message.startswith("The record is ")
