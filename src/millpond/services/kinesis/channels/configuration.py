"""Reads what a request says of a new channel, and refuses what cannot be.

Source: Kinesis API reference, CreateChannel, RecordConfiguration, S3DestinationConfiguration;
Developer Guide, "How Amazon S3 delivery works", "Delivery quotas and limits".
"""

from typing import Any

from millpond.services.kinesis import shapes
from millpond.services.kinesis.channels import key_template
from millpond.services.kinesis.channels.channel import (
    FRESHNESS_SECONDS_DEFAULT,
    FRESHNESS_SECONDS_MAX,
    FRESHNESS_SECONDS_MIN,
    LOG_STREAM_DEFAULT,
    DeadLetters,
    Logging,
    RecordFormat,
    Storage,
    error_prefix_of,
    log_group_of,
)
from millpond.services.kinesis.channels.compression import is_available
from millpond.services.kinesis.errors import InvalidArgument

_SERVICE_KEY = "alias/aws/kinesis"


def read_destination(request: shapes.CreateChannelInput) -> shapes.S3DestinationConfiguration:
    """The bucket's configuration.

    Raises:
        InvalidArgument: there is none, there are two, or it asks for what there is not.
    """
    s3, tables = request.s3_destination_configuration, request.s3_tables_destination_configuration
    if (s3 is None) == (tables is None):
        raise InvalidArgument(
            "Exactly one of S3DestinationConfiguration and S3TablesDestinationConfiguration must "
            "be specified."
        )
    if s3 is None:
        raise InvalidArgument(
            "S3TablesDestinationConfiguration is not supported: there is no S3 Tables here. "
            "Use S3DestinationConfiguration."
        )
    _refuse_encryption(request.encryption_configuration)
    return s3


def _refuse_encryption(asked: shapes.ChannelEncryptionConfiguration | None) -> None:
    if asked is None:
        return
    if asked.key_id == _SERVICE_KEY or asked.key_id.endswith(f":{_SERVICE_KEY}"):
        raise InvalidArgument(
            f"EncryptionConfiguration: {asked.key_id} cannot be used. Use a customer managed key."
        )
    raise InvalidArgument("EncryptionConfiguration is not supported: there is no KMS here.")


def read_stream(
    request: shapes.CreateChannelInput,
) -> tuple[shapes.StreamARN, RecordFormat]:
    """The stream's ARN and the format of its records.

    Raises:
        InvalidArgument: there are two streams, or the format is not one for buckets.
    """
    streams = request.stream_configuration_list
    if len(streams) != 1:
        raise InvalidArgument(
            f"StreamConfigurationList has {len(streams)} streams. A channel has one."
        )
    records = streams[0].record_configuration
    if records.record_format_type == "GSR_JSON":
        raise InvalidArgument(
            "RecordFormatType GSR_JSON is only supported for streaming table destinations."
        )
    if records.gsr_schema_arn is not None:
        raise InvalidArgument("GSRSchemaARN is only supported for streaming table destinations.")
    return streams[0].stream_arn, records.record_format_type


def read_freshness(seconds: int | None, limits: bool) -> int:
    """How old records may become before they are delivered; where limits are lifted, as little as
    a second.

    Raises:
        InvalidArgument: it is out of bounds.
    """
    if seconds is None:
        return FRESHNESS_SECONDS_DEFAULT
    least = FRESHNESS_SECONDS_MIN if limits else 1
    if not least <= seconds <= FRESHNESS_SECONDS_MAX:
        raise InvalidArgument(
            f"DataFreshnessInSeconds {seconds} is not between {least} and {FRESHNESS_SECONDS_MAX}."
        )
    return seconds


def read_storage(
    asked: shapes.S3StorageConfiguration, channel_name: str, channel_id: str, stream_name: str
) -> Storage:
    """Where and how objects are written.

    Raises:
        InvalidArgument: the key template breaks a rule, or Zstandard is not installed.
    """
    template = asked.output_key_template or key_template.DEFAULT
    names = key_template.names_of(channel_name, channel_id, stream_name)
    try:
        key_template.check(template, asked.compression_type, names)
    except key_template.BadTemplate as error:
        raise InvalidArgument(f"OutputKeyTemplate {template} is not valid: {error}") from None
    if not is_available(asked.compression_type):
        raise InvalidArgument(
            "CompressionType ZSTD is not supported without the package cramjam: "
            "pip install 'millpond[firehose]'."
        )
    return Storage(
        bucket_arn=asked.bucket_arn,
        owner=asked.expected_bucket_owner,
        compression=asked.compression_type,
        template=template,
        storage_class=asked.storage_class or "STANDARD",
    )


def read_dead_letters(
    asked: shapes.DeadLetterQueueS3Configuration | None,
    storage: Storage,
    channel_name: str,
    channel_id: str,
) -> DeadLetters:
    """Where failed records are told of: by default in the bucket of the others."""
    prefix = error_prefix_of(channel_name, channel_id)
    if asked is None:
        return DeadLetters(storage.bucket_arn, storage.owner, prefix)
    return DeadLetters(
        asked.bucket_arn, asked.expected_bucket_owner, asked.error_output_prefix or prefix
    )


def read_logging(asked: Any, known: Logging, channel_name: str, channel_id: str) -> Logging:
    """The log that a request (`CloudWatchLogs`, `CloudWatchLogsUpdateInput`) asks for; what it does
    not name stays as in `known`, or is the default once the log is enabled."""
    if asked is None:
        return known
    group = asked.log_group_name or known.group
    stream = asked.log_stream_name or known.stream
    if asked.enabled:
        group = group or log_group_of(channel_name, channel_id)
        stream = stream or LOG_STREAM_DEFAULT
    return Logging(asked.enabled, group, stream)
