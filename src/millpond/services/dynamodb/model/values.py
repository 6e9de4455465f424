"""Attribute values: the wire's own form, checked and in one spelling each.

A value is `shapes.AttributeValue`, of which exactly one member is set. Once `check` has seen it,
numbers have their plain text and sets are sorted, so that two values are equal when the Structs
are, and what lies in records can be sent as it is.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from millpond.services.dynamodb.errors import ValidationError, invalid
from millpond.services.dynamodb.model import numbers
from millpond.services.dynamodb.shapes import AttributeValue as Value

__all__ = ["Item", "Kind", "Value"]

Item = dict[str, Value]
Kind = Literal["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"]

NESTING_MAX = 32
ITEM_SIZE_BYTES_MAX = 400 * 1024

_ATTRIBUTES: tuple[tuple[str, Kind], ...] = (
    ("s", "S"),
    ("n", "N"),
    ("bool_", "BOOL"),
    ("m", "M"),
    ("l", "L"),
    ("b", "B"),
    ("null", "NULL"),
    ("ss", "SS"),
    ("ns", "NS"),
    ("bs", "BS"),
)
_ELEMENT_OVERHEAD_BYTES = 1
_CONTAINER_OVERHEAD_BYTES = 3


def kind_of(value: Value) -> Kind:
    """The type of a value that was checked."""
    for attribute, kind in _ATTRIBUTES:
        if getattr(value, attribute) is not None:
            return kind
    raise AssertionError("A checked value has a type.")


def check(value: Value, depth: int = 1) -> None:
    """Refuse what is no value, and put `value` into its one spelling, in place.

    Raises:
        ValidationError: no type or several, a bad number or set, or too deeply nested.
    """
    kinds = [kind for attribute, kind in _ATTRIBUTES if getattr(value, attribute) is not None]
    if not kinds:
        raise ValidationError(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    if len(kinds) > 1:
        raise ValidationError(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
            "the supported datatypes"
        )
    if depth > NESTING_MAX + 1:
        raise ValidationError("Nesting Levels have exceeded supported limits")
    if value.n is not None:
        value.n = numbers.normalise(value.n)
    elif value.m is not None:
        for inner in value.m.values():
            check(inner, depth + 1)
    elif value.l is not None:
        for inner in value.l:
            check(inner, depth + 1)
    elif value.null is False:
        raise invalid("Null attribute value types must have the value of true")
    elif value.ss is not None:
        value.ss = _checked_strings(value.ss)
    elif value.ns is not None:
        value.ns = _checked_numbers(value.ns)
    elif value.bs is not None:
        value.bs = _checked_binaries(value.bs)


def check_item(item: Mapping[str, Value]) -> None:
    """`check` every attribute.

    Raises:
        ValidationError: an attribute is no value.
    """
    for value in item.values():
        check(value)


def _checked_strings(elements: list[str]) -> list[str]:
    if not elements:
        raise invalid("An string set  may not be empty")
    if len(set(elements)) < len(elements):
        raise invalid(f"Input collection [{', '.join(elements)}] contains duplicates.")
    return sorted(elements)


def _checked_numbers(elements: list[str]) -> list[str]:
    if not elements:
        raise invalid("An number set  may not be empty")
    normal = {numbers.normalise(element) for element in elements}
    if len(normal) < len(elements):
        raise ValidationError("Input collection contains duplicates")
    return sorted(normal, key=Decimal)


def _checked_binaries(elements: list[bytes]) -> list[bytes]:
    if not elements:
        raise invalid("Binary sets should not be empty")
    if len(set(elements)) < len(elements):
        raise invalid("Input collection of type BS contains duplicates.")
    return sorted(elements)


def set_of(value: Value) -> frozenset[str] | frozenset[bytes] | None:
    """The elements of a set; None when it is none."""
    if value.ss is not None:
        return frozenset(value.ss)
    if value.ns is not None:
        return frozenset(value.ns)
    return None if value.bs is None else frozenset(value.bs)


def set_like(value: Value, elements: Iterable[str] | Iterable[bytes]) -> Value:
    """A set of the type of `value`, with other elements (of that type)."""
    if value.ss is not None:
        return Value(ss=sorted(str(element) for element in elements))
    if value.ns is not None:
        return Value(ns=sorted((str(element) for element in elements), key=Decimal))
    return Value(bs=sorted(bytes(element) for element in elements if isinstance(element, bytes)))


def show(value: Value) -> str:
    """A value as AWS writes it in a refusal: `{S:abc}`."""
    kind = kind_of(value)
    inner = value.s if value.s is not None else value.n
    return f"{{{kind}:{'' if inner is None else inner}}}"


def size_bytes(value: Value) -> int:
    """What a value counts for in an item's size.

    Source: DynamoDB developer guide, Item sizes and formats.
    """
    if value.s is not None:
        return _text_size_bytes(value.s)
    if value.n is not None:
        return numbers.size_bytes(value.n)
    if value.b is not None:
        return len(value.b)
    if value.m is not None:
        inside = sum(
            _text_size_bytes(name) + size_bytes(inner) + _ELEMENT_OVERHEAD_BYTES
            for name, inner in value.m.items()
        )
        return inside + _CONTAINER_OVERHEAD_BYTES
    if value.l is not None:
        inside = sum(size_bytes(inner) + _ELEMENT_OVERHEAD_BYTES for inner in value.l)
        return inside + _CONTAINER_OVERHEAD_BYTES
    if value.ss is not None:
        return sum(map(_text_size_bytes, value.ss))
    if value.ns is not None:
        return sum(map(numbers.size_bytes, value.ns))
    if value.bs is not None:
        return sum(map(len, value.bs))
    return 1


def item_size_bytes(item: Mapping[str, Value]) -> int:
    """The size of an item: its names and values."""
    return sum(_text_size_bytes(name) + size_bytes(value) for name, value in item.items())


def _text_size_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
