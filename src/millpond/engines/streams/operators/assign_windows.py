"""AssignWindows: each row once for each of its windows.

Tumbling, hopping and cumulating windows are of the time alone, and rows go on at once; sessions and
staggered windows of keys go on with their rows when they are complete. By processing time the
answer's watermark is the clock (the millisecond before now), so that what gathers by window below
need not know. A row whose time is NULL belongs to no window; it is dropped and counted as late.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.panes import Panes
from millpond.engines.streams.operators.partials import SPAN, Partials
from millpond.engines.streams.operators.progress import Progress
from millpond.engines.streams.operators.session_aggregation import SessionAggregation
from millpond.engines.streams.operators.stagger_aggregation import StaggerAggregation
from millpond.engines.streams.operators.times import LocalTime, Millis, times_of
from millpond.engines.streams.operators.window_results import HeldRows, WindowResults
from millpond.engines.streams.operators.windowing import Windowing
from millpond.engines.streams.plan import AssignWindows

_ENDS = "ends_ms"


class AssignWindowsOperator:
    """See `operators.interface.Operator`."""

    def __init__(self, node: AssignWindows, tools: Tools) -> None:
        kind = next(each.type for each in node.input.columns if each.name == node.window.time)
        clock = LocalTime(kind, tools.settings)
        self._assigning: _Aligned | _OfKeys
        if node.window.kind in ("session", "stagger"):
            self._assigning = _OfKeys(node, tools, clock)
        else:
            self._assigning = _Aligned(node, tools, clock)

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        return self._assigning.step(inputs[0], now_ms)

    def due_ms(self) -> int | None:
        return self._assigning.due_ms()


class _OfKeys:
    """Sessions and staggered windows."""

    def __init__(self, node: AssignWindows, tools: Tools, clock: LocalTime) -> None:
        window = node.window
        self._is_processing = window.processing
        partials = Partials(tools.compute, node.input.columns, node.keys, (), SPAN, holds=True)
        results = HeldRows(node, clock)
        made = SessionAggregation if window.kind == "session" else StaggerAggregation
        windows = made(tools, window.size_ms, partials, clock, results)
        self._windowing = Windowing(window, tools, partials, windows, results.schema)

    def step(self, given: Step, now_ms: int) -> Step:
        rows = self._windowing.step(given, now_ms)
        reached = self._windowing.progress_ms if self._is_processing else given.watermark_ms
        return Step(rows, reached)

    def due_ms(self) -> int | None:
        return self._windowing.due_ms()


class _Aligned:
    """Windows of the time alone."""

    def __init__(self, node: AssignWindows, tools: Tools, clock: LocalTime) -> None:
        self._tools = tools
        self._window = node.window
        self._clock = clock
        self._results = WindowResults(node, self._clock)
        self._panes = Panes.of(node.window)
        self._progress = Progress(tools.state, processing=node.window.processing)

    def step(self, given: Step, now_ms: int) -> Step:
        rows = given.rows
        if not rows.num_rows:
            answer = self._results.schema.empty_table()
        elif self._window.processing:
            now = np.full(rows.num_rows, self._progress.row_time_ms(now_ms), np.int64)
            answer = self._assigned(rows, self._clock.local(now))
            self._wait_for(answer)
        else:
            times, there = times_of(rows, self._window.time)
            if there is not None:
                self._tools.counters.late_records_dropped += int((~there).sum())
                rows, times = rows.filter(pa.array(there)), times[there]
            answer = self._assigned(rows, self._clock.local(times))
        if not self._window.processing:
            return Step(answer, given.watermark_ms)
        self._progress.advance(given, now_ms)
        return Step(answer, self._progress.ms)

    def due_ms(self) -> int | None:
        if not self._window.processing:
            return None
        ends = self._tools.state.small.get(_ENDS, ())
        reached = self._progress.ms
        return next((end for end in ends if end - 1 > reached), None)

    def _assigned(self, rows: pa.Table, times: Millis) -> pa.Table:
        between = self._panes.between(times)
        if between is not None and between.any():
            rows, times = rows.filter(pa.array(~between)), times[~between]
        panes, where = np.unique(self._panes.pane(times), return_inverse=True)
        windows = [self._panes.ends(int(pane)) for pane in panes]
        counts = np.array([len(ends) for ends in windows], np.int64)[where]
        if self._panes.pane_ms == self._panes.size_ms:
            ends = np.array([ends[0] for ends in windows], np.int64)[where]
        else:
            rows = rows.take(np.repeat(np.arange(len(where)), counts))
            firsts = np.array([ends[0] for ends in windows], np.int64)[where]
            before = np.repeat(np.cumsum(counts) - counts, counts)
            nth = np.arange(len(before)) - before
            ends = np.repeat(firsts, counts) + nth * self._panes.slide_ms
        return self._results.rows(rows.columns, self._panes.start(ends), ends)

    def _wait_for(self, rows: pa.Table) -> None:
        """Remember when the windows of rows end, so as to tell it then."""
        ends, _ = times_of(rows, self._results.schema.names[-2])
        found = {self._clock.last_instant(int(end)) + 1 for end in np.unique(ends)}
        small = self._tools.state.small
        held = {end for end in small.get(_ENDS, ()) if end - 1 > self._progress.ms}
        small[_ENDS] = sorted(held | found)
