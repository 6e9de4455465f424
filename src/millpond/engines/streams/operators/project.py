"""Project: each row for itself, in one statement of DuckDB for all rows of a step."""

from collections.abc import Sequence

import pyarrow as pa

from millpond.engines.streams.operators.diverting import INPUT, Diverting
from millpond.engines.streams.operators.interface import Step, Tools
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
        self._copied = _copied(node) if not self._processing else None
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
        if self._copied is not None:
            rows = given.rows.select(self._copied)
        else:
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

    def _timed(self, rows: pa.Table, now_ms: int) -> pa.Table:
        return pa.table(
            {
                column.name: time_column(now_ms, rows.num_rows, column)
                if column.name in self._processing
                else rows.column(column.name)
                for column in self._node.columns
            }
        )


def _copied(node: Project) -> list[str] | None:
    """The input's columns that it gives as they are, where it does nothing else."""
    if node.condition is not None or node.unnest is not None:
        return None
    types = {quoted(column.name): column for column in node.input.columns}
    names = []
    for expression, column in zip(node.expressions, node.columns, strict=True):
        source = types.get(expression)
        if source is None or source.type.arrow() != column.type.arrow():
            return None
        names.append(source.name)
    return names
