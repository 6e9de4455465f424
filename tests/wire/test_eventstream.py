"""Frames of event streams, as botocore reads them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from botocore.eventstream import EventStreamBuffer, EventStreamMessage
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.kernel.body import LiveBody
from millpond.kernel.errors import ServiceError
from millpond.services.kinesis import shapes as kinesis
from millpond.wire.eventstream import frame
from millpond.wire.protocols import protocol_for

Event = kinesis.SubscribeToShardEvent
EVENT = Event(records=[], continuation_sequence_number="1", millis_behind_latest=0)
NAME = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=30)


class NotFound(ServiceError):
    code = "ResourceNotFoundException"


class Unlisted(ServiceError):
    code = "SomethingElse"


def read(data: bytes) -> list[EventStreamMessage]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    messages = list(buffer)
    assert sum(message.prelude.total_length for message in messages) == len(data)
    return messages


@settings(deadline=None, derandomize=True, database=None)
@given(
    st.dictionaries(NAME, st.text(st.characters(codec="utf-8"), max_size=300), max_size=5),
    st.binary(max_size=2000),
)
def test_botocore_reads_what_we_frame(headers: dict[str, str], payload: bytes) -> None:
    (message,) = read(frame(list(headers.items()), payload))
    assert (message.headers, message.payload) == (headers, payload)


async def frames(events: AsyncIterator[Any], spoken: Any = "json") -> list[EventStreamMessage]:
    protocol = protocol_for(replace(kinesis.MODEL, protocol=spoken))
    operation = kinesis.MODEL.operations["SubscribeToShard"]
    output = kinesis.SubscribeToShardOutput(event_stream=events)
    answer = protocol.serialize(operation, output, "request-1")
    assert ("Content-Type", "application/vnd.amazon.eventstream") in answer.headers
    assert isinstance(answer.body, LiveBody)
    came = b""
    try:
        async for piece in answer.body:
            came += piece
    except RuntimeError:
        came += b""
    return read(came)


async def of(*events: Any) -> AsyncIterator[Any]:
    for event in events:
        if isinstance(event, Exception):
            raise event
        yield event


async def test_the_initial_response_comes_first() -> None:
    first, second = await frames(of(EVENT))
    assert first.headers == {
        ":event-type": "initial-response",
        ":content-type": "application/x-amz-json-1.1",
        ":message-type": "event",
    }
    assert first.payload == b"{}"
    assert second.headers[":event-type"] == "SubscribeToShardEvent"
    assert second.payload == (
        b'{"Records":[],"ContinuationSequenceNumber":"1","MillisBehindLatest":0}'
    )


async def test_payloads_are_in_cbor_where_the_request_was() -> None:
    record = kinesis.Record(data=b"\x00\xff", approximate_arrival_timestamp=1.5)
    first, second = await frames(of(Event(records=[record])), "json-cbor")
    assert cbor2.loads(first.payload) == {}
    assert second.headers[":content-type"] == "application/x-amz-cbor-1.1"
    said = cbor2.loads(second.payload, semantic_decoders={1: lambda value, _: value})
    assert said["Records"] == [{"Data": b"\x00\xff", "ApproximateArrivalTimestamp": 1500}]


@pytest.mark.parametrize(
    ("failure", "headers"),
    [
        (
            NotFound("gone"),
            {":message-type": "exception", ":exception-type": "ResourceNotFoundException",
             ":content-type": "application/x-amz-json-1.1"},
        ),
        (
            Unlisted("gone"),
            {":message-type": "error", ":error-code": "SomethingElse", ":error-message": "gone"},
        ),
        (
            RuntimeError("a secret"),
            {":message-type": "exception", ":exception-type": "InternalFailureException",
             ":content-type": "application/x-amz-json-1.1"},
        ),
    ],
)  # fmt: skip
async def test_a_failure_is_the_last_frame(failure: Exception, headers: dict[str, str]) -> None:
    *_, last = await frames(of(EVENT, failure))
    assert last.headers == headers
    assert b"secret" not in last.payload


async def test_closing_the_frames_closes_the_events() -> None:
    closed = []

    async def events() -> AsyncIterator[Any]:
        try:
            while True:
                yield EVENT
        finally:
            closed.append(True)

    operation = kinesis.MODEL.operations["SubscribeToShard"]
    output = kinesis.SubscribeToShardOutput(event_stream=events())
    body = protocol_for(kinesis.MODEL).serialize(operation, output, "request-1").body
    assert isinstance(body, LiveBody)
    pieces = body.pieces
    await anext(pieces)
    await anext(pieces)
    await pieces.aclose()
    assert closed == [True]
