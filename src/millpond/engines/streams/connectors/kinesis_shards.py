"""The shards of a stream: their lineage, and those that a reader begins with."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from millpond.engines.streams.connectors.aws import Aws
from millpond.engines.streams.connectors.kinesis_options import StreamName


class _Range(msgspec.Struct):
    start: str = msgspec.field(name="StartingSequenceNumber")


class Shard(msgspec.Struct):
    """A shard, its parents and its first sequence number."""

    id: str = msgspec.field(name="ShardId")
    sequences: _Range = msgspec.field(name="SequenceNumberRange")
    parent: str | None = msgspec.field(name="ParentShardId", default=None)
    adjacent: str | None = msgspec.field(name="AdjacentParentShardId", default=None)

    @property
    def parents(self) -> tuple[str, ...]:
        return tuple(each for each in (self.parent, self.adjacent) if each)


class _Listed(msgspec.Struct):
    shards: list[Shard] = msgspec.field(name="Shards")
    token: str | None = msgspec.field(name="NextToken", default=None)


async def list_shards(
    aws: Aws, stream: StreamName, filtered: Mapping[str, Any] | None = None
) -> list[Shard]:
    """The shards of a stream, all or those of a ShardFilter.

    Raises:
        AwsError: they cannot be listed.
    """
    request: dict[str, Any] = dict(stream.identity)
    if filtered:
        request["ShardFilter"] = dict(filtered)
    found: list[Shard] = []
    while True:
        listed = await aws.call("kinesis", "ListShards", request, _Listed)
        found += listed.shards
        if listed.token is None:
            return found
        request = {"NextToken": listed.token}


def children_of(parent: str, shards: Sequence[Shard]) -> list[Shard]:
    """The shards that follow one."""
    return [shard for shard in shards if parent in shard.parents]


def descendants_of_lost(
    position: Mapping[str, Any], shards: Sequence[Shard], known: Collection[str]
) -> list[Shard]:
    """The oldest of the shards that began after a position in a shard that is no more: what is left
    of what followed it."""
    after = int(position.get("after") or 0)
    younger = {
        shard.id: shard
        for shard in shards
        if int(shard.sequences.start) > after and shard.id not in known
    }
    return [
        shard
        for shard in younger.values()
        if not any(parent in younger or parent in known for parent in shard.parents)
    ]
