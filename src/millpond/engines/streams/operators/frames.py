"""Aggregates over ranges of rows: what each row's frame holds, and folding it.

A frame is a range of each run that holds some of it. Short ranges are gathered and folded as they
are: floats are summed anew for each row, so nothing drifts. Of long ranges the middle is folded
from blocks of 64 rows that were folded before, blocks of blocks, and so on; these belong to the run
and are made once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.keyed_rows import Places, Run, is_seen, spread
from millpond.engines.streams.operators.vectors import Array, Mask, Numbers, objects, widened

_BLOCK: Final = 64
_LONG: Final = 8 * _BLOCK

_DTYPES: Final[dict[str, Any]] = {"i": np.int64, "f": np.float64, "O": object}

CURRENT: Final = "current"
"""Of a run that holds rows which frames are asked for: the number of each row, or -1."""


def _lesser(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return left if right is None else right
    return min(left, right)


def _greater(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return left if right is None else right
    return max(left, right)


LESSER: Final = np.frompyfunc(_lesser, 2, 1)
GREATER: Final = np.frompyfunc(_greater, 2, 1)
"""Of two Python objects, of which None is none."""


@dataclass(frozen=True)
class Fold:
    """How two values become one, by the kind of number ("O": Python's objects): the function, and
    what changes nothing."""

    functions: dict[str, Any]
    empty: dict[str, Any]


SUM: Final = Fold(dict.fromkeys("ifO", np.add), {"i": 0, "f": 0.0, "O": 0})
LEAST: Final = Fold(
    {"i": np.minimum, "f": np.fmin, "O": LESSER},
    {"i": np.iinfo(np.int64).max, "f": np.nan, "O": None},
)
GREATEST: Final = Fold(
    {"i": np.maximum, "f": np.maximum, "O": GREATER},
    {"i": np.iinfo(np.int64).min, "f": -np.inf, "O": None},
)
"""NaN is greater than all numbers."""


class Part(NamedTuple):
    """Ranges of a run, none of them empty, and the rows that they are for."""

    run: Run
    rows: Places
    low: Places
    high: Places


def part_of(run: Run, low: Places, high: Places) -> Part:
    """The ranges that are not empty, of one for each row."""
    rows = np.flatnonzero(high > low)
    return Part(run, rows, low[rows], high[rows])


class Frames:
    """The frames of `count` rows: parts, oldest first. `ahead` tells how many rows of its frame
    come after the row itself."""

    def __init__(self, count: int, parts: Sequence[Part], ahead: Places) -> None:
        self.count = count
        self.ahead = ahead
        self._parts = [part for part in parts if len(part.rows)]

    def sizes(self) -> Places:
        """How many rows each frame has."""
        sizes = np.zeros(self.count, np.int64)
        for part in self._parts:
            sizes[part.rows] += part.high - part.low
        return sizes

    def counts(self, name: str) -> Places:
        """How many values in each frame are not NULL."""
        counts = np.zeros(self.count, np.int64)
        for run, rows, low, high in self._parts:
            valid = run.valid(name)
            if valid is None:
                counts[rows] += high - low
                continue
            key = ("valid before", name)
            if key not in run.facts:
                run.facts[key] = np.concatenate(([0], np.cumsum(valid, dtype=np.int64)))
            before = run.facts[key]
            counts[rows] += before[high] - before[low]
        return counts

    def fold(self, name: str, fold: Fold, *, wide: bool = False) -> Numbers:
        """A column folded in each frame, NULLs left out; `wide`: its numbers as Python's ints."""
        folded: Numbers | None = None
        for run, rows, low, high in self._parts:
            level = _Level(run, name, fold, wide)
            values = level.folded(low, high)
            if folded is None:
                folded = np.full(self.count, level.empty, values.dtype)
            folded[rows] = level.function(folded[rows], values)
        return np.zeros(self.count, np.int64) if folded is None else folded

    def first(self, name: str) -> Array:
        """The first value of each frame that is not NULL."""
        return self._picked(name, self._parts, last=False)

    def last(self, name: str) -> Array:
        """The last value of each frame that is not NULL."""
        return self._picked(name, self._parts[::-1], last=True)

    def _picked(self, name: str, parts: Sequence[Part], *, last: bool) -> Array:
        pieces: list[Array] = []
        source = np.full(self.count, -1)
        taken = 0
        for part in parts:
            place = _valid_place(part, name, last=last)
            found = (place >= 0) & (source[part.rows] < 0)
            index = place[found]
            pieces.append(part.run.array(name).take(index))
            source[part.rows[found]] = taken + np.arange(len(index))
            taken += len(index)
        return pa.concat_arrays(pieces).take(pa.array(source, mask=source < 0))

    def narrowed(self, owners: Places, names: Sequence[str]) -> pa.Table:
        """All rows of the frames once, by the key of the row that they are for: `key`, `place`
        (their order), `row` (the number of a row that a frame is for; -1) and the columns."""
        pieces = []
        for run, rows, low, high in self._parts:
            owner = owners[rows]
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            begin = np.minimum.reduceat(low, starts)
            counts = np.maximum.reduceat(high, starts) - begin
            index = spread(begin, counts)
            current = run.facts.get(CURRENT)
            row = np.full(len(index), -1) if current is None else current[index]
            columns = run.rows.select(list(dict.fromkeys(names))).take(index)
            columns = columns.append_column("row", pa.array(row))
            key = pa.array(np.repeat(owner[starts], counts))
            pieces.append(columns.append_column("key", key))
        rows_all = pa.concat_tables(pieces)
        return rows_all.append_column("place", pa.array(np.arange(rows_all.num_rows)))


class _Level:
    """A column of a run (depth 0), or its blocks of 64 rows, of 64 such blocks …, folded."""

    def __init__(self, run: Run, name: str, fold: Fold, wide: bool, depth: int = 0) -> None:
        self._run = run
        self._name = name
        self._fold = fold
        self._wide = wide
        self._depth = depth
        kind = run.rows.schema.field(name).type
        self._kind = (
            "O" if wide or not is_seen(kind) else "f" if pa.types.is_floating(kind) else "i"
        )
        self.function = fold.functions[self._kind]
        self.empty = fold.empty[self._kind]

    def folded(self, low: Places, high: Places) -> Numbers:
        """Each of these ranges folded; none is empty."""
        counts = high - low
        long = counts > _LONG
        if not long.any():
            return self._gathered(low, counts)
        values = np.empty(len(low), _DTYPES[self._kind])
        values[~long] = self._gathered(low[~long], counts[~long])
        low, high = low[long], high[long]
        begin, end = -(-low // _BLOCK), high // _BLOCK
        above = _Level(self._run, self._name, self._fold, self._wide, self._depth + 1)
        middle = above.folded(begin, end)
        for edge, size in ((low, begin * _BLOCK - low), (end * _BLOCK, high - end * _BLOCK)):
            some = np.flatnonzero(size)
            middle[some] = self.function(middle[some], self._gathered(edge[some], size[some]))
        values[long] = middle
        return values

    def _gathered(self, low: Places, counts: Places) -> Numbers:
        if not len(low):
            return np.empty(0, _DTYPES[self._kind])
        starts = np.cumsum(counts) - counts
        values = self._values(spread(low, counts))
        folded: Numbers = self.function.reduceat(values, starts)
        return folded

    def _values(self, index: Places | slice) -> Numbers:
        if self._depth:
            values: Numbers = self._blocks()[index]
            return values
        run, name = self._run, self._name
        if not is_seen(run.rows.schema.field(name).type):
            column = run.array(name)
            values = objects(column.take(index) if isinstance(index, np.ndarray) else column)
        else:
            values = widened(run.numbers(name)[index])
            values = values.astype(object) if self._wide else values
        valid = run.valid(name)
        return values if valid is None else np.where(valid[index], values, self.empty)

    def _blocks(self) -> Numbers:
        key = (self._name, id(self._fold), self._wide, self._depth)
        if key not in self._run.facts:
            below = _Level(self._run, self._name, self._fold, self._wide, self._depth - 1)
            values = below._values(slice(None))
            self._run.facts[key] = self.function.reduceat(values, np.arange(0, len(values), _BLOCK))
        blocks: Numbers = self._run.facts[key]
        return blocks


def _valid_place(part: Part, name: str, *, last: bool) -> Places:
    """The first (last) place of each range with a value; -1 where there is none."""
    run, _, low, high = part
    valid = run.valid(name)
    if valid is None:
        return high - 1 if last else low
    key = ("nearest", name, last)
    if key not in run.facts:
        run.facts[key] = nearest(valid, before=last)
    if last:
        place = run.facts[key][high - 1]
        return np.where(place >= low, place, -1)
    place = run.facts[key][low]
    return np.where(place < high, place, -1)


def nearest(valid: Mask, *, before: bool) -> Places:
    """For each place the nearest valid one at or before (after) it; one outside if there is none:
    -1 (the length)."""
    count = len(valid)
    if before:
        return np.maximum.accumulate(np.where(valid, np.arange(count), -1))
    after = np.where(valid, np.arange(count), count)[::-1]
    return np.minimum.accumulate(after)[::-1]
