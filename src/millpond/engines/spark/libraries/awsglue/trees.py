"""How a schema is printed."""

from __future__ import annotations

from .gluetypes import ArrayType, ChoiceType, DataType, MapType, StructType


def tree_string(schema: StructType) -> str:
    """The schema as a tree: each field with its type, what is inside of it below."""
    return "\n".join(["root", *_lines(schema, "|-- ")]) + "\n"


def _lines(kind: DataType, lead: str) -> list[str]:
    deeper = "|    " + lead
    if isinstance(kind, StructType):
        lines = []
        for field in kind:
            lines.append(f"{lead}{field.name}: {field.dataType.typeName()}")
            lines += _lines(field.dataType, deeper)
        return lines
    if isinstance(kind, ArrayType):
        first = f"{lead}element: {kind.elementType.typeName()}"
        return [first, *_lines(kind.elementType, deeper)]
    if isinstance(kind, MapType):
        first = f"{lead}keyType: string"
        second = f"{lead}valueType: {kind.valueType.typeName()}"
        return [first, second, *_lines(kind.valueType, deeper)]
    if isinstance(kind, ChoiceType):
        lines = []
        for one in kind.sorted():
            lines.append(f"{lead}{one.typeName()}")
            lines += _lines(one, deeper)
        return lines
    return []
