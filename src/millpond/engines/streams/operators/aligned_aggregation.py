"""Aggregates over windows that begin at the same times for all keys.

Rows become partials by pane and key, in buckets of the pane's beginning; windows are put together
from panes when they are complete. A cumulating window that was given stays, merged, in its first
pane, so that the next one merges one pane more. With lateness, a window that was given is kept for
so long, and given again for the keys that late rows change.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.interface import BEFORE_ALL_MS, Tools
from millpond.engines.streams.operators.panes import Panes
from millpond.engines.streams.operators.partials import PANE, Partials, add, by_pane, numbered
from millpond.engines.streams.operators.times import LocalTime, Millis
from millpond.engines.streams.operators.window_results import WindowResults
from millpond.engines.streams.types import quoted

_BATCH_ROWS = 1 << 21
"""About how many rows of partials are finished at once."""


class AlignedAggregation:
    def __init__(
        self,
        tools: Tools,
        panes: Panes,
        partials: Partials,
        clock: LocalTime,
        results: WindowResults,
        lateness_ms: int,
    ) -> None:
        self._tools = tools
        self._state = tools.state
        self._panes = panes
        self._partials = partials
        self._clock = clock
        self._results = results
        self._lateness_ms = lateness_ms
        self._next: int | None = None
        self._is_next_known = False

    def take(self, rows: pa.Table, times: Millis, before_ms: int) -> pa.Table | None:
        """Add rows of these times; `before_ms` is how far the time was before they came. Windows
        that were given before and have changed come out."""
        times = self._clock.local(times)
        between = self._panes.between(times)
        if between is not None and between.any():
            rows, times = rows.filter(pa.array(~between)), times[~between]
        panes = self._panes.pane(times)
        late = self._late(panes, before_ms)
        if late is not None:
            self._tools.counters.late_records_dropped += int(late.sum())
            rows, panes = rows.filter(pa.array(~late)), panes[~late]
        if not rows.num_rows:
            return None
        return self._add(self._partials.partial(rows, panes), before_ms)

    def _late(self, panes: Millis, before_ms: int) -> "np.ndarray | None":
        """Which rows are late: no window of theirs is open."""
        if before_ms == BEFORE_ALL_MS or not len(panes):
            return None
        if not self._is_over(int(panes.min()), before_ms):
            return None
        over = [int(pane) for pane in np.unique(panes) if self._is_over(int(pane), before_ms)]
        return np.isin(panes, over)

    def _is_over(self, pane: int, at_ms: int) -> bool:
        last = self._panes.ends(pane)[-1]
        return self._clock.last_instant(last) + self._lateness_ms <= at_ms

    def _add(self, partials: pa.Table, before_ms: int) -> pa.Table | None:
        changed: dict[int, list[pa.Table]] = {}
        for pane, chunk in by_pane(partials):
            add(self._state, self._partials, pane, chunk)
            ends = self._panes.ends(pane)
            given = self._given(ends, before_ms)
            if given < len(ends) and self._is_next_known:
                self._next = ends[given] if self._next is None else min(self._next, ends[given])
            for end in ends[:given] if self._lateness_ms else ():
                if self._clock.last_instant(end) + self._lateness_ms > before_ms:
                    changed.setdefault(end, []).append(chunk)
        return self._again(changed) if changed else None

    def _given(self, ends: range, progress_ms: int) -> int:
        """How many of these windows are complete."""
        return bisect_right(ends, progress_ms, key=self._clock.last_instant)

    def _again(self, changed: dict[int, list[pa.Table]]) -> pa.Table:
        """Windows that were given before, for the keys of these partials."""
        buckets = self._state.buckets()
        held = numbered([each for end in sorted(changed) for each in self._held(buckets, end)])
        keys = numbered([(end, chunk) for end, chunks in changed.items() for chunk in chunks])
        same = " AND ".join(
            f"c.{quoted(name)} IS NOT DISTINCT FROM x.{quoted(name)}"
            for name in (PANE, *self._partials.keys)
        )
        touched = self._tools.compute.run(
            f"SELECT c.* FROM c SEMI JOIN x ON {same}", c=held, x=keys
        )
        return self._finished(touched)

    def fire(self, before_ms: int, progress_ms: int) -> Iterator[pa.Table]:
        """What windows that became complete give; what no window needs any more is dropped."""
        if not self._is_next_known:
            self._find_next(before_ms)
        if self._next is None or self._clock.last_instant(self._next) > progress_ms:
            if self._lateness_ms:
                self._drop(progress_ms)
            return
        buckets = self._state.buckets()
        complete = set[int]()
        for pane in buckets:
            ends = self._panes.ends(pane)
            complete.update(ends[self._given(ends, before_ms) : self._given(ends, progress_ms)])
        yield from self._windows(buckets, sorted(complete))
        self._drop(progress_ms)
        self._find_next(progress_ms)

    def _windows(self, buckets: Sequence[int], ends: Sequence[int]) -> Iterator[pa.Table]:
        gathered: list[tuple[int, pa.Table]] = []
        count = 0
        for end in ends:
            if self._panes.cumulates:
                buckets = self._state.buckets()
            held = self._held(buckets, end)
            if self._panes.cumulates and not self._lateness_ms:
                held = [(end, self._accumulated(buckets, end, held))]
            gathered += held
            count += sum(chunk.num_rows for _, chunk in held)
            if count > _BATCH_ROWS:
                yield self._finished(numbered(gathered))
                gathered, count = [], 0
        if gathered:
            yield self._finished(numbered(gathered))

    def _held(self, buckets: Sequence[int], end: int) -> list[tuple[int, pa.Table]]:
        """The chunks of a window's panes, with its end."""
        first = bisect_left(buckets, self._panes.start(end))
        panes = buckets[first : bisect_left(buckets, end)]
        return [(end, chunk) for pane in panes for chunk in self._state.chunks(pane)]

    def _accumulated(
        self, buckets: Sequence[int], end: int, held: list[tuple[int, pa.Table]]
    ) -> pa.Table:
        """A cumulating window's panes, merged into its first."""
        start = self._panes.start(end)
        merged = held[0][1]
        if len(held) > 1:
            merged = self._partials.merge(numbered([(start, chunk) for _, chunk in held]))
        for pane in buckets[bisect_left(buckets, start) : bisect_left(buckets, end)]:
            if pane != start:
                self._state.drop(pane)
        self._state.replace(start, [merged])
        return merged

    def _finished(self, partials: pa.Table) -> pa.Table:
        found = self._partials.finish(partials)
        ends = found.column(PANE).to_numpy()
        return self._results.rows(found.columns[1:], self._panes.start(ends), ends)

    def _drop(self, progress_ms: int) -> None:
        for pane in self._state.buckets():
            if self._is_over(pane, progress_ms):
                self._state.drop(pane)

    def _find_next(self, progress_ms: int) -> None:
        """The end of the first window that is not complete."""
        found: int | None = None
        for pane in self._state.buckets():
            if found is not None and pane >= found:
                break
            ends = self._panes.ends(pane)
            given = self._given(ends, progress_ms)
            if given < len(ends) and (found is None or ends[given] < found):
                found = ends[given]
        self._next, self._is_next_known = found, True

    def due_ms(self, progress_ms: int) -> int | None:
        """The instant when the next window ends."""
        if not self._is_next_known:
            self._find_next(progress_ms)
        return None if self._next is None else self._clock.last_instant(self._next) + 1
