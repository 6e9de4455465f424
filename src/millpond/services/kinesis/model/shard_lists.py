"""Which shards a list shows.

A shard takes records from its `opened_ms` up to, not including, its `closed_ms`: so at each moment
exactly those that are shown cover the hash keys.

Source: Kinesis API reference, ListShards, ShardFilter.
"""

from collections.abc import Sequence

from millpond.services.kinesis.model.stream import Shard, Stream


def visible_shards(stream: Stream, now_ms: int) -> Sequence[Shard]:
    """The shards that are open or may still hold records within the retention period."""
    horizon_ms = stream.trim_horizon_ms(now_ms)
    return from_time(stream, horizon_ms)


def open_at(stream: Stream, time_ms: int) -> list[Shard]:
    """The shards that were open at a moment."""
    return [
        shard
        for shard in stream.shards
        if shard.opened_ms <= time_ms and (shard.closed_ms is None or time_ms < shard.closed_ms)
    ]


def from_time(stream: Stream, time_ms: int) -> list[Shard]:
    """The shards that were open at a moment or later."""
    return [s for s in stream.shards if s.closed_ms is None or time_ms < s.closed_ms]


def open_now(stream: Stream) -> list[Shard]:
    """The shards that are open, by their indexes."""
    return [shard for shard in stream.shards if shard.closed_ms is None]
