"""The space of hash keys, 0 to 2^128 - 1, and how shards divide it."""

from collections.abc import Sequence

from millpond.services.kinesis.model.stream import HASH_KEY_MAX, Shard

_SIZE_BYTES = 16
LOWEST = bytes(_SIZE_BYTES)
HIGHEST = b"\xff" * _SIZE_BYTES


def to_bytes(hash_key: int) -> bytes:
    """A hash key as shards keep it.

    Raises:
        OverflowError: it is no hash key.
    """
    return hash_key.to_bytes(_SIZE_BYTES, "big")


def to_number(bound: bytes) -> int:
    return int.from_bytes(bound, "big")


def before(bound: bytes) -> bytes:
    """The hash key right before `bound`, which is not the lowest."""
    return to_bytes(to_number(bound) - 1)


def even_bounds(count: int) -> tuple[bytes, ...]:
    """The first hash keys of `count` shards of one size, the last of which takes what is left."""
    width = (HASH_KEY_MAX + 1) // count
    return tuple(to_bytes(width * place) for place in range(count))


def middle(shard: Shard) -> bytes:
    """The first hash key of the upper half."""
    first, last = to_number(shard.first_hash), to_number(shard.last_hash)
    return to_bytes(first + (last - first + 1) // 2)


def bounds_of(shards: Sequence[Shard]) -> tuple[bytes, ...]:
    """The first hash keys of shards, ascending."""
    return tuple(sorted(shard.first_hash for shard in shards))


def first_shards(count: int, created_ms: int) -> tuple[Shard, ...]:
    """The shards of a new stream: of one size, together the whole space."""
    bounds = even_bounds(count)
    lasts = (*(before(bound) for bound in bounds[1:]), HIGHEST)
    return tuple(
        Shard(
            index=index,
            first_hash=first,
            last_hash=last,
            created_s=created_ms // 1000,
            opened_ms=created_ms,
        )
        for index, (first, last) in enumerate(zip(bounds, lasts, strict=True))
    )
