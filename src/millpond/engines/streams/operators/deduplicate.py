"""Deduplicate: of the rows of equal keys the first or the last.

The first by processing time goes on at once. The first by event time goes on when the watermark has
passed it (a late row of a key of which nothing was given: at once), so that it is the first for
good. The last is given whenever there is a later one (of equal times the one that came later), and
replaces the row before; of one step's rows only the last is given. With `table.exec.state.ttl` a
key is forgotten so long after it was given. A row whose event time is NULL is dropped and counted
as late.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millpond.engines.streams.operators.chunks import add_chunk, put_together
from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.keyed_chunks import (
    CHECK,
    HASH,
    KeyedChunks,
    keys_of,
    words_of,
)
from millpond.engines.streams.operators.progress import Progress
from millpond.engines.streams.operators.retention import retention_ms
from millpond.engines.streams.operators.rows import conformed
from millpond.engines.streams.operators.times import Millis, times_of
from millpond.engines.streams.plan import KIND, Deduplicate
from millpond.engines.streams.types import schema_of

_GIVEN: Final = "$given"
_LAST: Final = "$last"
_SWEPT = "swept_ms"
_SEEN_BUCKET = 0
_WAITING_MS = 1000
"""How much event time a bucket of waiting rows holds."""

Places = npt.NDArray[np.int64]


class DeduplicateOperator:
    """See `operators.interface.Operator`. The state's bucket 0 holds the keys of which something
    was given: fingerprint, the time of the last row, and when that was given; rows that wait are
    in buckets `2 * second + 1`."""

    def __init__(self, node: Deduplicate, tools: Tools) -> None:
        self._node = node
        self._tools = tools
        self._schema = schema_of(node.columns)
        self._life_ms = retention_ms(tools.settings)
        self._progress = Progress(tools.state, processing=False)
        self._seen = KeyedChunks(tools.state, _SEEN_BUCKET, _newest)
        self._input = schema_of(node.input.columns)

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        given = inputs[0]
        rows = given.rows
        has_moved = self._progress.advance(given, now_ms)
        if self._life_ms:
            self._sweep(now_ms)
        times: Millis | None = None
        if not self._node.processing and rows.num_rows:
            times, there = times_of(rows, self._node.time)
            if there is not None:
                self._tools.counters.late_records_dropped += int((~there).sum())
                rows, times = rows.filter(pa.array(there)), times[there]
        if self._node.keep == "first" and not self._node.processing:
            rows, times = self._waited(rows, times, has_moved)
        if not rows.num_rows:
            return Step(self._schema.empty_table(), given.watermark_ms)
        if self._node.keep == "last":
            rows = self._last(rows, times, now_ms)
        else:
            rows = self._first(rows, times, now_ms)
        return Step(self._answer(rows), given.watermark_ms)

    def due_ms(self) -> int | None:
        return None

    def _waited(
        self, rows: pa.Table, times: Millis | None, has_moved: bool
    ) -> tuple[pa.Table, Millis | None]:
        """The rows that the watermark has passed, with their times; others wait."""
        state = self._tools.state
        reached = self._progress.ms
        parts = []
        if rows.num_rows:
            rows = conformed(rows, self._input)
            assert times is not None
            passed = times <= reached
            seconds = np.floor_divide(times, _WAITING_MS)
            for second in np.unique(seconds[~passed]).tolist():
                mine = rows.filter(pa.array((seconds == second) & ~passed))
                add_chunk(state, 2 * second + 1, mine, put_together)
            rows = rows.filter(pa.array(passed))
            parts.append(rows)
        if has_moved:
            # What came before stands before what came now.
            parts = [*self._passed(reached), *parts]
        if not parts:
            return self._input.empty_table(), None
        rows = pa.concat_tables(parts)
        return rows, times_of(rows, self._node.time)[0]

    def _passed(self, reached_ms: int) -> list[pa.Table]:
        """The rows that waited until now, which are no longer in the state."""
        state = self._tools.state
        passed = []
        for bucket in state.buckets():
            if bucket == _SEEN_BUCKET:
                continue
            begin = (bucket - 1) // 2 * _WAITING_MS
            if begin > reached_ms:
                break
            rows = pa.concat_tables(state.chunks(bucket))
            if begin + _WAITING_MS - 1 <= reached_ms:
                state.drop(bucket)
                passed.append(rows)
                continue
            is_passed = times_of(rows, self._node.time)[0] <= reached_ms
            if is_passed.any():
                passed.append(rows.filter(pa.array(is_passed)))
                rest = rows.filter(pa.array(~is_passed))
                state.replace(bucket, [rest] if rest.num_rows else [])
        return passed

    def _first(self, rows: pa.Table, times: Millis | None, now_ms: int) -> pa.Table:
        """The first row of each key of which nothing was given."""
        keys = keys_of(rows, self._node.keys, self._tools.state)
        order = np.zeros(rows.num_rows, np.int64) if times is None else times
        chosen, keys = _one_of_each(keys, order, last=False)
        held = self._held(keys, now_ms)
        if held is not None:
            unknown = held[0] < 0
            chosen = chosen[unknown]
            keys = Fingerprints(keys.hashes[unknown], keys.checks[unknown])
        self._remember(keys, np.zeros(len(chosen), np.int64), now_ms)
        return rows.take(np.sort(chosen))

    def _last(self, rows: pa.Table, times: Millis | None, now_ms: int) -> pa.Table:
        """The last row of each key, if none after it was given."""
        keys = keys_of(rows, self._node.keys, self._tools.state)
        order = np.zeros(rows.num_rows, np.int64) if times is None else times
        chosen, keys = _one_of_each(keys, order, last=True)
        if times is None:
            return rows.take(np.sort(chosen))
        mine = times[chosen]
        held = self._held(keys, now_ms)
        if held is not None:
            later = (held[0] < 0) | (mine >= held[1])
            chosen, mine = chosen[later], mine[later]
            keys = Fingerprints(keys.hashes[later], keys.checks[later])
        self._remember(keys, mine, now_ms)
        return rows.take(np.sort(chosen))

    def _held(self, keys: Fingerprints, now_ms: int) -> tuple[Places, Millis] | None:
        """For each key (in order) when something was given, -1: never; and the time of that."""
        found = self._seen.matching(keys.hashes)
        if found is not None and self._life_ms:
            found = self._alive(found, now_ms)
        if found is None or not found.num_rows:
            return None
        hashes, checks = words_of(found, HASH), words_of(found, CHECK)
        low = np.searchsorted(keys.hashes, hashes, "left")
        high = np.searchsorted(keys.hashes, hashes, "right")
        given = np.full(len(keys.hashes), -1, np.int64)
        last = np.full(len(keys.hashes), np.iinfo(np.int64).min, np.int64)
        givens, lasts = found.column(_GIVEN).to_numpy(), found.column(_LAST).to_numpy()
        # Keys of one hash are next to one another: first those that are alone.
        for nth in range(int((high - low).max())):
            at = np.minimum(low + nth, len(keys.hashes) - 1)
            same = (low + nth < high) & (keys.checks[at] == checks)
            np.maximum.at(given, at[same], givens[same])
            np.maximum.at(last, at[same], lasts[same])
        return given, last

    def _remember(self, keys: Fingerprints, last: Millis, now_ms: int) -> None:
        if not len(last):
            return
        given = np.full(len(last), now_ms, np.int64)
        columns = [keys.hashes, keys.checks, last, given]
        names = [HASH, CHECK, _LAST, _GIVEN]
        self._seen.add(pa.table([pa.array(each) for each in columns], names=names))

    def _sweep(self, now_ms: int) -> None:
        """Forget keys that no longer live, once in a life."""
        small = self._tools.state.small
        if now_ms - small.setdefault(_SWEPT, now_ms) < self._life_ms:
            return
        small[_SWEPT] = now_ms
        rows = self._seen.rows()
        if rows is not None:
            self._seen.replace(_newest(self._alive(rows, now_ms)))

    def _alive(self, keys: pa.Table, now_ms: int) -> pa.Table:
        return keys.filter(pa.array(keys.column(_GIVEN).to_numpy() + self._life_ms > now_ms))

    def _answer(self, rows: pa.Table) -> pa.Table:
        if KIND in self._schema.names and KIND not in rows.column_names:
            at = self._schema.get_field_index(KIND)
            kinds = pa.repeat(pa.scalar(0), rows.num_rows).cast(self._schema.field(at).type)
            rows = rows.add_column(at, KIND, kinds)
        return conformed(rows, self._schema)


def _one_of_each(keys: Fingerprints, order: Millis, *, last: bool) -> tuple[Places, Fingerprints]:
    """Where the first (or last) row of each key is by `order`, then by place; and the keys, in
    order."""
    places = np.lexsort((order, keys.checks, keys.hashes))
    hashes, checks = keys.hashes[places], keys.checks[places]
    differs = (hashes[1:] != hashes[:-1]) | (checks[1:] != checks[:-1])
    edge = np.ones(1, np.bool_)
    at = np.flatnonzero(np.concatenate([differs, edge] if last else [edge, differs]))
    return places[at], Fingerprints(hashes[at], checks[at])


def _newest(rows: pa.Table) -> pa.Table:
    """Rows of the state in order, of each key that which was given last."""
    if not rows.num_rows:
        return rows
    hashes, checks = words_of(rows, HASH), words_of(rows, CHECK)
    given, last = rows.column(_GIVEN).to_numpy(), rows.column(_LAST).to_numpy()
    places = np.lexsort((last, given, checks, hashes))
    hashes, checks = hashes[places], checks[places]
    differs = (hashes[1:] != hashes[:-1]) | (checks[1:] != checks[:-1])
    at = places[np.flatnonzero(np.concatenate([differs, np.ones(1, np.bool_)]))]
    return rows.take(at).combine_chunks()
