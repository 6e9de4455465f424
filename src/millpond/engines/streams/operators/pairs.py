"""Pairs of rows: which rows of a run have the keys of some rows, and what they are together."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.interface import Compute
from millpond.engines.streams.operators.keyed_rows import Places, Run, bisect
from millpond.engines.streams.operators.vectors import array_of
from millpond.engines.streams.types import Column, schema_of

_PAIRS: Final = 1 << 16
"""How many pairs are put together at a time."""


class Reach(NamedTuple):
    """The times of a run, from and to, that each row may be paired with."""

    earliest: Places
    latest: Places


def pairs(keys: Fingerprints, run: Run, reach: Reach | None) -> Iterator[tuple[Places, Places]]:
    """The places of rows that pair: of `keys`, which lie in order, and of the run; so many at a
    time, however many rows have one key."""
    if not len(keys.hashes):
        return
    low, high = run.find(keys.hashes, keys.checks)
    if reach is not None:
        low = bisect(run.times, low, high, reach.earliest)
        high = bisect(run.times, low, high, reach.latest, after=True)
    counts = high - low
    ends = np.cumsum(counts)
    for begin in range(0, int(ends[-1]), _PAIRS):
        pair = np.arange(begin, min(begin + _PAIRS, int(ends[-1])))
        row = np.searchsorted(ends, pair, "right")
        yield row, low[row] + pair - (ends - counts)[row]


class Pairing:
    """Rows of two sides side by side: first columns of the left, then of the right."""

    def __init__(
        self,
        left: Sequence[str],
        right: Sequence[Column],
        right_names: Sequence[str],
        columns: Sequence[Column],
        condition: str | None,
        compute: Compute,
    ) -> None:
        self._left = list(left)
        self._right = [column.name for column in right]
        self._right_names = list(right_names)
        self._schema = schema_of(columns)
        self._condition = condition
        self._compute = compute

    @property
    def empty(self) -> pa.Table:
        return self._schema.empty_table()

    def joined(
        self, left: pa.Table, left_places: Places, right: pa.Table, right_places: Places
    ) -> tuple[pa.Table, Places]:
        """The pairs for which the condition holds, and which of them these are."""
        one = left.select(self._left).take(left_places)
        other = right.select(self._right).rename_columns(self._right_names)
        other = other.take(right_places)
        kept = np.arange(len(left_places))
        if self._condition is not None and len(kept):
            answer = self._compute.run(
                f"SELECT coalesce(CAST({self._condition} AS BOOLEAN), false) AS holds "
                "FROM l POSITIONAL JOIN r",
                l=one,
                r=other,
            )
            holds = array_of(answer.column(0)).to_numpy(zero_copy_only=False)
            kept = np.flatnonzero(holds)
            one, other = one.take(kept), other.take(kept)
        return self._together(one, other), kept

    def left_alone(self, rows: pa.Table) -> pa.Table:
        """Rows of the left with NULLs."""
        others = self._schema.names[len(self._left) :]
        return self._together(rows.select(self._left), self._nothing(rows.num_rows, others))

    def right_alone(self, rows: pa.Table) -> pa.Table:
        """Rows of the right with NULLs."""
        others = self._schema.names[: len(self._left)]
        return self._together(self._nothing(rows.num_rows, others), rows.select(self._right))

    def _together(self, left: pa.Table, right: pa.Table) -> pa.Table:
        arrays = [
            column if column.type.equals(field.type) else column.cast(field.type)
            for column, field in zip([*left.columns, *right.columns], self._schema, strict=True)
        ]
        return pa.table(arrays, schema=self._schema)

    def _nothing(self, count: int, names: Sequence[str]) -> pa.Table:
        return pa.table({name: pa.nulls(count, self._schema.field(name).type) for name in names})
