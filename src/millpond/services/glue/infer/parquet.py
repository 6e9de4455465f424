"""Parquet: columns and row count from a file's footer.

The footer is a Thrift struct in the compact protocol; only its schema and its number of rows are
read, which stand before everything that grows with the data. Reading it here needs no library and
cannot crash: each step is bounds-checked, and a damaged footer is `NotParquet`.

Sources: parquet-format, `parquet.thrift` and `LogicalTypes.md`; Thrift compact protocol.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from millpond.services.glue.infer.schema import FileSchema, column_name
from millpond.services.glue.infer.types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
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

MAGIC = b"PAR1"
TAIL_SIZE_BYTES = 64 * 1024
"""How much of a file's end is read at first; a longer footer says how long it is."""
FOOTER_SIZE_BYTES_MAX = 16 * 1024 * 1024
COLUMNS_MAX = 10_000
DEPTH_MAX = 32

_BOOLEAN, _INT32, _INT64, _INT96, _FLOAT, _DOUBLE, _BYTES, _FIXED = range(8)
_REPEATED = 2


class NotParquet(ValueError):
    """The bytes are not a Parquet footer."""


def footer_size_bytes(tail: bytes) -> int:
    """The size of the footer with its length and magic, told by the last eight bytes.

    Raises:
        NotParquet: the file does not end as Parquet files do, or the footer is unreasonable.
    """
    if len(tail) < 8 or tail[-4:] != MAGIC:
        raise NotParquet("A Parquet file ends with PAR1.")
    size = int.from_bytes(tail[-8:-4], "little") + 8
    if size > FOOTER_SIZE_BYTES_MAX:
        raise NotParquet(f"A footer of {size} bytes is not read.")
    return size


def infer_parquet(tail: bytes, file_size_bytes: int) -> FileSchema:
    """The schema, from bytes at the file's end that hold at least the footer.

    Raises:
        NotParquet: the footer is damaged.
    """
    size = footer_size_bytes(tail)
    if size > len(tail):
        raise NotParquet("The footer is longer than the file.")
    elements, rows = _read_metadata(_Compact(tail[len(tail) - size : -8]))
    if not elements:
        raise NotParquet("The footer has no schema.")
    following = iter(elements[1:])
    columns: dict[str, HiveType] = {}
    for _ in range(elements[0].children):
        name, kind = _read_field(following, 1)
        columns.setdefault(column_name(name), kind)
    columns.pop("", None)
    if not columns:
        raise NotParquet("The schema has no columns.")
    return FileSchema(
        classification="parquet",
        compression="none",
        columns=tuple(columns.items()),
        records=rows,
        sample_bytes=file_size_bytes,
        whole=True,
    )


@dataclass(slots=True)
class _Element:
    """A SchemaElement of parquet.thrift. `logical` maps the union's field to its members."""

    name: str = ""
    kind: int | None = None
    repetition: int = 0
    children: int = 0
    converted: int | None = None
    scale: int = 0
    precision: int = 0
    logical: dict[int, Any] = field(default_factory=dict)


def _read_metadata(data: "_Compact") -> tuple[list[_Element], int]:
    """Schema and number of rows: fields 2 and 3 of FileMetaData; what follows is not read."""
    elements: list[_Element] = []
    for number, wire in data.fields():
        if number == 2 and wire == _Compact.LIST:
            count, _ = data.list_head()
            if count > COLUMNS_MAX:
                raise NotParquet("The schema has too many columns.")
            elements = [_read_element(data) for _ in range(count)]
        elif number == 3 and wire in _Compact.INTEGERS:
            return elements, max(0, data.zigzag())
        else:
            data.skip(wire)
    raise NotParquet("The footer is not complete.")


def _read_element(data: "_Compact") -> _Element:
    values: dict[int, Any] = {number: data.value(wire, 0) for number, wire in data.fields()}
    name = values.get(4, b"")
    element = _Element(name=name.decode("utf-8", "replace") if isinstance(name, bytes) else "")
    element.kind = _integer(values.get(1))
    element.repetition = _integer(values.get(3)) or 0
    element.children = _integer(values.get(5)) or 0
    if element.children < 0:
        raise NotParquet("A group cannot have fewer fields than none.")
    element.converted = _integer(values.get(6))
    element.scale = _integer(values.get(7)) or 0
    element.precision = _integer(values.get(8)) or 0
    logical = values.get(10)
    element.logical = logical if isinstance(logical, dict) else {}
    return element


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _next(following: Iterator[_Element]) -> _Element:
    element = next(following, None)
    if element is None:
        raise NotParquet("The schema ends too early.")
    return element


def _read_field(following: Iterator[_Element], depth: int) -> tuple[str, HiveType]:
    """One field of the schema's depth-first list, with all that is below it."""
    if depth > DEPTH_MAX:
        raise NotParquet("The schema is nested too deeply.")
    element = _next(following)
    if not element.children:
        kind = _leaf_type(element)
    else:
        fields = [_read_field(following, depth + 1) for _ in range(element.children)]
        kind = _group_type(element, fields)
    return element.name, Array(kind) if element.repetition == _REPEATED else kind


def _group_type(element: _Element, fields: list[tuple[str, HiveType]]) -> HiveType:
    """A group: a list, a map, or a struct. A repeated child stands here as an Array."""
    child = fields[0][1]
    if len(fields) == 1 and isinstance(child, Array):
        if element.converted == 3 or 3 in element.logical:
            return Array(_list_item(element.name, fields[0][0], child.item))
        if element.converted in (1, 2) or 2 in element.logical:
            pair = child.item
            if isinstance(pair, Struct) and len(pair.fields) == 2:
                return Map(pair.fields[0][1], pair.fields[1][1])
    return Struct(tuple(fields))


def _list_item(list_name: str, name: str, repeated: HiveType) -> HiveType:
    """The item's type, by the backward-compatibility rules of LogicalTypes.md: a repeated group
    with one field is the list's inner level unless its name says that it is the item itself."""
    if not isinstance(repeated, Struct) or len(repeated.fields) != 1:
        return repeated
    if name in ("array", f"{list_name}_tuple"):
        return repeated
    return repeated.fields[0][1]


def _leaf_type(element: _Element) -> HiveType:
    logical, converted = element.logical, element.converted
    if 5 in logical or converted == 5:
        return _decimal(element)
    if element.kind == _INT32:
        return _int32_type(element)
    if element.kind == _INT64:
        return TIMESTAMP if 8 in logical or converted in (9, 10) else BIGINT
    if element.kind == _BYTES:
        text = logical.keys() & {1, 4, 12} or converted in (0, 4, 19)
        return STRING if text else BINARY
    if element.kind == _FIXED:
        return FLOAT if 15 in logical else STRING if 14 in logical else BINARY
    plain = {_BOOLEAN: BOOLEAN, _INT96: TIMESTAMP, _FLOAT: FLOAT, _DOUBLE: DOUBLE}
    kind = plain.get(element.kind) if element.kind is not None else None
    if kind is None:
        raise NotParquet("A column has no type.")
    return kind


def _int32_type(element: _Element) -> HiveType:
    if 6 in element.logical or element.converted == 6:
        return DATE
    annotation = element.logical.get(10)
    if isinstance(annotation, dict):
        signed, bits = annotation.get(2, True), annotation.get(1, 32)
    else:
        named = {11: (False, 8), 12: (False, 16), 13: (False, 32), 15: (True, 8), 16: (True, 16)}
        signed, bits = named.get(element.converted or 0, (True, 32))
    widths = {(True, 8): "tinyint", (True, 16): "smallint", (False, 8): "smallint"}
    widths[False, 32] = "bigint"
    return Scalar(widths[bool(signed), bits]) if (bool(signed), bits) in widths else INT


def _decimal(element: _Element) -> HiveType:
    annotation = element.logical.get(5)
    scale, precision = element.scale, element.precision
    if isinstance(annotation, dict):
        scale = _integer(annotation.get(1)) or scale
        precision = _integer(annotation.get(2)) or precision
    if not 1 <= precision <= 38 or not 0 <= scale <= precision:
        return BINARY if element.kind in (_BYTES, _FIXED) else DOUBLE
    return Decimal(precision, scale)


class _Compact:
    """Reads Thrift's compact protocol from memory."""

    TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
    INTEGERS = (4, 5, 6)

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """A struct's fields as (number, wire type); the caller reads or skips each value."""
        number = 0
        while head := self._take(1)[0]:
            delta = head >> 4
            number = number + delta if delta else self.zigzag()
            yield number, head & 0x0F

    def list_head(self) -> tuple[int, int]:
        """A list's number of items and their wire type."""
        head = self._take(1)[0]
        count = head >> 4
        if count == 15:
            count = self.varint()
        if count > len(self._data):
            raise NotParquet("A list is longer than the footer.")
        return count, head & 0x0F

    def zigzag(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
        raise NotParquet("A number is too long.")

    def skip(self, wire: int) -> None:
        self.value(wire, 0)

    def value(self, wire: int, depth: int) -> Any:
        """A value; a struct is a dict by field number, a list or map is read and dropped."""
        if depth > 16:
            raise NotParquet("The footer is nested too deeply.")
        if wire in (self.TRUE, self.FALSE):
            return wire == self.TRUE
        if wire == self.BYTE:
            return int.from_bytes(self._take(1), "little", signed=True)
        if wire in self.INTEGERS:
            return self.zigzag()
        if wire == self.DOUBLE:
            return self._take(8)
        if wire == self.BINARY:
            return self._take(self.varint())
        if wire == self.STRUCT:
            return {number: self.value(inner, depth + 1) for number, inner in self.fields()}
        if wire in (self.LIST, self.SET):
            count, inner = self.list_head()
            for _ in range(count):
                self._item(inner, depth + 1)
            return None
        if wire == self.MAP:
            return self._skip_map(depth)
        raise NotParquet("The footer holds an unknown type.")

    def _item(self, wire: int, depth: int) -> None:
        """An item of a collection: there a boolean takes a byte of its own."""
        if wire in (self.TRUE, self.FALSE):
            self._take(1)
        else:
            self.value(wire, depth)

    def _skip_map(self, depth: int) -> None:
        count = self.varint()
        if not count:
            return
        if count > len(self._data):
            raise NotParquet("A map is longer than the footer.")
        kinds = self._take(1)[0]
        for _ in range(count):
            self._item(kinds >> 4, depth + 1)
            self._item(kinds & 0x0F, depth + 1)

    def _take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._data):
            raise NotParquet("The footer ends too early.")
        taken = self._data[self._position : end]
        self._position = end
        return taken
