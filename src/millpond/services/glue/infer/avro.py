"""Avro: columns from the schema that stands at a file's beginning, as JSON.

The number of records is not told there; the first block's is counted, and its size. A union of null
and one other type is that type; one of several is a `string`, for which Hive has no better name.

Sources: Avro specification 1.12, "Object Container Files", "Logical Types"; Hive, AvroSerDe.
"""

import json
from typing import Any

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
    UNSEEN,
    Array,
    Decimal,
    HiveType,
    Map,
    Struct,
)

MAGIC = b"Obj\x01"
DEPTH_MAX = 32
COLUMNS_MAX = 10_000
TYPES_MAX = 20_000
"""How many types a schema may have, each counted as often as it is named."""
_PLAIN: dict[str, HiveType] = {
    "null": UNSEEN,
    "boolean": BOOLEAN,
    "int": INT,
    "long": BIGINT,
    "float": FLOAT,
    "double": DOUBLE,
    "bytes": BINARY,
    "string": STRING,
}
_LOGICAL: dict[tuple[str, str], HiveType] = {
    ("int", "date"): DATE,
    ("long", "timestamp-millis"): TIMESTAMP,
    ("long", "timestamp-micros"): TIMESTAMP,
    ("long", "local-timestamp-millis"): TIMESTAMP,
    ("long", "local-timestamp-micros"): TIMESTAMP,
}


class NotAvro(ValueError):
    """The bytes are not the beginning of an Avro file, or its schema is not of records."""


def infer_avro(head: bytes, size_bytes: int) -> FileSchema:
    """The schema of a file of `size_bytes` that begins with `head`.

    Raises:
        NotAvro: the schema does not end within `head`, or is damaged.
    """
    reader = _Reader(head)
    metadata = reader.metadata()
    try:
        schema = json.loads(metadata.get("avro.schema", b""))
    except (ValueError, RecursionError) as error:
        raise NotAvro("The schema is not JSON.") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise NotAvro("The schema is not of records.")
    kind = _Types().hive_type(schema, 1)
    if not isinstance(kind, Struct) or not 0 < len(kind.fields) <= COLUMNS_MAX:
        raise NotAvro("The schema has no columns, or too many.")
    columns: dict[str, HiveType] = {}
    for name, part in kind.fields:
        columns.setdefault(column_name(name), part)
    started = reader.position
    records, block_bytes = reader.block()
    whole = reader.position + block_bytes + 16 >= size_bytes
    return FileSchema(
        classification="avro",
        compression="none",
        columns=tuple(columns.items()),
        records=records,
        sample_bytes=reader.position - started + block_bytes + 16,
        whole=whole,
        definition=json.dumps(schema, separators=(",", ":")),
    )


class _Types:
    """Named types are known from where they are first defined."""

    def __init__(self) -> None:
        self._named: dict[str, tuple[HiveType, int]] = {}
        self._count = 0

    def hive_type(self, schema: Any, depth: int) -> HiveType:
        if depth > DEPTH_MAX:
            return STRING
        before = self._count
        self._add(1)
        if isinstance(schema, str):
            kind, count = self._named.get(schema, (_PLAIN.get(schema, STRING), 0))
            self._add(count)
            return kind
        if isinstance(schema, list):
            return self._union(schema, depth)
        if not isinstance(schema, dict):
            raise NotAvro(f"{schema!r} is not a type.")
        kind = self._defined(schema, depth)
        if isinstance(schema.get("name"), str):
            self._named[schema["name"]] = kind, self._count - before
        return kind

    def _add(self, count: int) -> None:
        self._count += count
        if self._count > TYPES_MAX:
            raise NotAvro("The schema has too many types.")

    def _union(self, schema: list[Any], depth: int) -> HiveType:
        others = [each for each in schema if each != "null"]
        if len(others) == 1:
            return self.hive_type(others[0], depth)
        return STRING if others else UNSEEN

    def _defined(self, schema: dict[str, Any], depth: int) -> HiveType:
        match schema.get("type"):
            case "record":
                fields = schema.get("fields")
                if not isinstance(fields, list):
                    raise NotAvro("A record has no fields.")
                return Struct(tuple(self._field(each, depth) for each in fields))
            case "array":
                return Array(self.hive_type(schema.get("items"), depth + 1))
            case "map":
                return Map(STRING, self.hive_type(schema.get("values"), depth + 1))
            case "enum":
                return STRING
            case "fixed" | "bytes":
                return _decimal(schema) or BINARY
            case str() as name:
                logical = schema.get("logicalType")
                return _LOGICAL.get((name, str(logical))) or self.hive_type(name, depth + 1)
            case other:
                return self.hive_type(other, depth + 1)

    def _field(self, field: Any, depth: int) -> tuple[str, HiveType]:
        if not isinstance(field, dict) or not isinstance(field.get("name"), str):
            raise NotAvro("A field has no name.")
        return field["name"], self.hive_type(field.get("type"), depth + 1)


def _decimal(schema: dict[str, Any]) -> HiveType | None:
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if schema.get("logicalType") != "decimal":
        return None
    if not isinstance(precision, int) or not isinstance(scale, int):
        return None
    return Decimal(precision, scale) if 0 < precision <= DECIMAL_PRECISION_MAX else None


class _Reader:
    """Reads Avro's binary encoding from the file's beginning."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC):
            raise NotAvro("An Avro file begins with Obj and 1.")
        self._data = data
        self.position = len(MAGIC)

    def metadata(self) -> dict[str, bytes]:
        """The file's metadata; the position is then at its first block."""
        found: dict[str, bytes] = {}
        while (count := self._long()) != 0:
            if count < 0:
                self._long()
            for _ in range(abs(count)):
                name = self._bytes().decode("utf-8", "replace")
                found[name] = self._bytes()
        self._take(16)
        return found

    def block(self) -> tuple[int, int]:
        """How many records the next block has, and in how many bytes; none at the end."""
        if self.position >= len(self._data):
            return 0, 0
        return self._long(), self._long()

    def _long(self) -> int:
        value = shift = 0
        while True:
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
            if shift > 63:
                raise NotAvro("A number is too long.")

    def _bytes(self) -> bytes:
        return self._take(self._long())

    def _take(self, size: int) -> bytes:
        end = self.position + size
        if size < 0 or end > len(self._data):
            raise NotAvro("The file's beginning is not complete.")
        taken, self.position = self._data[self.position : end], end
        return taken
