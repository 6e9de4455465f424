"""OVER's functions over all rows of a key so far, and its numberings: a row of accumulators for
each key, of which the newest counts, not the past.

DISTINCT keeps each value of a key that came: an aggregate then sees a value only where it is new.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators import vectors
from millpond.engines.streams.operators.bounded import DEVIATIONS, of_doubles, restored
from millpond.engines.streams.operators.fingerprints import Fingerprints, fingerprints
from millpond.engines.streams.operators.frames import GREATER, LESSER, nearest
from millpond.engines.streams.operators.interface import Tools
from millpond.engines.streams.operators.keyed_rows import (
    KeyedRows,
    Places,
    key_order,
    key_starts,
)
from millpond.engines.streams.operators.over_inputs import Batch, Inputs
from millpond.engines.streams.operators.running import running
from millpond.engines.streams.operators.vectors import Array, Mask, Numbers, column_of
from millpond.engines.streams.plan import Aggregate
from millpond.engines.streams.types import Column, DataType

NUMBERINGS = ("ROW_NUMBER", "RANK", "DENSE_RANK")


class Totals:
    """Functions over all rows of a key up to the current one; with `has_peers`, rows of its key and
    time belong to it too. `buckets` gives buckets of the state, one for each that is asked."""

    def __init__(
        self,
        functions: Sequence[Aggregate],
        columns: Sequence[Column],
        tools: Tools,
        buckets: Sequence[int],
        *,
        has_peers: bool,
        by_event_time: bool,
    ) -> None:
        self._functions = functions
        self._inputs = Inputs(functions, columns)
        self._has_peers = has_peers
        self._by_event_time = by_event_time
        self._past = KeyedRows(tools.state, buckets[0], keep=1)
        distinct = [
            each.name
            for each in functions
            if each.distinct and each.function not in ("MIN", "MAX", "FIRST_VALUE", "LAST_VALUE")
        ]
        self._seen = {
            name: KeyedRows(tools.state, bucket, keep=1)
            for name, bucket in zip(distinct, buckets[1:], strict=False)
        }

    def columns(self, batch: Batch) -> dict[str, Array]:
        """The functions' values by name; the accumulators take the batch in."""
        found, owners = self._past.latest(batch.first_keys, 1)
        earlier = _Earlier(found, owners, len(batch.starts))
        inputs = self._inputs.of(batch.rows)
        ends = batch.ends - 1
        peers = batch.last_peers() if self._by_event_time else np.arange(len(batch.owners))
        columns: dict[str, Array] = {}
        kept: dict[str, Array] = {}
        for number, function in enumerate(self._functions):
            call = _Call(batch, earlier, peers, function, f"f{number}")
            if function.function in NUMBERINGS:
                columns[function.name] = call.numbering(kept)
                continue
            name = self._inputs.name(function)
            column = None if name is None else vectors.array_of(inputs.column(name))
            if column is not None and function.name in self._seen:
                column = self._new_only(self._seen[function.name], batch, column)
            values = call.values(column, self._inputs.type(function), ends, kept)
            columns[function.name] = values.take(peers) if self._has_peers else values
        rows = pa.table(kept)
        self._past.add(rows, batch.first_keys, np.full(len(ends), batch.now_ms))
        return columns

    def expire(self, horizon_ms: int) -> None:
        """Forget keys that had no row since this time."""
        self._past.expire(horizon_ms)
        for seen in self._seen.values():
            seen.expire(horizon_ms)

    def _new_only(self, seen: KeyedRows, batch: Batch, column: Array) -> Array:
        """The column, NULL where its key had the value before."""
        values = fingerprints([column], len(column), 0)
        mixed = Fingerprints(
            batch.keys.hashes * np.uint64(3) + values.hashes,
            batch.keys.checks * np.uint64(3) + values.checks,
        )
        valid = vectors.mask_of(column)
        rows = np.arange(len(column)) if valid is None else np.flatnonzero(valid)
        order = rows[key_order(Fingerprints(mixed.hashes[rows], mixed.checks[rows]))]
        keys = Fingerprints(mixed.hashes[order], mixed.checks[order])
        starts = key_starts(keys)
        keys = Fingerprints(keys.hashes[starts], keys.checks[starts])
        _, known = seen.latest(keys, 1)
        is_new = np.ones(len(starts), np.bool_)
        is_new[known] = False
        seen.add(
            pa.table({"n": pa.array(np.ones(len(starts), np.int8))}),
            keys,
            np.full(len(starts), batch.now_ms),
        )
        kept = np.full(len(column), -1)
        kept[order[starts[is_new]]] = order[starts[is_new]]
        return column.take(pa.array(kept, mask=kept < 0))


class _Earlier:
    """The accumulators of each key before a batch; where there are none, what `empty` says."""

    def __init__(self, rows: pa.Table | None, owners: Places, count: int) -> None:
        self._rows = rows
        self._source = np.full(count, -1)
        self._source[owners] = np.arange(len(owners))

    def array(self, name: str, kind: pa.DataType) -> Array:
        source = pa.array(self._source, mask=self._source < 0)
        if self._rows is None:
            return pa.array([None] * len(self._source), kind)
        return vectors.array_of(self._rows.column(name)).take(source)

    def numbers(self, name: str, kind: pa.DataType, empty: Any) -> Numbers:
        column = self.array(name, kind)
        if pa.types.is_decimal(kind):
            values = vectors.objects(column)
            values[self._source < 0] = empty
            return values
        values = vectors.numbers(column).copy()
        values[self._source < 0] = empty
        return values


@dataclass(frozen=True, slots=True)
class _Call:
    """One function over one batch. What it remembers goes into `kept`, by columns that begin with
    `prefix`: a row for each key."""

    batch: Batch
    earlier: _Earlier
    peers: Places
    function: Aggregate
    prefix: str

    def numbering(self, kept: dict[str, Array]) -> Array:
        batch = self.batch
        place = np.arange(len(batch.owners))
        numbers = place - batch.starts[batch.owners] + 1
        first_peer = np.flatnonzero(np.diff(self.peers, prepend=-1))
        peer = np.searchsorted(first_peer, place, "right") - 1
        if self.function.function == "RANK":
            values = numbers[first_peer[peer]]
        elif self.function.function == "DENSE_RANK":
            values = peer - peer[batch.starts][batch.owners] + 1
        else:
            values = numbers
        last = numbers if self.function.function != "DENSE_RANK" else values
        before = self.earlier.numbers(self.prefix, pa.int64(), 0)
        kept[self.prefix] = pa.array(before + last[batch.ends - 1])
        return column_of(before[batch.owners] + values, None, self.function.type)

    def values(
        self, column: Array | None, kind: DataType, ends: Places, kept: dict[str, Array]
    ) -> Array:
        """The function after each row."""
        name = self.function.function
        if column is not None and name in ("FIRST_VALUE", "LAST_VALUE"):
            return self._edge(column, ends, kept)
        valid = None if column is None else vectors.mask_of(column)
        counts = self._counts(valid, ends, kept)
        if column is None or name == "COUNT":
            return column_of(counts, None, self.function.type)
        some = counts > 0
        if name in DEVIATIONS:
            return self._deviation(column, kind, valid, counts, ends, kept)
        if name in ("MIN", "MAX"):
            return self._extreme(column, kind, some, ends, kept)
        sums = self._sums(column, kind, ends, kept)
        if name == "AVG":
            sums = vectors.averages(sums, np.maximum(counts, 1), kind, self.function.type)
        return column_of(sums, some, self.function.type)

    def _counts(self, valid: Mask | None, ends: Places, kept: dict[str, Array]) -> Places:
        batch = self.batch
        ones = np.ones(len(batch.owners), np.int64) if valid is None else valid.astype(np.int64)
        before = self.earlier.numbers(f"{self.prefix}n", pa.int64(), 0)
        counts: Places = running(np.add, ones, batch.starts, before)
        kept[f"{self.prefix}n"] = pa.array(counts[ends])
        return counts

    def _sums(self, column: Array, kind: DataType, ends: Places, kept: dict[str, Array]) -> Numbers:
        name = f"{self.prefix}s"
        if kind.name == "DECIMAL":
            total = DataType("DECIMAL", (38, kind.parameters[1]))
            values = (
                vectors.objects(column)
                if pa.types.is_decimal(column.type)
                else vectors.numbers(column).astype(object)
            )
            valid = vectors.mask_of(column)
            if valid is not None:
                values[~valid] = 0
            before = self.earlier.numbers(name, total.arrow(), 0)
            sums = running(np.add, values, self.batch.starts, before)
            kept[name] = column_of(sums[ends], None, total)
            return sums
        values = vectors.widened(vectors.numbers(column))
        before = self.earlier.numbers(name, pa.from_numpy_dtype(values.dtype), 0)
        sums = running(np.add, values, self.batch.starts, before)
        kept[name] = pa.array(sums[ends])
        return sums

    def _extreme(
        self, column: Array, kind: DataType, some: Mask, ends: Places, kept: dict[str, Array]
    ) -> Array:
        """MIN or MAX: of each value and the one before it, by running over what there is."""
        is_least = self.function.function == "MIN"
        earlier = self.earlier.array(f"{self.prefix}v", column.type)
        if vectors.is_number(kind):
            values, before = (_filled(each, is_least=is_least) for each in (column, earlier))
            fold = np.fmin if is_least else np.maximum
            best = running(fold, values, self.batch.starts, before)
        else:
            fold = LESSER if is_least else GREATER
            best = running(
                fold, vectors.objects(column), self.batch.starts, vectors.objects(earlier)
            )
        result = column_of(best, some, self.function.type)
        kept[f"{self.prefix}v"] = vectors.stored(result.take(ends), self.function.type)
        return result

    def _edge(self, column: Array, ends: Places, kept: dict[str, Array]) -> Array:
        """FIRST_VALUE or LAST_VALUE, NULLs left out."""
        batch = self.batch
        count = len(batch.owners)
        valid = vectors.mask_of(column)
        valid = np.ones(count, np.bool_) if valid is None else valid
        earlier = self.earlier.array(f"{self.prefix}v", column.type)
        known = earlier.is_valid().to_numpy(zero_copy_only=False)[batch.owners]
        place = np.arange(count)
        if self.function.function == "FIRST_VALUE":
            first = nearest(valid, before=False)[batch.starts][batch.owners]
            source = np.where(known, count + batch.owners, np.where(first <= place, first, -1))
        else:
            last = nearest(valid, before=True)
            there = last >= batch.starts[batch.owners]
            source = np.where(there, last, np.where(known, count + batch.owners, -1))
        both = pa.concat_arrays([column, earlier])
        values = both.take(pa.array(source, mask=source < 0))
        kept[f"{self.prefix}v"] = values.take(ends)
        return restored(values, self.function.type)

    def _deviation(
        self,
        column: Array,
        kind: DataType,
        valid: Mask | None,
        counts: Places,
        ends: Places,
        kept: dict[str, Array],
    ) -> Array:
        """Count, mean and squared differences before the batch, put together with those in it
        (taken from that mean, or from a key's first value), which does not cancel."""
        batch, prefix = self.batch, self.prefix
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
            values = vectors.numbers(column)
        else:
            values = vectors.numbers(column) / 10 ** vectors.scale_of(kind)
        before_count = self.earlier.numbers(f"{prefix}n", pa.int64(), 0)
        before_mean = self.earlier.numbers(f"{prefix}m", pa.float64(), 0.0)
        before_squares = self.earlier.numbers(f"{prefix}q", pa.float64(), 0.0)
        first = batch.starts
        if valid is not None:
            first = np.minimum(nearest(valid, before=False)[first], len(values) - 1)
        base = np.where(before_count > 0, before_mean, values[first])
        distance = values - base[batch.owners]
        if valid is not None:
            distance = np.where(valid, distance, 0.0)
        nothing = np.zeros(len(batch.starts))
        total = running(np.add, distance, batch.starts, nothing)
        squares = running(np.add, distance * distance, batch.starts, nothing)
        n = before_count[batch.owners]
        k = counts - n
        inside = squares - total * total / np.maximum(k, 1)
        shift = total / np.maximum(k, 1)
        all_squares = before_squares[batch.owners] + inside
        all_squares += shift * shift * (n * k / np.maximum(counts, 1))
        mean = base[batch.owners] + total / np.maximum(counts, 1)
        kept[f"{prefix}m"] = pa.array(mean[ends])
        kept[f"{prefix}q"] = pa.array(all_squares[ends])
        how = DEVIATIONS[self.function.function]
        divisor = counts - (1 if how.endswith("samp") else 0)
        found = np.maximum(all_squares, 0.0) / np.maximum(divisor, 1)
        if how.startswith("stddev"):
            found = np.sqrt(found)
        return of_doubles(pa.array(found, mask=divisor < 1), self.function.type)


def _filled(column: Array, *, is_least: bool) -> Numbers:
    """The numbers of a column; where it is NULL, one that no MIN (MAX) takes."""
    values = vectors.widened(vectors.numbers(column))
    valid = vectors.mask_of(column)
    if valid is None:
        return values
    if values.dtype.kind == "f":
        return np.where(valid, values, np.nan if is_least else -np.inf)
    limits = np.iinfo(np.int64)
    return np.where(valid, values, limits.max if is_least else limits.min)
