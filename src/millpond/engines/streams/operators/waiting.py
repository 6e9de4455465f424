"""Rows that wait until the watermark has passed their time, in buckets of half a second."""

from typing import Final

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.interface import BEFORE_ALL_MS, State
from millpond.engines.streams.operators.keyed_rows import Places
from millpond.engines.streams.operators.vectors import array_of

_SLICE_MS: Final = 500
RESERVED: Final = -(1 << 60)
"""Buckets from here to `RESERVED + 999` are free for others: no time lies in them."""


def times_ms(rows: pa.Table, name: str) -> Places:
    """A time attribute in milliseconds; `BEFORE_ALL_MS` where it is NULL."""
    column = array_of(rows.column(name))
    times = column.view(pa.int64()).fill_null(BEFORE_ALL_MS).to_numpy()
    millis: Places = np.where(times == BEFORE_ALL_MS, times, times // 1000)
    return millis


class Waiting:
    """The rows that wait in a state, by the time in their column `time`."""

    def __init__(self, state: State, time: str) -> None:
        self._state = state
        self._time = time

    def pass_through(self, rows: pa.Table, times: Places, watermark_ms: int) -> pa.Table:
        """Of the rows that wait and of these all that the watermark has passed, in the order of
        time and, of a time, of arrival. The others wait."""
        due = self._due(watermark_ms)
        passed = times <= watermark_ms
        if passed.all():
            due.append(rows)
        else:
            due.append(rows.filter(pa.array(passed)))
            ahead = ~passed
            self._keep(rows.filter(pa.array(ahead)), times[ahead])
        ready = pa.concat_tables(due).combine_chunks()
        order = np.argsort(times_ms(ready, self._time), kind="stable")
        return ready.take(order)

    def _due(self, watermark_ms: int) -> list[pa.Table]:
        due = []
        for bucket in self._state.buckets():
            if bucket < RESERVED + 1000:
                continue
            if bucket * _SLICE_MS > watermark_ms:
                break
            chunks = self._state.chunks(bucket)
            if (bucket + 1) * _SLICE_MS - 1 <= watermark_ms:
                due += chunks
                self._state.drop(bucket)
                continue
            rows = pa.concat_tables(chunks).combine_chunks()
            passed = times_ms(rows, self._time) <= watermark_ms
            if passed.any():
                due.append(rows.filter(pa.array(passed)))
                rest = rows.filter(pa.array(~passed))
                self._state.replace(bucket, [rest] if rest.num_rows else [])
        return due

    def _keep(self, rows: pa.Table, times: Places) -> None:
        slices = times // _SLICE_MS
        order = np.argsort(slices, kind="stable")
        rows, slices = rows.take(order), slices[order]
        starts = np.flatnonzero(np.diff(slices, prepend=slices[0] - 1))
        for start, end in zip(starts, np.append(starts[1:], len(slices)), strict=True):
            self._state.add(int(slices[start]), rows.slice(int(start), int(end - start)))
