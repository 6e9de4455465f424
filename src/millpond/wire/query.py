"""The query protocol: a form whose `Action` names the operation, answered in XML.

A structure's member is `Outer.Inner`, a list's element `Names.member.1`, a map's entry
`Tags.entry.1.key` and `Tags.entry.1.value`.
"""

from typing import Any

import msgspec

from millpond.kernel.body import Body
from millpond.kernel.errors import ServiceError
from millpond.wire.bodies import gathered
from millpond.wire.building import build
from millpond.wire.errors import (
    InvalidAction,
    MalformedInput,
    MalformedQueryString,
    MissingAction,
    NotImplementedByMillpond,
    query_code,
)
from millpond.wire.fields import Field, Structure, Value, structure_of
from millpond.wire.forms import BadForm, parse_form
from millpond.wire.http import Answer, Request
from millpond.wire.members import PlainReader
from millpond.wire.shape import Operation, ServiceModel
from millpond.wire.xml import escape
from millpond.wire.xml_reading import SchemaError, read_scalar
from millpond.wire.xml_writing import PROLOGUE, members_writer

Tree = dict[str, Any]
"""A form as nested names: its leaves are texts."""

DEPTH_MAX = 64


class QueryProtocol:
    """The protocol of one service."""

    identifies_by_body = True

    def __init__(self, model: ServiceModel) -> None:
        self._model = model

    def identify(self, request: Request, body: bytes | None) -> Operation:
        form = dict(_fields(request, body or b""))
        name = form.get("Action")
        if name is None:
            raise MissingAction("The request must contain the parameter Action.")
        version = form.get("Version", "NO_VERSION_SPECIFIED")
        if version == self._model.api_version:
            if operation := self._model.operations.get(name):
                return operation
            if name in self._model.absent:
                raise NotImplementedByMillpond(self._model.name, name)
        raise InvalidAction(f"Could not find operation {name} for version {version}")

    def streams(self, operation: Operation) -> bool:
        return False

    def parse(
        self, operation: Operation, request: Request, body: bytes | Body
    ) -> msgspec.Struct | None:
        if operation.input is None:
            return None
        tree = _tree(_fields(request, gathered(body)))
        members = _structure(structure_of(operation.input), tree)
        return build(operation.input, members, PlainReader(), self._model.validation_code)

    def serialize(
        self, operation: Operation, output: msgspec.Struct | None, request_id: str
    ) -> Answer:
        out = [f'<{operation.name}Response xmlns="{escape(self._model.namespace)}">']
        if operation.result_wrapper:
            out.append(f"<{operation.result_wrapper}>")
        if output is not None:
            members_writer(type(output))(output, out)
        if operation.result_wrapper:
            out.append(f"</{operation.result_wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{escape(request_id)}</RequestId>")
        out.append(f"</ResponseMetadata></{operation.name}Response>")
        return _answer(200, request_id, "".join(out))

    def serialize_error(
        self, error: ServiceError, request_id: str, *, resource: str = "", head: bool = False
    ) -> Answer:
        fault = "Sender" if error.status < 500 else "Receiver"
        code = query_code(self._model, error.code) if self._model.query_codes else error.code
        members = {"Type": fault, "Code": code, "Message": error.message, **error.members}
        content = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in members.items())
        text = (
            f'<ErrorResponse xmlns="{escape(self._model.namespace)}"><Error>{content}</Error>'
            f"<RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
        )
        return _answer(error.status, request_id, text)


def _answer(status: int, request_id: str, text: str) -> Answer:
    headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
    return Answer(status, headers, f"{PROLOGUE}{text}".encode())


def _fields(request: Request, body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_form(request.query) + parse_form(body.decode())
    except (BadForm, UnicodeDecodeError) as error:
        raise MalformedQueryString("The query string is not well-formed.") from error


def _tree(fields: list[tuple[str, str]]) -> Tree:
    tree: Tree = {}
    for name, value in fields:
        *outer, last = name.split(".", DEPTH_MAX)
        branch = tree
        for part in outer:
            inner = branch.setdefault(part, {})
            if not isinstance(inner, dict):
                raise MalformedInput(f"The parameter {name} contradicts another.")
            branch = inner
        if isinstance(branch.setdefault(last, value), dict):
            raise MalformedInput(f"The parameter {name} contradicts another.")
    return tree


def _structure(structure: Structure, tree: Tree) -> Tree:
    members = {}
    for field in structure.fields:
        branch = tree.get(field.xml_name)
        if branch is not None:
            members[field.name] = _value(field.value, branch, field)
    return members


def _value(value: Value, branch: Any, field: Field) -> Any:
    if value.kind in ("structure", "list", "map"):
        if branch == "" and value.kind != "structure":
            return [] if value.kind == "list" else {}
        if not isinstance(branch, dict):
            raise MalformedInput(f"Unexpected value for {field.name}.")
        if value.kind == "structure":
            return _structure(value.structure, branch)
        return _list(value, branch, field) if value.kind == "list" else _map(value, branch, field)
    if not isinstance(branch, str):
        raise MalformedInput(f"Unexpected complex element for {field.name}.")
    try:
        return read_scalar(value, branch)
    except SchemaError as error:
        raise MalformedInput(f"Invalid value for {field.name}: {error}") from error


def _list(value: Value, branch: Tree, field: Field) -> list[Any]:
    numbered = branch if value.xml.flattened else branch.get(value.xml.item, {})
    return [_value(value.item, numbered[number], field) for number in _numbers(numbered, field)]


def _map(value: Value, branch: Tree, field: Field) -> Tree:
    numbered = branch if value.xml.flattened else branch.get("entry", {})
    entries = {}
    for number in _numbers(numbered, field):
        entry = numbered[number]
        if not isinstance(entry, dict) or not isinstance(entry.get(value.xml.key), str):
            raise MalformedInput(f"Unexpected entry of {field.name}.")
        entries[entry[value.xml.key]] = _value(value.item, entry.get(value.xml.value, ""), field)
    return entries


def _numbers(numbered: Any, field: Field) -> list[str]:
    if not isinstance(numbered, dict) or not all(
        number.isascii() and number.isdigit() and len(number) < 8 for number in numbered
    ):
        raise MalformedInput(f"{field.name} must be numbered from 1.")
    return sorted(numbered, key=int)
