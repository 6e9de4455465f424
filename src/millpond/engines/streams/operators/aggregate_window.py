"""AggregateWindow: rows grouped by window and keys, given when the watermark says that the window is
complete (or, by processing time, the clock).

Late rows, whose windows were all complete before the step, are dropped and counted; so are rows
whose time is NULL, which belong to no window.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.aggregates import ORDER
from millpond.engines.streams.operators.aligned_aggregation import AlignedAggregation
from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.panes import Panes
from millpond.engines.streams.operators.partials import Partials
from millpond.engines.streams.operators.progress import Progress
from millpond.engines.streams.operators.times import LocalTime, Millis, times_of
from millpond.engines.streams.operators.window_results import WindowResults
from millpond.engines.streams.plan import AggregateWindow

_ORDER = "order"


class _Aggregation(Protocol):
    """Windows of one kind. Times are instants as the windows' clock shows them."""

    def take(self, rows: pa.Table, times: Millis | int, before_ms: int) -> pa.Table | None: ...

    def fire(self, before_ms: int, progress_ms: int) -> Iterator[pa.Table]: ...

    def due_ms(self) -> int | None: ...


class AggregateWindowOperator:
    """See `operators.interface.Operator`."""

    def __init__(self, node: AggregateWindow, tools: Tools) -> None:
        self._tools = tools
        self._window = node.window
        self._progress = Progress(tools.state, processing=node.window.processing)
        columns = node.input.columns
        kind = next(column.type for column in columns if column.name == node.window.time)
        self._clock = LocalTime(kind, tools.settings)
        self._results = WindowResults(node, self._clock)
        self._partials = Partials(tools.compute, columns, node.keys, node.aggregates)
        self._windows: _Aggregation = AlignedAggregation(
            tools,
            Panes.of(node.window),
            self._partials,
            self._clock,
            self._results,
            node.lateness_ms,
        )

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        given = inputs[0]
        before_ms = self._progress.ms
        results: list[pa.Table] = []
        if given.rows.num_rows:
            again = self._take(given.rows, before_ms, now_ms)
            if again is not None:
                results.append(again)
        if self._progress.advance(given, now_ms):
            results += self._windows.fire(before_ms, self._progress.ms)
        rows = pa.concat_tables(results) if results else self._results.schema.empty_table()
        return Step(rows, given.watermark_ms)

    def due_ms(self) -> int | None:
        return self._windows.due_ms() if self._window.processing else None

    def _take(self, rows: pa.Table, before_ms: int, now_ms: int) -> pa.Table | None:
        if self._window.processing:
            now = np.array([self._progress.row_time_ms(now_ms)], np.int64)
            return self._windows.take(
                self._narrowed(rows), int(self._clock.local(now)[0]), before_ms
            )
        times, there = times_of(rows, self._window.time)
        if there is not None:
            self._tools.counters.late_records_dropped += int((~there).sum())
            rows, times = rows.filter(pa.array(there)), times[there]
            if not rows.num_rows:
                return None
        return self._windows.take(self._narrowed(rows), self._clock.local(times), before_ms)

    def _narrowed(self, rows: pa.Table) -> pa.Table:
        """The columns that are needed, and the order of arrival where that is."""
        narrow = rows.select(self._partials.used)
        if not self._partials.is_ordered:
            return narrow
        first = self._tools.state.small.get(_ORDER, 0)
        self._tools.state.small[_ORDER] = first + rows.num_rows
        numbers = pa.array(np.arange(first, first + rows.num_rows, dtype=np.int64))
        return narrow.append_column(ORDER, numbers)
