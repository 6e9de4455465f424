"""Rows grouped in parts: tables of partials, which are made of rows, merged, and finished.

A table of partials has the columns `$p` (a number: the window, the pane …), the keys as `$k0`,
`$k1` … and the state of the aggregates (see `aggregates`). Where asked, `$start`, `$last` (the
least and the greatest time of the group's rows, in milliseconds) and `$rows` (how many they are).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.aggregates import ORDER, Part, parts_of
from millpond.engines.streams.operators.chunks import add_chunk
from millpond.engines.streams.operators.interface import Compute, State
from millpond.engines.streams.plan import Aggregate
from millpond.engines.streams.types import Column, quoted

PANE: Final = "$p"
HELD: Final = "$held"
TIME: Final = "$t"
"""The column of rows that holds their time in milliseconds."""
_ARRIVED = "arrived"

SPAN: Final = (
    Part("$start", "BIGINT", f'min("{TIME}")', 'min("$start")'),
    Part("$last", "BIGINT", f'max("{TIME}")', 'max("$last")'),
    Part("$rows", "BIGINT", "count(*)", 'sum("$rows")'),
)


class Partials:
    """How rows of `columns` are grouped by `keys` and aggregated, with `compute`. `holds`: the
    rows themselves are the only result, a list of structs of `columns` and their order."""

    def __init__(
        self,
        compute: Compute,
        columns: Sequence[Column],
        keys: Sequence[str],
        aggregates: Sequence[Aggregate],
        more: Sequence[Part] = (),
        *,
        holds: bool = False,
    ) -> None:
        types = {column.name: column.type for column in columns}
        self._compute = compute
        self.keys = [f"$k{at}" for at in range(len(keys))]
        self._own = list(keys)
        self._calls = [parts_of(each, types, f"$a{at}") for at, each in enumerate(aggregates)]
        self._parts = [*more, *(part for call in self._calls for part in call.parts)]
        self.is_ordered = holds or any(call.ordered for call in self._calls)
        used = {*keys, *(name for each in aggregates for name in each.arguments)}
        used |= {each.condition for each in aggregates if each.condition}
        everything = holds or not used
        self.used = [each.name for each in columns if everything or each.name in used]
        self._results = [
            f"CAST({call.final} AS {each.type.duckdb()}) AS {quoted(f'$r{at}')}"
            for at, (call, each) in enumerate(zip(self._calls, aggregates, strict=True))
        ]
        if holds:
            self._parts.append(_rows_part(columns))
            self._results = [f'{quoted(HELD)} AS "$r0"']
        self._names = [PANE, *self.keys]
        self._partial_sql = self._make_partial_sql()
        self._merge_sql = self._make_merge_sql()

    def partial(self, rows: pa.Table, panes: "np.ndarray | int") -> pa.Table:
        """Partials of rows by pane and key. Rows have the columns `used`, `TIME` where the span is
        asked for, and `ORDER` where `is_ordered`."""
        number = (
            pa.repeat(pa.scalar(panes, pa.int64()), rows.num_rows)
            if isinstance(panes, int)
            else pa.array(panes, pa.int64())
        )
        return self._compute.run(self._partial_sql, i=rows.append_column(PANE, number))

    def prepared(self, rows: pa.Table, state: State) -> pa.Table:
        """The columns of rows that are needed, with the order of arrival (counted in `state`) where
        that is."""
        narrow = rows.select(self.used)
        if not self.is_ordered:
            return narrow
        first = state.small.get(_ARRIVED, 0)
        state.small[_ARRIVED] = first + rows.num_rows
        numbers = np.arange(first, first + rows.num_rows, dtype=np.int64)
        return narrow.append_column(ORDER, pa.array(numbers))

    def merge(self, partials: pa.Table) -> pa.Table:
        """Partials of which each pane and key has one."""
        return self._compute.run(self._merge_sql, c=partials)

    def finish(self, partials: pa.Table, more: Sequence[str] = ()) -> pa.Table:
        """Merged, with results: the columns `$p`, the keys, `$r0` …, then those of `more`."""
        columns = [quoted(name) for name in self._names]
        chosen = ", ".join([*columns, *self._results, *map(quoted, more)])
        return self._compute.run(
            f"SELECT {chosen} FROM ({self._merge_sql}) ORDER BY {quoted(PANE)}", c=partials
        )

    def _make_partial_sql(self) -> str:
        keys = [
            f"{quoted(own)} AS {quoted(name)}"
            for own, name in zip(self._own, self.keys, strict=True)
        ]
        parts = [
            f"CAST({part.partial} AS {part.type}) AS {quoted(part.name)}" for part in self._parts
        ]
        by = [quoted(PANE), *map(quoted, self._own)]
        return f"SELECT {', '.join([quoted(PANE), *keys, *parts])} FROM i GROUP BY {', '.join(by)}"

    def _make_merge_sql(self) -> str:
        by = ", ".join(map(quoted, self._names))
        # A column of its source's name: inside, the name is the source's, so rename twice.
        parts = [
            f"CAST({part.merge} AS {part.type}) AS {quoted('m' + part.name)}"
            for part in self._parts
        ]
        outer = [
            f"CAST({settled(part)} AS {part.type}) AS {quoted(part.name)}" for part in self._parts
        ]
        inner = f"SELECT {', '.join([by, *parts])} FROM c GROUP BY {by}"
        return f"SELECT {', '.join([by, *outer])} FROM ({inner})"


def _rows_part(columns: Sequence[Column]) -> Part:
    """The rows themselves."""
    kinds = [(quoted(ORDER), "BIGINT"), *((quoted(c.name), c.type.duckdb()) for c in columns)]
    packed = ", ".join(f"{name} := {name}" for name, _ in kinds)
    fields = ", ".join(f"{name} {kind}" for name, kind in kinds)
    return Part(
        HELD,
        f"STRUCT({fields})[]",
        f"list(struct_pack({packed}))",
        f"flatten(list({quoted(HELD)}))",
    )


def settled(part: Part) -> str:
    """A merged column, kept small."""
    merged = quoted("m" + part.name)
    return part.settle.replace(quoted(part.name), merged) if part.settle else merged


def numbered(tables: Sequence[tuple[int, pa.Table]]) -> pa.Table:
    """Tables of partials in one, with these numbers as their panes."""
    return pa.concat_tables(
        table.set_column(0, PANE, pa.repeat(pa.scalar(number, pa.int64()), table.num_rows))
        for number, table in tables
    )


def by_pane(partials: pa.Table, width: int = 1) -> list[tuple[int, pa.Table]]:
    """A table of partials apart by pane (or `width` panes), in order."""
    panes = partials.column(PANE).to_numpy()
    if width != 1:
        panes = np.floor_divide(panes, width)
    if not len(panes):
        return []
    if panes[0] == panes[-1] and (panes == panes[0]).all():
        return [(int(panes[0]), partials)]
    order = np.argsort(panes, kind="stable")
    partials, panes = partials.take(order), panes[order]
    edges = [0, *(np.flatnonzero(np.diff(panes)) + 1).tolist(), len(panes)]
    return [
        (int(panes[begin]), partials.slice(begin, end - begin)) for begin, end in pairwise(edges)
    ]


def add(state: State, partials: Partials, bucket: int, rows: pa.Table) -> None:
    """Add a chunk to a bucket, and merge what has become many of a size."""
    add_chunk(state, bucket, rows, partials.merge)
