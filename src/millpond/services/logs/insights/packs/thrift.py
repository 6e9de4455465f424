"""Thrift's compact protocol, as much of it as a Parquet file's headers take.

Source: thrift-compact-protocol.md of Apache Thrift.
"""

from collections.abc import Sequence

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12


class Int(int):
    """A 32-bit number; a plain int has 64 bits."""


Struct = dict[int, "Value"]
Value = int | bytes | Struct | Sequence["Value"]


def encode(struct: Struct) -> bytes:
    """A struct of values by their field ids."""
    parts: list[bytes] = []
    last = 0
    for number, value in sorted(struct.items()):
        kind = _kind(value)
        if 0 < number - last < 16:
            parts.append(bytes(((number - last) << 4 | kind,)))
        else:
            parts += (bytes((kind,)), varint(_zigzag(number)))
        parts.append(_body(value))
        last = number
    return b"".join((*parts, b"\x00"))


def varint(number: int) -> bytes:
    """A whole number of 0 or more, seven bits to a byte."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _kind(value: Value) -> int:
    match value:
        case Int():
            return _I32
        case int():
            return _I64
        case bytes():
            return _BINARY
        case dict():
            return _STRUCT
    return _LIST


def _body(value: Value) -> bytes:
    match value:
        case int():
            return varint(_zigzag(value))
        case bytes():
            return varint(len(value)) + value
        case dict():
            return encode(value)
    size = len(value)
    kind = _kind(value[0])
    head = bytes((size << 4 | kind,)) if size < 15 else bytes((0xF0 | kind,)) + varint(size)
    return head + b"".join(map(_body, value))
