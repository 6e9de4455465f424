"""AggregateWindow: rows grouped by window and keys, given when the watermark (or, by processing
time, the clock) says that the window is complete.

Late rows, whose windows were all complete before the step, are dropped and counted; so are rows
whose time is NULL, which belong to no window.
"""

from collections.abc import Sequence

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.operators.aligned_aggregation import AlignedAggregation
from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.panes import Panes
from millpond.engines.streams.operators.partials import SPAN, Partials
from millpond.engines.streams.operators.session_aggregation import SessionAggregation
from millpond.engines.streams.operators.stagger_aggregation import StaggerAggregation
from millpond.engines.streams.operators.times import LocalTime
from millpond.engines.streams.operators.window_results import WindowResults
from millpond.engines.streams.operators.windowing import Windowing, Windows
from millpond.engines.streams.plan import AggregateWindow


class AggregateWindowOperator:
    """See `operators.interface.Operator`."""

    def __init__(self, node: AggregateWindow, tools: Tools) -> None:
        columns, window = node.input.columns, node.window
        kind = next(column.type for column in columns if column.name == window.time)
        clock = LocalTime(kind, tools.settings)
        results = WindowResults(node, clock)
        is_aligned = window.kind not in ("session", "stagger")
        if node.lateness_ms and not is_aligned:
            raise Refused(f"Allowed lateness of {window.kind} windows is not supported.")
        more = () if is_aligned else SPAN
        partials = Partials(tools.compute, columns, node.keys, node.aggregates, more)
        windows: Windows
        if window.kind == "session":
            windows = SessionAggregation(tools, window.size_ms, partials, clock, results)
        elif window.kind == "stagger":
            windows = StaggerAggregation(tools, window.size_ms, partials, clock, results)
        else:
            panes = Panes.of(window)
            windows = AlignedAggregation(tools, panes, partials, clock, results, node.lateness_ms)
        self._windowing = Windowing(window, tools, partials, windows, results.schema)

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        return Step(self._windowing.step(inputs[0], now_ms), inputs[0].watermark_ms)

    def due_ms(self) -> int | None:
        return self._windowing.due_ms()
