"""Event streams: typed events to `application/vnd.amazon.eventstream` frames.

A frame is its length and its headers' length with a CRC-32 of both, the headers, the payload, and
a CRC-32 of all that. The first event of JSON protocols is the `initial-response`, which carries the
answer's other members.

Source: Smithy, "Amazon Event Stream Specification"; the frames that botocore and awscrt read.
"""

import struct
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Protocol

import msgspec

from millpond.kernel.errors import ServiceError
from millpond.wire.fields import Value, structure_of

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7
_PRELUDE = struct.Struct(">II")
_CRC = struct.Struct(">I")
_TEXT_LENGTH = struct.Struct(">H")
_FRAMING_SIZE_BYTES = 16
_FAILURE = "InternalFailureException"
_FAILURE_TEXT = "The stream has failed because of an unknown error, exception or failure."


class Codec(Protocol):
    """Writes payloads."""

    def encode(self, content: Any) -> bytes: ...


def frame(headers: Sequence[tuple[str, str]], payload: bytes) -> bytes:
    """One message; the values of its headers are texts of at most 65,535 bytes."""
    named = b"".join(_header(name, value) for name, value in headers)
    return _framed(named, payload)


class EventWriter:
    """Writes the frames of one answer. Times and blobs are as `codec` has them."""

    @classmethod
    def of(
        cls, output: msgspec.Struct, codec: Codec, content_type: str, message_member: str
    ) -> "EventWriter | None":
        """The writer for an answer that has a stream of events in it; None: it has none."""
        field = structure_of(type(output)).event_stream
        if field is None:
            return None
        events = getattr(output, field.attribute)
        if events is None:
            raise ValueError(f"{type(output).__name__} has no {field.name}.")
        others = msgspec.structs.replace(output, **{field.attribute: None})
        return cls(events, others, field.value, codec, content_type, message_member)

    def __init__(
        self,
        events: AsyncIterator[msgspec.Struct],
        others: msgspec.Struct,
        value: Value,
        codec: Codec,
        content_type: str,
        message_member: str,
    ) -> None:
        if value.stream is None:
            raise TypeError(f"A {value.kind} is no stream of events.")
        self._events = events
        self._others = others
        self._codec = codec
        self._content_type = content_type
        self._message_member = message_member
        self._exceptions = value.stream.exceptions
        self._heads = {
            kind: self._head(name)
            for kind, name in zip(value.events, value.stream.events, strict=True)
        }

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """The frames, the initial response first. A failure of the events is told in the last
        frame and, unless it is a ServiceError, raised behind it.

        Closing or cancelling this generator closes or cancels the events.
        """
        try:
            yield _framed(self._head("initial-response"), self._codec.encode(self._others))
            async for event in self._events:
                yield _framed(self._heads[type(event)], self._codec.encode(event))
        except ServiceError as error:
            yield self._refusal(error.code, error.message)
        except Exception:
            yield self._refusal(_FAILURE, _FAILURE_TEXT)
            raise
        finally:
            if isinstance(self._events, AsyncGenerator):
                await self._events.aclose()

    def _head(self, event: str) -> bytes:
        return b"".join(
            (
                _header(":event-type", event),
                _header(":content-type", self._content_type),
                _header(":message-type", "event"),
            )
        )

    def _refusal(self, code: str, message: str) -> bytes:
        if code not in self._exceptions:
            headers = (
                (":error-code", code),
                (":error-message", message),
                (":message-type", "error"),
            )
            return frame(headers, b"")
        headers = (
            (":exception-type", code),
            (":content-type", self._content_type),
            (":message-type", "exception"),
        )
        return frame(headers, self._codec.encode({self._message_member: message}))


def _header(name: str, value: str) -> bytes:
    named, text = name.encode(), value.encode()
    return b"".join((bytes((len(named),)), named, bytes((_STRING,)),
                     _TEXT_LENGTH.pack(len(text)), text))  # fmt: skip


def _framed(headers: bytes, payload: bytes) -> bytes:
    prelude = _PRELUDE.pack(_FRAMING_SIZE_BYTES + len(headers) + len(payload), len(headers))
    begun = b"".join((prelude, _CRC.pack(zlib.crc32(prelude)), headers, payload))
    return begun + _CRC.pack(zlib.crc32(begun))
