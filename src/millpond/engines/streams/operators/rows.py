"""Rows as nodes promise them: with exactly their columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from millpond.engines.streams.types import Column, DataType

ROW_CHARACTERS_MAX = 16_384


class FailedRow(NamedTuple):
    """A row that could not be read or computed: why, and what it was as JSON text (or the
    beginning of that)."""

    reason: str
    row: str


def conformed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """`rows` with the types (and names) of `schema`; the same object where nothing differs."""
    if rows.schema.equals(schema):
        return rows
    if rows.schema.names != schema.names:
        rows = rows.rename_columns(schema.names)
    return rows.cast(schema)


def time_column(time_ms: int, count: int, column: Column) -> pa.Array[Any]:
    """`count` times the same moment, as a column of time."""
    return pa.repeat(pa.scalar(time_ms * 1000, pa.int64()), count).cast(column.type.arrow())


def as_texts(rows: pa.Table) -> list[str]:
    """Each row as JSON text, or the beginning of that."""
    return [
        json.dumps(row, default=_plain, ensure_ascii=False)[:ROW_CHARACTERS_MAX]
        for row in rows.to_pylist()
    ]


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)


def casts(expressions: Sequence[str], columns: Sequence[tuple[str, DataType]]) -> str:
    """A SELECT's list that gives `expressions` with the types and names of columns."""
    return ", ".join(
        f"CAST({expression} AS {kind.duckdb()}) AS {_quoted(name)}"
        for expression, (name, kind) in zip(expressions, columns, strict=True)
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
