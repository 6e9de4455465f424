"""Settings of streams: retention, mode, record size, warm throughput, monitoring."""

from typing import Any

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.kinesis import reshaping, shapes, store
from millpond.services.kinesis.answers import show_warm_throughput
from millpond.services.kinesis.errors import InvalidArgument, LimitExceeded
from millpond.services.kinesis.model.changes import TIMES_A_DAY, may_change, with_change
from millpond.services.kinesis.model.hash_space import even_bounds
from millpond.services.kinesis.model.scaling import shards_for
from millpond.services.kinesis.model.stream import HOUR_MS, Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.quotas import check_more_shards, check_on_demand
from millpond.services.kinesis.operations.scope import check_active, resolve
from millpond.services.kinesis.operations.warm import check_warm_throughput

RETENTION_HOURS_MIN = 24
RETENTION_HOURS_MAX = 8760
SHARD_METRICS = (
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
)


async def increase_stream_retention_period(
    needs: Needs, call: Call, request: shapes.IncreaseStreamRetentionPeriodInput
) -> None:
    """Keep records longer. What is out of reach already stays so.

    Raises:
        InvalidArgument: not 24 to 8,760 hours, or less than it is.
        ResourceInUse: the stream is not ACTIVE.

    Source: Kinesis API reference, IncreaseStreamRetentionPeriod.
    """
    hours = request.retention_period_hours
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        _check_retention(hours)
        if hours < stream.retention_hours:
            raise InvalidArgument(
                f"Requested retention period ({hours} hours) for stream {stream.name} can not be "
                f"shorter than existing retention period ({stream.retention_hours} hours). "
                "Use DecreaseRetentionPeriod API."
            )
        check_active(stream, now_ms)
        kept_from_ms = max(stream.kept_from_ms, now_ms - stream.retention_hours * HOUR_MS)
        _update(
            needs, transaction, stream, now_ms, retention_hours=hours, kept_from_ms=kept_from_ms
        )


async def decrease_stream_retention_period(
    needs: Needs, call: Call, request: shapes.DecreaseStreamRetentionPeriodInput
) -> None:
    """Keep records for a shorter time. Older ones are out of reach at once.

    Raises:
        InvalidArgument: not 24 to 8,760 hours, or more than it is.
        ResourceInUse: the stream is not ACTIVE.

    Source: Kinesis API reference, DecreaseStreamRetentionPeriod.
    """
    hours = request.retention_period_hours
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        _check_retention(hours)
        if hours > stream.retention_hours:
            raise InvalidArgument(
                f"Requested retention period ({hours} hours) for stream {stream.name} can not be "
                f"longer than existing retention period ({stream.retention_hours} hours). "
                "Use IncreaseRetentionPeriod API."
            )
        check_active(stream, now_ms)
        _update(needs, transaction, stream, now_ms, retention_hours=hours)


async def update_stream_mode(
    needs: Needs, call: Call, request: shapes.UpdateStreamModeInput
) -> None:
    """Change between provisioned and on-demand. The shards stay as they are, unless a warm
    throughput asks for others.

    Raises:
        ResourceInUse: the stream is not ACTIVE.
        LimitExceeded: a third time in 24 hours, or too many on-demand streams or shards.
        Validation: a warm throughput that the mode or the account does not allow.

    Source: Kinesis API reference, UpdateStreamMode.
    """
    mode = request.stream_mode_details.stream_mode
    warm = request.warm_throughput_mi_bps
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, None, request.stream_arn)
    if mode == "ON_DEMAND" and stream.mode != mode:
        await check_on_demand(needs, call)
    if warm is not None:
        await check_more_shards(needs, call, shards_for(warm) - stream.open_count)
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, None, request.stream_arn)
        check_active(stream, now_ms)
        await check_warm_throughput(needs, transaction, call, mode, warm)
        if stream.mode != mode:
            if needs.limits and not may_change(stream, "mode", now_ms):
                raise LimitExceeded(
                    f"The capacity mode of stream {stream.name} under account {stream.account} "
                    f"cannot be changed more than {TIMES_A_DAY['mode']} times in 24 hours."
                )
            stream = with_change(stream, "mode", now_ms)
        distribution = stream.distribution if mode == "ON_DEMAND" else "USER_PARTITION_KEY"
        stream = replace(stream, mode=mode, distribution=distribution, warm_throughput_mibps=warm)
        if warm is None:
            _update(needs, transaction, stream, now_ms)
        else:
            reshaping.begin(needs, transaction, stream, even_bounds(shards_for(warm)))
    if warm is not None:
        await reshaping.finish(needs, stream)


async def update_stream_warm_throughput(
    needs: Needs, call: Call, request: shapes.UpdateStreamWarmThroughputInput
) -> shapes.UpdateStreamWarmThroughputOutput:
    """Give an on-demand stream the shards for a throughput before it has that load.

    Raises:
        Validation: the stream is provisioned, or the account has no throughput commitment.
        InvalidArgument: more than 10 GiB a second.
        ResourceInUse: the stream is not ACTIVE.
        LimitExceeded: the account would have too many shards.

    Source: Kinesis API reference, UpdateStreamWarmThroughput.
    """
    warm = request.warm_throughput_mi_bps
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        await check_warm_throughput(needs, transaction, call, stream.mode, warm)
    await check_more_shards(needs, call, shards_for(warm) - stream.open_count)
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        await check_warm_throughput(needs, transaction, call, stream.mode, warm)
        check_active(stream, now_ms)
        stream = replace(stream, warm_throughput_mibps=warm)
        reshaping.begin(needs, transaction, stream, even_bounds(shards_for(warm)))
    await reshaping.finish(needs, stream)
    return shapes.UpdateStreamWarmThroughputOutput(
        stream_arn=stream.arn,
        stream_name=stream.name,
        warm_throughput=show_warm_throughput(stream),
    )


async def update_max_record_size(
    needs: Needs, call: Call, request: shapes.UpdateMaxRecordSizeInput
) -> None:
    """Change how large a record may be, 1,024 to 10,240 KiB.

    Raises:
        ResourceInUse: the stream is not ACTIVE.

    Source: Kinesis API reference, UpdateMaxRecordSize.
    """
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, None, request.stream_arn)
        check_active(stream, now_ms)
        size_kib = request.max_record_size_in_ki_b
        _update(needs, transaction, stream, now_ms, max_record_size_kib=size_kib)


async def update_stream_record_distribution_strategy(
    needs: Needs, call: Call, request: shapes.UpdateStreamRecordDistributionStrategyInput
) -> None:
    """Change whether records go to shards by their keys or evenly. Takes effect at once.

    Raises:
        InvalidArgument: AUTO for a provisioned stream.
        ResourceInUse: the stream is not ACTIVE.

    Source: Kinesis API reference, UpdateStreamRecordDistributionStrategy.
    """
    strategy = request.record_distribution_strategy
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, None, request.stream_arn)
        if strategy == "AUTO" and stream.mode != "ON_DEMAND":
            raise InvalidArgument(
                "RecordDistributionStrategy AUTO is only supported for streams that use the "
                "on-demand capacity mode."
            )
        check_active(stream, now_ms)
        store.save_stream(transaction, call, replace(stream, distribution=strategy))


async def enable_enhanced_monitoring(
    needs: Needs, call: Call, request: shapes.EnableEnhancedMonitoringInput
) -> shapes.EnhancedMonitoringOutput:
    """Measure shards, too, by the metrics named; the answer has those before and after.

    Raises:
        ResourceInUse: the stream is not ACTIVE.

    Source: Kinesis API reference, EnableEnhancedMonitoring.
    """
    now_ms = needs.clock.now_ms()
    asked = _metrics(request.shard_level_metrics)
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        check_active(stream, now_ms)
        before = stream.enhanced_metrics
        after = tuple(name for name in SHARD_METRICS if name in asked or name in before)
        _update(needs, transaction, stream, now_ms, enhanced_metrics=after)
    return _show_monitoring(stream, before, after)


async def disable_enhanced_monitoring(
    needs: Needs, call: Call, request: shapes.DisableEnhancedMonitoringInput
) -> shapes.EnhancedMonitoringOutput:
    """Measure shards by the metrics named no longer; the answer has those before and after.

    Raises:
        ResourceInUse: the stream is not ACTIVE.

    Source: Kinesis API reference, DisableEnhancedMonitoring.
    """
    now_ms = needs.clock.now_ms()
    asked = _metrics(request.shard_level_metrics)
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        check_active(stream, now_ms)
        before = stream.enhanced_metrics
        after = tuple(name for name in before if name not in asked)
        _update(needs, transaction, stream, now_ms, enhanced_metrics=after)
    return _show_monitoring(stream, before, after)


def _update(
    needs: Needs, transaction: Transaction, stream: Stream, now_ms: int, **members: Any
) -> None:
    """Write the stream with other `members`; it is UPDATING for as long as states take."""
    until_ms = now_ms + round(needs.state_seconds * 1000)
    changed = replace(stream, status="UPDATING", status_until_ms=until_ms, **members)
    store.save_stream(transaction, stream, changed)


def _check_retention(hours: int) -> None:
    if hours < RETENTION_HOURS_MIN:
        raise InvalidArgument(
            f"Minimum allowed retention period is {RETENTION_HOURS_MIN} hours. "
            f"Requested retention period ({hours} hours) is too short."
        )
    if hours > RETENTION_HOURS_MAX:
        raise InvalidArgument(
            f"Maximum allowed retention period is {RETENTION_HOURS_MAX} hours. "
            f"Requested retention period ({hours} hours) is too long."
        )


def _metrics(names: list[Any]) -> frozenset[str]:
    return frozenset(SHARD_METRICS if "ALL" in names else names)


def _show_monitoring(
    stream: Stream, before: tuple[str, ...], after: tuple[str, ...]
) -> shapes.EnhancedMonitoringOutput:
    return shapes.EnhancedMonitoringOutput(
        stream_name=stream.name,
        current_shard_level_metrics=list(before),
        desired_shard_level_metrics=list(after),
        stream_arn=stream.arn,
    )
