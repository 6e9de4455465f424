"""What operators of windows have in common: rows come in, complete windows come out."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.partials import Partials
from millpond.engines.streams.operators.progress import Progress
from millpond.engines.streams.operators.times import Millis, times_of
from millpond.engines.streams.plan import Window


class Windows(Protocol):
    """Windows of one kind; times are instants."""

    def take(self, rows: pa.Table, times: Millis, before_ms: int) -> pa.Table | None:
        """Add rows of these times; `before_ms` is how far the time was before they came. Windows
        that were given before and have changed come out."""
        ...

    def fire(self, before_ms: int, progress_ms: int) -> Iterator[pa.Table]:
        """What windows give that became complete as the time went on from one to the other."""
        ...

    def due_ms(self, progress_ms: int) -> int | None:
        """When by the clock the next window may be complete."""
        ...


class Windowing:
    """Rows of a window's operator, step by step. A row whose time is NULL belongs to no window; it
    is dropped and counted as late."""

    def __init__(
        self, window: Window, tools: Tools, partials: Partials, windows: Windows, schema: pa.Schema
    ) -> None:
        self._window = window
        self._tools = tools
        self._partials = partials
        self._windows = windows
        self._schema = schema
        self._progress = Progress(tools.state, processing=window.processing)

    def step(self, given: Step, now_ms: int) -> pa.Table:
        """What the windows give in this step."""
        before_ms = self._progress.ms
        results: list[pa.Table] = []
        if given.rows.num_rows:
            again = self._take(given.rows, before_ms, now_ms)
            if again is not None:
                results.append(again)
        if self._progress.advance(given, now_ms):
            results += self._windows.fire(before_ms, self._progress.ms)
        return pa.concat_tables(results) if results else self._schema.empty_table()

    @property
    def progress_ms(self) -> int:
        """The time up to which windows were given."""
        return self._progress.ms

    def due_ms(self) -> int | None:
        return self._windows.due_ms(self._progress.ms) if self._window.processing else None

    def _take(self, rows: pa.Table, before_ms: int, now_ms: int) -> pa.Table | None:
        if self._window.processing:
            times = np.full(rows.num_rows, self._progress.row_time_ms(now_ms), np.int64)
        else:
            times, there = times_of(rows, self._window.time)
            if there is not None:
                self._tools.counters.late_records_dropped += int((~there).sum())
                rows, times = rows.filter(pa.array(there)), times[there]
                if not rows.num_rows:
                    return None
        rows = self._partials.prepared(rows, self._tools.state)
        return self._windows.take(rows, times, before_ms)
