"""Joins of two streams: each row with the rows of the other side that came before it.

An interval join keeps rows for as long as a row that is not late can be their partner. A late row
is not dropped: it goes with what is kept, as in Flink. In an outer join a row that found no partner
goes on with NULLs once the watermark says that none can come; one whose key has NULLs, at once.
Rows that go on may be older than the watermark of the inputs: the one given is held back by as
much as the bounds allow (`_held_back_ms`).

A join without bounds keeps both sides for `table.exec.state.ttl` after they came, or for good.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.interface import (
    AFTER_ALL_MS,
    BEFORE_ALL_MS,
    Step,
    Tools,
)
from millpond.engines.streams.operators.key_types import Keys, common_type
from millpond.engines.streams.operators.keyed_rows import (
    CHECK,
    HASH,
    TIME,
    KeyedRows,
    Places,
    Run,
    as_run,
    key_order,
    seed_of,
)
from millpond.engines.streams.operators.pairs import Pairing, Reach, pairs
from millpond.engines.streams.operators.retention import retention_ms
from millpond.engines.streams.operators.unmatched import ROW, Unmatched
from millpond.engines.streams.operators.vectors import Mask
from millpond.engines.streams.operators.waiting import RESERVED, times_ms
from millpond.engines.streams.plan import Join

_LEFT, _RIGHT = 0, 1
_RUN_ROWS_MAX = 1 << 16
"""Rows are kept whole here, and may be wide."""


class JoinOperator:
    """See `plan.Join`."""

    def __init__(self, node: Join, tools: Tools) -> None:
        self._node = node
        self._state = tools.state
        self._has_bounds = node.lower_ms is not None
        self._lower_ms, self._upper_ms = node.lower_ms or 0, node.upper_ms or 0
        self._retention_ms = 0 if self._has_bounds else retention_ms(tools.settings)
        self._pairing = Pairing(
            node.left.names,
            node.right.columns,
            node.right.names,
            node.columns,
            node.condition,
            tools.compute,
        )
        types = _key_types(node)
        seed = seed_of(tools.state)
        self._left = _Side(
            tools,
            _LEFT,
            Keys(node.left_keys, types, seed),
            node.left_time,
            -self._lower_ms,
            is_outer=node.kind in ("left", "full"),
        )
        self._right = _Side(
            tools,
            _RIGHT,
            Keys(node.right_keys, types, seed),
            node.right_time,
            self._upper_ms,
            is_outer=node.kind in ("right", "full"),
        )
        if self._has_bounds:
            self._expire(self._watermark_ms)

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        """See `operators.interface.Operator`."""
        watermark_ms = max(self._watermark_ms, min(given.watermark_ms for given in inputs))
        if self._retention_ms:
            for side in (self._left, self._right):
                side.past.expire(now_ms - self._retention_ms)
        left, right = (
            self._left.given(inputs[0].rows, now_ms),
            self._right.given(inputs[1].rows, now_ms),
        )
        pieces = [self._pairing.empty]
        pieces += self._pair_left(left, right)
        pieces += self._pair_right(right)
        pieces.append(self._pairing.left_alone(left.without_key))
        pieces.append(self._pairing.right_alone(right.without_key))
        for side, came, alone in (
            (self._left, left, self._pairing.left_alone),
            (self._right, right, self._pairing.right_alone),
        ):
            never = side.keep(came, watermark_ms if self._has_bounds else None)
            pieces += [alone(rows) for rows in never]
        self._state.small["watermark"] = watermark_ms
        if self._has_bounds:
            self._expire(watermark_ms)
        rows = pa.concat_tables([piece for piece in pieces if piece.num_rows] or pieces[:1])
        return Step(rows, self._held_back_ms(watermark_ms))

    def due_ms(self) -> int | None:
        """None: time alone changes nothing."""
        return None

    @property
    def _watermark_ms(self) -> int:
        return int(self._state.small.get("watermark", BEFORE_ALL_MS))

    def _held_back_ms(self, watermark_ms: int) -> int:
        """The watermark that no row which is not late falls behind: of the partners of a row after
        the inputs' watermark, left ones are up to `-lower_ms` before it, right ones up to
        `upper_ms`. It speaks of the times that the kind of join keeps."""
        if watermark_ms >= AFTER_ALL_MS:
            return AFTER_ALL_MS
        spans = [0]
        if self._node.kind != "right":
            spans.append(-self._lower_ms)
        if self._node.kind != "left":
            spans.append(self._upper_ms)
        return max(watermark_ms - max(spans), BEFORE_ALL_MS)

    def _expire(self, watermark_ms: int) -> None:
        for side in (self._left, self._right):
            side.past.expire(watermark_ms - side.reach_ms + 1)

    def _pair_left(self, left: "_Given", right: "_Given") -> Iterator[pa.Table]:
        """Pairs of the left rows that came with right ones, kept and just come."""
        reach = self._reach(left, self._right, -self._upper_ms, -self._lower_ms)
        own = right.run
        for run in [*self._right.past.runs(), own]:
            for one, other in pairs(left.keys, run, reach[run is own]):
                rows, kept = self._pairing.joined(left.rows, one, run.rows, other)
                left.has_partner[one[kept]] = True
                if run is own:
                    right.has_partner[other[kept]] = True
                else:
                    self._right.found_partner(run, other[kept])
                yield rows

    def _pair_right(self, right: "_Given") -> Iterator[pa.Table]:
        """Pairs of the right rows that came with left ones that are kept."""
        reach = self._reach(right, self._left, self._lower_ms, self._upper_ms)[False]
        for run in self._left.past.runs():
            for one, other in pairs(right.keys, run, reach):
                rows, kept = self._pairing.joined(run.rows, other, right.rows, one)
                right.has_partner[one[kept]] = True
                self._left.found_partner(run, other[kept])
                yield rows

    def _reach(
        self, came: "_Given", other: "_Side", earliest_ms: int, latest_ms: int
    ) -> dict[bool, Reach | None]:
        """The times that partners have: of those that are kept (False), which a run may hold
        others than, and of those that came in the same step (True)."""
        if self._has_bounds:
            latest = came.times + latest_ms
            earliest = came.times + earliest_ms
            kept = np.maximum(earliest, other.past.horizon_ms)
            return {False: Reach(kept, latest), True: Reach(earliest, latest)}
        if self._retention_ms:
            always = np.full(len(came.times), 1 << 62)
            return {False: Reach(always * 0 + other.past.horizon_ms, always), True: None}
        return {False: None, True: None}


class _Given(NamedTuple):
    """Rows of a side that came in a step, in the order of keys (those of outer sides numbered), and
    those that have no partner by their key. `times` are those that they are kept by."""

    rows: pa.Table
    keys: Fingerprints
    times: Places
    has_partner: Mask
    without_key: pa.Table

    @property
    def run(self) -> Run:
        return Run(as_run(self.rows, self.keys, self.times), {})


class _Side:
    """One side of a join: what is kept of it. A row at `t` has partners until `t + reach_ms`."""

    def __init__(
        self,
        tools: Tools,
        side: int,
        keys: Keys,
        time: str | None,
        reach_ms: int,
        *,
        is_outer: bool,
    ) -> None:
        self._small = tools.state.small
        self._keys = keys
        self._time = time
        self._numbers = f"rows{side}"
        self.reach_ms = reach_ms
        self.past = KeyedRows(
            tools.state, RESERVED + side, in_order=time is None, rows_max=_RUN_ROWS_MAX
        )
        self._unmatched = Unmatched(tools.state, side) if is_outer else None
        self._found: list[tuple[Places, Places]] = []
        """Numbers and ends of kept rows that found a partner in this step."""

    def given(self, rows: pa.Table, now_ms: int) -> _Given:
        keys, without = self._keys.of(rows)
        alone = rows.slice(0, 0)
        places = np.arange(rows.num_rows)
        if without is not None:
            if self._unmatched is not None:
                alone = rows.filter(pa.array(without))
            places = np.flatnonzero(~without)
        times = times_ms(rows, self._time) if self._time else np.full(rows.num_rows, now_ms)
        chosen = Fingerprints(keys.hashes[places], keys.checks[places])
        order = places[key_order(chosen, times[places])]
        rows = rows.take(order)
        if self._unmatched is not None:
            first = int(self._small.get(self._numbers, 0))
            self._small[self._numbers] = first + len(order)
            rows = rows.append_column(ROW, pa.array(np.arange(first, first + len(order))))
        keys = Fingerprints(keys.hashes[order], keys.checks[order])
        return _Given(rows, keys, times[order], np.zeros(len(order), np.bool_), alone)

    def found_partner(self, run: Run, places: Places) -> None:
        """These rows of the past have found one."""
        if self._unmatched is not None and len(places):
            self._found.append((run.numbers(ROW)[places], run.times[places] + self.reach_ms))

    def keep(self, came: _Given, watermark_ms: int | None) -> list[pa.Table]:
        """Keep what can find partners after this watermark (None: everything). Of an outer side,
        the rows that will find none."""
        rows, keys, times = came.rows, came.keys, came.times
        if watermark_ms is None:
            self.past.add(rows, keys, times)
            return []
        ends = times + self.reach_ms
        stays = ends > watermark_ms
        never = []
        if self._unmatched is not None:
            over = ~stays & ~came.has_partner
            if over.any():
                never.append(rows.filter(pa.array(over)))
        if not stays.all():
            rows, times, ends = rows.filter(pa.array(stays)), times[stays], ends[stays]
            keys = Fingerprints(keys.hashes[stays], keys.checks[stays])
        if self._unmatched is not None:
            if self._found:
                found = (np.concatenate(part) for part in zip(*self._found, strict=True))
                self._unmatched.match(*found)
                self._found.clear()
            entries = self._unmatched.take(watermark_ms)
            if entries is not None:
                never += self._found_again(entries)
            waits = ~came.has_partner[stays]
            if waits.any():
                chunk = as_run(rows, keys, times).filter(pa.array(waits))
                self._unmatched.add(chunk, ends[waits])
        self.past.add(rows, keys, times)
        return never

    def _found_again(self, entries: pa.Table) -> list[pa.Table]:
        """The rows of entries."""
        found = Run(entries.select([HASH, CHECK, TIME, ROW]).combine_chunks(), {})
        order = key_order(Fingerprints(found.hashes, found.checks))
        keys = Fingerprints(found.hashes[order], found.checks[order])
        times, row_numbers = found.times[order], found.numbers(ROW)[order]
        rows = []
        for run in self.past.runs():
            for one, other in pairs(keys, run, Reach(times, times)):
                same = run.numbers(ROW)[other] == row_numbers[one]
                rows.append(run.rows.take(other[same]))
        return rows


def _key_types(node: Join) -> list[object]:
    left = {column.name: column for column in node.left.columns}
    right = {column.name: column for column in node.right.columns}
    return [
        common_type(left[one].type, right[other].type)
        for one, other in zip(node.left_keys, node.right_keys, strict=True)
    ]
