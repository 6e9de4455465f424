"""Aggregates over sessions: windows of a key that end when no row came for the gap.

Time is cut into stretches as long as the gap, so that rows of a key in one stretch are of one
session: they become one partial, in the bucket of the stretch, with the least and the greatest of
their times. A session is a chain of such partials, each in the stretch after the one before. When
the time has come so far that a partial's session would end, either the next stretch goes on with
it (then it moves there) or it is complete and leaves the state. So the state holds the last two or
three stretches, and a step looks at one of them.

Sessions that touch are one, as in Flink. A row is late when, after all rows of its step, its
session is one that ended before the step.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.interface import BEFORE_ALL_MS, Tools
from millpond.engines.streams.operators.partials import PANE, TIME, Partials, add, by_pane
from millpond.engines.streams.operators.times import LocalTime, Millis
from millpond.engines.streams.operators.window_results import WindowResults
from millpond.engines.streams.types import quoted

_ROW = "$row"


class SessionAggregation:
    """`partials` have the span of their rows. Times are instants."""

    def __init__(
        self,
        tools: Tools,
        gap_ms: int,
        partials: Partials,
        clock: LocalTime,
        results: WindowResults,
    ) -> None:
        self._tools = tools
        self._state = tools.state
        self._gap_ms = gap_ms
        self._partials = partials
        self._clock = clock
        self._results = results
        self._chain_sql = _chain_sql(partials.keys, gap_ms)

    def take(self, rows: pa.Table, times: Millis, before_ms: int) -> pa.Table | None:
        """Add rows of these times; `before_ms` is how far the time was before they came."""
        rows = rows.append_column(TIME, pa.array(times))
        new = self._partials.partial(rows, np.floor_divide(times, self._gap_ms))
        if before_ms != BEFORE_ALL_MS:
            is_late = self._is_over(new, before_ms)
            if is_late.any():
                new = self._without_late(new, is_late, before_ms)
        for bucket, chunk in by_pane(new):
            add(self._state, self._partials, bucket, chunk)
        return None

    def fire(self, before_ms: int, progress_ms: int) -> Iterator[pa.Table]:
        """What sessions that became complete give."""
        over_ms = progress_ms - self._gap_ms + 1
        edge = over_ms // self._gap_ms
        buckets = [bucket for bucket in self._state.buckets() if bucket <= edge]
        chunks = [chunk for bucket in buckets for chunk in self._state.chunks(bucket)]
        if not any((chunk.column("$last").to_numpy() <= over_ms).any() for chunk in chunks):
            return
        held = self._partials.merge(pa.concat_tables(chunks))
        is_over = self._is_over(held, progress_ms)
        if is_over.any():
            next_chunks = self._state.chunks(edge + 1)
            after = pa.concat_tables(next_chunks) if next_chunks else held.schema.empty_table()
            chain = self._chains(held, is_over, after)
            at = chain.column(_ROW).to_numpy()
            is_complete = chain.column("last").to_numpy() <= over_ms
            numbers = chain.column("first").to_numpy()
            done = at[is_complete]
            if len(done):
                complete = _renumbered(held.take(done), numbers[is_complete])
                yield self._finished(complete)
            goes_on = chain.column("after").to_numpy(zero_copy_only=False) & ~is_complete
            # The next stretch has rows of it that are later, so this end is not asked for again.
            lasts = pa.array(chain.column("last").to_numpy()[goes_on])
            moving = held.take(at[goes_on])
            moving = moving.set_column(moving.schema.get_field_index("$last"), "$last", lasts)
            if moving.num_rows:
                there = np.full(moving.num_rows, edge + 1, np.int64)
                add(self._state, self._partials, edge + 1, _renumbered(moving, there))
            stays = np.ones(held.num_rows, np.bool_)
            stays[done] = stays[at[goes_on]] = False
            held = held.filter(pa.array(stays))
        for bucket in buckets:
            if bucket != edge:
                self._state.drop(bucket)
        there = np.full(held.num_rows, edge, np.int64)
        self._state.replace(edge, [_renumbered(held, there)] if held.num_rows else [])

    def due_ms(self, progress_ms: int) -> int | None:
        """When by the clock the first session may end."""
        ends = [
            int(chunk.column("$last").to_numpy().min())
            for bucket in self._state.buckets()[:2]
            for chunk in self._state.chunks(bucket)
        ]
        return min(ends) + self._gap_ms if ends else None

    def _is_over(self, partials: pa.Table, at_ms: int) -> "np.ndarray":
        over: np.ndarray = partials.column("$last").to_numpy() + (self._gap_ms - 1) <= at_ms
        return over

    def _without_late(self, new: pa.Table, is_late: "np.ndarray", before_ms: int) -> pa.Table:
        """New partials without those that no open session takes in; those that one does are put
        into its stretch."""
        held = [chunk for bucket in self._state.buckets() for chunk in self._state.chunks(bucket)]
        after = pa.concat_tables(held) if held else new.schema.empty_table()
        chain = self._chains(new, is_late, after)
        over_ms = before_ms - self._gap_ms + 1
        at = chain.column(_ROW).to_numpy()
        is_open = chain.column("last").to_numpy() > over_ms
        late = np.zeros(new.num_rows, np.bool_)
        late[at] = ~is_open
        counts = new.column("$rows").to_numpy()
        self._tools.counters.late_records_dropped += int(counts[late].sum())
        panes = new.column(PANE).to_numpy().copy()
        lasting = chain.column("last").to_numpy()
        moves = is_open & is_late[at]
        panes[at[moves]] = np.floor_divide(lasting[moves], self._gap_ms)
        return _renumbered(new, panes).filter(pa.array(~late))

    def _chains(self, held: pa.Table, is_asked: "np.ndarray", after: pa.Table) -> pa.Table:
        """The sessions of the keys of some rows of `held`, made of it and `after`. For each row of
        `held` of these keys: its number, the first and last time of its session, and whether rows
        of `after` are in that."""
        numbers = pa.array(np.arange(held.num_rows, dtype=np.int64))
        names = [*self._partials.keys, "$start", "$last"]
        rows = held.select(names).append_column(_ROW, numbers)
        asked = rows.filter(pa.array(is_asked))
        return self._tools.compute.run(
            self._chain_sql, held=rows, asked=asked, after=after.select(names)
        )

    def _finished(self, partials: pa.Table) -> pa.Table:
        found = self._partials.finish(partials, ("$start", "$last"))
        starts = found.column("$start").to_numpy()
        ends = found.column("$last").to_numpy() + self._gap_ms
        columns = found.columns[1:-2]
        return self._results.rows(columns, self._clock.local(starts), self._clock.local(ends))


def _renumbered(partials: pa.Table, panes: Millis) -> pa.Table:
    return partials.set_column(0, PANE, pa.array(panes, pa.int64()))


def _chain_sql(keys: list[str], gap_ms: int) -> str:
    names = [quoted(key) for key in keys]
    same = " AND ".join(f"x.{name} IS NOT DISTINCT FROM asked.{name}" for name in names) or "true"
    columns = ", ".join([*names, '"$start"', '"$last"'])
    by = ", ".join(names)
    partition = f"PARTITION BY {by} " if by else ""
    session = f"PARTITION BY {', '.join([*names, 'island'])}"
    return f"""
        WITH spans AS (
            SELECT "{_ROW}", {columns} FROM held x SEMI JOIN asked ON {same}
            UNION ALL SELECT NULL, {columns} FROM after x SEMI JOIN asked ON {same}
        ), steps AS (
            SELECT *, max("$last") OVER ({partition}ORDER BY "$start", "$last"
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached FROM spans
        ), islands AS (
            SELECT *, count(*) FILTER (WHERE "$start" > reached + {gap_ms})
                OVER ({partition}ORDER BY "$start", "$last"
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island FROM steps
        ), sessions AS (
            SELECT "{_ROW}", min("$start") OVER ({session}) AS first,
                max("$last") OVER ({session}) AS last,
                bool_or("{_ROW}" IS NULL) OVER ({session}) AS after FROM islands
        )
        SELECT * FROM sessions WHERE "{_ROW}" IS NOT NULL
    """
