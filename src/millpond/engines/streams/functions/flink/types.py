"""`pyflink.table.types`: what a function's declaration says its types are.

Source: Apache Flink 2.x, Python API, `pyflink.table.types.DataTypes`.
"""

from collections.abc import Sequence
from dataclasses import replace

from millpond.engines.streams import types

DECIMAL_PRECISION_DEFAULT, DECIMAL_SCALE_DEFAULT = 38, 18
TIME_PRECISION_DEFAULT = 0
TIMESTAMP_PRECISION_DEFAULT = 6


class DataType:
    """A type as `DataTypes` makes it; `declared` is what the engine takes it for."""

    def __init__(self, declared: types.DataType) -> None:
        self.declared = declared

    def not_null(self) -> "DataType":
        return DataType(replace(self.declared, nullable=False))

    def nullable(self) -> "DataType":
        return DataType(replace(self.declared, nullable=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and other.declared == self.declared

    def __hash__(self) -> int:
        return hash(self.declared)

    def __repr__(self) -> str:
        return f"DataType({self.declared.flink()})"


class RowField:
    """A field of a ROW."""

    def __init__(self, name: str, data_type: DataType, description: str | None = None) -> None:
        self.name = name
        self.data_type = data_type
        self.description = description


Field = RowField | tuple[str, DataType]


class DataTypes:
    """Makes types, by Flink's names for them."""

    @classmethod
    def NULL(cls) -> DataType:
        return DataType(types.DataType("NULL"))

    @classmethod
    def CHAR(cls, length: int, nullable: bool = True) -> DataType:
        return _of("CHAR", nullable, length)

    @classmethod
    def VARCHAR(cls, length: int, nullable: bool = True) -> DataType:
        return _of("VARCHAR", nullable, length)

    @classmethod
    def STRING(cls, nullable: bool = True) -> DataType:
        return _of("STRING", nullable)

    @classmethod
    def BOOLEAN(cls, nullable: bool = True) -> DataType:
        return _of("BOOLEAN", nullable)

    @classmethod
    def BINARY(cls, length: int, nullable: bool = True) -> DataType:
        return _of("BINARY", nullable, length)

    @classmethod
    def VARBINARY(cls, length: int, nullable: bool = True) -> DataType:
        return _of("VARBINARY", nullable, length)

    @classmethod
    def BYTES(cls, nullable: bool = True) -> DataType:
        return _of("BYTES", nullable)

    @classmethod
    def DECIMAL(cls, precision: int, scale: int, nullable: bool = True) -> DataType:
        return _of("DECIMAL", nullable, precision, scale)

    @classmethod
    def TINYINT(cls, nullable: bool = True) -> DataType:
        return _of("TINYINT", nullable)

    @classmethod
    def SMALLINT(cls, nullable: bool = True) -> DataType:
        return _of("SMALLINT", nullable)

    @classmethod
    def INT(cls, nullable: bool = True) -> DataType:
        return _of("INT", nullable)

    @classmethod
    def BIGINT(cls, nullable: bool = True) -> DataType:
        return _of("BIGINT", nullable)

    @classmethod
    def FLOAT(cls, nullable: bool = True) -> DataType:
        return _of("FLOAT", nullable)

    @classmethod
    def DOUBLE(cls, nullable: bool = True) -> DataType:
        return _of("DOUBLE", nullable)

    @classmethod
    def DATE(cls, nullable: bool = True) -> DataType:
        return _of("DATE", nullable)

    @classmethod
    def TIME(cls, precision: int = TIME_PRECISION_DEFAULT, nullable: bool = True) -> DataType:
        return _of("TIME", nullable, precision)

    @classmethod
    def TIMESTAMP(
        cls, precision: int = TIMESTAMP_PRECISION_DEFAULT, nullable: bool = True
    ) -> DataType:
        return _of("TIMESTAMP", nullable, precision)

    @classmethod
    def TIMESTAMP_LTZ(
        cls, precision: int = TIMESTAMP_PRECISION_DEFAULT, nullable: bool = True
    ) -> DataType:
        return _of("TIMESTAMP_LTZ", nullable, precision)

    @classmethod
    def TIMESTAMP_WITH_LOCAL_TIME_ZONE(
        cls, precision: int = TIMESTAMP_PRECISION_DEFAULT, nullable: bool = True
    ) -> DataType:
        return cls.TIMESTAMP_LTZ(precision, nullable)

    @classmethod
    def ARRAY(cls, element_type: DataType, nullable: bool = True) -> DataType:
        return _nested("ARRAY", nullable, ("", element_type))

    @classmethod
    def MULTISET(cls, element_type: DataType, nullable: bool = True) -> DataType:
        return _nested("MULTISET", nullable, ("", element_type))

    @classmethod
    def MAP(cls, key_type: DataType, value_type: DataType, nullable: bool = True) -> DataType:
        return _nested("MAP", nullable, ("", key_type), ("", value_type))

    @classmethod
    def ROW(cls, row_fields: Sequence[Field | DataType] = (), nullable: bool = True) -> DataType:
        fields = [_field(place, field) for place, field in enumerate(row_fields)]
        return _nested("ROW", nullable, *fields)

    @classmethod
    def FIELD(cls, name: str, data_type: DataType, description: str | None = None) -> RowField:
        return RowField(name, data_type, description)


def _of(name: str, nullable: bool, *parameters: int) -> DataType:
    return DataType(types.DataType(name, parameters, nullable=nullable))


def _nested(name: str, nullable: bool, *fields: tuple[str, DataType]) -> DataType:
    declared = tuple((field, kind.declared) for field, kind in fields)
    return DataType(types.DataType(name, (), declared, nullable))


def _field(place: int, field: Field | DataType) -> tuple[str, DataType]:
    if isinstance(field, RowField):
        return field.name, field.data_type
    return (f"f{place}", field) if isinstance(field, DataType) else field
