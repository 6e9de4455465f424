"""Row by row where a statement fails: rows that cannot be computed are set aside with their
reasons, and everything else goes on, in its order.

First DuckDB's TRY says in one statement which rows fail; where it cannot, the rows are halved until
those that fail are alone. The first rows that fail in a step are run alone for their own reason.
"""

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from millpond.engines.streams.operators.interface import Compute, RowFault
from millpond.engines.streams.operators.rows import FailedRow, as_texts

REASONS_MAX = 64
INPUT = "i"
"""The name of the rows in statements."""


class Diverting:
    """Runs one statement over rows. `fallible` are the expressions in it, after `condition`.
    Rows that failed wait in `failed`, without the columns named in `hidden`."""

    def __init__(
        self,
        compute: Compute,
        statement: str,
        fallible: Sequence[str],
        condition: str | None = None,
        hidden: Sequence[str] = (),
    ) -> None:
        self._compute = compute
        self._statement = statement
        self._hidden = set(hidden)
        broken = " OR ".join(f"TRY([{expression}]) IS NULL" for expression in fallible) or "false"
        if condition is not None:
            broken = (
                f"CASE WHEN TRY([{condition}]) IS NULL THEN true"
                f" WHEN ({condition}) THEN {broken} ELSE false END"
            )
        self._question = f"SELECT coalesce({broken}, true) AS broken FROM {INPUT}"
        self._reasons_left = REASONS_MAX
        self.failed: list[FailedRow] = []

    def run(self, rows: pa.Table) -> pa.Table:
        """The statement's answer for all rows that do not fail."""
        try:
            return self._compute.run(self._statement, **{INPUT: rows})
        except RowFault as fault:
            first = fault
        self._reasons_left = REASONS_MAX
        pieces = self._sorted_out(rows, first)
        if not pieces:
            return self._compute.run(self._statement, **{INPUT: rows.slice(0, 0)})
        return pa.concat_tables(pieces)

    def _sorted_out(self, rows: pa.Table, fault: RowFault) -> list[pa.Table]:
        if rows.num_rows == 1:
            return self._set_aside(rows, str(fault))
        try:
            broken = self._compute.run(self._question, **{INPUT: rows}).column(0)
            good = rows.filter(pc.invert(broken))
            pieces = [self._compute.run(self._statement, **{INPUT: good})]
        except RowFault:
            return self._halved(rows, self._sorted_out)
        bad = rows.filter(broken)
        looked_at = min(bad.num_rows, max(self._reasons_left, 0))
        for place in range(looked_at):
            row = bad.slice(place, 1)
            try:
                pieces.append(self._compute.run(self._statement, **{INPUT: row}))
            except RowFault as own:
                self._set_aside(row, str(own))
        if looked_at < bad.num_rows:
            reason = f"{fault} (an earlier row's reason: too many failed to look at each)"
            self._set_aside(bad.slice(looked_at), reason)
        return pieces

    def _halved(
        self, rows: pa.Table, then: Callable[[pa.Table, RowFault], list[pa.Table]]
    ) -> list[pa.Table]:
        half = rows.num_rows // 2
        pieces = []
        for part in (rows.slice(0, half), rows.slice(half)):
            try:
                pieces.append(self._compute.run(self._statement, **{INPUT: part}))
            except RowFault as fault:
                pieces += then(part, fault)
        return pieces

    def _set_aside(self, rows: pa.Table, reason: str) -> list[pa.Table]:
        self._reasons_left -= rows.num_rows
        shown = [name for name in rows.column_names if name not in self._hidden]
        self.failed += [FailedRow(reason, text) for text in as_texts(rows.select(shown))]
        return []
