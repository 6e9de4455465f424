"""What operators remember, within a bound of memory.

A `Chunk` lies in memory, on disk (its `Place` in a pack), or both. It is written when memory is
short or when a checkpoint first holds it, and that writing serves both for good; only out of a pack
that has become mostly empty is it taken again. Reading a chunk that lies on disk maps it.

Operators change their states during steps, in one thread. Between two steps `snapshot` notes what
all of them hold, which is quick, as chunks never change; writing that goes on beside later steps.
"""

import copy
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from millpond.engines.streams.operators.interface import AFTER_ALL_MS
from millpond.engines.streams.runtime.packs import Pack, Packs, Place, compacted

_KEPT_SHARE = 0.75
"""Of the bound, after chunks were put on disk."""
_CHUNK_BYTES = 2048
"""What a chunk takes besides its rows, about."""
_EMPTY_SHARE = 0.25
"""A pack of which less than this is in use is written anew."""


class StateLost(Exception):
    """The disk failed after it had taken state; only the last checkpoint is sure."""


class Chunk:
    """Rows that never change."""

    __slots__ = ("given", "place", "rows", "size_bytes")

    def __init__(self, rows: pa.Table | None, size_bytes: int, place: Place | None = None) -> None:
        self.rows = rows
        self.size_bytes = size_bytes
        self.place = place
        self.given: weakref.ref[pa.Table] | None = None


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """What one operator remembered at a moment."""

    small: dict[str, Any]
    buckets: Mapping[int, tuple[Chunk, ...]]


class StoredState:
    """See `operators.interface.State`."""

    def __init__(self, store: "Store") -> None:
        self.small: dict[str, Any] = {}
        self._store = store
        self._buckets: dict[int, list[Chunk]] = {}

    def buckets(self) -> list[int]:
        return sorted(self._buckets)

    def chunks(self, bucket: int) -> list[pa.Table]:
        return [self._store.read(chunk) for chunk in self._buckets.get(bucket, ())]

    def add(self, bucket: int, rows: pa.Table) -> None:
        self._buckets.setdefault(bucket, []).append(self._store.keep(rows))

    def replace(self, bucket: int, chunks: Sequence[pa.Table]) -> None:
        before: dict[int, Chunk] = {}
        gone: dict[Chunk, None] = {}
        for chunk in self._buckets.get(bucket, ()):
            rows = chunk.rows if chunk.rows is not None else chunk.given and chunk.given()
            gone[chunk] = None
            before[id(rows if rows is not None else chunk)] = chunk
        after = []
        for rows in chunks:
            stays = before.pop(id(rows), None)
            if stays is not None:
                del gone[stays]
            after.append(stays or self._store.keep(rows))
        self._store.forget(gone)
        if after:
            self._buckets[bucket] = after
        else:
            self._buckets.pop(bucket, None)

    def drop(self, bucket: int) -> None:
        self._store.forget(self._buckets.pop(bucket, ()))

    def held(self) -> Iterable[Chunk]:
        """Every chunk, oldest buckets first."""
        for bucket in self.buckets():
            yield from self._buckets[bucket]

    def snapshot(self) -> StateSnapshot:
        return StateSnapshot(
            copy.deepcopy(self.small),
            {bucket: tuple(self._buckets[bucket]) for bucket in self.buckets()},
        )

    def restore(self, small: dict[str, Any], buckets: Mapping[int, Sequence[Chunk]]) -> None:
        """Begin with what a checkpoint holds."""
        self.small = small
        self._buckets = {bucket: list(chunks) for bucket, chunks in buckets.items()}


def without_end(state: StateSnapshot) -> StateSnapshot:
    """What an operator remembered, but not that the watermark has come to the end."""
    kept = {
        name: value
        for name, value in state.small.items()
        if not (isinstance(value, int) and AFTER_ALL_MS // 2 < value <= AFTER_ALL_MS)
    }
    return StateSnapshot(kept, state.buckets)


class Store:
    """The states of a run. Chunks in memory take up to `memory_bytes`, or a step's worth more:
    `settle` puts those read longest ago on disk."""

    def __init__(self, packs: Packs, memory_bytes: int) -> None:
        self._packs = packs
        self._memory_bytes = memory_bytes
        self._states: dict[str, StoredState] = {}
        self._in_memory: OrderedDict[Chunk, None] = OrderedDict()
        self._memory_used = 0
        self._placing = threading.Lock()
        self.size_bytes = 0
        """Of all chunks, wherever they lie."""
        self.spilled_bytes = 0
        """What was written because memory was short, since the run began."""

    def state(self, node_id: str) -> StoredState:
        """The state of a node."""
        return self._states.setdefault(node_id, StoredState(self))

    @property
    def memory_used_bytes(self) -> int:
        return self._memory_used

    def keep(self, rows: pa.Table) -> Chunk:
        rows = compacted(rows)
        chunk = Chunk(rows, rows.nbytes + _CHUNK_BYTES)
        self._in_memory[chunk] = None
        self._memory_used += chunk.size_bytes
        self.size_bytes += chunk.size_bytes
        return chunk

    def take(self, place: Place, size_bytes: int) -> Chunk:
        """A chunk that lies on disk, for a state that is restored."""
        self.size_bytes += size_bytes
        return Chunk(None, size_bytes, place)

    def forget(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            self.size_bytes -= chunk.size_bytes
            if self._in_memory.pop(chunk, self) is not self:
                self._memory_used -= chunk.size_bytes

    def read(self, chunk: Chunk) -> pa.Table:
        rows = chunk.rows
        if rows is not None:
            if chunk in self._in_memory:
                self._in_memory.move_to_end(chunk)
            return rows
        if chunk.given is not None and (rows := chunk.given()) is not None:
            return rows
        assert chunk.place is not None
        rows = self._packs.read(chunk.place)
        chunk.given = weakref.ref(rows)
        return rows

    def settle(self) -> None:
        """Put chunks on disk until memory is within its bound; between two steps.

        Raises:
            OSError: the disk takes no more.
        """
        if self._memory_used <= self._memory_bytes:
            return
        aim = int(self._memory_bytes * _KEPT_SHARE)
        leaving = []
        used = self._memory_used
        for chunk in self._in_memory:
            if used <= aim:
                break
            leaving.append(chunk)
            used -= chunk.size_bytes
        self.spilled_bytes += self.place(leaving)
        for chunk in leaving:
            del self._in_memory[chunk]
            if chunk.rows is not None:
                chunk.given = weakref.ref(chunk.rows)
            chunk.rows = None
        self._memory_used = used
        self._packs.collect()

    def snapshot(self) -> dict[str, StateSnapshot]:
        """What all states hold, by node; between two steps. Chunks in packs that have become mostly
        empty are taken into memory, to be written elsewhere."""
        self._empty_packs()
        return {name: state.snapshot() for name, state in self._states.items()}

    def place(self, chunks: Iterable[Chunk]) -> int:
        """Write the chunks that no disk has; how many bytes. From any thread.

        Raises:
            OSError: the disk takes no more.
        """
        with self._placing:
            missing = [chunk for chunk in chunks if chunk.place is None]
            tables = [chunk.rows for chunk in missing if chunk.rows is not None]
            assert len(tables) == len(missing)
            for chunk, place in zip(missing, self._packs.write(tables), strict=True):
                chunk.place = place
            return sum(chunk.place.size_bytes for chunk in missing if chunk.place is not None)

    def unplace(self, packs: Iterable[Pack]) -> None:
        """These could not be synced: their chunks are written elsewhere next time.

        Raises:
            StateLost: some are nowhere else.
        """
        failed = {pack.name for pack in packs}
        with self._placing:
            for state in self._states.values():
                for chunk in list(state.held()):
                    if chunk.place is None or chunk.place.pack.name not in failed:
                        continue
                    if chunk.rows is None:
                        raise StateLost(f"{chunk.place.pack.name} could not be synced")
                    chunk.place = None

    def _empty_packs(self) -> None:
        used: dict[Pack, int] = {}
        held = [chunk for state in self._states.values() for chunk in state.held()]
        for chunk in held:
            if chunk.place is not None:
                used[chunk.place.pack] = used.get(chunk.place.pack, 0) + chunk.place.size_bytes
        empty = {pack for pack, size in used.items() if size < _EMPTY_SHARE * pack.size_bytes}
        for chunk in held:
            if chunk.place is not None and chunk.place.pack in empty:
                if chunk.rows is None:
                    chunk.rows = compacted(self._packs.read(chunk.place))
                    self._in_memory[chunk] = None
                    self._memory_used += chunk.size_bytes
                chunk.place = None
