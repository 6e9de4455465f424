"""Rows of the past, found by key and time without looking at all of them.

Each step's rows become a run: a chunk of the state that is sorted by fingerprint of the key, then
by time, and never changes. A run is merged with those before it when they are not much larger, so
there are few, and each row is written again only a few times (a log-structured merge). Runs of rows
that pass with time are merged up to a bound, so that no step takes long and a run goes as a whole
once its last row is out of reach. A lookup is a binary search in each run, over numpy's views of
its columns: nothing is copied.

Fingerprints have 128 bits: rows are sorted and searched by the first 64, the hash, and told apart
by the second, the check, where hashes meet (`fingerprints`).
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millpond.engines.streams.operators.fingerprints import Fingerprints, Words
from millpond.engines.streams.operators.interface import BEFORE_ALL_MS, State
from millpond.engines.streams.operators.vectors import Array

Places = npt.NDArray[np.int64]
"""Positions in a run, or numbers of rows, keys or milliseconds."""

HASH: Final = "$hash"
CHECK: Final = "$check"
TIME: Final = "$time"

RUN_ROWS_MAX: Final = 1 << 18
_RUNS_LARGE: Final = 16
"""Runs that are not merged further are at least this part of all rows."""


def is_seen(kind: pa.DataType) -> bool:
    """Whether numpy sees columns of this type as they lie there."""
    return kind.id in _NUMPY


class Run:
    """Rows that are sorted by hash, check and time. `facts` keep what was found out about them,
    for as long as they are."""

    def __init__(self, rows: pa.Table, facts: dict[Any, Any]) -> None:
        self.rows = rows
        self.facts = facts
        self.hashes: Words = self.numbers(HASH)
        self.checks: Words = self.numbers(CHECK)
        self.times: Places = self.numbers(TIME)

    def __len__(self) -> int:
        return len(self.hashes)

    def numbers(self, name: str) -> npt.NDArray[Any]:
        """A column of numbers or times as it lies there; what NULLs hold is anything."""
        column = self.array(name)
        kind = _NUMPY[column.type.id]
        return np.frombuffer(
            column.buffers()[1], kind, len(column), column.offset * np.dtype(kind).itemsize
        )

    def array(self, name: str) -> Array:
        column = self.rows.column(name)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def valid(self, name: str) -> npt.NDArray[np.bool_] | None:
        """Where a column is not NULL; None: everywhere."""
        key = ("valid", name)
        if key not in self.facts:
            column = self.array(name)
            self.facts[key] = (
                column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
            )
        found: npt.NDArray[np.bool_] | None = self.facts[key]
        return found

    @property
    def first_ms(self) -> int:
        if "first" not in self.facts:
            self.facts["first"] = int(self.times.min())
        return int(self.facts["first"])

    @property
    def last_ms(self) -> int:
        if "last" not in self.facts:
            self.facts["last"] = int(self.times.max())
        return int(self.facts["last"])

    @property
    def is_mixed(self) -> bool:
        """Whether keys of equal hashes are in it."""
        if "mixed" not in self.facts:
            same = self.hashes[1:] == self.hashes[:-1]
            self.facts["mixed"] = bool((same & (self.checks[1:] != self.checks[:-1])).any())
        return bool(self.facts["mixed"])

    def find(self, hashes: Words, checks: Words) -> tuple[Places, Places]:
        """Where each key's rows begin and end; for keys in ascending order it is fastest."""
        low = np.searchsorted(self.hashes, hashes, "left")
        high = low.copy()
        there = np.flatnonzero(low < len(self.hashes))
        there = there[self.hashes[low[there]] == hashes[there]]
        if not len(there):
            return low, high
        high[there] = np.searchsorted(self.hashes, hashes[there], "right")
        if self.is_mixed or not np.array_equal(self.checks[low[there]], checks[there]):
            begins, ends, wanted = low[there], high[there], checks[there]
            low[there] = bisect(self.checks, begins, ends, wanted)
            high[there] = bisect(self.checks, begins, ends, wanted, after=True)
        return low, high


class KeyedRows:
    """The runs of one bucket of a state, oldest first.

    `keep`: only so many rows of a key matter, the last that were added; without, all do until they
    are out of reach. `in_order`: rows are added in the order of time. `rows_max`: of a run, where
    that is not `RUN_ROWS_MAX`.
    """

    def __init__(
        self,
        state: State,
        bucket: int,
        *,
        keep: int | None = None,
        in_order: bool = True,
        rows_max: int | None = None,
    ) -> None:
        self._state = state
        self._bucket = bucket
        self._keep = keep
        self._in_order = in_order
        self._rows_max = rows_max
        self.horizon_ms = BEFORE_ALL_MS
        """Rows before this time do not count, though runs may hold some."""
        self._facts: list[dict[Any, Any]] = [
            {"rows": chunk.num_rows} for chunk in state.chunks(bucket)
        ]

    def runs(self) -> list[Run]:
        """To be let go of at the end of the step."""
        chunks = self._state.chunks(self._bucket)
        return [Run(rows, facts) for rows, facts in zip(chunks, self._facts, strict=True)]

    def add(self, rows: pa.Table, keys: Fingerprints, times: Places) -> None:
        """Remember rows, which are `in_key_order`."""
        if rows.num_rows == 0:
            return
        self._state.add(self._bucket, as_run(rows, keys, times))
        self._facts.append({"rows": rows.num_rows})
        self._settle()

    def expire(self, horizon_ms: int) -> None:
        """Forget rows of times before this one: at once whole runs, others when they are merged."""
        if horizon_ms <= self.horizon_ms:
            return
        self.horizon_ms = horizon_ms
        runs = self.runs()
        staying = [run for run in runs if run.last_ms >= horizon_ms]
        if len(staying) == len(runs):
            return
        self._facts = [run.facts for run in staying]
        self._state.replace(self._bucket, [run.rows for run in staying])

    def latest(self, keys: Fingerprints, count: int) -> tuple[pa.Table | None, Places]:
        """The last `count` rows of each key: rows in the order of the keys given and, of a key,
        oldest first, with the number of their key; None where there are none at all."""
        missing = np.full(len(keys.hashes), count)
        pieces: list[pa.Table] = []
        owners: list[Places] = []
        for run in reversed(self.runs()):
            wanting = np.flatnonzero(missing)
            if not len(wanting):
                break
            low, high = run.find(keys.hashes[wanting], keys.checks[wanting])
            if run.first_ms < self.horizon_ms:
                low = bisect(run.times, low, high, np.full(len(low), self.horizon_ms))
            low = np.maximum(low, high - missing[wanting])
            counts = high - low
            if counts.any():
                pieces.append(run.rows.take(spread(low, counts)))
                owners.append(np.repeat(wanting, counts))
                missing[wanting] -= counts
        if not pieces:
            return None, np.empty(0, np.int64)
        owner = np.concatenate(owners[::-1])
        order = np.argsort(owner, kind="stable")
        return pa.concat_tables(pieces[::-1]).combine_chunks().take(order), owner[order]

    def _settle(self) -> None:
        """Merge the newest runs as far as those before them are not much larger."""
        sizes = [int(facts["rows"]) for facts in self._facts]
        most = sum(sizes)
        if self._keep is None:
            most = max(self._rows_max or RUN_ROWS_MAX, most // _RUNS_LARGE)
        start = len(sizes) - 1
        total = sizes[start]
        while start and sizes[start - 1] < 2 * total and total + sizes[start - 1] <= most:
            start -= 1
            total += sizes[start]
        if start == len(sizes) - 1:
            return
        chunks = self._state.chunks(self._bucket)
        merged = self._merged(chunks[start:])
        self._state.replace(self._bucket, [*chunks[:start], *([merged] if merged else [])])
        self._facts[start:] = [{"rows": merged.num_rows}] if merged else []

    def _merged(self, chunks: Sequence[pa.Table]) -> pa.Table:
        rows = pa.concat_tables(chunks).combine_chunks()
        run = Run(rows, {})
        keys = Fingerprints(run.hashes, run.checks)
        order = key_order(keys, None if self._in_order else run.times)
        if self.horizon_ms > run.first_ms:
            order = order[run.times[order] >= self.horizon_ms]
        if self._keep is not None and len(order):
            starts = key_starts(Fingerprints(keys.hashes[order], keys.checks[order]))
            ends = np.append(starts[1:], len(order))
            after = np.repeat(ends, ends - starts) - np.arange(len(order))
            order = order[after <= self._keep]
        return rows.take(order)


def as_run(rows: pa.Table, keys: Fingerprints, times: Places) -> pa.Table:
    """The chunk that a run is made of."""
    columns = [pa.array(keys.hashes), pa.array(keys.checks), pa.array(times)]
    names = [HASH, CHECK, TIME, *rows.column_names]
    return pa.table([*columns, *rows.columns], names=names).combine_chunks()


def key_order(keys: Fingerprints, times: Places | None = None) -> Places:
    """How rows come to lie by key and, of a key, by time (None: as they lie)."""
    if times is not None:
        return np.lexsort((times, keys.checks, keys.hashes))
    order: Places = np.argsort(keys.hashes, kind="stable")
    hashes, checks = keys.hashes[order], keys.checks[order]
    if bool(((hashes[1:] == hashes[:-1]) & (checks[1:] != checks[:-1])).any()):
        return np.lexsort((keys.checks, keys.hashes))
    return order


def key_starts(keys: Fingerprints) -> Places:
    """Where in rows that lie by key each key begins."""
    differs = np.empty(len(keys.hashes), np.bool_)
    differs[:1] = True
    differs[1:] = keys.hashes[1:] != keys.hashes[:-1]
    differs[1:] |= keys.checks[1:] != keys.checks[:-1]
    return np.flatnonzero(differs)


def spread(low: Places, counts: Places) -> Places:
    """The positions of all ranges, one range after another."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    places: Places = np.arange(total) + np.repeat(low - (ends - counts), counts)
    return places


def bisect(
    values: npt.NDArray[Any],
    low: Places,
    high: Places,
    wanted: npt.NDArray[Any],
    *,
    after: bool = False,
) -> Places:
    """In each of the ranges `low` to `high`, which are sorted, the first place of a value that is
    at least (`after`: beyond) the one wanted."""
    low, high = low.copy(), high.copy()
    last = len(values) - 1
    while True:
        searching = low < high
        if not searching.any():
            return low
        middle = (low + high) >> 1
        found = values[np.minimum(middle, last)]
        below = (found <= wanted) if after else (found < wanted)
        low = np.where(searching & below, middle + 1, low)
        high = np.where(searching & ~below, middle, high)


def seed_of(state: State) -> int:
    """The seed of this state's fingerprints, drawn once."""
    if "seed" not in state.small:
        state.small["seed"] = f"{secrets.randbits(128):032x}"
    return int(state.small["seed"], 16)


_NUMPY: Final[dict[int, Any]] = {
    kind.id: numpy
    for kind, numpy in (
        (pa.uint64(), np.uint64),
        (pa.uint8(), np.uint8),
        (pa.int8(), np.int8),
        (pa.int16(), np.int16),
        (pa.int32(), np.int32),
        (pa.int64(), np.int64),
        (pa.float32(), np.float32),
        (pa.float64(), np.float64),
        (pa.date32(), np.int32),
        (pa.time64("us"), np.int64),
        (pa.timestamp("us"), np.int64),
    )
}
