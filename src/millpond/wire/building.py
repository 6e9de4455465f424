"""From plain values (dicts with AWS's names, lists, scalars) to a Struct, under the model.

This is how everything but a well-formed JSON body becomes a Struct: what XML and forms were read
to, in-process calls, and JSON that msgspec refused, to say why in AWS's words. A leaf is read by
the function that the caller hands in, which raises for a wrong type; broken constraints are
collected and raised together.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from millpond.wire.constraints import broken, member_path, missing, summary
from millpond.wire.errors import validation_error
from millpond.wire.fields import Field, Value, structure_of


class Reader(Protocol):
    """Judges types. Each raises a ServiceError for a value of the wrong type."""

    def scalar(self, value: Value, given: Any) -> Any: ...

    def structure(self, given: Any) -> Mapping[str, Any]: ...

    def list(self, given: Any) -> list[Any]: ...

    def map(self, given: Any) -> Mapping[str, Any]: ...


def build(
    struct: type[msgspec.Struct], given: Any, reader: Reader, validation_code: str
) -> msgspec.Struct:
    """The Struct that `given` describes. Members that the model does not have are ignored.

    Raises:
        ServiceError: the reader's, for a wrong type.
        ValidationException: with `validation_code`, naming every broken constraint.
    """
    attributes, violations = build_members(structure_of(struct).fields, given, reader)
    if violations:
        raise validation_error(validation_code)(summary(violations))
    return struct(**attributes)


def build_members(
    fields: Sequence[Field], given: Any, reader: Reader
) -> tuple[dict[str, Any], list[str]]:
    """The attributes for these members of a Struct, and the constraints that they break.

    Raises:
        ServiceError: the reader's, for a wrong type.
    """
    builder = _Builder(reader)
    return builder.members(fields, given, ""), builder.violations


def violations_of(value: Value, given: Any, path: str) -> Iterator[str]:
    """What a member of the right type breaks: of itself, or of its elements when they are
    scalars. AWS words the second as constraints of the list or map."""
    if value.constraints is not None:
        for constraint in value.constraints.broken_by(given):
            yield broken(path, given, constraint)
    if value.kind == "list":
        yield from _elements(value.item, given, given, path, "Member")
    elif value.kind == "map" and value.key is not None:
        yield from _elements(value.key, given, given, path, "Map keys")
        yield from _elements(value.item, given.values(), given, path, "Map value")


def _elements(value: Value, elements: Any, given: Any, path: str, role: str) -> Iterator[str]:
    constraints = value.constraints
    if constraints is None or value.kind in ("list", "map"):
        return
    if any(next(constraints.broken_by(element), None) for element in elements):
        texts = ", ".join(constraints.texts())
        yield broken(path, given, f"{role} must satisfy constraint: [{texts}]")


class _Builder:
    """One walk over a request; `violations` is complete at its end."""

    def __init__(self, reader: Reader) -> None:
        self.violations: list[str] = []
        self._reader = reader

    def members(self, fields: Sequence[Field], given: Any, path: str) -> dict[str, Any]:
        members = self._reader.structure(given)
        built: dict[str, Any] = {}
        for field in fields:
            member = members.get(field.name)
            if member is not None:
                where = member_path(path, field.name)
                built[field.attribute] = self._value(field.value, member, where)
            elif field.required:
                self.violations.append(missing(member_path(path, field.name)))
        return built

    def _value(self, value: Value, given: Any, path: str) -> Any:
        built: Any
        if value.kind == "structure":
            before = len(self.violations)
            built = self.members(value.structure.fields, given, path)
            whole = len(self.violations) == before
            return value.structure.struct(**built) if whole else None
        if value.kind == "list":
            elements = self._reader.list(given)
            built = self._elements(value, elements, path)
        elif value.kind == "map":
            built = self._map(value, self._reader.map(given), path)
        else:
            built = self._reader.scalar(value, given)
        self.violations.extend(violations_of(value, built, path))
        return built

    def _elements(self, value: Value, elements: list[Any], path: str) -> list[Any]:
        built = []
        for number, element in enumerate(elements, 1):
            where = f"{path}.{number}.member"
            if element is None:
                self.violations.append(missing(where))
            else:
                built.append(self._element(value.item, element, where))
        return built

    def _map(self, value: Value, entries: Mapping[str, Any], path: str) -> dict[str, Any]:
        built = {}
        for key, element in entries.items():
            where = f"{path}.{key}.member"
            if element is None:
                self.violations.append(missing(where))
            else:
                built[key] = self._element(value.item, element, where)
        return built

    def _element(self, value: Value, given: Any, path: str) -> Any:
        if value.kind in ("structure", "list", "map"):
            return self._value(value, given, path)
        return self._reader.scalar(value, given)
