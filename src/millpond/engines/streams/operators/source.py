"""Source: what came in from a table's splits, its computed columns, and what its watermark
expression says of each split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from millpond.engines.streams.connectors.interface import Arrival
from millpond.engines.streams.operators.diverting import INPUT, Diverting
from millpond.engines.streams.operators.interface import Compute, RowFault
from millpond.engines.streams.operators.rows import FailedRow, casts, conformed, time_column
from millpond.engines.streams.plan import Source
from millpond.engines.streams.types import Column, quoted, schema_of

_SPLIT = "$split"
_MARK = "$watermark"


class Read(NamedTuple):
    """`marks`: the highest value of the watermark expression by split, in milliseconds."""

    rows: pa.Table
    marks: dict[str, int]
    failed: list[FailedRow]


class SourceOperator:
    def __init__(self, node: Source, compute: Compute) -> None:
        self.schema = schema_of(node.columns)
        self._columns = node.columns
        self._processing = {name for name in node.processing if name in node.names}
        self._given: tuple[Column, ...] = (
            *node.table.columns,
            *(each.column for each in node.table.metadata),
        )
        given_schema = schema_of(self._given)
        self._arrived = given_schema
        self._compute = compute
        self._diverting: Diverting | None = None
        self._marking: str | None = None
        is_computed = any(name not in self._processing for name, _ in node.computed)
        if is_computed or node.watermark is not None:
            self._diverting = _prepared(node, compute)
        if node.watermark is not None and not is_computed:
            self._marking = f"SELECT {quoted(_SPLIT)}, {_marked(node.watermark)} FROM {INPUT}"

    def read(self, arrivals: Sequence[Arrival], now_ms: int) -> Read:
        """Take what arrived."""
        failed = [FailedRow(error.reason, error.data) for each in arrivals for error in each.errors]
        full = [each for each in arrivals if each.rows.num_rows]
        if not full:
            return Read(self.schema.empty_table(), {}, failed)
        rows = pa.concat_tables([conformed(each.rows, self._arrived) for each in full])
        for column in self._columns:
            if column.name in self._processing:
                times = time_column(now_ms, rows.num_rows, column)
                rows = rows.append_column(column.name, times)
        marks: dict[str, int] = {}
        if self._diverting is not None:
            splits = list(dict.fromkeys(each.split for each in full))
            rows = rows.append_column(_SPLIT, _numbered(full, splits))
            marked = self._marked_alone(rows)
            if marked is None:
                rows = marked = self._diverting.run(rows)
                failed += self._diverting.failed
                self._diverting.failed = []
            if _MARK in marked.column_names:
                marks = _highest(marked, splits)
        return Read(conformed(rows.select(self.schema.names), self.schema), marks, failed)

    def _marked_alone(self, rows: pa.Table) -> pa.Table | None:
        """Where only the watermark is computed, rows need not pass through DuckDB."""
        if self._marking is None:
            return None
        try:
            return self._compute.run(self._marking, **{INPUT: rows})
        except RowFault:
            return None


def in_order(rows: pa.Table, node: Source, watermark_ms: int) -> pa.Table:
    """The rows with no rowtime at or before the watermark."""
    if not rows.num_rows or node.rowtime is None or watermark_ms < 0:
        return rows
    place = rows.schema.get_field_index(node.rowtime)
    field = rows.schema.field(place)
    earliest = pa.scalar((watermark_ms + 1) * 1000, pa.int64()).cast(field.type)
    times = pc.max_element_wise(rows.column(place), earliest)
    return rows.set_column(place, field, times)


def _prepared(node: Source, compute: Compute) -> Diverting:
    computed = {name: sql for name, sql in node.computed if name not in node.processing}
    expressions = [computed.get(column.name, quoted(column.name)) for column in node.columns]
    chosen = casts(expressions, [(column.name, column.type) for column in node.columns])
    inner = f"SELECT {chosen}, {quoted(_SPLIT)} FROM {INPUT}"
    fallible = [
        f"CAST({sql} AS {column.type.duckdb()})"
        for sql, column in zip(expressions, node.columns, strict=True)
        if column.name in computed
    ]
    hidden = [_SPLIT, *node.processing]
    if node.watermark is None:
        return Diverting(compute, inner, fallible, hidden=hidden)
    statement = f"SELECT *, {_marked(node.watermark)} FROM ({inner}) AS {INPUT}"
    return Diverting(compute, statement, fallible, hidden=hidden)


def _marked(watermark: str) -> str:
    return f"CAST(floor(epoch_us({watermark}) / 1000) AS BIGINT) AS {quoted(_MARK)}"


def _numbered(arrivals: Sequence[Arrival], splits: Sequence[str]) -> pa.ChunkedArray[Any]:
    numbers = {split: number for number, split in enumerate(splits)}
    parts = [
        pa.repeat(pa.scalar(numbers[each.split], pa.int32()), each.rows.num_rows)
        for each in arrivals
    ]
    return pa.chunked_array(parts)


def _highest(rows: pa.Table, splits: Sequence[str]) -> dict[str, int]:
    if len(splits) == 1:
        highest = pc.max(rows.column(_MARK)).as_py()
        return {} if highest is None else {splits[0]: highest}
    grouped = rows.select([_SPLIT, _MARK]).group_by(_SPLIT).aggregate([(_MARK, "max")])
    return {
        splits[each[_SPLIT]]: each[f"{_MARK}_max"]
        for each in grouped.to_pylist()
        if each[f"{_MARK}_max"] is not None
    }
