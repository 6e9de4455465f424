"""Project: each row for itself, all rows of a step at once; DuckDB computes what is not copied."""

from collections.abc import Sequence

import pyarrow as pa

from millpond.engines.streams.operators.copying import Copying
from millpond.engines.streams.operators.diverting import INPUT, Diverting
from millpond.engines.streams.operators.interface import RowFault, Step, Tools
from millpond.engines.streams.operators.rows import FailedRow, casts, conformed, time_column
from millpond.engines.streams.plan import Project
from millpond.engines.streams.types import quoted, schema_of


class ProjectOperator:
    """Rows that fail are taken from it by `take_failed`; all others go on."""

    def __init__(self, node: Project, tools: Tools) -> None:
        self._node = node
        self._schema = schema_of(node.columns)
        self._processing = {
            column.name: column for column in node.columns if column.name in node.processing
        }
        computed = [
            (expression, column)
            for expression, column in zip(node.expressions, node.columns, strict=True)
            if column.name not in self._processing
        ]
        self._copying = Copying(node, computed, tools.compute)
        chosen = casts(
            [expression for expression, _ in computed],
            [(column.name, column.type) for _, column in computed],
        )
        rows = INPUT
        if node.unnest is not None:
            name, elements = node.unnest
            rows = f"(SELECT *, unnest({elements}) AS {quoted(name)} FROM {INPUT}) AS {INPUT}"
        where = f" WHERE {node.condition}" if node.condition is not None else ""
        self._diverting = Diverting(
            tools.compute,
            f"SELECT {chosen or '1'} FROM {rows}{where}",
            [f"CAST({expression} AS {column.type.duckdb()})" for expression, column in computed],
            node.condition,
        )

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        (given,) = inputs
        if not given.rows.num_rows:
            return Step(self._schema.empty_table(), given.watermark_ms)
        rows = self._copied(given.rows)
        if rows is None:
            rows = self._diverting.run(given.rows)
        if self._processing:
            rows = self._timed(rows, now_ms)
        return Step(conformed(rows, self._schema), given.watermark_ms)

    def due_ms(self) -> int | None:
        return None

    def take_failed(self) -> list[FailedRow]:
        """The rows that failed since it was asked the last time."""
        failed, self._diverting.failed = self._diverting.failed, []
        return failed

    def _copied(self, rows: pa.Table) -> pa.Table | None:
        if not self._copying.is_possible:
            return None
        try:
            return self._copying.run(rows)
        except RowFault:
            return None

    def _timed(self, rows: pa.Table, now_ms: int) -> pa.Table:
        return pa.table(
            {
                column.name: time_column(now_ms, rows.num_rows, column)
                if column.name in self._processing
                else rows.column(column.name)
                for column in self._node.columns
            }
        )
