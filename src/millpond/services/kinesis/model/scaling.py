"""How on-demand streams grow and shrink with their load. Pure.

AWS's rule: a stream takes up to double the peak of its write throughput, and 4 MiB/s at least; it
grows when its load goes beyond half of what it takes, and a shard that is hotter than the others is
split by itself. So: a shard that takes more than half of its capacity is split until its parts
would not; where there are more shards than twice the peak needs, cold neighbours are merged.

Source: Developer Guide, Choose the right mode in Kinesis Data Streams (on-demand standard).
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from millpond.services.kinesis.model.hash_space import bounds_of, to_bytes, to_number
from millpond.services.kinesis.model.stream import HASH_KEY_MAX, Shard

ON_DEMAND_SHARDS_MIN = 4
ON_DEMAND_SHARDS_MAX = 200
"""What a stream grows to by itself: 200 MiB/s. A warm throughput may ask for more."""
WARM_THROUGHPUT_MIBPS_MAX = 10_240

SHARD_BYTES_PER_SECOND = 1024 * 1024
SHARD_RECORDS_PER_SECOND = 1000

HOT_USE = 0.5
"""A shard with a greater use is split."""
COLD_USE = 0.25
"""Neighbours whose uses are together no greater may be merged: far from being split again."""
_PARTS_MAX = 16
_WIDTH_MIN = (HASH_KEY_MAX + 1) // 4096
"""A shard that covers less is not split by itself: its heat is that of a few partition keys, which
no split parts."""


def shards_for(mibps: int) -> int:
    """How many shards take that many MiB a second."""
    return max(ON_DEMAND_SHARDS_MIN, mibps)


def use_of(records: int, size_bytes: int, seconds: float, *, refused: bool) -> float:
    """Which part of a shard's capacity is used; 1 or more where records were refused."""
    use = max(
        size_bytes / seconds / SHARD_BYTES_PER_SECOND, records / seconds / SHARD_RECORDS_PER_SECOND
    )
    return max(use, 1.0) if refused else use


def grown(
    shards: Sequence[Shard], uses: Mapping[int, float], shards_max: int = ON_DEMAND_SHARDS_MAX
) -> tuple[bytes, ...]:
    """The bounds of open shards (by hash key) once the hot ones, hottest first, are split. `uses`
    are by index; a shard that is not there has none."""
    room = shards_max - len(shards)
    added: list[bytes] = []
    for shard in sorted(shards, key=lambda shard: -uses.get(shard.index, 0.0)):
        parts = min(_parts(uses.get(shard.index, 0.0), shard), 1 + room - len(added))
        added.extend(_inner_bounds(shard, parts))
    return tuple(sorted((*bounds_of(shards), *added)))


def shrunk(
    shards: Sequence[Shard], uses: Mapping[int, float], peak: float, shards_min: int
) -> tuple[bytes, ...]:
    """The bounds of open shards (by hash key) once cold neighbours are merged, two and two, as far
    as twice the `peak`, the greatest use of all shards together in a while, needs fewer shards."""
    spare = len(shards) - max(shards_min, math.ceil(2 * peak))
    bounds = bounds_of(shards)
    gone: set[bytes] = set()
    low: Shard | None = None
    for shard in shards:
        together = uses.get(shard.index, 0.0) + (uses.get(low.index, 0.0) if low else 0.0)
        if low is not None and together <= COLD_USE and len(gone) < spare:
            gone.add(shard.first_hash)
            low = None
        else:
            low = shard
    return tuple(bound for bound in bounds if bound not in gone)


def _parts(use: float, shard: Shard) -> int:
    """How many parts of the shard would use no more than half of their capacity each."""
    width = to_number(shard.last_hash) - to_number(shard.first_hash) + 1
    if use <= HOT_USE or width < _WIDTH_MIN:
        return 1
    return int(min(_PARTS_MAX, 2 ** math.ceil(math.log2(use / HOT_USE))))


def _inner_bounds(shard: Shard, parts: int) -> Iterable[bytes]:
    first = to_number(shard.first_hash)
    width = to_number(shard.last_hash) - first + 1
    return [to_bytes(first + width * place // parts) for place in range(1, parts)]
