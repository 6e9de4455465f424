"""Splits and merges: which come next, and what they make of a stream. Pure.

Whatever is asked for — one split, one merge, a number of shards, an on-demand stream's growth — is
told as the bounds that the open shards shall have in the end (`Reshaping`). From there each round
follows from the shards as they are: first shards are split where a bound lies inside them, at the
middle one of several; then neighbours that no bound parts are merged, two and two. So a round that
was cut off needs no memory of its own.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from millpond.services.kinesis.model.hash_space import before, to_number
from millpond.services.kinesis.model.stream import Reshaping, Shard, Stream


class Split(NamedTuple):
    """Part a shard in two, the second of which begins with hash key `at`."""

    shard: int
    at: bytes

    @property
    def parents(self) -> tuple[int, ...]:
        return (self.shard,)


class Merge(NamedTuple):
    """Make one shard of two neighbours."""

    shard: int
    adjacent: int

    @property
    def parents(self) -> tuple[int, ...]:
        return (self.shard, self.adjacent)


Change = Split | Merge


def next_round(shards: Sequence[Shard], reshaping: Reshaping) -> list[Change]:
    """What is to be done next with the open shards (by hash key), each in one change at most;
    nothing once their bounds are those that were asked for."""
    return [*_splits(shards, reshaping.bounds)] or [*_merges(shards, reshaping)]


def _splits(shards: Sequence[Shard], bounds: Sequence[bytes]) -> Iterable[Split]:
    for shard in shards:
        first = bisect_right(bounds, shard.first_hash)
        end = bisect_right(bounds, shard.last_hash)
        if first < end:
            yield Split(shard.index, bounds[(first + end) // 2])


def _merges(shards: Sequence[Shard], reshaping: Reshaping) -> Iterable[Merge]:
    bounds = reshaping.bounds
    waiting: Shard | None = None
    for shard in shards:
        place = bisect_left(bounds, shard.first_hash)
        if place < len(bounds) and bounds[place] == shard.first_hash:
            waiting = None
        if waiting is None:
            waiting = shard
            continue
        if shard.index == reshaping.lead:
            yield Merge(shard.index, waiting.index)
        else:
            yield Merge(waiting.index, shard.index)
        waiting = None


def apply(
    stream: Stream, changes: Iterable[Change], ends: Mapping[int, int], now_ms: int
) -> Stream:
    """The stream after changes. `ends` has where the log of each parent ends, by index."""
    shards = {shard.index: shard for shard in stream.shards}
    next_index = stream.next_index
    for change in changes:
        parents = [shards[index] for index in change.parents]
        closed_ms = max(now_ms, *(parent.opened_ms + 1 for parent in parents))
        created_s = max(now_ms // 1000, *(parent.created_s + 1 for parent in parents))
        for parent in parents:
            end = ends[parent.index]
            shards[parent.index] = replace(parent, closed_ms=closed_ms, end=end)
        for first, last in _ranges(change, parents):
            shards[next_index] = Shard(
                index=next_index,
                first_hash=first,
                last_hash=last,
                created_s=created_s,
                parent=parents[0].index,
                adjacent_parent=parents[1].index if len(parents) > 1 else None,
                opened_ms=closed_ms,
            )
            next_index += 1
    return replace(stream, shards=tuple(shards.values()), next_index=next_index)


def _ranges(change: Change, parents: Sequence[Shard]) -> Iterable[tuple[bytes, bytes]]:
    first = min(parent.first_hash for parent in parents)
    last = max(parent.last_hash for parent in parents)
    if isinstance(change, Merge):
        return [(first, last)]
    return [(first, before(change.at)), (change.at, last)]


def adjacent(one: Shard, other: Shard) -> bool:
    """The two ranges touch, so that together they are one range."""
    low, high = sorted((one, other), key=lambda shard: shard.first_hash)
    return to_number(high.first_hash) == to_number(low.last_hash) + 1
