"""What one version of a delivery stream's configuration means for the engine."""

from dataclasses import dataclass
from typing import Any

from millpond.services.firehose.delivery import parts
from millpond.services.firehose.delivery.context import StreamDelivery
from millpond.services.firehose.delivery.interface import Converter, Destination, Transformer
from millpond.services.firehose.model.prefixes import Expression, read_prefix
from millpond.services.firehose.model.stream import DeliveryStream, Kind
from millpond.services.firehose.needs import Needs

_MIB = 1024 * 1024
_METRICS: dict[Kind, str] = {
    "ExtendedS3": "DeliveryToS3",
    "HttpEndpoint": "DeliveryToHttpEndpoint",
    "Amazonopensearchservice": "DeliveryToAmazonOpenSearchService",
    "Elasticsearch": "DeliveryToElasticsearch",
    "Iceberg": "DeliveryToIceberg",
}
_WHOLE_BACKUP = frozenset({"AllData", "AllDocuments"})


@dataclass(frozen=True, slots=True)
class Plan:
    """Where records go, how much of them at a time, and through whose hands.

    `s3` is the S3 configuration under which objects and errors are written, `backup` the one for
    source records, None if they are not kept. `keys` are the partition keys in the prefix.
    """

    stream: DeliveryStream
    delivery: StreamDelivery
    transformer: Transformer | None
    converter: Converter | None
    destination: Destination | None
    s3: Any
    backup: Any
    size_bytes_max: int
    interval_ms: int
    keys: tuple[Expression, ...]

    @property
    def metrics(self) -> str:
        """What the names of delivery metrics begin with."""
        return _METRICS[self.stream.kind]

    @property
    def retry_ms(self) -> int:
        """How long a batch is tried again."""
        return int(self.delivery.destination.retry_options.duration_in_seconds) * 1000

    @property
    def zone(self) -> str | None:
        """The time zone of prefixes and names; None for UTC."""
        return getattr(self.delivery.destination, "custom_time_zone", None)

    async def close(self) -> None:
        for part in (self.transformer, self.converter, self.destination):
            if part is not None:
                await part.close()


def make_plan(needs: Needs, stream: DeliveryStream) -> Plan:
    """Raises: InvalidArgument: a package that the configuration needs is not installed."""
    configuration = stream.read_configuration()
    delivery = StreamDelivery(needs, stream, configuration)
    if stream.kind == "ExtendedS3":
        s3 = configuration
        backs_up = configuration.s3_backup_mode == "Enabled"
        backup = configuration.s3_backup_configuration if backs_up else None
        conversion = configuration.data_format_conversion_configuration
    else:
        s3 = configuration.s3_configuration
        backup = s3 if configuration.s3_backup_mode in _WHOLE_BACKUP else None
        conversion = None
    hints = configuration.buffering_hints
    return Plan(
        stream=stream,
        delivery=delivery,
        transformer=parts.transformer(needs, delivery, always=stream.source is not None),
        converter=parts.converter(needs, delivery, conversion),
        destination=parts.destination(needs, delivery, stream.kind),
        s3=s3,
        backup=backup,
        size_bytes_max=hints.size_in_mbs * _MIB,
        interval_ms=hints.interval_in_seconds * 1000,
        keys=read_prefix(s3.prefix or "").keys,
    )
