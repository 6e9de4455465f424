"""The protocols behind one interface: bytes to typed requests, typed answers to bytes."""

from typing import Protocol

import msgspec

from millpond.kernel.body import Body
from millpond.kernel.errors import ServiceError
from millpond.wire.awsjson import JsonProtocol
from millpond.wire.http import Answer, Request
from millpond.wire.query import QueryProtocol
from millpond.wire.restjson import RestJsonProtocol
from millpond.wire.restxml import RestXmlProtocol
from millpond.wire.shape import Operation, ServiceModel


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
    """The protocol that `model` names; make one per service and keep it."""
    match model.protocol:
        case "json":
            return JsonProtocol(model)
        case "query":
            return QueryProtocol(model)
        case "rest-xml":
            return RestXmlProtocol(model)
        case "rest-json":
            return RestJsonProtocol(model)
