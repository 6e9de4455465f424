"""REST-JSON: the request's place names the operation, documents are JSON."""

from typing import Any

import msgspec

from millpond.kernel.body import Body
from millpond.kernel.errors import ServiceError
from millpond.wire.bodies import gathered, raw_payload
from millpond.wire.building import build_members
from millpond.wire.constraints import summary
from millpond.wire.errors import (
    NotImplementedByMillpond,
    SerializationException,
    UnknownPath,
    WireError,
    validation_error,
)
from millpond.wire.fields import Field, Value
from millpond.wire.forms import BadForm, parse_form
from millpond.wire.http import Answer, Request
from millpond.wire.json_reading import JsonReader
from millpond.wire.rest import binding_of, located_of, streams
from millpond.wire.routes import Router
from millpond.wire.shape import Operation, ServiceModel

_CONTENT_TYPE = "application/json"


class RestJsonProtocol:
    """The protocol of one service."""

    identifies_by_body = False

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._router = Router(model)

    def identify(self, request: Request, body: bytes | None) -> Operation:
        query = dict(reversed(_query(request)))
        match = self._router.match(request.method, request.path, query, request.headers)
        if match is None:
            raise UnknownPath(f"{self._model.name} has no operation at this method and path.")
        if not match.implemented:
            raise NotImplementedByMillpond(self._model.name, match.operation.name)
        return match.operation

    def streams(self, operation: Operation) -> bool:
        return streams(operation)

    def parse(
        self, operation: Operation, request: Request, body: bytes | Body
    ) -> msgspec.Struct | None:
        if operation.input is None:
            return None
        binding = binding_of(operation.input)
        labels = self._router.labels(operation, request.path)
        members, violations = binding.read(labels, _query(request), request.headers, _refuse)
        payload = binding.payload
        if payload is not None and payload.value.kind not in ("structure", "document"):
            members[payload.attribute] = raw_payload(payload.value, body)
        elif payload is not None:
            document = {payload.name: _document(gathered(body))} if gathered(body) else {}
            _add(members, violations, (payload,), document)
        elif binding.body_fields:
            _add(members, violations, binding.body_fields, _document(gathered(body) or b"{}"))
        if violations:
            raise validation_error(self._model.validation_code)(summary(violations))
        return operation.input(**members)

    def serialize(
        self, operation: Operation, output: msgspec.Struct | None, request_id: str
    ) -> Answer:
        headers = [("x-amzn-RequestId", request_id)]
        if output is None:
            return Answer(operation.status, headers)
        located = located_of(type(output))
        headers += located.headers(output)
        content: Any = b""
        if located.payload is not None:
            content = getattr(output, located.payload.attribute)
            if located.payload.value.kind in ("structure", "document"):
                content = msgspec.json.encode({} if content is None else content)
                headers.append(("Content-Type", _CONTENT_TYPE))
        elif located.body_fields:
            content = _encode(located.body_fields, output)
            headers.append(("Content-Type", _CONTENT_TYPE))
        if isinstance(content, str):
            content = content.encode()
        return Answer(located.status(operation, output), headers, content or b"")

    def serialize_error(
        self, error: ServiceError, request_id: str, *, resource: str = "", head: bool = False
    ) -> Answer:
        name = "message" if isinstance(error, WireError) else self._model.message_member
        headers = [
            ("Content-Type", _CONTENT_TYPE),
            ("x-amzn-RequestId", request_id),
            ("x-amzn-ErrorType", error.code),
        ]
        content = b"" if head else msgspec.json.encode({name: error.message, **error.members})
        return Answer(error.status, headers, content)


def _add(
    members: dict[str, Any], violations: list[str], fields: tuple[Field, ...], document: Any
) -> None:
    try:
        built, broken = build_members(fields, document, JsonReader())
    except RecursionError as error:
        raise SerializationException("The request body is nested too deeply.") from error
    members.update(built)
    violations.extend(broken)


def _document(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise SerializationException("The request body is not valid JSON.") from error


def _encode(fields: tuple[Field, ...], output: msgspec.Struct) -> bytes:
    members = {field.name: getattr(output, field.attribute) for field in fields}
    return msgspec.json.encode({k: v for k, v in members.items() if v is not None})


def _query(request: Request) -> list[tuple[str, str]]:
    try:
        return parse_form(request.query)
    except BadForm as error:
        raise SerializationException("The query string is not well-formed.") from error


def _refuse(name: str, text: str, value: Value) -> SerializationException:
    return SerializationException(f"The value of {name} can not be converted to a {value.kind}.")
