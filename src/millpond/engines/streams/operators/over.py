"""OVER windows: to each row what its key's rows up to it say.

By event time rows wait until the watermark has passed them and go on in the order of time; late
ones are dropped and counted. By processing time they go on at once, in the order of arrival: a row
sees those that came before it. LAG, ROW_NUMBER, RANK and DENSE_RANK do not look at the frame.

Kept are, of an interval, the arguments of the rows in it; of a number of rows, those of that many
rows of each key; of all rows, accumulators of each key (the last two for
`table.exec.state.ttl`, or for good).
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.operators.bounded import DEVIATIONS
from millpond.engines.streams.operators.fingerprints import Fingerprints, fingerprints
from millpond.engines.streams.operators.interface import BEFORE_ALL_MS, Step, Tools
from millpond.engines.streams.operators.keyed_rows import (
    Places,
    key_order,
    key_starts,
    seed_of,
)
from millpond.engines.streams.operators.over_inputs import Batch
from millpond.engines.streams.operators.over_totals import NUMBERINGS, Totals
from millpond.engines.streams.operators.over_windows import RangeFrames, RowFrames, lag_offset
from millpond.engines.streams.operators.retention import retention_ms
from millpond.engines.streams.operators.vectors import Array, array_of
from millpond.engines.streams.operators.waiting import RESERVED, Waiting, times_ms
from millpond.engines.streams.plan import Aggregate, Over
from millpond.engines.streams.types import schema_of

OVER_FUNCTIONS: Final = frozenset(
    (
        *("COUNT", "SUM", "AVG", "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE", "LAG"),
        *NUMBERINGS,
        *DEVIATIONS,
    )
)
"""What OVER can compute."""


class OverOperator:
    """See `plan.Over`."""

    def __init__(self, node: Over, tools: Tools) -> None:
        for function in node.functions:
            check_over_function(function)
        self._node = node
        self._tools = tools
        self._schema = schema_of(node.columns)
        self._seed = seed_of(tools.state)
        self._waiting = Waiting(tools.state, node.time)
        self._parts: list[_Part] = []
        self._by_range: RangeFrames | None = None
        self._retention_ms = retention_ms(tools.settings)
        self._plan_parts()

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        """See `operators.interface.Operator`."""
        rows, watermark_ms = inputs[0]
        if self._node.processing:
            times = np.full(rows.num_rows, now_ms)
        else:
            watermark_ms = max(watermark_ms, self._watermark_ms)
            rows = self._passed(rows, watermark_ms)
            times = times_ms(rows, self._node.time)
        rows = self._computed(rows, times, now_ms) if rows.num_rows else self._schema.empty_table()
        if self._by_range is not None:
            self._by_range.expire(now_ms if self._node.processing else watermark_ms)
        return Step(rows, watermark_ms)

    def due_ms(self) -> int | None:
        """None: time alone changes nothing."""
        return None

    @property
    def _watermark_ms(self) -> int:
        return int(self._tools.state.small.get("watermark", BEFORE_ALL_MS))

    def _passed(self, rows: pa.Table, watermark_ms: int) -> pa.Table:
        """The rows that are in order now."""
        times = times_ms(rows, self._node.time)
        on_time = times > self._watermark_ms
        if not on_time.all():
            self._tools.counters.late_records_dropped += int(len(times) - on_time.sum())
            rows, times = rows.filter(pa.array(on_time)), times[on_time]
        self._tools.state.small["watermark"] = watermark_ms
        return self._waiting.pass_through(rows, times, watermark_ms)

    def _computed(self, rows: pa.Table, times: Places, now_ms: int) -> pa.Table:
        keys = fingerprints(
            [array_of(rows.column(name)) for name in self._node.keys], rows.num_rows, self._seed
        )
        order = key_order(keys)
        keys = Fingerprints(keys.hashes[order], keys.checks[order])
        starts = key_starts(keys)
        owners = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
        by_key = rows.take(order)
        batch = Batch(by_key, keys, times[order], starts, owners, now_ms)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        columns: dict[str, Array] = {}
        for part in self._parts:
            if self._retention_ms and part is not self._by_range:
                part.expire(now_ms - self._retention_ms)
            columns |= part.columns(batch)
        arrays = [
            columns[field.name].take(back).cast(field.type)
            if field.name in columns
            else rows.column(field.name)
            for field in self._schema
        ]
        return pa.table(arrays, schema=self._schema)

    def _plan_parts(self) -> None:
        node, tools, columns = self._node, self._tools, self._node.input.columns
        lags = [each for each in node.functions if each.function == "LAG"]
        numberings = [each for each in node.functions if each.function in NUMBERINGS]
        framed = [each for each in node.functions if each not in lags and each not in numberings]
        frame, by_event_time = node.frame, not node.processing
        if framed and frame.range_ms is not None:
            self._by_range = RangeFrames(
                framed, columns, tools, RESERVED, frame.range_ms, has_peers=by_event_time
            )
            self._parts.append(self._by_range)
        elif framed and frame.rows is not None:
            self._parts.append(RowFrames(framed, columns, tools, RESERVED + 1, frame.rows))
        elif framed:
            self._parts.append(
                Totals(
                    framed,
                    columns,
                    tools,
                    range(RESERVED + 100, RESERVED + 999),
                    has_peers=by_event_time and not frame.is_rows,
                    by_event_time=by_event_time,
                )
            )
        if lags:
            most = max(lag_offset(each) for each in lags)
            self._parts.append(RowFrames(lags, columns, tools, RESERVED + 2, most))
        if numberings:
            self._parts.append(
                Totals(
                    numberings,
                    columns,
                    tools,
                    (RESERVED + 3,),
                    has_peers=False,
                    by_event_time=by_event_time,
                )
            )


class _Part(Protocol):
    """Some of the functions, and what is kept for them."""

    def columns(self, batch: Batch) -> dict[str, Array]: ...

    def expire(self, now_ms: int, /) -> None: ...


def check_over_function(function: Aggregate) -> None:
    """Look whether OVER can compute this.

    Raises:
        Refused: it cannot; the text names the function.
    """
    if function.function not in OVER_FUNCTIONS:
        raise Refused(
            f"The function {function.function} is not supported in OVER.", needs_flink=True
        )
    if function.distinct and function.function in DEVIATIONS:
        raise Refused(
            f"{function.function} of DISTINCT values is not supported in OVER.", needs_flink=True
        )
    if len(function.arguments) > 1:
        raise Refused(
            f"{function.function} of several arguments is not supported in OVER.", needs_flink=True
        )
