"""Structs to and from plain members: dicts with AWS's names, as in-process callers have them.

Timestamps are epoch seconds, blobs bytes; a streaming member is a `Body`, or an iterator of
events, that passes through.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from millpond.kernel.body import BytesBody
from millpond.wire.building import build
from millpond.wire.errors import SerializationException
from millpond.wire.fields import Value, structure_of
from millpond.wire.shape import Operation

_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "float": (int, float),
    "timestamp": (int, float),
    "boolean": bool,
    "blob": bytes,
}


def from_members(
    operation: Operation, members: Mapping[str, Any], validation_code: str
) -> msgspec.Struct | None:
    """The operation's typed request; None when it takes none.

    Raises:
        SerializationException: a member has the wrong type.
        ValidationException: a member breaks a constraint (the code is `validation_code`).
    """
    if operation.input is None:
        return None
    return build(operation.input, members, PlainReader(), validation_code)


def to_members(operation: Operation, output: msgspec.Struct | None) -> dict[str, Any]:
    """The members of an operation's answer; what is None is left out."""
    if output is None or operation.output is None:
        return {}
    return members_of(output)


class PlainReader:
    """Judges Python values."""

    def scalar(self, value: Value, given: Any) -> Any:
        if value.kind in ("document", "events"):
            return given
        if value.kind == "body":
            return BytesBody(given) if isinstance(given, bytes) else given
        is_bool = isinstance(given, bool)
        if not isinstance(given, _PYTHON_TYPES[value.kind]) or is_bool != (value.kind == "boolean"):
            raise SerializationException(f"{type(given).__name__} is not a {value.kind}.")
        return given

    def structure(self, given: Any) -> Mapping[str, Any]:
        return self.map(given)

    def list(self, given: Any) -> list[Any]:
        if not isinstance(given, list | tuple):
            raise SerializationException(f"{type(given).__name__} is not a list.")
        return list(given)

    def map(self, given: Any) -> Mapping[str, Any]:
        if not isinstance(given, Mapping):
            raise SerializationException(f"{type(given).__name__} is not a map.")
        return given


def members_of(struct: msgspec.Struct) -> dict[str, Any]:
    """The members of `struct` by AWS's names; what is None is left out."""
    members = {}
    for field in structure_of(type(struct)).fields:
        member = getattr(struct, field.attribute)
        if member is not None:
            members[field.name] = _member(field.value, member)
    return members


def _member(value: Value, member: Any) -> Any:
    if value.kind == "structure":
        return members_of(member)
    if value.kind == "list":
        return [_member(value.item, element) for element in member]
    if value.kind == "map":
        return {key: _member(value.item, element) for key, element in member.items()}
    return member
