"""How on-demand streams grow and shrink with their load. Pure.

AWS's rule: a stream takes up to double the peak write throughput that it saw in the last 30 days,
and at least 4 MiB/s. When its load goes beyond half of what it can take it grows, and a shard that
is hotter than that is split. Here a load is what was measured in the last period, and the peak is
remembered by the hour.

Source: Developer Guide, Choose the right mode (on-demand), "Handling read and write throughput".
"""

ON_DEMAND_SHARDS_MIN = 4
WARM_THROUGHPUT_MIBPS_MAX = 10_240
SHARD_BYTES_PER_SECOND = 1024 * 1024
SHARD_RECORDS_PER_SECOND = 1000
HOT_SHARE = 0.5
"""A shard that takes more than this share of its capacity is split."""


def shards_for(mibps: int) -> int:
    """How many shards take that many MiB a second."""
    return max(ON_DEMAND_SHARDS_MIN, mibps)
