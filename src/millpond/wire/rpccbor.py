"""Smithy RPC v2 CBOR: `/service/<service>/operation/<operation>`, bodies in CBOR both ways.

A service that spoke the query protocol before (CloudWatch) tells the code that an error has there
in `x-amzn-query-error`, which is the code that SDKs show.

Source: Smithy, "Smithy RPC v2 CBOR protocol" and "awsQueryCompatible trait".
"""

import re

import msgspec

from millpond.kernel.body import Body, LiveBody
from millpond.kernel.errors import ServiceError
from millpond.wire.bodies import gathered
from millpond.wire.cbor import CborCodec
from millpond.wire.errors import (
    NotImplementedByMillpond,
    UnknownPath,
    WireError,
    query_error,
)
from millpond.wire.eventstream import CONTENT_TYPE, EventWriter
from millpond.wire.http import Answer, Request
from millpond.wire.shape import Operation, ServiceModel

_UNITS_PER_SECOND = 1
_CONTENT_TYPE = "application/cbor"
_PLACE = re.compile(r"(?:/[^/]+)*/service/([^/]+)/operation/([^/]+)", re.ASCII)
_EMPTY = b"\xa0"


def place(path: str) -> tuple[str, str] | None:
    """The service and the operation that a path names; None: it is no path of this protocol."""
    match = _PLACE.fullmatch(path)
    return None if match is None else (match[1], match[2])


class RpcCborProtocol:
    """The protocol of one service."""

    identifies_by_body = False

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._codec = CborCodec(_UNITS_PER_SECOND, model.validation_code)

    def identify(self, request: Request, body: bytes | None) -> Operation:
        service, name = place(request.path) or ("", "")
        if request.method == "POST" and service == self._model.target_prefix:
            if operation := self._model.operations.get(name):
                return operation
            if name in self._model.absent:
                raise NotImplementedByMillpond(self._model.name, name)
        raise UnknownPath(f"{self._model.name} has no operation at this method and path.")

    def streams(self, operation: Operation) -> bool:
        return False

    def parse(
        self, operation: Operation, request: Request, body: bytes | Body
    ) -> msgspec.Struct | None:
        if operation.input is None:
            return None
        return self._codec.decode(operation.input, gathered(body) or _EMPTY)

    def serialize(
        self, operation: Operation, output: msgspec.Struct | None, request_id: str
    ) -> Answer:
        if operation.output is None:
            return Answer(200, _headers(request_id, ""))
        if output is None:
            return Answer(200, _headers(request_id, _CONTENT_TYPE), _EMPTY)
        writer = EventWriter.of(output, self._codec, _CONTENT_TYPE, self._model.message_member)
        if writer is None:
            return Answer(200, _headers(request_id, _CONTENT_TYPE), self._codec.encode(output))
        return Answer(200, _headers(request_id, CONTENT_TYPE), LiveBody(writer.frames()))

    def serialize_error(
        self, error: ServiceError, request_id: str, *, resource: str = "", head: bool = False
    ) -> Answer:
        name = "message" if isinstance(error, WireError) else self._model.message_member
        content = {"__type": error.code, name: error.message, **error.members}
        headers = _headers(request_id, _CONTENT_TYPE)
        if self._model.query_codes:
            headers.append(("x-amzn-query-error", query_error(self._model, error)))
        return Answer(error.status, headers, b"" if head else self._codec.encode(content))


def _headers(request_id: str, content_type: str) -> list[tuple[str, str]]:
    headers = [("smithy-protocol", "rpc-v2-cbor"), ("x-amzn-RequestId", request_id)]
    return [("Content-Type", content_type), *headers] if content_type else headers
