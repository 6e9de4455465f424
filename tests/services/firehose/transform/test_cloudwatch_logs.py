"""What CloudWatch Logs sends."""

import contextlib
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.firehose.transform.cloudwatch_logs import (
    NotDecompressed,
    NotLogEvents,
    decompress,
    messages,
)


@given(st.lists(st.binary(max_size=500), min_size=1, max_size=4))
def test_all_members_of_gzip_data_are_opened(parts: list[bytes]) -> None:
    assert decompress(b"".join(map(gzip.compress, parts))) == b"".join(parts)


@given(st.binary(max_size=200))
def test_any_bytes_are_opened_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotDecompressed):
        decompress(b"\x1f\x8b" + data)


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    bomb = gzip.compress(bytes(10 << 20))
    with pytest.raises(NotDecompressed, match="larger than 1048576 bytes"):
        decompress(bomb, 1 << 20)
    assert len(decompress(bomb, 10 << 20)) == 10 << 20


def test_data_that_ends_early_is_refused() -> None:
    with pytest.raises(NotDecompressed, match="ends too early"):
        decompress(gzip.compress(b"hello")[:-3])


def test_the_messages_of_log_events_are_found() -> None:
    document = {
        "messageType": "DATA_MESSAGE",
        "logGroup": "g",
        "logEvents": [
            {"id": "1", "timestamp": 1, "message": "one"},
            {"id": "2", "message": "zwei ß"},
        ],
    }
    assert messages(json.dumps(document).encode()) == [b"one", "zwei ß".encode()]


def test_a_control_message_has_none() -> None:
    document = b'{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}'
    assert messages(document) == []


@pytest.mark.parametrize("document", [b"", b"{}", b'{"messageType":1}', b"[]", b"\xff"])
def test_other_documents_are_refused(document: bytes) -> None:
    with pytest.raises(NotLogEvents):
        messages(document)
