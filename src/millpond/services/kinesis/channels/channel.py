"""Channels: which stream's records go where, and how.

Source: Kinesis API reference, ChannelDescription (2013-12-02).
"""

from typing import Literal

import msgspec

FRESHNESS_SECONDS_DEFAULT = 300
FRESHNESS_SECONDS_MIN = 300
FRESHNESS_SECONDS_MAX = 900
STREAM_CHANNELS_MAX = 1
"""A stream's channels to general purpose buckets; one to S3 Tables comes to them on AWS."""
LOG_STREAM_DEFAULT = "DestinationDelivery"

ChannelStatus = Literal["CREATING", "ACTIVE", "UPDATING", "DELETING", "FAILED"]
RecordFormat = Literal["JSON", "STRING", "BYTE_ARRAY"]
Compression = Literal["NONE", "GZIP", "ZSTD"]
StorageClass = Literal["STANDARD", "INTELLIGENT_TIERING", "GLACIER_IR"]


class Storage(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Where objects of records go. `template` is the one that is told: given, or the default."""

    bucket_arn: str
    owner: str
    compression: Compression
    template: str
    storage_class: StorageClass = "STANDARD"


class DeadLetters(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Where it is written which records could not be delivered."""

    bucket_arn: str
    owner: str
    prefix: str


class Logging(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The log of deliveries and of what failed."""

    enabled: bool = False
    group: str = ""
    stream: str = ""


class Channel(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A channel of the stream whose id is `stream_id`. `status_until_ms`: when a status other than
    ACTIVE and FAILED ends. `reason`: why it is FAILED."""

    id: str
    name: str
    account: str
    region: str
    created_ms: int
    role_arn: str
    stream_name: str
    stream_id: str
    stream_created_ms: int
    record_format: RecordFormat
    freshness_seconds: int
    storage: Storage
    dead_letters: DeadLetters
    logging: Logging
    status: ChannelStatus = "CREATING"
    status_until_ms: int = 0
    reason: str = ""
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return arn_of(self.account, self.region, self.id)

    @property
    def stream_arn(self) -> str:
        return f"arn:aws:kinesis:{self.region}:{self.account}:stream/{self.stream_name}"

    def status_at(self, now_ms: int) -> ChannelStatus:
        """The status that AWS would tell. A channel is CREATING until it begins to deliver."""
        if self.status == "UPDATING" and now_ms >= self.status_until_ms:
            return "ACTIVE"
        return self.status

    def is_gone(self, now_ms: int) -> bool:
        """It was deleted, and only its record is still there."""
        return self.status == "DELETING" and now_ms >= self.status_until_ms

    @property
    def delivers(self) -> bool:
        return self.status in ("ACTIVE", "UPDATING")


def arn_of(account: str, region: str, channel_id: str) -> str:
    return f"arn:aws:kinesis:{region}:{account}:channel/{channel_id}"


def error_prefix_of(name: str, channel_id: str) -> str:
    """Where failed records are told of unless a channel says otherwise.

    Source: CloudFormation reference, AWS::Kinesis::Channel, ErrorOutputPrefix.
    """
    return f"kinesis-channel/errors/{name}/{channel_id}/"


def log_group_of(name: str, channel_id: str) -> str:
    """Source: Kinesis API reference, CloudWatchLogs, LogGroupName."""
    return f"/aws/kinesis/{name}/{channel_id}"
