"""Hive types as a small tree, and how two of them become one.

`UNSEEN` is the type of a column in which nothing but nulls was seen; written out it is `string`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_DIGITS = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
DECIMAL_PRECISION_MAX = 38


@dataclass(frozen=True, slots=True)
class Scalar:
    """A type without parts: `bigint`, `string`, `date`, …"""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Decimal:
    precision: int
    scale: int

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class Array:
    item: "HiveType"

    def __str__(self) -> str:
        return f"array<{self.item}>"


@dataclass(frozen=True, slots=True)
class Map:
    key: "HiveType"
    value: "HiveType"

    def __str__(self) -> str:
        return f"map<{self.key},{self.value}>"


@dataclass(frozen=True, slots=True)
class Struct:
    """Fields by name, in the order in which they were first seen."""

    fields: tuple[tuple[str, "HiveType"], ...]

    def __str__(self) -> str:
        return "struct<" + ",".join(f"{name}:{kind}" for name, kind in self.fields) + ">"


class _Unseen:
    def __str__(self) -> str:
        return "string"

    def __repr__(self) -> str:
        return "UNSEEN"


HiveType = Scalar | Decimal | Array | Map | Struct | _Unseen

UNSEEN = _Unseen()
STRING = Scalar("string")
BOOLEAN = Scalar("boolean")
INT = Scalar("int")
BIGINT = Scalar("bigint")
FLOAT = Scalar("float")
DOUBLE = Scalar("double")
DATE = Scalar("date")
TIMESTAMP = Scalar("timestamp")
BINARY = Scalar("binary")


def merge(one: HiveType, other: HiveType) -> HiveType:
    """The narrowest type that holds the values of both; `string` where there is no other.

    Integers widen to the longer one, an integer and a fraction to `double`, decimals to the
    decimal that holds both; structs get the fields of both, the first one's before the other's.
    """
    if one == other or isinstance(other, _Unseen):
        return one
    if isinstance(one, _Unseen):
        return other
    if isinstance(one, Array) and isinstance(other, Array):
        return Array(merge(one.item, other.item))
    if isinstance(one, Map) and isinstance(other, Map):
        return Map(merge(one.key, other.key), merge(one.value, other.value))
    if isinstance(one, Struct) and isinstance(other, Struct):
        return _merge_structs(one, other)
    if isinstance(one, Scalar | Decimal) and isinstance(other, Scalar | Decimal):
        return _merge_numbers(one, other)
    return STRING


def merge_all(kinds: Iterable[HiveType]) -> HiveType:
    """What `merge` makes of many types one after another, in time linear in all of them."""
    seen = [kind for kind in kinds if not isinstance(kind, _Unseen)]
    structs = [kind for kind in seen if isinstance(kind, Struct)]
    arrays = [kind for kind in seen if isinstance(kind, Array)]
    if structs and len(structs) == len(seen):
        fields: dict[str, list[HiveType]] = {}
        for struct in structs:
            for name, kind in struct.fields:
                fields.setdefault(name, []).append(kind)
        return Struct(tuple((name, merge_all(parts)) for name, parts in fields.items()))
    if arrays and len(arrays) == len(seen):
        return Array(merge_all(array.item for array in arrays))
    merged: HiveType = STRING if structs or arrays else UNSEEN
    for kind in seen:
        merged = merge(merged, kind)
    return merged


def _merge_structs(one: Struct, other: Struct) -> Struct:
    fields = dict(one.fields)
    for name, kind in other.fields:
        fields[name] = merge(fields[name], kind) if name in fields else kind
    return Struct(tuple(fields.items()))


def _merge_numbers(one: Scalar | Decimal, other: Scalar | Decimal) -> HiveType:
    names = (_number_name(one), _number_name(other))
    if None in names:
        return STRING
    if names[0] in _INTEGERS and names[1] in _INTEGERS:
        return Scalar(_INTEGERS[max(_INTEGERS.index(str(name)) for name in names)])
    if "float" in names or "double" in names:
        return DOUBLE
    scales = [kind.scale if isinstance(kind, Decimal) else 0 for kind in (one, other)]
    wholes = [
        kind.precision - kind.scale if isinstance(kind, Decimal) else _DIGITS[kind.name]
        for kind in (one, other)
    ]
    if max(wholes) + max(scales) > DECIMAL_PRECISION_MAX:
        return DOUBLE
    return Decimal(max(wholes) + max(scales), max(scales))


def _number_name(kind: Scalar | Decimal) -> str | None:
    if isinstance(kind, Decimal):
        return "decimal"
    return kind.name if kind.name in (*_INTEGERS, "float", "double") else None
