"""Rows of an outer join's side that have found no partner yet, by when none can come any more.

Kept are, in buckets of a second, how to find each row among those of its side, and, by their
numbers, the rows that waited and have found one since.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.interface import State
from millpond.engines.streams.operators.keyed_rows import CHECK, HASH, TIME, KeyedRows, Places
from millpond.engines.streams.operators.vectors import Mask, array_of, numbers
from millpond.engines.streams.operators.waiting import RESERVED, Slices

ROW: Final = "$row"
_END: Final = "$end"
_SLICE_MS: Final = 1000
_SIDES: Final = 2


class Unmatched:
    """Of one side (0 or 1) of a join."""

    def __init__(self, state: State, side: int) -> None:
        self._slices = Slices(state, _SLICE_MS, _SIDES, side)
        self._matched = KeyedRows(state, RESERVED + 10 + side, in_order=False)

    def add(self, rows: pa.Table, ends: Places) -> None:
        """Remember rows (with `ROW` and what a run has) that can find a partner until `ends`."""
        entries = rows.select([HASH, CHECK, TIME, ROW]).append_column(_END, pa.array(ends))
        self._slices.add(entries, ends)

    def match(self, row_numbers: Places, ends: Places) -> None:
        """These rows have found a partner."""
        row_numbers, first = np.unique(row_numbers, return_index=True)
        ends = ends[first]
        new = ~self._is_matched(row_numbers)
        row_numbers, ends = row_numbers[new], ends[new]
        self._matched.add(pa.table({ROW: row_numbers}), _as_keys(row_numbers), ends)

    def take(self, watermark_ms: int) -> pa.Table | None:
        """The entries of rows that will find none, once."""
        taken = []
        for bucket in self._slices.until(watermark_ms):
            entries = self._slices.rows(bucket)
            over = numbers(array_of(entries.column(_END))) <= watermark_ms
            if over.any():
                alone = ~self._is_matched(numbers(array_of(entries.column(ROW))))
                taken.append(entries.filter(pa.array(over & alone)))
                self._slices.replace(bucket, entries.filter(pa.array(~over & alone)))
        self._matched.expire(watermark_ms + 1)
        return pa.concat_tables(taken).combine_chunks() if taken else None

    def _is_matched(self, row_numbers: Places) -> Mask:
        """Which of these rows have found one."""
        matched = np.zeros(len(row_numbers), np.bool_)
        for run in self._matched.runs():
            low, high = run.find(*_as_keys(row_numbers))
            matched |= high > low
        return matched


def _as_keys(row_numbers: Places) -> Fingerprints:
    """Numbers tell rows apart by themselves."""
    hashes = row_numbers.astype(np.uint64)
    return Fingerprints(hashes, np.zeros_like(hashes))
