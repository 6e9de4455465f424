"""An XML body's element tree to plain members, guided by the model's types."""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from millpond.wire.fields import Field, Structure, Value
from millpond.wire.timestamps import parse_timestamp
from millpond.wire.xml import Element


class SchemaError(ValueError):
    """The document is not of the model's schema."""


def read_structure(fields: Iterable[Field], element: Element) -> dict[str, Any]:
    """The members in `element`, by AWS's names.

    Raises:
        SchemaError: an element that the schema does not have, twice where one may stand, or a
            text of the wrong type.
    """
    by_element = {field.xml_name: field for field in fields if not field.value.xml.attribute}
    members: dict[str, Any] = {}
    for child in element.children:
        field = by_element.get(child.name)
        if field is None:
            raise SchemaError(f"{element.name} has no element {child.name}.")
        if field.value.kind == "list" and field.value.xml.flattened:
            members.setdefault(field.name, []).append(_read(field.value.item, child))
        elif field.value.kind == "map" and field.value.xml.flattened:
            members.setdefault(field.name, {}).update([_entry(field.value, child)])
        elif field.name in members:
            raise SchemaError(f"{element.name} has {child.name} twice.")
        else:
            members[field.name] = _read(field.value, child)
    for field in fields:
        if field.value.xml.attribute:
            text = element.attributes.get(field.xml_name.rpartition(":")[2])
            if text is not None:
                members[field.name] = text
    return members


def read_scalar(value: Value, text: str) -> Any:
    """The value that a text stands for, in XML, a form, a header or a query string.

    Raises:
        SchemaError: it is not of the type.
    """
    match value.kind:
        case "string":
            return text
        case "integer":
            return _integer(text.strip(), value.bits)
        case "boolean":
            lowered = text.strip().lower()
            if lowered not in ("true", "false"):
                raise SchemaError(f"{text!r} is not a boolean.")
            return lowered == "true"
    try:
        if value.kind == "timestamp":
            return parse_timestamp(text.strip())
        if value.kind == "blob":
            return base64.b64decode(text.strip(), validate=True)
        return float(text)
    except (ValueError, binascii.Error) as error:
        raise SchemaError(f"{text!r} is not a {value.kind}.") from error


def _read(value: Value, element: Element) -> Any:
    if value.kind == "structure":
        return _structure(value.structure, element)
    if value.kind == "list":
        return _list(value, element)
    if value.kind == "map":
        return dict(_entry(value, child) for child in element.children)
    if element.children:
        raise SchemaError(f"{element.name} holds elements.")
    return read_scalar(value, element.text)


def _structure(structure: Structure, element: Element) -> dict[str, Any]:
    return read_structure(structure.fields, element)


def _list(value: Value, element: Element) -> list[Any]:
    for child in element.children:
        if child.name != value.xml.item:
            raise SchemaError(f"{element.name} has no element {child.name}.")
    return [_read(value.item, child) for child in element.children]


def _entry(value: Value, element: Element) -> tuple[str, Any]:
    parts = {child.name: child for child in element.children}
    if set(parts) != {value.xml.key, value.xml.value}:
        raise SchemaError(f"{element.name} is not an entry of a map.")
    return parts[value.xml.key].text, _read(value.item, parts[value.xml.value])


def _integer(text: str, bits: int) -> int:
    digits = text[1:] if text[:1] in "+-" else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise SchemaError(f"{text!r} is not an integer.")
    number = int(text)
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise SchemaError(f"{text!r} is out of range.")
    return number
