"""PerWindow: rows that carry their window are gathered until it is complete, then a statement
answers over the rows of all complete windows.

Late rows, whose window was complete before the step, are dropped and counted.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.chunks import add_chunk, put_together
from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.progress import Progress
from millpond.engines.streams.operators.rows import conformed
from millpond.engines.streams.operators.times import LocalTime, times_of
from millpond.engines.streams.plan import AggregateWindow, AssignWindows, Node, PerWindow
from millpond.engines.streams.types import TIMESTAMP, DataType, schema_of

_BATCH_ROWS = 1 << 21
"""About how many rows a statement answers over at once."""


class PerWindowOperator:
    """See `operators.interface.Operator`. The state's buckets are of a window's end and an input:
    `end_ms * inputs + input`."""

    def __init__(self, node: PerWindow, tools: Tools) -> None:
        self._node = node
        self._tools = tools
        self._inputs = len(node.parts)
        self._schema = schema_of(node.columns)
        self._schemas = [schema_of(part.columns) for part in node.parts]
        self._progress = Progress(tools.state, processing=False)
        self._clock = LocalTime(_time_type(node), tools.settings)

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        before_ms = self._progress.ms
        for at, given in enumerate(inputs):
            if given.rows.num_rows:
                self._take(at, given.rows, before_ms)
        watermark_ms = min(given.watermark_ms for given in inputs)
        rows: list[pa.Table] = []
        if self._progress.advance(Step(inputs[0].rows, watermark_ms), now_ms):
            rows = [found for found in self._complete() if found.num_rows]
        return Step(pa.concat_tables(rows) if rows else self._schema.empty_table(), watermark_ms)

    def due_ms(self) -> int | None:
        return None

    def _take(self, at: int, rows: pa.Table, before_ms: int) -> None:
        ends, there = times_of(rows, self._node.ends[at])
        found = np.unique(ends)
        late = [int(end) for end in found if self._clock.last_instant(int(end)) <= before_ms]
        dropped = np.isin(ends, late)
        if there is not None:
            dropped |= ~there
        if dropped.any():
            self._tools.counters.late_records_dropped += int(dropped.sum())
            rows, ends = rows.filter(pa.array(~dropped)), ends[~dropped]
            found = np.unique(ends)
        rows = conformed(rows, self._schemas[at])
        for end in found.tolist():
            part = rows if len(found) == 1 else rows.filter(pa.array(ends == end))
            add_chunk(self._tools.state, end * self._inputs + at, part, put_together)

    def _complete(self) -> Iterator[pa.Table]:
        """What the statement answers for windows that became complete."""
        state = self._tools.state
        gathered: list[list[pa.Table]] = [[] for _ in range(self._inputs)]
        buckets: list[int] = []
        count = 0
        end_ms = None
        for bucket in state.buckets():
            end = bucket // self._inputs
            if self._clock.last_instant(end) > self._progress.ms:
                break
            if end != end_ms and count > _BATCH_ROWS:
                yield self._answered(gathered)
                gathered, count = [[] for _ in range(self._inputs)], 0
            end_ms = end
            chunks = state.chunks(bucket)
            gathered[bucket % self._inputs] += chunks
            count += sum(chunk.num_rows for chunk in chunks)
            buckets.append(bucket)
        if count:
            yield self._answered(gathered)
        for bucket in buckets:
            state.drop(bucket)

    def _answered(self, gathered: Sequence[Sequence[pa.Table]]) -> pa.Table:
        tables = {
            f"i{at}": pa.concat_tables(chunks) if chunks else self._schemas[at].empty_table()
            for at, chunks in enumerate(gathered)
        }
        return conformed(self._tools.compute.run(self._node.sql, **tables), self._schema)


def _time_type(node: Node) -> DataType:
    """The type of the time attribute that windows of a node's rows are over."""
    waiting = list(node.inputs)
    while waiting:
        below = waiting.pop(0)
        if isinstance(below, AssignWindows | AggregateWindow):
            time = below.window.time
            return next(each.type for each in below.input.columns if each.name == time)
        waiting += below.inputs
    return TIMESTAMP
