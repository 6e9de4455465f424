"""The types of streaming SQL: Flink's logical types, and what they are in DuckDB and Arrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

_DUCKDB = {
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "STRING": "VARCHAR",
    "CHAR": "VARCHAR",
    "VARCHAR": "VARCHAR",
    "BYTES": "BLOB",
    "BINARY": "BLOB",
    "VARBINARY": "BLOB",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMP_LTZ": "TIMESTAMPTZ",
    "NULL": "INTEGER",
}
_ARROW: dict[str, Any] = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "STRING": pa.string(),
    "CHAR": pa.string(),
    "VARCHAR": pa.string(),
    "BYTES": pa.binary(),
    "BINARY": pa.binary(),
    "VARBINARY": pa.binary(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP_LTZ": pa.timestamp("us", "UTC"),
    "NULL": pa.int32(),
}


@dataclass(frozen=True, slots=True)
class DataType:
    """A type by Flink's name for it (`INT`, `DECIMAL`, `TIMESTAMP_LTZ`, `ROW` …).

    `parameters`: length; precision and scale. `fields`: of a ROW its names and types, of an ARRAY
    or MULTISET the element as `("", type)`, of a MAP key and value so.
    """

    name: str
    parameters: tuple[int, ...] = ()
    fields: tuple[tuple[str, "DataType"], ...] = ()
    nullable: bool = True

    @property
    def is_time(self) -> bool:
        """Whether it can be a time attribute."""
        return self.name in ("TIMESTAMP", "TIMESTAMP_LTZ")

    def flink(self) -> str:
        """The type as Flink SQL writes it, without `NOT NULL`."""
        match self.name:
            case "ARRAY" | "MULTISET":
                return f"{self.name}<{self.fields[0][1].flink()}>"
            case "MAP":
                return f"MAP<{self.fields[0][1].flink()}, {self.fields[1][1].flink()}>"
            case "ROW":
                inner = ", ".join(f"`{name}` {kind.flink()}" for name, kind in self.fields)
                return f"ROW<{inner}>"
        if self.parameters:
            return f"{self.name}({', '.join(map(str, self.parameters))})"
        return self.name

    def duckdb(self) -> str:
        """The type as DuckDB writes it."""
        match self.name:
            case "DECIMAL":
                precision, scale = self.parameters
                return f"DECIMAL({precision}, {scale})"
            case "ARRAY" | "MULTISET":
                return f"{self.fields[0][1].duckdb()}[]"
            case "MAP":
                return f"MAP({self.fields[0][1].duckdb()}, {self.fields[1][1].duckdb()})"
            case "ROW":
                inner = ", ".join(f"{quoted(name)} {kind.duckdb()}" for name, kind in self.fields)
                return f"STRUCT({inner})"
        return _DUCKDB[self.name]

    def arrow(self) -> pa.DataType:
        """The type of such a column in an Arrow table."""
        match self.name:
            case "DECIMAL":
                return pa.decimal128(*self.parameters)
            case "ARRAY" | "MULTISET":
                return pa.list_(self.fields[0][1].arrow())
            case "MAP":
                return pa.map_(self.fields[0][1].arrow(), self.fields[1][1].arrow())
            case "ROW":
                return pa.struct([(name, kind.arrow()) for name, kind in self.fields])
        kind: pa.DataType = _ARROW[self.name]
        return kind


BOOLEAN = DataType("BOOLEAN")
INT = DataType("INT")
BIGINT = DataType("BIGINT")
DOUBLE = DataType("DOUBLE")
STRING = DataType("STRING")
BYTES = DataType("BYTES")
TIMESTAMP = DataType("TIMESTAMP", (3,))
TIMESTAMP_LTZ = DataType("TIMESTAMP_LTZ", (3,))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or of rows that flow."""

    name: str
    type: DataType


def quoted(name: str) -> str:
    """An identifier in DuckDB's SQL."""
    return '"' + name.replace('"', '""') + '"'


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of rows of these columns."""
    return pa.schema([(column.name, column.type.arrow()) for column in columns])
