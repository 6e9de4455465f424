"""Opens aggregated records of the Kinesis Producer Library: one stream record that holds several.

    magic F3 89 9A C2 | protobuf AggregatedRecord | MD5 of the protobuf, 16 bytes

Pure, and safe on hostile bytes: what is not a whole and valid aggregate is no aggregate.

Source: KPL, aggregation-format.md.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_SIZE_BYTES = 16
_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5
_VARINT_SIZE_BYTES_MAX = 10


class UserRecord(NamedTuple):
    """One of the records inside."""

    partition_key: str
    data: bytes


class _Malformed(ValueError):
    """The bytes are no message of this kind."""


def deaggregate(data: bytes) -> list[UserRecord] | None:
    """The records inside, in their order; None when `data` is no aggregated record."""
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + _DIGEST_SIZE_BYTES:
        return None
    message = memoryview(data)[len(MAGIC) : -_DIGEST_SIZE_BYTES]
    digest = hashlib.md5(message, usedforsecurity=False).digest()
    if digest != data[-_DIGEST_SIZE_BYTES:]:
        return None
    try:
        return _aggregate(message)
    except _Malformed:
        return None


def _aggregate(message: memoryview) -> list[UserRecord]:
    keys: list[str] = []
    records: list[memoryview] = []
    for number, value in _fields(message):
        if number == 1 and not isinstance(value, int):
            keys.append(_text(value))
        elif number == 3 and not isinstance(value, int):
            records.append(value)
    return [_record(record, keys) for record in records]


def _record(message: memoryview, keys: list[str]) -> UserRecord:
    index: int | None = None
    data: bytes | None = None
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            index = value
        elif number == 3 and not isinstance(value, int):
            data = bytes(value)
    if index is None or data is None or index >= len(keys):
        raise _Malformed
    return UserRecord(keys[index], data)


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
                raise _Malformed
            yield number, message[at : at + size]
            at += size
        elif kind in {_FIXED_64, _FIXED_32}:
            at += 8 if kind == _FIXED_64 else 4
            if at > end:
                raise _Malformed
        else:
            raise _Malformed


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    value = shift = 0
    for offset in range(at, min(at + _VARINT_SIZE_BYTES_MAX, len(message))):
        byte = message[offset]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset + 1
        shift += 7
    raise _Malformed


def _text(value: memoryview) -> str:
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError:
        raise _Malformed from None
