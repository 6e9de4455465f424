"""The protocols behind one interface: bytes to typed requests, typed answers to bytes."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from millpond.kernel.body import Body
from millpond.kernel.errors import ServiceError
from millpond.wire.awsjson import JsonProtocol
from millpond.wire.http import Answer, Request
from millpond.wire.query import QueryProtocol
from millpond.wire.restjson import RestJsonProtocol
from millpond.wire.restxml import RestXmlProtocol
from millpond.wire.rpccbor import RpcCborProtocol, place
from millpond.wire.shape import Operation, ProtocolName, ServiceModel

_FORM = "application/x-www-form-urlencoded"
_CBOR_FOR_JSON = "application/x-amz-cbor-1."


class WireProtocol(Protocol):
    """One service's protocol. All functions are pure.

    A body is gathered (bytes, or a `BytesBody` with its trailers) unless `streams(operation)`.
    """

    @property
    def identifies_by_body(self) -> bool:
        """`identify` must be given the gathered body (the query protocol)."""
        ...

    def identify(self, request: Request, body: bytes | None) -> Operation:
        """The operation that is asked for.

        Raises:
            NotImplementedByMillpond: AWS has it, we do not.
            ServiceError: AWS has no such operation; the code is the protocol's.
        """
        ...

    def streams(self, operation: Operation) -> bool:
        """The operation takes its body as a stream."""
        ...

    def parse(
        self, operation: Operation, request: Request, body: bytes | Body
    ) -> msgspec.Struct | None:
        """The typed request; None when the operation takes none.

        Raises:
            ServiceError: the request is not of the model's schema; see `wire.errors`.
        """
        ...

    def serialize(
        self, operation: Operation, output: msgspec.Struct | None, request_id: str
    ) -> Answer:
        """The operation's answer. A streaming member is the answer's body, as it is."""
        ...

    def serialize_error(
        self, error: ServiceError, request_id: str, *, resource: str = "", head: bool = False
    ) -> Answer:
        """A refusal. `resource` is the path that S3 repeats; `head`: the request was a HEAD."""
        ...


def protocol_for(model: ServiceModel) -> WireProtocol:
    """The protocol that `model` is used for; make it once and keep it."""
    match model.protocol:
        case "json" | "json-cbor":
            return JsonProtocol(model)
        case "query":
            return QueryProtocol(model)
        case "rest-xml":
            return RestXmlProtocol(model)
        case "rest-json":
            return RestJsonProtocol(model)
        case "smithy-rpc-v2-cbor":
            return RpcCborProtocol(model)


def spoken_by(model: ServiceModel) -> tuple[ProtocolName, ...]:
    """Every protocol of a service, its first one first."""
    spoken = (model.protocol, *model.other_protocols)
    return (*spoken, "json-cbor") if "json" in spoken else spoken


def protocol_of(request: Request, spoken: Sequence[ProtocolName]) -> ProtocolName:
    """The one of these protocols that a request is in, by its looks; the first one if by none."""
    if len(spoken) == 1:
        return spoken[0]
    headers = request.headers
    if "smithy-rpc-v2-cbor" in spoken and (
        "smithy-protocol" in headers or place(request.path) is not None
    ):
        return "smithy-rpc-v2-cbor"
    content_type = (headers.get("content-type") or "").lower()
    if "json" in spoken and (content_type.startswith(_CBOR_FOR_JSON)):
        return "json-cbor"
    if "json" in spoken and "x-amz-target" in headers:
        return "json"
    if "query" in spoken and (is_form(request) or "Action=" in request.query):
        return "query"
    return spoken[0]


def is_form(request: Request) -> bool:
    content_type = request.headers.get("content-type") or ""
    return request.method == "POST" and content_type.lower().startswith(_FORM)
