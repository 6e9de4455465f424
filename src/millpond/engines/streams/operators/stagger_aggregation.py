"""Aggregates over staggered windows: a key's first row opens one, for its size; the next row after
that opens the next.

Which row is a window's first is sure only when the time has passed it, so rows are kept by key and
millisecond, and put into windows in the order of time when a window is complete. A row is late when
the window that it would open was complete before the step.

Source: Amazon Kinesis Data Analytics for SQL Applications Developer Guide, Stagger Windows.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.interface import Tools
from millpond.engines.streams.operators.keyed_chunks import keys_of
from millpond.engines.streams.operators.partials import PANE, TIME, Partials, add, by_pane
from millpond.engines.streams.operators.times import LocalTime, Millis
from millpond.engines.streams.operators.window_results import WindowResults


class StaggerAggregation:
    """`partials` have the span of their rows. Times are instants. The partials' pane is the time of
    their rows; a bucket holds those of a stretch as long as a window."""

    def __init__(
        self,
        tools: Tools,
        size_ms: int,
        partials: Partials,
        clock: LocalTime,
        results: WindowResults,
    ) -> None:
        self._tools = tools
        self._state = tools.state
        self._size_ms = size_ms
        self._partials = partials
        self._clock = clock
        self._results = results

    def take(self, rows: pa.Table, times: Millis, before_ms: int) -> pa.Table | None:
        """Add rows of these times; `before_ms` is how far the time was before they came."""
        late = times + (self._size_ms - 1) <= before_ms
        if late.any():
            self._tools.counters.late_records_dropped += int(late.sum())
            rows, times = rows.filter(pa.array(~late)), times[~late]
        if rows.num_rows:
            rows = rows.append_column(TIME, pa.array(times))
            self._keep(self._partials.partial(rows, times))
        return None

    def fire(self, before_ms: int, progress_ms: int) -> Iterator[pa.Table]:
        """What windows that became complete give."""
        over_ms = progress_ms - self._size_ms + 1
        edge = over_ms // self._size_ms
        buckets = [bucket for bucket in self._state.buckets() if bucket <= edge + 1]
        chunks = [chunk for bucket in buckets for chunk in self._state.chunks(bucket)]
        if not any((chunk.column(PANE).to_numpy() <= over_ms).any() for chunk in chunks):
            return
        held = self._partials.merge(pa.concat_tables(chunks))
        times = held.column(PANE).to_numpy()
        starts = _window_starts(
            keys_of(held, self._partials.keys, self._state), times, self._size_ms
        )
        is_complete = starts <= over_ms
        for bucket in buckets:
            self._state.drop(bucket)
        self._keep(held.filter(pa.array(~is_complete)))
        complete = held.filter(pa.array(is_complete))
        yield self._finished(complete.set_column(0, PANE, pa.array(starts[is_complete])))

    def due_ms(self, progress_ms: int) -> int | None:
        """When by the clock the first window ends."""
        first = [
            int(chunk.column(PANE).to_numpy().min())
            for bucket in self._state.buckets()[:1]
            for chunk in self._state.chunks(bucket)
        ]
        return min(first) + self._size_ms if first else None

    def _keep(self, partials: pa.Table) -> None:
        for bucket, chunk in by_pane(partials, self._size_ms):
            add(self._state, self._partials, bucket, chunk)

    def _finished(self, partials: pa.Table) -> pa.Table:
        found = self._partials.finish(partials)
        starts = found.column(PANE).to_numpy()
        ends = starts + self._size_ms
        return self._results.rows(
            found.columns[1:], self._clock.local(starts), self._clock.local(ends)
        )


def _window_starts(keys: Fingerprints, times: Millis, size_ms: int) -> Millis:
    """For each row the beginning of its window, which is the time of its key's first row that is in
    no window before."""
    order = np.lexsort((times, keys.checks, keys.hashes))
    hashes, checks, ordered = keys.hashes[order], keys.checks[order], times[order]
    differs = (hashes[1:] != hashes[:-1]) | (checks[1:] != checks[:-1])
    begins = np.concatenate([[0], np.flatnonzero(differs) + 1])
    key = np.zeros(len(order), np.int64)
    key[begins[1:]] = 1
    key = np.cumsum(key)
    # Rows by key and rank of time, so that one search finds the end of each window.
    moments = np.unique(ordered)
    rows = key * (len(moments) + 1) + np.searchsorted(moments, ordered)
    ends = np.append(begins[1:], len(order))
    is_first = np.zeros(len(order), np.bool_)
    at = begins
    while len(at):
        is_first[at] = True
        beyond = np.searchsorted(moments, ordered[at] + size_ms)
        after = np.searchsorted(rows, key[at] * (len(moments) + 1) + beyond)
        at = after[after < ends[key[at]]]
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    starts = np.empty(len(order), np.int64)
    starts[order] = ordered[first]
    return starts
