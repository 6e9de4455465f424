"""A Project of which columns are given as they are: those need not pass through DuckDB, which would
copy each of their values twice. It is given the columns that expressions name, and answers those
that it computes.
"""

from collections.abc import Sequence

import pyarrow as pa

from millpond.engines.streams.operators.diverting import INPUT
from millpond.engines.streams.operators.interface import Compute
from millpond.engines.streams.operators.rows import casts
from millpond.engines.streams.plan import Project
from millpond.engines.streams.types import Column, quoted


class Copying:
    """Computes `columns` of a Project (each with its expression) over all rows, or chooses rows."""

    def __init__(
        self, node: Project, columns: Sequence[tuple[str, Column]], compute: Compute
    ) -> None:
        given = {quoted(column.name): column for column in node.input.columns}
        self._compute = compute
        self._sources = [_source(given.get(sql), column) for sql, column in columns]
        self._names = [column.name for _, column in columns]
        computed = [
            each for each, source in zip(columns, self._sources, strict=True) if source is None
        ]
        expressions = [sql for sql, _ in computed]
        self._chosen = casts(expressions, [(column.name, column.type) for _, column in computed])
        self._chooses = node.condition is not None
        self._choice: Column | None = None
        if node.condition is not None:
            self._choice = given.get(node.condition)
            expressions = [node.condition]
            self._chosen = f"CAST({node.condition} AS BOOLEAN)"
        self._used = [
            column.name for name, column in given.items() if any(name in sql for sql in expressions)
        ] or [column.name for column in node.input.columns[:1]]
        self._computes = bool(computed)
        self.is_possible = node.unnest is None and bool(self._used)
        self.is_possible &= len(computed) < len(columns) and not (self._chooses and computed)

    def run(self, rows: pa.Table) -> pa.Table:
        """What the Project gives of rows.

        Raises:
            RowFault: some of them fail.
        """
        if self._choice is not None:
            rows = rows.filter(rows.column(self._choice.name))
        elif self._chooses:
            rows = rows.filter(self._answer(rows).column(0))
        answer = self._answer(rows) if self._computes else rows
        columns = [
            answer.column(name) if source is None else rows.column(source)
            for name, source in zip(self._names, self._sources, strict=True)
        ]
        return pa.table(columns, names=self._names)

    def _answer(self, rows: pa.Table) -> pa.Table:
        statement = f"SELECT {self._chosen} FROM {INPUT}"
        return self._compute.run(statement, **{INPUT: rows.select(self._used)})


def _source(given: Column | None, column: Column) -> str | None:
    """The input's column that is this one, if it is."""
    if given is None or given.type.arrow() != column.type.arrow():
        return None
    return given.name
