"""The frames of OVER that look back over a bounded past: an interval, or a number of rows."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millpond.engines.streams.operators.bounded import Bounded, restored
from millpond.engines.streams.operators.frames import CURRENT, Frames, Part, part_of
from millpond.engines.streams.operators.interface import Tools
from millpond.engines.streams.operators.keyed_rows import KeyedRows, Places, Run, as_run, bisect
from millpond.engines.streams.operators.over_inputs import Batch, Inputs
from millpond.engines.streams.operators.vectors import Array
from millpond.engines.streams.plan import Aggregate
from millpond.engines.streams.types import Column


class RangeFrames:
    """Functions over the rows of a key from `range_ms` before a row's time on. By event time rows
    of the same time belong to it; by processing time only those that came before."""

    def __init__(
        self,
        functions: Sequence[Aggregate],
        columns: Sequence[Column],
        tools: Tools,
        bucket: int,
        range_ms: int,
        *,
        has_peers: bool,
    ) -> None:
        self._inputs = Inputs(functions, columns)
        self._bounded = Bounded(functions, self._inputs, tools.compute)
        self._past = KeyedRows(tools.state, bucket)
        self._range_ms = range_ms
        self._has_peers = has_peers

    def columns(self, batch: Batch) -> dict[str, Array]:
        """The functions' values by name; the batch becomes part of the past."""
        rows = self._inputs.of(batch.rows)
        frames = self._frames(batch, rows)
        columns = self._bounded.columns(frames, batch.owners)
        self._past.add(rows, batch.keys, batch.times)
        return columns

    def expire(self, now_ms: int) -> None:
        """Forget what no frame from this time on reaches."""
        self._past.expire(now_ms - self._range_ms)

    def _frames(self, batch: Batch, rows: pa.Table) -> Frames:
        wanted = batch.times - self._range_ms
        earliest = int(wanted.min())
        parts: list[Part] = []
        for run in self._past.runs():
            if run.last_ms < earliest:
                continue
            low, high = (found[batch.owners] for found in run.find(*batch.first_keys))
            if run.first_ms < int(wanted.max()):
                low = bisect(run.times, low, high, wanted)
            parts.append(part_of(run, low, high))
        places = np.arange(len(batch.owners))
        own = Run(as_run(rows, batch.keys, batch.times), {CURRENT: places})
        ends = batch.last_peers() if self._has_peers else places
        begins = bisect(batch.times, batch.starts[batch.owners], places, wanted)
        parts.append(part_of(own, begins, ends + 1))
        return Frames(len(places), parts, ends - places)


class RowFrames:
    """Functions over the last `rows` rows of a key and the row itself, and LAG."""

    def __init__(
        self,
        functions: Sequence[Aggregate],
        columns: Sequence[Column],
        tools: Tools,
        bucket: int,
        rows: int,
    ) -> None:
        aggregates = [each for each in functions if each.function != "LAG"]
        self._lags = [each for each in functions if each.function == "LAG"]
        self._inputs = Inputs(functions, columns)
        self._bounded = Bounded(aggregates, self._inputs, tools.compute)
        self._defaults = [_default(each, tools) for each in self._lags]
        self._rows = rows
        self._past = KeyedRows(tools.state, bucket, keep=rows) if rows else None

    def columns(self, batch: Batch) -> dict[str, Array]:
        """The functions' values by name; the batch becomes part of the past."""
        run, places, starts = self._past_and(batch)
        columns: dict[str, Array] = {}
        if self._bounded.is_needed:
            low = np.maximum(starts, places - self._rows)
            frames = Frames(len(places), [part_of(run, low, places + 1)], np.zeros_like(places))
            columns = self._bounded.columns(frames, batch.owners)
        for function, default in zip(self._lags, self._defaults, strict=True):
            columns[function.name] = self._lag(function, default, run, places, starts)
        return columns

    def expire(self, horizon_ms: int) -> None:
        """Forget rows that were added before this time."""
        if self._past is not None:
            self._past.expire(horizon_ms)

    def _past_and(self, batch: Batch) -> tuple[Run, Places, Places]:
        """The last rows of the batch's keys and then its own, key by key; where its own are, and
        where the key of each of them begins."""
        rows = self._inputs.of(batch.rows)
        added = np.full(len(batch.owners), batch.now_ms)
        chunk = as_run(rows, batch.keys, added)
        earlier, owners = (None, np.empty(0, np.int64))
        if self._past is not None:
            earlier, owners = self._past.latest(batch.first_keys, self._rows)
        if earlier is None:
            places = np.arange(len(batch.owners))
            run, starts = Run(chunk, {CURRENT: places}), batch.starts
        else:
            order = np.argsort(np.concatenate((owners, batch.owners)), kind="stable")
            number = np.concatenate((np.full(len(owners), -1), np.arange(len(batch.owners))))[order]
            places = np.flatnonzero(number >= 0)
            both = pa.concat_tables([earlier, chunk]).combine_chunks()
            run = Run(both.take(order), {CURRENT: number})
            before = np.bincount(owners, minlength=len(batch.starts))
            starts = batch.starts + np.cumsum(before) - before
        if self._past is not None:
            self._past.add(rows, batch.keys, added)
        return run, places, starts[batch.owners]

    def _lag(
        self,
        function: Aggregate,
        default: Array | None,
        run: Run,
        places: Places,
        starts: Places,
    ) -> Array:
        name = self._inputs.name(function)
        assert name is not None
        source = places - lag_offset(function)
        outside = source < starts
        taken = run.array(name).take(pa.array(np.where(outside, 0, source), mask=outside))
        column = restored(taken, function.type)
        if default is None:
            return column
        return pc.if_else(pa.array(outside), default, column)


def lag_offset(function: Aggregate) -> int:
    """How many rows back LAG looks: 1 unless it says so."""
    return int(function.options[0]) if function.options else 1


def _default(function: Aggregate, tools: Tools) -> Array | None:
    """What LAG gives where there is no such row; None: NULL."""
    if len(function.options) < 2:
        return None
    kind = function.type
    value = tools.compute.run(f"SELECT CAST({function.options[1]} AS {kind.duckdb()}) AS value")
    return value.column(0).cast(kind.arrow())[0]
