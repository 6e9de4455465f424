"""Which open shard a record goes to.

A record's hash key is the MD5 of its partition key, or the explicit one that it brings; the shard
whose range holds the hash key takes the record.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5

from millpond.services.kinesis.model.hash_space import to_bytes
from millpond.services.kinesis.model.sequence import base
from millpond.services.kinesis.model.stream import Shard, Stream


@dataclass(frozen=True, slots=True)
class Lane:
    """An open shard as a writer needs it. `base` is what its sequence numbers begin with."""

    index: int
    id: str
    log: bytes
    base: int


class Routing:
    """The open shards of a stream, by hash key. A lane is named by its place in `lanes`."""

    def __init__(self, stream: Stream) -> None:
        shards = stream.open_shards()
        self._firsts: Sequence[bytes] = [shard.first_hash for shard in shards]
        self.lanes: Sequence[Lane] = [_lane(stream, shard) for shard in shards]

    def of_key(self, partition_key: bytes) -> int:
        """The lane of a partition key, which is given in UTF-8."""
        digest = md5(partition_key, usedforsecurity=False).digest()
        return bisect_right(self._firsts, digest) - 1

    def of_hash_key(self, hash_key: int) -> int:
        """The lane of an explicit hash key.

        Raises:
            OverflowError: it is greater than 2^128 - 1 or less than 0.
        """
        return bisect_right(self._firsts, to_bytes(hash_key)) - 1


def _lane(stream: Stream, shard: Shard) -> Lane:
    return Lane(
        shard.index, shard.id, stream.log_of(shard.index), base(shard.created_s, shard.index)
    )
