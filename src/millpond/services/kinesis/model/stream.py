"""Streams and their shards.

A shard covers a range of the 128-bit hash keys. Bounds are kept as 16 bytes, the highest first, so
that they compare as MD5 digests do, and both ends belong to the shard.
"""

from typing import Literal

import msgspec

HASH_KEY_MAX = 2**128 - 1
RETENTION_HOURS_DEFAULT = 24
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Mode = Literal["PROVISIONED", "ON_DEMAND"]
Status = Literal["CREATING", "ACTIVE", "UPDATING", "DELETING"]


class Shard(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """`index` counts the stream's shards in the order in which they came to be; parents are
    indexes. A shard takes records from `opened_ms` on. One that was split or merged is closed:
    `closed_ms` says since when, `end` is the position in its log where it ends. `created_s` is
    what its sequence numbers begin with: a second more than its parents', whatever the clock."""

    index: int
    first_hash: bytes
    last_hash: bytes
    created_s: int
    parent: int | None = None
    adjacent_parent: int | None = None
    closed_ms: int | None = None
    end: int | None = None
    opened_ms: int = 0

    @property
    def id(self) -> str:
        return shard_id(self.index)

    @property
    def open(self) -> bool:
        return self.closed_ms is None


class Reshaping(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Splits and merges that are on their way: `bounds` are the first hash keys of the shards that
    are to be open in the end, ascending. `lead` is the shard that a merge names first."""

    bounds: tuple[bytes, ...]
    lead: int | None = None


class Stream(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A stream. `id` is one that no other stream ever had, also not of the same name; `shards` are
    in the order of their indexes and include closed ones that are not forgotten yet.

    `status_until_ms`: when a status other than ACTIVE ends. `reshaping` is there as long as shards
    are still to be split or merged. `kept_from_ms`: what is older stays out of reach, also when the
    retention grows. `changes`: when (epoch ms) what AWS lets happen so often a day was done.
    `data_keys`: what records were encrypted with, the newest last.
    """

    name: str
    id: str
    account: str
    region: str
    created_ms: int
    shards: tuple[Shard, ...]
    next_index: int
    mode: Mode = "PROVISIONED"
    status: Status = "ACTIVE"
    status_until_ms: int = 0
    retention_hours: int = RETENTION_HOURS_DEFAULT
    encryption: Literal["NONE", "KMS"] = "NONE"
    key_id: str = ""
    enhanced_metrics: tuple[str, ...] = ()
    max_record_size_kib: int = 1024
    warm_throughput_mibps: int | None = None
    distribution: Literal["USER_PARTITION_KEY", "AUTO"] = "USER_PARTITION_KEY"
    tags: dict[str, str] = {}
    reshaping: Reshaping | None = None
    kept_from_ms: int = 0
    changes: dict[str, tuple[int, ...]] = {}
    data_keys: tuple[bytes, ...] = ()

    @property
    def arn(self) -> str:
        return f"arn:aws:kinesis:{self.region}:{self.account}:stream/{self.name}"

    def log_of(self, shard_index: int) -> bytes:
        """The name of the log that holds a shard's records: keys are partition keys."""
        return f"kinesis/{self.account}/{self.region}/{self.id}/{shard_index}".encode()

    def status_at(self, now_ms: int) -> Status:
        """The status that AWS would tell."""
        if self.status in ("ACTIVE", "DELETING"):
            return self.status
        if self.reshaping is not None or now_ms < self.status_until_ms:
            return self.status
        return "ACTIVE"

    def is_gone(self, now_ms: int) -> bool:
        """It was deleted, and only its record is still there."""
        return self.status == "DELETING" and now_ms >= self.status_until_ms

    def trim_horizon_ms(self, now_ms: int) -> int:
        """Records that are older are out of reach."""
        kept_ms = now_ms - self.retention_hours * HOUR_MS
        return max(kept_ms, self.kept_from_ms, self.created_ms)

    def shard(self, index: int) -> Shard | None:
        """The shard of that index, unless it is forgotten."""
        low, high = 0, len(self.shards)
        while low < high:
            middle = (low + high) // 2
            if self.shards[middle].index < index:
                low = middle + 1
            else:
                high = middle
        if low < len(self.shards) and self.shards[low].index == index:
            return self.shards[low]
        return None

    @property
    def open_count(self) -> int:
        return sum(1 for shard in self.shards if shard.closed_ms is None)

    def open_shards(self) -> list[Shard]:
        """The shards that take records, by their hash keys."""
        return sorted((s for s in self.shards if s.open), key=lambda shard: shard.first_hash)


def shard_id(index: int) -> str:
    return f"shardId-{index:012d}"


def shard_index(text: str) -> int | None:
    """The index in a shard's id; None when no shard has such an id. The digits alone will do, as
    they do for AWS."""
    digits = text.removeprefix("shardId-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 12):
        return None
    return int(digits)
