"""The rows that a window operator gives: keys, results, and the window's bounds."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millpond.engines.streams.operators.rows import conformed
from millpond.engines.streams.operators.times import LocalTime, Millis, time_array
from millpond.engines.streams.plan import KIND, Node
from millpond.engines.streams.types import schema_of


class WindowResults:
    """Puts together rows of a node whose last columns (but `$kind`) are `window_start`,
    `window_end` and `window_time`."""

    def __init__(self, node: Node, clock: LocalTime) -> None:
        self.schema = schema_of(node.columns)
        self._clock = clock
        self._has_kind = KIND in self.schema.names

    def rows(self, columns: Sequence[Any], starts: Millis, ends: Millis, kind: int = 0) -> pa.Table:
        """Rows of these columns, each with its window (bounds of local time)."""
        arrays: list[Any] = list(columns)
        names = [name for name in self.schema.names if name != KIND]
        window = self.schema.field(names[-1]).type
        times = self._each(ends, self._clock.last_instant)
        for millis, name in zip((starts, ends), names[-3:-1], strict=True):
            arrays.append(time_array(millis, self.schema.field(name).type))
        arrays.append(time_array(times if window.tz else ends - 1, window))
        if self._has_kind:
            at = self.schema.get_field_index(KIND)
            kinds = pa.repeat(pa.scalar(kind), len(ends)).cast(self.schema.field(at).type)
            arrays.insert(at, kinds)
        return conformed(pa.table(arrays, names=self.schema.names), self.schema)

    @staticmethod
    def _each(values: Millis, function: Callable[[int], int]) -> Millis:
        found, where = np.unique(values, return_inverse=True)
        return np.array([function(int(one)) for one in found], np.int64)[where]


class HeldRows(WindowResults):
    """Rows that were held until their window was complete, in the order in which they came."""

    def rows(self, columns: Sequence[Any], starts: Millis, ends: Millis, kind: int = 0) -> pa.Table:
        """The rows of windows, which are the last of `columns`: lists of structs, in which the
        order comes first."""
        lists = columns[-1].combine_chunks()
        windows = pc.list_parent_indices(lists).to_numpy()
        order, *values = pc.list_flatten(lists).flatten()
        places = np.argsort(order.to_numpy(), kind="stable")
        windows = windows[places]
        return super().rows(
            [value.take(pa.array(places)) for value in values], starts[windows], ends[windows], kind
        )
