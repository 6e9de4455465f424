"""Rows of an outer join's side that have found no partner yet, by when none can come any more.

Kept are, in buckets of a second, how to find each row among those of its side, and the numbers of
rows that have found one since: two buckets of each second for each side.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.interface import State
from millpond.engines.streams.operators.keyed_rows import CHECK, HASH, TIME, Places
from millpond.engines.streams.operators.vectors import Mask, array_of, numbers
from millpond.engines.streams.operators.waiting import RESERVED

ROW: Final = "$row"
_END: Final = "$end"
_SLICE_MS: Final = 1000
_SIDES: Final = 2


class Unmatched:
    """Of one side (0 or 1) of a join."""

    def __init__(self, state: State, side: int) -> None:
        self._state = state
        self._side = side

    def add(self, rows: pa.Table, ends: Places) -> None:
        """Remember rows (with `ROW` and what a run has) that can find a partner until `ends`."""
        entries = rows.select([HASH, CHECK, TIME, ROW]).append_column(_END, pa.array(ends))
        for second, part in _by_second(entries, ends):
            self._state.add(self._bucket(second), part)

    def match(self, row_numbers: Places, ends: Places) -> None:
        """These rows have found a partner."""
        found = pa.table({ROW: pa.array(row_numbers)})
        for second, part in _by_second(found, ends):
            self._state.add(self._bucket(second) + 1, part)

    def take(self, watermark_ms: int) -> pa.Table | None:
        """The entries of rows that will find none, once."""
        taken = []
        for bucket, second in self._buckets(0):
            if second * _SLICE_MS > watermark_ms:
                break
            entries = pa.concat_tables(self._state.chunks(bucket)).combine_chunks()
            over = numbers(array_of(entries.column(_END))) <= watermark_ms
            if over.any():
                alone = self._alone(entries, second)
                taken.append(entries.filter(pa.array(over & alone)))
                rest = entries.filter(pa.array(~over & alone))
                self._state.replace(bucket, [rest] if rest.num_rows else [])
        for bucket, second in self._buckets(1):
            if (second + 1) * _SLICE_MS - 1 > watermark_ms:
                break
            self._state.drop(bucket)
        return pa.concat_tables(taken).combine_chunks() if taken else None

    def _alone(self, entries: pa.Table, second: int) -> Mask:
        """Which of these have found none."""
        chunks = self._state.chunks(self._bucket(second) + 1)
        if not chunks:
            return np.ones(entries.num_rows, np.bool_)
        matched = pa.concat_tables(chunks).combine_chunks()
        row_numbers = numbers(array_of(entries.column(ROW)))
        return ~np.isin(row_numbers, numbers(array_of(matched.column(ROW))))

    def _bucket(self, second: int) -> int:
        return (second * _SIDES + self._side) * 2

    def _buckets(self, kind: int) -> list[tuple[int, int]]:
        """The buckets of entries (0) or of numbers (1) with their seconds, in order."""
        found = []
        for bucket in self._state.buckets():
            second, rest = divmod(bucket, 2 * _SIDES)
            if bucket > RESERVED + 1000 and rest == 2 * self._side + kind:
                found.append((bucket, second))
        return found


def _by_second(rows: pa.Table, ends: Places) -> list[tuple[int, pa.Table]]:
    if not len(ends):
        return []
    seconds = ends // _SLICE_MS
    order = np.argsort(seconds, kind="stable")
    rows, seconds = rows.take(order), seconds[order]
    starts = np.flatnonzero(np.diff(seconds, prepend=seconds[0] - 1))
    stops = np.append(starts[1:], len(seconds))
    return [
        (int(seconds[start]), rows.slice(int(start), int(stop - start)))
        for start, stop in zip(starts, stops, strict=True)
    ]
