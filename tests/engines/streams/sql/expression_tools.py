"""Expressions of Flink SQL, run on DuckDB over one row of every type."""

import datetime
import decimal
from typing import Any

import duckdb

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import PythonFunction
from millpond.engines.streams.sql.dialect import parse_expression
from millpond.engines.streams.sql.expressions import translate
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_LTZ,
    DataType,
    quoted,
)

DECIMAL = DataType("DECIMAL", (10, 2))
INTS = DataType("ARRAY", fields=(("", INT),))
STRINGS = DataType("ARRAY", fields=(("", STRING),))
COUNTS = DataType("MAP", fields=(("", STRING), ("", INT)))
PLACE = DataType("ROW", fields=(("city", STRING), ("lat", DOUBLE)))

COLUMNS: dict[str, tuple[DataType, str]] = {
    "i": (INT, "7"),
    "l": (BIGINT, "3"),
    "tiny": (DataType("TINYINT"), "5"),
    "s": (STRING, "'hello'"),
    "d": (DOUBLE, "2.5"),
    "b": (BOOLEAN, "TRUE"),
    "dec": (DECIMAL, "12.34"),
    "ts": (TIMESTAMP, "TIMESTAMP '2020-02-29 10:20:30.123'"),
    "ltz": (TIMESTAMP_LTZ, "TIMESTAMP '2020-02-29 10:20:30.123' AT TIME ZONE 'UTC'"),
    "day": (DataType("DATE"), "DATE '2021-01-03'"),
    "bytes": (BYTES, "encode('hi')"),
    "ints": (INTS, "[1, 2, NULL]"),
    "words": (STRINGS, "['a', NULL, 'b']"),
    "counts": (COUNTS, "map(['a', 'b'], [1, NULL])"),
    "place": (PLACE, "{'city': 'Oslo', 'lat': 59.9}"),
}
"""A column of each type and its value; `n_` before a name is the same column with NULL."""


class Row:
    """The scope of that one row, and of one Python function."""

    def column(self, parts: tuple[str, ...], at: Position) -> Typed:
        name = parts[0].removeprefix("n_")
        if name not in COLUMNS:
            raise Refused(f"Column '{parts[0]}' not found in any table", at.line, at.column)
        sql, kind = quoted(parts[0]), COLUMNS[name][0]
        for part in parts[1:]:
            sql, kind = f"{sql}.{quoted(part)}", dict(kind.fields)[part]
        return Typed(sql, kind)

    def function(self, name: str) -> PythonFunction | None:
        return PythonFunction("score", "m", "score", DOUBLE) if name.lower() == "score" else None


def typed(text: str) -> Typed:
    return translate(parse_expression(text, Position(1, 1)), Row())


def table() -> str:
    known = [
        f"CAST({value} AS {kind.duckdb()}) AS {name}" for name, (kind, value) in COLUMNS.items()
    ]
    nulls = [f"CAST(NULL AS {kind.duckdb()}) AS n_{name}" for name, (kind, _) in COLUMNS.items()]
    return f"(SELECT {', '.join(known + nulls)})"


def evaluate(text: str) -> tuple[Any, str]:
    """The value of an expression and its Flink type; DuckDB's type is that type's."""
    found = typed(text)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.execute(
            f"SELECT x, typeof(x) = typeof(CAST(NULL AS {found.type.duckdb()})), typeof(x)"
            f" FROM (SELECT {found.sql} AS x FROM {table()})"
        ).fetchone()
    assert row is not None
    assert row[1] or found.type.name == "NULL", f"{text}: {row[2]} is not {found.type.flink()}"
    return row[0], found.type.flink()


def shown(value: Any) -> Any:
    """A value as tests write it: DECIMALs and times as text."""
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date | datetime.time):
        return str(value)
    return value
