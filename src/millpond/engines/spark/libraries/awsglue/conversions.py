"""Glue's types in Arrow's words, in Spark's, and in those of the Data Catalog.

A choice is a struct with one nullable field per type, by the type's name: that is how it lies in a
DataFrame, and what `toDF` shows. A field without any value (`null`) is a string without values.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from .gluetypes import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    ChoiceType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    Field,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructType,
    TimestampType,
    UnknownType,
)
from .refusals import NotSupported

_ARROW: dict[str, pa.DataType] = {
    "binary": pa.binary(),
    "boolean": pa.bool_(),
    "byte": pa.int8(),
    "date": pa.date32(),
    "double": pa.float64(),
    "enum": pa.string(),
    "float": pa.float32(),
    "int": pa.int32(),
    "long": pa.int64(),
    "null": pa.string(),
    "short": pa.int16(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "unknown": pa.string(),
}
_NAMES: dict[str, type[DataType]] = {
    "bigint": LongType,
    "binary": BinaryType,
    "bool": BooleanType,
    "boolean": BooleanType,
    "byte": ByteType,
    "char": StringType,
    "date": DateType,
    "double": DoubleType,
    "float": FloatType,
    "int": IntegerType,
    "integer": IntegerType,
    "long": LongType,
    "null": NullType,
    "real": FloatType,
    "short": ShortType,
    "smallint": ShortType,
    "string": StringType,
    "timestamp": TimestampType,
    "timestamp_ntz": TimestampType,
    "timestampntz": TimestampType,
    "tinyint": ByteType,
    "varchar": StringType,
    "void": NullType,
}
_HIVE = {
    "byte": "tinyint",
    "enum": "string",
    "long": "bigint",
    "null": "string",
    "short": "smallint",
    "unknown": "string",
}
_DECIMAL = re.compile(r"(?:decimal|numeric)(?:\((\d+)(?:,\s*(\d+))?\))?$")


def to_arrow(kind: DataType) -> pa.DataType:
    if isinstance(kind, DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, StructType):
        return pa.struct([pa.field(f.name, to_arrow(f.dataType)) for f in kind])
    if isinstance(kind, ChoiceType):
        return pa.struct([pa.field(one.typeName(), to_arrow(one)) for one in kind.sorted()])
    if isinstance(kind, ArrayType):
        return pa.list_(to_arrow(kind.elementType))
    if isinstance(kind, MapType):
        return pa.map_(pa.string(), to_arrow(kind.valueType))
    return _ARROW[kind.typeName()]


def arrow_schema(schema: StructType) -> pa.Schema:
    return pa.schema([pa.field(f.name, to_arrow(f.dataType)) for f in schema])


def to_spark(kind: DataType) -> Any:
    """The type as one of `pyspark.sql.types`."""
    from pyspark.sql import types  # noqa: PLC0415 - what reads files in workers needs no PySpark

    if isinstance(kind, DecimalType):
        return types.DecimalType(kind.precision, kind.scale)
    if isinstance(kind, StructType):
        return types.StructType([types.StructField(f.name, to_spark(f.dataType)) for f in kind])
    if isinstance(kind, ChoiceType):
        return types.StructType(
            [types.StructField(one.typeName(), to_spark(one)) for one in kind.sorted()]
        )
    if isinstance(kind, ArrayType):
        return types.ArrayType(to_spark(kind.elementType))
    if isinstance(kind, MapType):
        return types.MapType(types.StringType(), to_spark(kind.valueType))
    name = kind.typeName()
    if name in ("null", "unknown", "enum"):
        return types.StringType()
    return getattr(types, "IntegerType" if name == "int" else f"{name.capitalize()}Type")()


def from_spark(kind: Any) -> DataType:
    """The Glue type of one of `pyspark.sql.types`.

    Raises:
        NotSupported: there is none (intervals, variants).
    """
    name = kind.typeName()
    if name == "struct":
        return StructType([Field(f.name, from_spark(f.dataType)) for f in kind.fields])
    if name == "array":
        return ArrayType(from_spark(kind.elementType))
    if name == "map":
        return MapType(from_spark(kind.valueType))
    if name == "decimal":
        return DecimalType(kind.precision, kind.scale)
    if name not in _NAMES:
        raise NotSupported(f"A DynamicFrame has no type for Spark's {kind.simpleString()}.")
    return _NAMES[name]()


def from_arrow(kind: pa.DataType) -> DataType:
    """The Glue type of values that a file holds.

    Raises:
        NotSupported: there is none.
    """
    if pa.types.is_struct(kind):
        return StructType([Field(f.name, from_arrow(f.type)) for f in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return ArrayType(from_arrow(kind.value_type))
    if pa.types.is_map(kind):
        return MapType(from_arrow(kind.item_type))
    if pa.types.is_decimal(kind):
        return DecimalType(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind):
        return TimestampType()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return StringType()
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return BinaryType()
    if pa.types.is_null(kind):
        return NullType()
    for name, arrow in _ARROW.items():
        if arrow.equals(kind):
            return _NAMES[name]()
    raise NotSupported(f"A DynamicFrame has no type for {kind}.")


def read_type(text: str) -> DataType:
    """The type that a mapping, a cast or the Data Catalog names.

    Raises:
        ValueError: it names none.
    """
    return _Reader(text).read()


def to_hive(kind: DataType) -> str:
    """The type as the Data Catalog writes it."""
    if isinstance(kind, DecimalType):
        return f"decimal({kind.precision},{kind.scale})"
    if isinstance(kind, ChoiceType):
        inner = (f"{one.typeName()}:{to_hive(one)}" for one in kind.sorted())
        return f"struct<{','.join(inner)}>"
    if isinstance(kind, StructType):
        return f"struct<{','.join(f'{f.name}:{to_hive(f.dataType)}' for f in kind)}>"
    if isinstance(kind, ArrayType):
        return f"array<{to_hive(kind.elementType)}>"
    if isinstance(kind, MapType):
        return f"map<string,{to_hive(kind.valueType)}>"
    return _HIVE.get(kind.typeName(), kind.typeName())


class _Reader:
    """Reads `array<struct<a:int,b:decimal(10,2)>>`."""

    def __init__(self, text: str) -> None:
        self._whole = text
        self._text = text.strip()
        self._at = 0

    def read(self) -> DataType:
        kind = self._type()
        if self._text[self._at :].strip():
            raise self._wrong()
        return kind

    def _wrong(self) -> ValueError:
        return ValueError(f"{self._whole} is not a type.")

    def _take(self, mark: str) -> None:
        while self._text[self._at : self._at + 1] == " ":
            self._at += 1
        if not self._text.startswith(mark, self._at):
            raise self._wrong()
        self._at += len(mark)

    def _follows(self, mark: str) -> bool:
        return self._text[self._at :].lstrip().startswith(mark)

    def _word(self, stops: str) -> str:
        start, depth = self._at, 0
        while self._at < len(self._text):
            char = self._text[self._at]
            if depth == 0 and char in stops:
                break
            depth += (char == "(") - (char == ")")
            self._at += 1
        return self._text[start : self._at].strip()

    def _type(self) -> DataType:
        name = self._word("<>,").lower()
        if not self._follows("<"):
            return self._plain(name)
        self._take("<")
        if name == "array":
            kind: DataType = ArrayType(self._type())
        elif name == "map":
            self._type()
            self._take(",")
            kind = MapType(self._type())
        elif name == "struct":
            kind = StructType(self._fields())
        elif name == "uniontype":
            kinds = [self._type()]
            while self._follows(","):
                self._take(",")
                kinds.append(self._type())
            kind = ChoiceType(kinds)
        else:
            raise self._wrong()
        self._take(">")
        return kind

    def _fields(self) -> list[Field]:
        fields = []
        while not self._follows(">"):
            name = self._word(":").strip("`")
            self._take(":")
            fields.append(Field(name, self._type()))
            if self._follows(","):
                self._take(",")
        return fields

    def _plain(self, name: str) -> DataType:
        matched = _DECIMAL.match(name)
        if matched:
            precision, scale = matched.groups()
            return DecimalType(int(precision or 10), int(scale or (0 if precision else 2)))
        if name in ("array", "struct", "map", "choice", "unknown"):
            return UnknownType()
        known = _NAMES.get(name.partition("(")[0])
        if known is None:
            raise self._wrong()
        return known()
