"""Channels as Kinesis answers them."""

from millpond.services.kinesis import shapes
from millpond.services.kinesis.channels.channel import Channel, Logging


def show_channel(channel: Channel, now_ms: int) -> shapes.ChannelDescription:
    return shapes.ChannelDescription(
        channel_name=channel.name,
        channel_arn=channel.arn,
        channel_id=channel.id,
        channel_status=channel.status_at(now_ms),
        channel_status_reason=channel.reason or None,
        channel_creation_timestamp=channel.created_ms / 1000,
        service_execution_role_arn=channel.role_arn,
        stream_configuration_list=[
            shapes.ChannelStreamDescription(
                stream_arn=channel.stream_arn,
                stream_creation_timestamp=channel.stream_created_ms / 1000,
                record_configuration=shapes.RecordConfiguration(
                    record_format_type=channel.record_format
                ),
            )
        ],
        s3_destination_configuration=_show_destination(channel),
        logging_configuration=shapes.ChannelLoggingConfiguration(
            cloud_watch_logs=_show_logging(channel.logging)
        ),
    )


def show_channel_summary(channel: Channel, now_ms: int) -> shapes.ChannelSummary:
    return shapes.ChannelSummary(
        channel_name=channel.name,
        channel_arn=channel.arn,
        channel_id=channel.id,
        channel_status=channel.status_at(now_ms),
        channel_status_reason=channel.reason or None,
        channel_creation_timestamp=channel.created_ms / 1000,
        channel_destination_type="S3",
        streams=[
            shapes.ChannelStreamIdentifier(
                stream_arn=channel.stream_arn,
                stream_creation_timestamp=channel.stream_created_ms / 1000,
            )
        ],
    )


def _show_destination(channel: Channel) -> shapes.S3DestinationDescription:
    storage, dead_letters = channel.storage, channel.dead_letters
    return shapes.S3DestinationDescription(
        data_freshness_in_seconds=channel.freshness_seconds,
        dead_letter_queue_s3_configuration=shapes.DeadLetterQueueS3Configuration(
            bucket_arn=dead_letters.bucket_arn,
            expected_bucket_owner=dead_letters.owner,
            error_output_prefix=dead_letters.prefix,
        ),
        storage_configuration=shapes.S3StorageConfiguration(
            bucket_arn=storage.bucket_arn,
            expected_bucket_owner=storage.owner,
            output_key_template=storage.template,
            storage_class=storage.storage_class,
            compression_type=storage.compression,
        ),
    )


def _show_logging(logging: Logging) -> shapes.CloudWatchLogs:
    return shapes.CloudWatchLogs(
        enabled=logging.enabled,
        log_group_name=logging.group or None,
        log_stream_name=logging.stream or None,
    )
