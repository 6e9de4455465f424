"""Rows that wait until the watermark has passed their time, in buckets of half a second."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.interface import BEFORE_ALL_MS, State
from millpond.engines.streams.operators.keyed_rows import Places
from millpond.engines.streams.operators.vectors import array_of

_SLICE_MS: Final = 500
_CHUNKS_MAX: Final = 16
"""Of a bucket; then they are put together."""
RESERVED: Final = -(1 << 60)
"""Buckets from here to `RESERVED + 999` are free for others: no time lies in them."""


def times_ms(rows: pa.Table, name: str) -> Places:
    """A time attribute in milliseconds; `BEFORE_ALL_MS` where it is NULL."""
    column = array_of(rows.column(name))
    times = column.view(pa.int64()).fill_null(BEFORE_ALL_MS).to_numpy()
    millis: Places = np.where(times == BEFORE_ALL_MS, times, times // 1000)
    return millis


class Slices:
    """Rows by some time of theirs, each bucket as long as `slice_ms`; in one state there may be
    `families` of them, of which this is number `family`."""

    def __init__(self, state: State, slice_ms: int, families: int = 1, family: int = 0) -> None:
        self._state = state
        self._slice_ms = slice_ms
        self._families = families
        self._family = family
        self._added: dict[int, int] = {}

    def add(self, rows: pa.Table, times: Places) -> None:
        """Put each row into the bucket of its time; of a bucket they stay in order."""
        if not len(times):
            return
        slices = times // self._slice_ms
        order = np.argsort(slices, kind="stable")
        rows, slices = rows.take(order), slices[order]
        starts = np.flatnonzero(np.diff(slices, prepend=slices[0] - 1))
        for start, end in zip(starts, np.append(starts[1:], len(slices)), strict=True):
            bucket = int(slices[start]) * self._families + self._family
            self._state.add(bucket, rows.slice(int(start), int(end - start)))
            added = self._added[bucket] = self._added.get(bucket, 0) + 1
            if added >= _CHUNKS_MAX:
                self.replace(bucket, self.rows(bucket))

    def until(self, time_ms: int) -> Iterator[int]:
        """The buckets that begin by then, in order."""
        for bucket in self._state.buckets():
            if bucket >= RESERVED + 1000 and bucket % self._families == self._family:
                if bucket // self._families * self._slice_ms > time_ms:
                    return
                yield bucket

    def rows(self, bucket: int) -> pa.Table:
        """All of a bucket."""
        return pa.concat_tables(self._state.chunks(bucket)).combine_chunks()

    def replace(self, bucket: int, rows: pa.Table) -> None:
        """Put these into a bucket instead of what it has."""
        self._added.pop(bucket, None)
        self._state.replace(bucket, [rows] if rows.num_rows else [])


class Waiting:
    """The rows that wait in a state, by the time in their column `time`."""

    def __init__(self, state: State, time: str) -> None:
        self._slices = Slices(state, _SLICE_MS)
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
            self._slices.add(rows.filter(pa.array(ahead)), times[ahead])
        ready = pa.concat_tables(due).combine_chunks()
        order = np.argsort(times_ms(ready, self._time), kind="stable")
        return ready.take(order)

    def _due(self, watermark_ms: int) -> list[pa.Table]:
        due = []
        for bucket in self._slices.until(watermark_ms):
            rows = self._slices.rows(bucket)
            passed = times_ms(rows, self._time) <= watermark_ms
            if passed.any():
                due.append(rows.filter(pa.array(passed)))
                self._slices.replace(bucket, rows.filter(pa.array(~passed)))
        return due
