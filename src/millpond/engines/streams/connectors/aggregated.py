"""Opens aggregated records of the Kinesis Producer Library: one record that holds several.

    magic F3 89 9A C2 | protobuf AggregatedRecord | MD5 of the protobuf, 16 bytes

What is not a whole and valid aggregate is no aggregate.

Source: KPL, aggregation-format.md.
"""

import hashlib
from collections.abc import Iterator

MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_SIZE_BYTES = 16
_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5
_VARINT_SIZE_BYTES_MAX = 10


def opened(data: bytes) -> list[tuple[str, bytes]] | None:
    """Partition key and data of each record inside, in order; None when `data` is no aggregate."""
    message = memoryview(data)[len(MAGIC) : -_DIGEST_SIZE_BYTES]
    digest = hashlib.md5(message, usedforsecurity=False).digest()
    if not data.startswith(MAGIC) or digest != data[-_DIGEST_SIZE_BYTES:]:
        return None
    try:
        return _records(message)
    except ValueError:
        return None


def _records(message: memoryview) -> list[tuple[str, bytes]]:
    keys: list[str] = []
    found: list[tuple[str, bytes]] = []
    inner: list[memoryview] = []
    for number, value in _fields(message):
        if isinstance(value, memoryview):
            if number == 1:
                keys.append(str(value, "utf-8"))
            elif number == 3:
                inner.append(value)
    for record in inner:
        values = dict(_fields(record))
        index, data = values.get(1), values.get(3)
        if not isinstance(index, int) or index >= len(keys) or not isinstance(data, memoryview):
            raise ValueError("a record inside is not whole")
        found.append((keys[index], bytes(data)))
    return found


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Numbers and values of a message's fields; fixed-width ones are passed over."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif kind == _LENGTH:
            size, at = _varint(message, at)
            if size > end - at:
                raise ValueError("a field is longer than its message")
            yield number, message[at : at + size]
            at += size
        elif kind in (_FIXED_64, _FIXED_32):
            at += 8 if kind == _FIXED_64 else 4
            if at > end:
                raise ValueError("a field is longer than its message")
        else:
            raise ValueError("a field is of no known kind")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = 0
    for offset, byte in enumerate(message[at : at + _VARINT_SIZE_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * offset
        if byte < 0x80:
            return value, at + offset + 1
    raise ValueError("a number does not end")
