"""Streams, shards and consumers as Kinesis answers them."""

from collections.abc import Sequence

from millpond.services.kinesis import shapes
from millpond.services.kinesis.model import sequence
from millpond.services.kinesis.model.account import Settings
from millpond.services.kinesis.model.consumer import Consumer
from millpond.services.kinesis.model.hash_space import to_number
from millpond.services.kinesis.model.stream import Shard, Stream, shard_id


def show_shard(shard: Shard) -> shapes.Shard:
    first = sequence.base(shard.created_s, shard.index)
    last = None if shard.end is None else str(first + sequence.step(shard.end))
    return shapes.Shard(
        shard_id=shard.id,
        parent_shard_id=None if shard.parent is None else shard_id(shard.parent),
        adjacent_parent_shard_id=(
            None if shard.adjacent_parent is None else shard_id(shard.adjacent_parent)
        ),
        hash_key_range=shapes.HashKeyRange(
            starting_hash_key=str(to_number(shard.first_hash)),
            ending_hash_key=str(to_number(shard.last_hash)),
        ),
        sequence_number_range=shapes.SequenceNumberRange(
            starting_sequence_number=str(first), ending_sequence_number=last
        ),
    )


def show_stream(
    stream: Stream, shards: Sequence[Shard], has_more: bool, now_ms: int
) -> shapes.StreamDescription:
    """`shards` are those of this page."""
    return shapes.StreamDescription(
        stream_name=stream.name,
        stream_arn=stream.arn,
        stream_status=stream.status_at(now_ms),
        stream_mode_details=shapes.StreamModeDetails(stream_mode=stream.mode),
        shards=[show_shard(shard) for shard in shards],
        has_more_shards=has_more,
        retention_period_hours=stream.retention_hours,
        stream_creation_timestamp=stream.created_ms / 1000,
        enhanced_monitoring=_monitoring(stream),
        encryption_type=stream.encryption,
        key_id=stream.key_id or None,
    )


def show_description_summary(
    stream: Stream, consumer_count: int, channel_count: int, settings: Settings, now_ms: int
) -> shapes.StreamDescriptionSummary:
    on_demand = stream.mode == "ON_DEMAND"
    return shapes.StreamDescriptionSummary(
        stream_name=stream.name,
        stream_arn=stream.arn,
        stream_status=stream.status_at(now_ms),
        stream_mode_details=shapes.StreamModeDetails(stream_mode=stream.mode),
        retention_period_hours=stream.retention_hours,
        stream_creation_timestamp=stream.created_ms / 1000,
        enhanced_monitoring=_monitoring(stream),
        encryption_type=stream.encryption,
        key_id=stream.key_id or None,
        open_shard_count=stream.open_count,
        consumer_count=consumer_count,
        warm_throughput=show_warm_throughput(stream) if settings.has_commitment(now_ms) else None,
        max_record_size_in_ki_b=stream.max_record_size_kib,
        channel_count=channel_count,
        record_distribution_strategy=stream.distribution if on_demand else None,
    )


def show_warm_throughput(stream: Stream) -> shapes.WarmThroughputObject | None:
    """What an on-demand stream can take, MiB a second: one for each open shard."""
    if stream.mode != "ON_DEMAND":
        return None
    current = stream.open_count
    target = current if stream.warm_throughput_mibps is None else stream.warm_throughput_mibps
    return shapes.WarmThroughputObject(target_mi_bps=target, current_mi_bps=current)


def show_summary(stream: Stream, now_ms: int) -> shapes.StreamSummary:
    return shapes.StreamSummary(
        stream_name=stream.name,
        stream_arn=stream.arn,
        stream_status=stream.status_at(now_ms),
        stream_mode_details=shapes.StreamModeDetails(stream_mode=stream.mode),
        stream_creation_timestamp=stream.created_ms / 1000,
    )


def show_consumer(consumer: Consumer, now_ms: int) -> shapes.Consumer:
    return shapes.Consumer(
        consumer_name=consumer.name,
        consumer_arn=consumer.arn,
        consumer_status=consumer.status_at(now_ms),
        consumer_creation_timestamp=consumer.created_ms / 1000,
    )


def show_consumer_description(
    consumer: Consumer, stream: Stream, now_ms: int
) -> shapes.ConsumerDescription:
    return shapes.ConsumerDescription(
        consumer_name=consumer.name,
        consumer_arn=consumer.arn,
        consumer_status=consumer.status_at(now_ms),
        consumer_creation_timestamp=consumer.created_ms / 1000,
        stream_arn=stream.arn,
    )


def show_tags(tags: dict[str, str]) -> list[shapes.Tag]:
    """Tags by their keys."""
    return [shapes.Tag(key=key, value=tags[key]) for key in sorted(tags)]


def _monitoring(stream: Stream) -> list[shapes.EnhancedMetrics]:
    return [shapes.EnhancedMetrics(shard_level_metrics=list(stream.enhanced_metrics))]
