"""What a generated Struct says about itself: its members, their types, and how they travel.

The generated annotations are read once per Struct, when it is first needed.
"""

import re
import types
import typing
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec

from millpond.kernel.body import Body
from millpond.wire.constraints import Constraints
from millpond.wire.shape import (
    EventStream,
    Header,
    Headers,
    Payload,
    Query,
    Status,
    Timestamp,
    Uri,
    Xml,
)

Kind = Literal[
    "string", "integer", "float", "boolean", "blob", "timestamp",
    "list", "map", "structure", "document", "body", "events",
]  # fmt: skip

_SCALARS: dict[type, Kind] = {
    str: "string",
    int: "integer",
    float: "float",
    bool: "boolean",
    bytes: "blob",
    Body: "body",
}
_PLAIN_XML = Xml()


@dataclass(frozen=True, slots=True)
class Value:
    """The type of a member or element."""

    kind: Kind
    constraints: Constraints | None = None
    bits: int = 64
    """Of an integer: its size in the model."""
    timestamp: str = ""
    xml: Xml = _PLAIN_XML
    element: "Value | None" = None
    """Of a list; of a map, its value."""
    key: "Value | None" = None
    struct: type[msgspec.Struct] | None = None
    stream: EventStream | None = None
    events: tuple[type[msgspec.Struct], ...] = ()
    """Of an event stream: the types of its events, in the order of `stream.events`."""

    @property
    def item(self) -> "Value":
        if self.element is None:
            raise TypeError(f"A {self.kind} has no elements.")
        return self.element

    @property
    def structure(self) -> "Structure":
        if self.struct is None:
            raise TypeError(f"A {self.kind} is no structure.")
        return structure_of(self.struct)


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a structure."""

    name: str
    """AWS's name."""
    attribute: str
    """Python's name."""
    value: Value
    required: bool
    location: Header | Headers | Query | Uri | Status | Payload | None = None

    @property
    def xml_name(self) -> str:
        """The element (or attribute, or query-protocol parameter) that carries it."""
        return self.value.xml.name or self.name


@dataclass(frozen=True, slots=True)
class Structure:
    """A Struct's members."""

    struct: type[msgspec.Struct]
    fields: tuple[Field, ...]
    by_name: dict[str, Field] = field(repr=False)

    @property
    def name(self) -> str:
        return self.struct.__name__

    @property
    def payload(self) -> Field | None:
        """The member that alone is the body."""
        return next((f for f in self.fields if isinstance(f.location, Payload)), None)

    @property
    def event_stream(self) -> Field | None:
        """The member that is a stream of events, in an answer."""
        return next((f for f in self.fields if f.value.kind == "events"), None)

    @property
    def body_fields(self) -> tuple[Field, ...]:
        """The members that make up the body, where none alone does."""
        return tuple(f for f in self.fields if f.location is None)


@cache
def structure_of(struct: type[msgspec.Struct]) -> Structure:
    """What `struct`, a class of a generated `shapes.py`, says about itself."""
    fields = []
    for info in msgspec.structs.fields(struct):
        markers, annotation = _unwrap(info.type)
        fields.append(
            Field(
                name=info.encode_name,
                attribute=info.name,
                value=_value(annotation, markers),
                required=info.required,
                location=_location(markers),
            )
        )
    return Structure(struct, tuple(fields), {field.name: field for field in fields})


def _unwrap(annotation: Any) -> tuple[list[Any], Any]:
    """The markers of an annotation, inner ones first, and the bare type, without None."""
    markers: list[Any] = []
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            markers = [*annotation.__metadata__, *markers]
            annotation = annotation.__origin__
        elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
            (annotation,) = (part for part in typing.get_args(annotation) if part is not type(None))
        else:
            return markers, annotation


def _location(markers: list[Any]) -> Header | Headers | Query | Uri | Status | Payload | None:
    for marker in markers:
        if isinstance(marker, Header | Headers | Query | Uri | Status | Payload):
            return marker
    return None


def _value(annotation: Any, markers: list[Any]) -> Value:
    timestamp = next((m.format for m in markers if isinstance(m, Timestamp)), "")
    xml = next((m for m in markers if isinstance(m, Xml)), _PLAIN_XML)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return Value("string", Constraints(enum=arguments), xml=xml)
    if origin is AsyncIterator:
        stream = next(marker for marker in markers if isinstance(marker, EventStream))
        types_ = typing.get_args(arguments[0]) or arguments
        return Value("events", stream=stream, events=types_)
    constraints = _constraints(markers)
    if origin is list:
        return Value("list", constraints, xml=xml, element=_inner(arguments[0]))
    if origin is dict:
        key, value = _inner(arguments[0]), _inner(arguments[1])
        return Value("map", constraints, xml=xml, key=key, element=value)
    if annotation is Any:
        return Value("document", xml=xml)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return Value("structure", xml=xml, struct=annotation)
    kind: Kind = "timestamp" if timestamp else _SCALARS[annotation]
    bits = 64
    if kind == "integer" and constraints is not None:
        constraints, bits = _without_size(constraints)
    return Value(kind, constraints, bits, timestamp=timestamp, xml=xml)


def _without_size(constraints: Constraints) -> tuple[Constraints | None, int]:
    """An integer's constraints without those that are only its size, and that size in bits."""
    bits = 32 if constraints.ge == -(2**31) or constraints.le == 2**31 - 1 else 64
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    ge = None if constraints.ge == lowest else constraints.ge
    le = None if constraints.le == highest else constraints.le
    return (None if ge is None and le is None else Constraints(ge=ge, le=le)), bits


def _inner(annotation: Any) -> Value:
    markers, bare = _unwrap(annotation)
    return _value(bare, markers)


def _constraints(markers: list[Any]) -> Constraints | None:
    found = [marker for marker in markers if isinstance(marker, msgspec.Meta)]
    if not found:
        return None
    meta = found[-1]
    pattern = meta.pattern
    text = (meta.extra or {}).get("pattern", "")
    if pattern and not text:
        text = pattern.removeprefix("^(?:").removeprefix("^(?a:").removesuffix(")\\Z")
    return Constraints(
        min_length=meta.min_length,
        max_length=meta.max_length,
        ge=meta.ge,
        le=meta.le,
        pattern=re.compile(pattern) if pattern else None,
        pattern_text=text,
    )
