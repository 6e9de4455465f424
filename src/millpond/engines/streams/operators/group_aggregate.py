"""GroupAggregate: a row for each key, given again when it changes.

What is known of a key lies in parts: each step adds those of its rows, and reads the parts of its
own keys alone. With `table.exec.state.ttl`, a key that had no rows for so long begins anew, and
each key of a step is given, changed or not, as Flink does.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.aggregates import Part
from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.keyed_chunks import (
    HASH,
    KeyedChunks,
    keys_of,
    sorted_by_hash,
    words_of,
)
from millpond.engines.streams.operators.partials import PANE, Partials
from millpond.engines.streams.operators.retention import retention_ms
from millpond.engines.streams.operators.rows import conformed
from millpond.engines.streams.plan import KIND, GroupAggregate
from millpond.engines.streams.types import quoted, schema_of

_TOUCHED = "$touched"
_SWEPT = "swept_ms"
_MORE = (
    Part(HASH, "UBIGINT", "0", f'any_value("{HASH}")'),
    Part(_TOUCHED, "BIGINT", "0", f'max("{_TOUCHED}")'),
)


class GroupAggregateOperator:
    """See `operators.interface.Operator`. The parts' pane is when the key began (with a bound of
    life; else 0)."""

    def __init__(self, node: GroupAggregate, tools: Tools) -> None:
        self._tools = tools
        self._schema = schema_of(node.columns)
        self._life_ms = retention_ms(tools.settings)
        self._partials = Partials(
            tools.compute, node.input.columns, node.keys, node.aggregates, _MORE
        )
        self._held = KeyedChunks(tools.state, 0, self._merged)
        self._same = " AND ".join(
            f"i.{quoted(key)} IS NOT DISTINCT FROM l.{quoted(key)}" for key in self._partials.keys
        )

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        given = inputs[0]
        if not given.rows.num_rows:
            return Step(self._schema.empty_table(), given.watermark_ms)
        if self._life_ms:
            self._sweep(now_ms)
        new = self._new(given.rows, now_ms)
        before = self._held.matching(np.unique(words_of(new, HASH)))
        if before is not None and self._life_ms:
            before = self._alive(before, now_ms)
            new = self._begun(new, before)
        results = self._results(new, before)
        self._held.add(new)
        return Step(self._answer(results), given.watermark_ms)

    def due_ms(self) -> int | None:
        return None

    def _new(self, rows: pa.Table, now_ms: int) -> pa.Table:
        """The parts of a step's rows."""
        state = self._tools.state
        new = self._partials.partial(self._partials.prepared(rows, state), 0)
        if self._life_ms:
            now = pa.repeat(pa.scalar(now_ms, pa.int64()), new.num_rows)
            for name in (PANE, _TOUCHED):
                new = new.set_column(new.schema.get_field_index(name), name, now)
        return sorted_by_hash(new, keys_of(new, self._partials.keys, state).hashes)

    def _results(self, new: pa.Table, before: pa.Table | None) -> pa.Table:
        if before is None:
            return self._partials.finish(new)
        results = self._partials.finish(pa.concat_tables([before, new]))
        if self._life_ms and results.num_rows == new.num_rows:
            return results
        # What did not change, and what other keys of the same hash are.
        return self._tools.compute.run(
            "SELECT * FROM a EXCEPT SELECT * FROM b", a=results, b=self._partials.finish(before)
        )

    def _answer(self, results: pa.Table) -> pa.Table:
        names = [name for name in self._schema.names if name != KIND]
        rows = results.drop_columns([PANE]).rename_columns(names)
        if KIND in self._schema.names:
            at = self._schema.get_field_index(KIND)
            kinds = pa.repeat(pa.scalar(0), rows.num_rows).cast(self._schema.field(at).type)
            rows = rows.add_column(at, KIND, kinds)
        return conformed(rows, self._schema)

    def _merged(self, rows: pa.Table) -> pa.Table:
        merged = self._partials.merge(rows)
        return sorted_by_hash(merged, words_of(merged, HASH))

    def _alive(self, parts: pa.Table, now_ms: int) -> pa.Table:
        """Those keys of these parts that still live."""
        merged = self._partials.merge(parts)
        touched = merged.column(_TOUCHED).to_numpy()
        return merged.filter(pa.array(touched + self._life_ms > now_ms))

    def _begun(self, new: pa.Table, alive: pa.Table) -> pa.Table:
        """New parts with the time when their keys began."""
        columns = ", ".join(
            f"coalesce(l.{quoted(PANE)}, i.{quoted(PANE)}) AS {quoted(PANE)}"
            if name == PANE
            else f"i.{quoted(name)}"
            for name in new.column_names
        )
        return self._tools.compute.run(
            f"SELECT {columns} FROM i LEFT JOIN l ON {self._same or 'true'} "
            f"ORDER BY i.{quoted(HASH)}",
            i=new,
            l=alive,
        )

    def _sweep(self, now_ms: int) -> None:
        """Forget keys that no longer live, once in a life."""
        small = self._tools.state.small
        if now_ms - small.setdefault(_SWEPT, now_ms) < self._life_ms:
            return
        small[_SWEPT] = now_ms
        rows = self._held.rows()
        if rows is not None:
            alive = self._alive(rows, now_ms)
            self._held.replace(sorted_by_hash(alive, words_of(alive, HASH)))
