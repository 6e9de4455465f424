"""What types the values of records have, gathered record by record.

A shape is plain and small, so that workers can send theirs to the driver as JSON: a dictionary
from the names of types to what is known of them. `{"string": 1}`, `{"int": 1, "string": 1}` (a
choice), `{"struct": {"id": {"long": 1}}}`, `{"array": {...}}`; an empty one has seen nulls only.
"""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Optional

from .gluetypes import (
    ArrayType,
    ChoiceType,
    DataType,
    DecimalType,
    Field,
    MapType,
    NullType,
    StructType,
    _all_type_map,
)

Shape = dict[str, Any]
_INT_MAX, _LONG_MAX = (1 << 31) - 1, (1 << 63) - 1
_FITS = {"byte": 7, "short": 15, "int": 31, "long": 63}


def observe(shape: Shape, value: Any, known: Optional[DataType] = None) -> None:
    """Add what a value shows. Where `known` can hold the value, that is its type: so an `int` from
    a column of longs stays a long."""
    if value is None:
        return
    kind = type(value)
    if kind is str:
        shape["string"] = 1
    elif kind is bool:
        shape["boolean"] = 1
    elif kind is int:
        shape[_whole_number(value, known)] = 1
    elif kind is float:
        shape["float" if _among(known, "float") else "double"] = 1
    elif isinstance(value, dict):
        map_type = _find(known, "map")
        if isinstance(map_type, MapType):
            inner = shape.setdefault("map", {})
            for one in value.values():
                observe(inner, one, map_type.valueType)
            return
        fields = shape.setdefault("struct", {})
        struct = _find(known, "struct")
        for name, one in value.items():
            held = fields.get(name)
            if held is None:
                held = fields[name] = {}
            inner_type = struct.field_map.get(name) if isinstance(struct, StructType) else None
            observe(held, one, inner_type.dataType if inner_type else None)
    elif isinstance(value, (list, tuple)):
        inner = shape.setdefault("array", {})
        array = _find(known, "array")
        for one in value:
            observe(inner, one, array.elementType if isinstance(array, ArrayType) else None)
    else:
        _observe_rare(shape, value, known)


def _observe_rare(shape: Shape, value: Any, known: Optional[DataType]) -> None:
    if isinstance(value, datetime.datetime):
        shape["timestamp"] = 1
    elif isinstance(value, datetime.date):
        shape["date"] = 1
    elif isinstance(value, decimal.Decimal):
        held = _find(known, "decimal")
        digits = value.as_tuple()
        scale = max(-int(digits.exponent), 0)
        whole = max(len(digits.digits) + int(digits.exponent), 0)
        if isinstance(held, DecimalType) and whole <= held.precision - held.scale >= 0:
            scale, whole = held.scale, held.precision - held.scale
        before = shape.get("decimal", [0, 0])
        shape["decimal"] = [max(before[0], whole), max(before[1], scale)]
    elif isinstance(value, (bytes, bytearray, memoryview)):
        shape["binary"] = 1
    elif hasattr(value, "item"):
        observe(shape, value.item(), known)
    else:
        raise TypeError(f"A record cannot hold a value of the type {type(value).__name__}.")


def _whole_number(value: int, known: Optional[DataType]) -> str:
    for name, bits in _FITS.items():
        if _among(known, name) and -(1 << bits) <= value < 1 << bits:
            return name
    if -_INT_MAX - 1 <= value <= _INT_MAX:
        return "int"
    return "long" if -_LONG_MAX - 1 <= value <= _LONG_MAX else "double"


def _find(known: Optional[DataType], name: str) -> Optional[DataType]:
    if known is None:
        return None
    if isinstance(known, ChoiceType):
        return known.choices.get(name)
    return known if known.typeName() == name else None


def _among(known: Optional[DataType], name: str) -> bool:
    return _find(known, name) is not None


def merge(shape: Shape, other: Shape) -> None:
    """Add to a shape what another one has seen."""
    for name, seen in other.items():
        if name == "struct":
            fields = shape.setdefault("struct", {})
            for field, inner in seen.items():
                merge(fields.setdefault(field, {}), inner)
        elif name in ("array", "map"):
            merge(shape.setdefault(name, {}), seen)
        elif name == "decimal":
            before = shape.get(name, [0, 0])
            shape[name] = [max(before[0], seen[0]), max(before[1], seen[1])]
        else:
            shape[name] = 1


def to_type(shape: Shape) -> DataType:
    """The type of all values that a shape has seen. Objects without any field are nulls."""
    kinds = [_one(name, seen) for name, seen in shape.items()]
    kinds = [kind for kind in kinds if not isinstance(kind, NullType)]
    if not kinds:
        return NullType()
    return kinds[0] if len(kinds) == 1 else ChoiceType(kinds)


def _one(name: str, seen: Any) -> DataType:
    if name == "struct":
        if not seen:
            return NullType()
        return StructType([Field(field, to_type(inner)) for field, inner in seen.items()])
    if name == "array":
        return ArrayType(to_type(seen))
    if name == "map":
        return MapType(to_type(seen))
    if name == "decimal":
        return DecimalType(min(max(sum(seen), 1), 38), min(seen[1], 38))
    return _all_type_map[name]()


def record_type(shape: Shape) -> StructType:
    """The schema of records, given the shape that all of them have."""
    found = to_type({"struct": shape["struct"]}) if shape.get("struct") else StructType()
    return found if isinstance(found, StructType) else StructType()


def of_type(kind: DataType) -> Shape:
    """The shape of values of a type."""
    if isinstance(kind, NullType):
        return {}
    if isinstance(kind, StructType):
        return {"struct": {field.name: of_type(field.dataType) for field in kind}}
    if isinstance(kind, ChoiceType):
        shape: Shape = {}
        for one in kind.sorted():
            merge(shape, of_type(one))
        return shape
    if isinstance(kind, ArrayType):
        return {"array": of_type(kind.elementType)}
    if isinstance(kind, MapType):
        return {"map": of_type(kind.valueType)}
    if isinstance(kind, DecimalType):
        return {"decimal": [kind.precision - kind.scale, kind.scale]}
    return {kind.typeName(): 1}
