"""Delivery streams, and how far their delivery has come."""

from typing import Any, Literal

import msgspec

from millpond.services.firehose import shapes

DESTINATION_ID = "destinationId-000000000001"
"""A delivery stream has one destination."""

Kind = Literal["ExtendedS3", "HttpEndpoint", "Amazonopensearchservice", "Elasticsearch", "Iceberg"]
CONFIGURATIONS: dict[Kind, type[msgspec.Struct]] = {
    "ExtendedS3": shapes.ExtendedS3DestinationConfiguration,
    "HttpEndpoint": shapes.HttpEndpointDestinationConfiguration,
    "Amazonopensearchservice": shapes.AmazonopensearchserviceDestinationConfiguration,
    "Elasticsearch": shapes.ElasticsearchDestinationConfiguration,
    "Iceberg": shapes.IcebergDestinationConfiguration,
}


class KinesisSource(msgspec.Struct, frozen=True):
    """The stream that is read, by whom, and from when on (epoch ms)."""

    stream_arn: str
    role_arn: str
    start_ms: int


class DeliveryStream(msgspec.Struct, frozen=True, omit_defaults=True):
    """A delivery stream. `id` is one that no other ever had, also not of the same name.

    `version` counts configurations from 1. `configuration` is the destination's, encoded, with
    defaults filled in: `read_configuration` opens it. `key_type` is that of the key under which
    records are encrypted while they wait, None for none; `data_keys` are those that ever were used,
    the newest last.
    """

    name: str
    id: str
    account: str
    region: str
    created_ms: int
    kind: Kind
    configuration: msgspec.Raw
    version: int = 1
    updated_ms: int | None = None
    status: Literal["ACTIVE", "DELETING"] = "ACTIVE"
    source: KinesisSource | None = None
    throughput_hint: int | None = None
    key_type: str | None = None
    data_keys: tuple[bytes, ...] = ()
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:firehose:{self.region}:{self.account}:deliverystream/{self.name}"

    @property
    def type(self) -> str:
        return "DirectPut" if self.source is None else "KinesisStreamAsSource"

    @property
    def log(self) -> bytes:
        """The log that keeps what was put until it is delivered."""
        return f"firehose/{self.account}/{self.region}/{self.id}".encode()

    def read_configuration(self) -> Any:
        return msgspec.msgpack.decode(self.configuration, type=CONFIGURATIONS[self.kind])


def write_configuration(configuration: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(configuration))


class Cut(msgspec.Struct, frozen=True):
    """What was decided to be delivered: `ends` are the positions up to which the source had been
    read; `buffers` names those that were cut off there, None for all of them."""

    ends: dict[str, str]
    buffers: list[str] | None = None


class Progress(msgspec.Struct, frozen=True):
    """How far a delivery stream has come. All before `positions` (by shard) is delivered.

    `cuts` were written down before their objects were written: whoever takes up the work after a
    crash cuts at the same places, and so writes objects of the same names.
    """

    positions: dict[str, str] = {}
    cuts: list[Cut] = []
