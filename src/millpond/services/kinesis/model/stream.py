"""Streams and their shards.

A shard covers a range of the 128-bit hash keys. Bounds are kept as 16 bytes, the highest first, so
that they compare as MD5 digests do, and both ends belong to the shard.
"""

from typing import Literal

import msgspec

HASH_KEY_MAX = 2**128 - 1
RETENTION_HOURS_DEFAULT = 24

Mode = Literal["PROVISIONED", "ON_DEMAND"]
Status = Literal["CREATING", "ACTIVE", "UPDATING", "DELETING"]


class Shard(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """`index` counts the stream's shards in the order in which they came to be; parents are
    indexes. A shard that was split or merged is closed: `closed_ms` says since when, `end` is the
    position in its log where it ends."""

    index: int
    first_hash: bytes
    last_hash: bytes
    created_s: int
    parent: int | None = None
    adjacent_parent: int | None = None
    closed_ms: int | None = None
    end: int | None = None

    @property
    def id(self) -> str:
        return f"shardId-{self.index:012d}"

    @property
    def open(self) -> bool:
        return self.closed_ms is None


class Stream(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A stream. `id` is one that no other stream ever had, also not of the same name; `shards` are
    in the order of their indexes and include closed ones that are not forgotten yet.

    `status_until_ms`: when a status other than ACTIVE ends.
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

    @property
    def arn(self) -> str:
        return f"arn:aws:kinesis:{self.region}:{self.account}:stream/{self.name}"

    def log_of(self, shard_index: int) -> bytes:
        """The name of the log that holds a shard's records: keys are partition keys."""
        return f"kinesis/{self.account}/{self.region}/{self.id}/{shard_index}".encode()
