"""AWS JSON 1.0 and 1.1: `X-Amz-Target` names the operation, the body is its input.

The body is JSON, or the CBOR that Java's SDK and the Kinesis libraries send instead of it
(`application/x-amz-cbor-1.1`, times in milliseconds); the answer is what the request was. An event
stream is framed, its payloads again in the same form.
"""

import msgspec

from millpond.kernel.body import Body, LiveBody
from millpond.kernel.errors import ServiceError
from millpond.wire.bodies import gathered
from millpond.wire.cbor import CborCodec
from millpond.wire.errors import (
    NotImplementedByMillpond,
    UnknownOperationException,
    WireError,
    query_error,
)
from millpond.wire.eventstream import CONTENT_TYPE, EventWriter
from millpond.wire.http import Answer, Request
from millpond.wire.json_reading import JsonCodec
from millpond.wire.shape import Operation, ServiceModel

_CBOR_UNITS_PER_SECOND = 1000


class JsonProtocol:
    """The protocol of one service, with the codec that `model.protocol` names."""

    identifies_by_body = False

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._codec = (
            CborCodec(_CBOR_UNITS_PER_SECOND, model.validation_code)
            if model.protocol == "json-cbor"
            else JsonCodec(model.validation_code)
        )
        self._content_type = f"application/x-amz-{self._codec.name}-{model.json_version}"

    def identify(self, request: Request, body: bytes | None) -> Operation:
        prefix, _, name = (request.headers.get("x-amz-target") or "").rpartition(".")
        if prefix == self._model.target_prefix:
            if operation := self._model.operations.get(name):
                return operation
            if name in self._model.absent:
                raise NotImplementedByMillpond(self._model.name, name)
        raise UnknownOperationException(
            f"{self._model.name} {self._model.api_version} has no operation of this name."
        )

    def streams(self, operation: Operation) -> bool:
        return False

    def parse(
        self, operation: Operation, request: Request, body: bytes | Body
    ) -> msgspec.Struct | None:
        if operation.input is None:
            return None
        return self._codec.decode(operation.input, gathered(body))

    def serialize(
        self, operation: Operation, output: msgspec.Struct | None, request_id: str
    ) -> Answer:
        if operation.output is None:
            return Answer(200, self._headers(request_id), b"")
        if output is None:
            return Answer(200, self._headers(request_id), self._codec.encode({}))
        writer = EventWriter.of(output, self._codec, self._content_type, self._model.message_member)
        if writer is None:
            return Answer(200, self._headers(request_id), self._codec.encode(output))
        headers = [("Content-Type", CONTENT_TYPE), ("x-amzn-RequestId", request_id)]
        return Answer(200, headers, LiveBody(writer.frames()))

    def serialize_error(
        self, error: ServiceError, request_id: str, *, resource: str = "", head: bool = False
    ) -> Answer:
        name = "message" if isinstance(error, WireError) else self._model.message_member
        content = {"__type": error.code, name: error.message, **error.members}
        headers = self._headers(request_id)
        if self._model.query_codes:
            headers.append(("x-amzn-query-error", query_error(self._model, error)))
        return Answer(error.status, headers, self._codec.encode(content))

    def _headers(self, request_id: str) -> list[tuple[str, str]]:
        return [("Content-Type", self._content_type), ("x-amzn-RequestId", request_id)]
