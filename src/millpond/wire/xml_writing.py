"""Answers as XML. A writer is put together once per member's type, and then only runs."""

import base64
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from millpond.wire.fields import Value, structure_of
from millpond.wire.timestamps import format_timestamp
from millpond.wire.xml import escape

PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XSI = "http://www.w3.org/2001/XMLSchema-instance"

Write = Callable[[Any, list[str]], None]
"""Appends a value's XML to the list of texts."""


def root_writer(value: Value, name: str, namespace: str) -> Write:
    """Writes a structure as the root element `name`, which declares `namespace`."""
    return _writer(value, root_start(name, namespace), name)


def root_start(name: str, namespace: str) -> str:
    """The beginning of a root element's start tag."""
    return f'<{name} xmlns="{escape(namespace)}"' if namespace else f"<{name}"


@cache
def members_writer(struct: type[msgspec.Struct]) -> Write:
    """Writes the members of `struct` that make up a body, each in its element."""
    writers = [
        (field.attribute, member_writer(field.value, field.xml_name))
        for field in structure_of(struct).body_fields
        if not field.value.xml.attribute
    ]

    def write(content: Any, out: list[str]) -> None:
        for attribute, write_member in writers:
            if (member := getattr(content, attribute)) is not None:
                write_member(member, out)

    return write


def format_scalar(value: Value, content: Any) -> str:
    """A scalar as text, as in XML, a header or a form."""
    match value.kind:
        case "string":
            return str(content)
        case "boolean":
            return "true" if content else "false"
        case "timestamp":
            return format_timestamp(content, value.timestamp)
        case "blob":
            return base64.b64encode(content).decode()
        case "float" if not math.isfinite(content):
            return "NaN" if math.isnan(content) else f"{'-' if content < 0 else ''}Infinity"
        case _:
            return str(content)


@cache
def member_writer(value: Value, name: str) -> Write:
    """Writes a member in elements `name`: one, or as many as a flattened list or map has."""
    return _writer(value, f"<{name}", name)


def _writer(value: Value, start: str, name: str) -> Write:
    if value.xml.namespace and "xmlns=" not in start:
        start += f' xmlns="{escape(value.xml.namespace)}"'
    end = f"</{name}>"
    if value.kind == "structure":
        return _structure_writer(value, start, end)
    if value.kind == "list":
        return _list_writer(value, start, end, name)
    if value.kind == "map":
        return _map_writer(value, start, end)
    if value.kind == "string":
        return lambda content, out: out.append(f"{start}>{escape(content)}{end}")
    return lambda content, out: out.append(f"{start}>{escape(format_scalar(value, content))}{end}")


def _structure_writer(value: Value, start: str, end: str) -> Write:
    struct = value.structure.struct
    attributes = [f for f in value.structure.fields if f.value.xml.attribute]

    def write(content: Any, out: list[str]) -> None:
        out.append(start)
        for field in attributes:
            if (attribute := getattr(content, field.attribute)) is not None:
                prefix = f' xmlns:xsi="{_XSI}"' if field.xml_name.startswith("xsi:") else ""
                out.append(f'{prefix} {field.xml_name}="{escape(attribute)}"')
        out.append(">")
        members_writer(struct)(content, out)
        out.append(end)

    return write


def _list_writer(value: Value, start: str, end: str, name: str) -> Write:
    if value.xml.flattened:
        write_item = member_writer(value.item, name)

        def write_flat(content: Any, out: list[str]) -> None:
            for item in content:
                write_item(item, out)

        return write_flat
    write_item = member_writer(value.item, value.xml.item)

    def write(content: Any, out: list[str]) -> None:
        out.append(f"{start}>")
        for item in content:
            write_item(item, out)
        out.append(end)

    return write


def _map_writer(value: Value, start: str, end: str) -> Write:
    key = value.xml.key
    write_value = member_writer(value.item, value.xml.value)
    entry_start, entry_end = (f"{start}>", end) if value.xml.flattened else ("<entry>", "</entry>")

    def write(content: Any, out: list[str]) -> None:
        if not value.xml.flattened:
            out.append(f"{start}>")
        for name, item in content.items():
            out.append(f"{entry_start}<{key}>{escape(name)}</{key}>")
            write_value(item, out)
            out.append(entry_end)
        if not value.xml.flattened:
            out.append(end)

    return write
