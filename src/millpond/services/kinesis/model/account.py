"""An account's settings in a region, and AWS's quotas for it."""

import msgspec

COMMITMENT_DAYS = 1
"""How long a minimum throughput commitment cannot be ended once it was begun."""

_SHARDS_IN_LARGE_REGIONS = 20_000
_SHARDS_ELSEWHERE = 6_000
_LARGE_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})

ON_DEMAND_STREAMS_MAX = 50
STREAMS_CREATING_MAX = 5
SHARDS_PER_STREAM_MAX = 10_000


class Settings(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The minimum throughput commitment: when it was begun and ended, epoch ms, 0 for never."""

    commitment: bool = False
    commitment_began_ms: int = 0
    commitment_ended_ms: int = 0


def shards_max(region: str) -> int:
    """How many open shards an account may have.

    Source: Developer Guide, Quotas and limits.
    """
    return _SHARDS_IN_LARGE_REGIONS if region in _LARGE_REGIONS else _SHARDS_ELSEWHERE
