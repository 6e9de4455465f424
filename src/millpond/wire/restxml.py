"""REST-XML as S3 speaks it: the request's place names the operation, documents are XML."""

import base64
import hashlib
from typing import Any

import msgspec

from millpond.kernel.body import Body
from millpond.kernel.errors import ServiceError
from millpond.wire.bodies import gathered, raw_payload
from millpond.wire.building import build, build_members
from millpond.wire.constraints import summary
from millpond.wire.digests import check_body
from millpond.wire.errors import (
    InvalidArgument,
    InvalidURI,
    MalformedXML,
    MethodNotAllowed,
    NotImplementedByMillpond,
    ValidationException,
    validation_error,
)
from millpond.wire.fields import Field, Value
from millpond.wire.forms import BadForm, parse_form
from millpond.wire.http import Answer, HeaderMap, Request
from millpond.wire.members import PlainReader
from millpond.wire.rest import (
    Binding,
    binding_of,
    located_of,
    safe_header,
    streams,
)
from millpond.wire.routes import Router
from millpond.wire.shape import Operation, ServiceModel
from millpond.wire.xml import BadXml, Element, escape, parse_xml
from millpond.wire.xml_reading import SchemaError, read_structure
from millpond.wire.xml_writing import PROLOGUE, members_writer, root_start, root_writer

_S3_NAMES = {"InternalFailure": "InternalError"}


class RestXmlProtocol:
    """The protocol of one service."""

    identifies_by_body = False

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._router = Router(model)

    def identify(self, request: Request, body: bytes | None) -> Operation:
        parameters = _query(request)
        headers = _with_hoisted(request.headers, parameters)
        query = dict(reversed(parameters))
        match = self._router.match(request.method, request.path, query, headers)
        if match is None:
            raise MethodNotAllowed(
                "The specified method is not allowed against this resource.",
                Method=request.method,
            )
        if match.missing:
            raise InvalidArgument(
                f"The query parameter {match.missing} is missing.",
                ArgumentName=match.missing,
            )
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
        parameters = _query(request)
        headers = _with_hoisted(request.headers, parameters)
        if binding.has_document:
            _check_digests(operation, headers, body, binding)
        labels = self._router.labels(operation, request.path)
        members, violations = binding.read(labels, parameters, headers, _refuse)
        if violations:
            raise validation_error("InvalidArgument")(summary(violations))
        if binding.payload is not None:
            _read_payload(members, binding.payload, body)
        elif binding.body_fields and gathered(body):
            root = _root(gathered(body), operation.input_root)
            members.update(_read_members(binding.body_fields, root))
        return operation.input(**members)

    def serialize(
        self, operation: Operation, output: msgspec.Struct | None, request_id: str
    ) -> Answer:
        headers = _request_ids(request_id)
        if output is None:
            return Answer(operation.status, headers)
        located = located_of(type(output))
        headers += located.headers(output)
        content = self._content(operation, output, located.payload)
        if isinstance(content, str):
            content = (PROLOGUE + content).encode()
            headers.append(("content-type", "application/xml"))
        return Answer(located.status(operation, output), headers, content)

    def serialize_error(
        self, error: ServiceError, request_id: str, *, resource: str = "", head: bool = False
    ) -> Answer:
        """A refusal in S3's words. 304 has no body: the error's members are its headers."""
        headers = _request_ids(request_id)
        if error.status == 304:
            headers += [(name.lower(), safe_header(text)) for name, text in error.members.items()]
            return Answer(304, headers)
        headers.append(("content-type", "application/xml"))
        if head:
            return Answer(error.status, headers)
        members = {
            "Code": _S3_NAMES.get(error.code, error.code),
            "Message": error.message,
            **error.members,
            **({"Resource": resource} if resource else {}),
            "RequestId": request_id,
            "HostId": _host_id(request_id),
        }
        content = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in members.items())
        return Answer(error.status, headers, f"{PROLOGUE}<Error>{content}</Error>".encode())

    def _content(
        self, operation: Operation, output: msgspec.Struct, payload: Field | None
    ) -> str | bytes | Body:
        """The body: a stream, bytes, a document, or b"" for none."""
        out: list[str] = []
        if payload is not None:
            content = getattr(output, payload.attribute)
            if content is None:
                return b""
            if payload.value.kind != "structure":
                return content.encode() if isinstance(content, str) else content
            root_writer(payload.value, payload.xml_name, self._model.namespace)(content, out)
            return "".join(out)
        fields = located_of(type(output)).body_fields
        if not fields:
            return b""
        root = operation.output_root or type(output).__name__
        start = root_start(root, self._model.namespace)
        if operation.unwrapped:
            text = getattr(output, fields[0].attribute)
            return f"{start}>{escape(text)}</{root}>" if text else f"{start}/>"
        members_writer(type(output))(output, out)
        return f"{start}>{''.join(out)}</{root}>"


def _read_payload(members: dict[str, Any], payload: Field, body: bytes | Body) -> None:
    if payload.value.kind != "structure":
        members[payload.attribute] = raw_payload(payload.value, body)
        return
    document = gathered(body)
    if not document and not payload.required:
        return
    root = _root(document, payload.xml_name)
    members[payload.attribute] = _read_structure(payload.value, root)


def _read_structure(value: Value, root: Element) -> msgspec.Struct:
    try:
        plain = read_structure(value.structure.fields, root)
        return build(value.structure.struct, plain, PlainReader(), "MalformedXML")
    except (SchemaError, ValidationException) as error:
        raise MalformedXML from error


def _read_members(fields: tuple[Field, ...], root: Element) -> dict[str, Any]:
    try:
        members, violations = build_members(fields, read_structure(fields, root), PlainReader())
    except SchemaError as error:
        raise MalformedXML from error
    if violations:
        raise MalformedXML
    return members


def _root(document: bytes, name: str) -> Element:
    try:
        root = parse_xml(document)
    except BadXml as error:
        raise MalformedXML from error
    if name and root.name != name:
        raise MalformedXML
    return root


def _check_digests(
    operation: Operation, headers: HeaderMap, body: bytes | Body, binding: Binding
) -> None:
    trailers = {} if isinstance(body, bytes) else body.trailers
    check_body(
        gathered(body),
        headers,
        trailers,
        required=operation.checksum_required,
        except_headers=binding.headers,
    )


def _query(request: Request) -> list[tuple[str, str]]:
    try:
        return parse_form(request.query)
    except BadForm as error:
        raise InvalidURI from error


def _with_hoisted(headers: HeaderMap, parameters: list[tuple[str, str]]) -> HeaderMap:
    """The headers, and those that a presigned URL carries as parameters instead
    (`x-amz-meta-color=red`), as some SDKs sign them and S3 takes them."""
    if not any(name == "X-Amz-Signature" for name, _ in parameters):
        return headers
    hoisted = [
        (name, value)
        for name, value in parameters
        if name.lower().startswith("x-amz-") and name.lower() not in headers
    ]
    sent = [(name, value) for name in headers for value in headers.get_all(name)]
    return HeaderMap([*sent, *hoisted])


def _refuse(name: str, text: str, value: Value) -> InvalidArgument:
    kinds = {
        "integer": f"Provided {name} not an integer or within integer range",
        "boolean": f"Provided {name} is neither true nor false",
        "timestamp": f"Provided {name} is not a time",
    }
    message = kinds.get(value.kind, f"Provided {name} is not valid")
    return InvalidArgument(message, ArgumentName=name, ArgumentValue=text)


def _request_ids(request_id: str) -> list[tuple[str, str]]:
    return [("x-amz-request-id", request_id), ("x-amz-id-2", _host_id(request_id))]


def _host_id(request_id: str) -> str:
    """S3's second, longer id; here it says no more than the first."""
    return base64.b64encode(hashlib.sha384(request_id.encode()).digest()).decode()
