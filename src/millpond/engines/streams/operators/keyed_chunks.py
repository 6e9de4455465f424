"""Chunks of a state that are searched by key: each is sorted by the hash of its rows' keys, so that
a step looks at the rows of its own keys alone."""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millpond.engines.streams.operators.chunks import add_chunk
from millpond.engines.streams.operators.fingerprints import Fingerprints, Words, fingerprints
from millpond.engines.streams.operators.interface import State

HASH: Final = "$h"
CHECK: Final = "$c"

_SEED = "seed"


class KeyedChunks:
    """The rows of one bucket, which have a column `$h` and are added in its order; `merge` makes
    one such chunk of several, one after another."""

    def __init__(self, state: State, bucket: int, merge: Callable[[pa.Table], pa.Table]) -> None:
        self._state = state
        self._bucket = bucket
        self._merge = merge

    def add(self, rows: pa.Table) -> None:
        add_chunk(self._state, self._bucket, rows, self._merge)

    def rows(self) -> pa.Table | None:
        """All rows; None: there are none."""
        chunks = self._state.chunks(self._bucket)
        return pa.concat_tables(chunks) if chunks else None

    def replace(self, rows: pa.Table) -> None:
        """These instead of all rows."""
        self._state.replace(self._bucket, [rows] if rows.num_rows else [])

    def matching(self, hashes: Words) -> pa.Table | None:
        """The rows of these hashes, which ascend; None: there are none."""
        found = [
            part
            for chunk in self._state.chunks(self._bucket)
            if (part := _matching(chunk, hashes)) is not None
        ]
        return pa.concat_tables(found) if found else None


def keys_of(rows: pa.Table, names: Sequence[str], state: State) -> Fingerprints:
    """The fingerprints of rows' keys, with a seed that the state keeps."""
    seed = state.small.get(_SEED)
    if seed is None:
        seed = state.small[_SEED] = secrets.randbits(128)
    columns = [rows.column(name).combine_chunks() for name in names]
    return fingerprints(columns, rows.num_rows, seed)


def sorted_by_hash(rows: pa.Table, hashes: Words) -> pa.Table:
    """Rows in the order of their hashes, with these in `$h`."""
    order = np.argsort(hashes, kind="stable")
    at = rows.schema.get_field_index(HASH)
    column = pa.array(hashes)
    rows = rows.append_column(HASH, column) if at < 0 else rows.set_column(at, HASH, column)
    return rows.take(order).combine_chunks()


def words_of(rows: pa.Table, name: str) -> Words:
    """A column of hashes as numpy has them."""
    found: npt.NDArray[np.uint64] = rows.column(name).to_numpy()
    return found


def _matching(chunk: pa.Table, hashes: Words) -> pa.Table | None:
    held = words_of(chunk, HASH)
    low = np.searchsorted(held, hashes)
    hit = np.flatnonzero(held[np.minimum(low, len(held) - 1)] == hashes)
    if not len(hit):
        return None
    low = low[hit]
    counts = np.searchsorted(held, hashes[hit], "right") - low
    if int(counts.max()) == 1:
        return chunk.take(low)
    places = np.repeat(low - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    return chunk.take(places)
