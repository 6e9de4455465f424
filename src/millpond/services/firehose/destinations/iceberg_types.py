"""Iceberg's types as the types of columns that records are converted to."""

from collections.abc import Sequence

from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from millpond.services.firehose.convert.types import Column, Type

_PRIMITIVES: dict[type[IcebergType], str] = {
    BinaryType: "binary",
    BooleanType: "boolean",
    DateType: "date",
    DoubleType: "double",
    FloatType: "float",
    IntegerType: "int",
    LongType: "bigint",
    StringType: "string",
    TimestampType: "timestamp",
    TimestamptzType: "timestamptz",
}


def columns_of(schema: Schema) -> list[Column]:
    """The columns of a table. Those of a type that JSON is not read for are `refused`."""
    return [Column(one.name, _type(one.field_type)) for one in schema.fields]


def _type(type_: IcebergType) -> Type:
    match type_:
        case DecimalType():
            return Type("decimal", type_.precision, type_.scale)
        case ListType():
            return _nested("array", [(type_.element_type, type_.element_required)])
        case MapType():
            parts = [(type_.key_type, True), (type_.value_type, type_.value_required)]
            return _nested("map", parts)
        case StructType():
            parts = [(one.field_type, one.required) for one in type_.fields]
            return _nested("struct", parts, tuple(one.name for one in type_.fields))
    return Type(_PRIMITIVES.get(type(type_), "refused"))


def _nested(
    name: str, parts: Sequence[tuple[IcebergType, bool]], fields: tuple[str, ...] = ()
) -> Type:
    inner = tuple(_type(one) for one, _ in parts)
    if any(one.name == "refused" for one in inner):
        return Type("refused")
    return Type(name, inner=inner, fields=fields, required=tuple(needed for _, needed in parts))
