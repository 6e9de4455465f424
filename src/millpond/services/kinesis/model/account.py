"""An account's settings in a region, and AWS's quotas for it.

Source: Developer Guide, Quotas and limits; API reference, RegisterStreamConsumer,
MinimumThroughputBillingCommitmentInput.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from millpond.services.kinesis.model.stream import DAY_MS

_SHARDS_IN_LARGE_REGIONS = 20_000
_SHARDS_ELSEWHERE = 6_000
_LARGE_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})

ON_DEMAND_STREAMS_MAX = 50
STREAMS_CREATING_MAX = 5
SHARDS_PER_STREAM_MAX = 10_000
CONSUMERS_CREATING_MAX = 5
_CONSUMERS_MAX = 20
_CONSUMERS_WITH_ADVANTAGE_MAX = 50

CommitmentStatus = Literal["ENABLED", "DISABLED", "ENABLED_UNTIL_EARLIEST_ALLOWED_END"]


class Settings(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The minimum throughput billing commitment: when it was begun, and when it ends or ended;
    epoch ms, 0 for never. It lasts a day at least."""

    commitment_began_ms: int = 0
    commitment_ends_ms: int = 0

    @property
    def earliest_end_ms(self) -> int:
        return self.commitment_began_ms + DAY_MS

    def status_at(self, now_ms: int) -> CommitmentStatus:
        if self.commitment_began_ms == 0:
            return "DISABLED"
        if self.commitment_ends_ms == 0:
            return "ENABLED"
        return (
            "ENABLED_UNTIL_EARLIEST_ALLOWED_END" if now_ms < self.commitment_ends_ms else "DISABLED"
        )

    def has_commitment(self, now_ms: int) -> bool:
        return self.status_at(now_ms) != "DISABLED"

    def commit(self, now_ms: int) -> "Settings":
        """Begin, or go on where the end was already decided."""
        if self.has_commitment(now_ms):
            return replace(self, commitment_ends_ms=0)
        return Settings(commitment_began_ms=now_ms)

    def end_commitment(self, now_ms: int) -> "Settings":
        """End it as soon as that is allowed."""
        if self.status_at(now_ms) != "ENABLED":
            return self
        return replace(self, commitment_ends_ms=max(now_ms, self.earliest_end_ms))


def shards_max(region: str) -> int:
    """How many open shards an account may have."""
    return _SHARDS_IN_LARGE_REGIONS if region in _LARGE_REGIONS else _SHARDS_ELSEWHERE


def consumers_max(advantage: bool) -> int:
    """How many consumers a stream may have; `advantage`: it is on-demand, in an account that has
    the commitment."""
    return _CONSUMERS_WITH_ADVANTAGE_MAX if advantage else _CONSUMERS_MAX
