"""Fields that no record has a value for."""

from __future__ import annotations

from .gluetypes import ArrayType, DataType, NullType, StructType


def null_fields(kind: DataType, at: str = "") -> list[str]:
    """Their paths, within structs and arrays of structs."""
    if isinstance(kind, NullType):
        return [at]
    if isinstance(kind, ArrayType) and isinstance(kind.elementType, StructType):
        return null_fields(kind.elementType, at)
    if not isinstance(kind, StructType):
        return []
    found = []
    for field in kind:
        name = f"`{field.name}`" if "." in field.name else field.name
        found += null_fields(field.dataType, f"{at}.{name}" if at else name)
    return found
