"""What the REST protocols share: members in the path, the query string, headers and the status.

`Binding` reads a request's located members; `Located` writes an answer's.
"""

import base64
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec

from millpond.kernel.errors import ServiceError
from millpond.wire.building import violations_of
from millpond.wire.constraints import member_path, missing
from millpond.wire.fields import Field, Value, structure_of
from millpond.wire.http import HeaderMap
from millpond.wire.shape import Header, Headers, Operation, Payload, Query, Status, Uri
from millpond.wire.xml_reading import SchemaError, read_scalar
from millpond.wire.xml_writing import format_scalar

CONDITIONAL_DATES = frozenset(
    ("if-modified-since", "if-unmodified-since",
     "x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since")
)  # fmt: skip
"""A date in these that is no date is ignored (RFC 9110, 13.1.3)."""

Refuse = Callable[[str, str, Value], ServiceError]
"""The protocol's error for a parameter or header, its text, and the type it should have."""

_CONTROLS = dict.fromkeys((*range(9), *range(10, 32), 127), " ")


class Binding:
    """Where the members of one Struct of requests travel."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        structure = structure_of(struct)
        self.payload = structure.payload
        self.body_fields = structure.body_fields
        self.headers: dict[str, Field] = {}
        self.prefixes: list[tuple[str, Field]] = []
        self.query: dict[str, Field] = {}
        self.labels: dict[str, Field] = {}
        for field in structure.fields:
            match field.location:
                case Header(name):
                    self.headers[name] = field
                case Headers(prefix):
                    self.prefixes.append((prefix, field))
                case Query(name):
                    self.query[name] = field
                case Uri(name):
                    self.labels[name] = field
        located = [*self.headers.values(), *self.query.values(), *self.labels.values()]
        self._required = [field for field in located if field.required]
        self._constrained = [field for field in located if _constrained(field.value)]
        location = self.payload.location if self.payload else None
        self.streams = isinstance(location, Payload) and location.streaming
        """The body is a member that stays a stream."""
        self.has_document = bool(self.payload or self.body_fields) and not self.streams
        """The body is a document, which is gathered."""

    def read(
        self,
        labels: Mapping[str, str],
        query: list[tuple[str, str]],
        headers: HeaderMap,
        refuse: Refuse,
    ) -> tuple[dict[str, Any], list[str]]:
        """The attributes of the located members, and the constraints that they break.

        Raises:
            ServiceError: `refuse`'s, for a value of the wrong type.
        """
        read: dict[str, Any] = {}
        for name, text in labels.items():
            if field := self.labels.get(name):
                read[field.attribute] = _read(field, name, text, refuse)
        for name, text in query:
            if field := self.query.get(name):
                _add(read, field, name, text, refuse)
        for name in headers:
            if field := self.headers.get(name):
                self._header(read, field, name, headers, refuse)
            for prefix, field in self.prefixes:
                if name.startswith(prefix) and len(name) > len(prefix):
                    entries = read.setdefault(field.attribute, {})
                    entries[name[len(prefix) :]] = headers.get(name)
        return read, self._violations(read)

    def _header(
        self, read: dict[str, Any], field: Field, name: str, headers: HeaderMap, refuse: Refuse
    ) -> None:
        text = headers.get(name) or ""
        if field.value.kind == "list":
            for part in text.split(","):
                _add(read, field, name, part.strip(), refuse)
            return
        try:
            read[field.attribute] = _read(field, name, text, refuse)
        except ServiceError:
            if name not in CONDITIONAL_DATES:
                raise

    def _violations(self, read: Mapping[str, Any]) -> list[str]:
        violations = [
            missing(member_path("", field.name))
            for field in self._required
            if field.attribute not in read
        ]
        for field in self._constrained:
            if field.attribute in read:
                path = member_path("", field.name)
                violations.extend(violations_of(field.value, read[field.attribute], path))
        return violations


class Located:
    """How the members of one Struct of answers travel."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        structure = structure_of(struct)
        self.payload = structure.payload
        self.body_fields = structure.body_fields
        self._status: str | None = None
        self._headers: list[tuple[str, str, Value]] = []
        self._prefixes: list[tuple[str, str]] = []
        for field in structure.fields:
            match field.location:
                case Header(name):
                    self._headers.append((field.attribute, name, field.value))
                case Headers(prefix):
                    self._prefixes.append((field.attribute, prefix))
                case Status():
                    self._status = field.attribute

    def headers(self, output: msgspec.Struct) -> list[tuple[str, str]]:
        headers = []
        for attribute, name, value in self._headers:
            content = getattr(output, attribute)
            if content is not None:
                headers.append((name, _header_text(value, content)))
        for attribute, prefix in self._prefixes:
            for name, text in (getattr(output, attribute) or {}).items():
                headers.append((f"{prefix}{name}", safe_header(text)))
        return headers

    def status(self, operation: Operation, output: msgspec.Struct) -> int:
        """The status: the answer's own member, 206 for part of a whole, or the operation's."""
        if self._status is not None and (status := getattr(output, self._status)) is not None:
            return int(status)
        if getattr(output, "content_range", None) is not None:
            return 206
        return operation.status


@cache
def binding_of(struct: type[msgspec.Struct]) -> Binding:
    return Binding(struct)


@cache
def located_of(struct: type[msgspec.Struct]) -> Located:
    return Located(struct)


def streams(operation: Operation) -> bool:
    """The operation takes its body as a stream."""
    return operation.input is not None and binding_of(operation.input).streams


def safe_header(text: str) -> str:
    """`text` as a header's value: no control characters, and beyond ASCII as S3 sends it
    (RFC 2047)."""
    if text.isascii():
        return text if text.isprintable() else text.translate(_CONTROLS)
    return f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


def _header_text(value: Value, content: Any) -> str:
    if value.kind == "list":
        return safe_header(",".join(format_scalar(value.item, item) for item in content))
    return safe_header(format_scalar(value, content))


def _add(read: dict[str, Any], field: Field, name: str, text: str, refuse: Refuse) -> None:
    if field.value.kind == "list":
        item = _scalar(field.value.item, name, text, refuse)
        read.setdefault(field.attribute, []).append(item)
    elif field.attribute not in read:
        read[field.attribute] = _read(field, name, text, refuse)


def _read(field: Field, name: str, text: str, refuse: Refuse) -> Any:
    return _scalar(field.value, name, text, refuse)


def _scalar(value: Value, name: str, text: str, refuse: Refuse) -> Any:
    if value.kind == "string":
        return text
    try:
        return read_scalar(value, text)
    except SchemaError as error:
        raise refuse(name, text, value) from error


def _constrained(value: Value) -> bool:
    return value.constraints is not None or (
        value.element is not None and value.element.constraints is not None
    )
