"""ORC: columns and row count from a file's footer.

The file ends with a postscript (its length in the last byte), before it stands the footer, in
protocol buffers, compressed as the postscript says. Only its types and its number of rows are read.
Each step is bounds-checked; a damaged footer is `NotOrc`.

Source: ORC specification v1, "File Tail".
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from millpond.services.glue.infer.compression import CannotUnpack, unpack_block
from millpond.services.glue.infer.schema import FileSchema, column_name
from millpond.services.glue.infer.types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
    DECIMAL_PRECISION_MAX,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    TIMESTAMP,
    Array,
    Decimal,
    HiveType,
    Map,
    Scalar,
    Struct,
)

MAGIC = b"ORC"
TAIL_SIZE_BYTES = 64 * 1024
FOOTER_SIZE_BYTES_MAX = 16 * 1024 * 1024
COLUMNS_MAX = 10_000
DEPTH_MAX = 32
_PLAIN: tuple[HiveType | None, ...] = (
    *(BOOLEAN, Scalar("tinyint"), Scalar("smallint"), INT, BIGINT, FLOAT, DOUBLE, STRING, BINARY),
    *(TIMESTAMP, None, None, None, STRING, None, DATE, STRING, STRING, TIMESTAMP),
)
_LIST, _MAP, _STRUCT, _DECIMAL = 10, 11, 12, 14
_COMPRESSIONS = ("none", "zlib", "snappy", "lzo", "lz4", "zstd")


class NotOrc(ValueError):
    """The bytes are not an ORC tail, or it is compressed in a way that is not unpacked here."""


@dataclass(slots=True)
class _Type:
    kind: int = 0
    subtypes: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    precision: int = 0
    scale: int = 0


def tail_size_bytes(tail: bytes) -> int:
    """The size of footer and postscript, told by the file's end.

    Raises:
        NotOrc: it does not end as ORC files do, or the footer is unreasonable.
    """
    postscript = _postscript(tail)
    size = postscript[1] + tail[-1] + 1
    if size > FOOTER_SIZE_BYTES_MAX:
        raise NotOrc(f"A footer of {size} bytes is not read.")
    return size


def infer_orc(tail: bytes, file_size_bytes: int) -> FileSchema:
    """The schema, from bytes at the file's end that hold at least footer and postscript.

    Raises:
        NotOrc: the footer is damaged.
    """
    size = tail_size_bytes(tail)
    if size > len(tail):
        raise NotOrc("The footer is longer than the file.")
    postscript = _postscript(tail)
    stored = tail[len(tail) - size : len(tail) - tail[-1] - 1]
    types, rows = _read_footer(_unpack(stored, postscript.get(2, 0)))
    if not types or types[0].kind != _STRUCT:
        raise NotOrc("The footer has no columns.")
    root = _Types(types).hive_type(0, 1)
    columns: dict[str, HiveType] = {}
    for name, kind in root.fields if isinstance(root, Struct) else ():
        columns.setdefault(column_name(name), kind)
    columns.pop("", None)
    if not columns:
        raise NotOrc("The footer has no columns.")
    return FileSchema(
        classification="orc",
        compression="none",
        columns=tuple(columns.items()),
        records=rows,
        sample_bytes=file_size_bytes,
        whole=True,
    )


def _postscript(tail: bytes) -> dict[int, int]:
    """The numbers of the postscript by their fields: 1 the footer's length, 2 its compression."""
    if len(tail) < 2 or tail[-1] >= len(tail):
        raise NotOrc("An ORC file ends with a postscript.")
    data = tail[-1 - tail[-1] : -1]
    if not data.endswith(MAGIC):
        raise NotOrc("An ORC postscript ends with ORC.")
    numbers = {number: value for number, value in _fields(data) if isinstance(value, int)}
    if 1 not in numbers:
        raise NotOrc("The postscript does not say how long the footer is.")
    return numbers


def _unpack(data: bytes, compression: int) -> bytes:
    """Chunks, each after three bytes: its length, and in the lowest bit whether it is as it was."""
    if compression == 0:
        return data
    if compression >= len(_COMPRESSIONS):
        raise NotOrc("The footer's compression is unknown.")
    unpacked, position = bytearray(), 0
    while position + 3 <= len(data):
        head = int.from_bytes(data[position : position + 3], "little")
        position += 3
        chunk = data[position : position + (head >> 1)]
        position += head >> 1
        unpacked += chunk if head & 1 else _unpack_chunk(chunk, _COMPRESSIONS[compression])
        if len(unpacked) > FOOTER_SIZE_BYTES_MAX:
            raise NotOrc("The footer is too long.")
    return bytes(unpacked)


def _unpack_chunk(chunk: bytes, compression: str) -> bytes:
    try:
        if compression == "zlib":
            return zlib.decompressobj(-15).decompress(chunk, FOOTER_SIZE_BYTES_MAX)
        return unpack_block(chunk, compression, FOOTER_SIZE_BYTES_MAX)
    except (zlib.error, CannotUnpack) as error:
        raise NotOrc(str(error)) from error


def _read_footer(data: bytes) -> tuple[list[_Type], int]:
    types: list[_Type] = []
    rows = 0
    for number, value in _fields(data):
        if number == 4 and isinstance(value, bytes):
            types.append(_read_type(value))
            if len(types) > COLUMNS_MAX:
                raise NotOrc("The footer has too many columns.")
        elif number == 6 and isinstance(value, int):
            rows = value
    return types, rows


def _read_type(data: bytes) -> _Type:
    found = _Type()
    setters: dict[int, Callable[[int], None]] = {
        1: lambda value: setattr(found, "kind", value),
        2: found.subtypes.append,
        5: lambda value: setattr(found, "precision", value),
        6: lambda value: setattr(found, "scale", value),
    }
    for number, value in _fields(data):
        if number == 2 and isinstance(value, bytes):
            found.subtypes += _packed(value)
        elif number == 3 and isinstance(value, bytes):
            found.names.append(value.decode("utf-8", "replace"))
        elif isinstance(value, int) and number in setters:
            setters[number](value)
    return found


class _Types:
    """A tree of types: each is part of one other at the most, or it would grow without end."""

    def __init__(self, types: list[_Type]) -> None:
        self._types = types
        self._taken: set[int] = set()

    def hive_type(self, index: int, depth: int) -> HiveType:
        if index >= len(self._types) or depth > DEPTH_MAX or index in self._taken:
            raise NotOrc("A type's parts are not there, or too deep, or parts of others too.")
        self._taken.add(index)
        found = self._types[index]
        parts = [self.hive_type(each, depth + 1) for each in found.subtypes]
        if found.kind == _STRUCT and len(parts) == len(found.names):
            return Struct(tuple(zip(found.names, parts, strict=True)))
        if found.kind == _LIST and len(parts) == 1:
            return Array(parts[0])
        if found.kind == _MAP and len(parts) == 2:
            return Map(parts[0], parts[1])
        if found.kind == _DECIMAL:
            precision = min(found.precision or 38, DECIMAL_PRECISION_MAX)
            return Decimal(precision, min(found.scale, precision))
        plain = _PLAIN[found.kind] if found.kind < len(_PLAIN) else None
        if plain is None:
            raise NotOrc("A type is damaged.")
        return plain


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers, and whatever has a length as bytes."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        match tag & 7:
            case 0:
                value, position = _varint(data, position)
                yield tag >> 3, value
            case 2:
                size, position = _varint(data, position)
                if position + size > len(data):
                    raise NotOrc("A message is not complete.")
                yield tag >> 3, data[position : position + size]
                position += size
            case 1:
                position += 8
            case 5:
                position += 4
            case _:
                raise NotOrc("A message is damaged.")


def _packed(data: bytes) -> list[int]:
    values, position = [], 0
    while position < len(data):
        value, position = _varint(data, position)
        values.append(value)
    return values


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
        if shift > 63:
            break
    raise NotOrc("A number is not complete.")
