"""What an account has and may have."""

from millpond.kernel.call import Call
from millpond.services.kinesis import shapes, store
from millpond.services.kinesis.channels.channel import STREAM_CHANNELS_MAX
from millpond.services.kinesis.model.account import (
    ON_DEMAND_STREAMS_MAX,
    Settings,
    shards_max,
)
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.channels import channels_of
from millpond.services.kinesis.operations.quotas import count_usage


async def describe_limits(
    needs: Needs, call: Call, request: shapes.DescribeLimitsInput
) -> shapes.DescribeLimitsOutput:
    """AWS's quotas for shards, on-demand streams and their channels, and what is used of them.

    Source: Kinesis API reference, DescribeLimits.
    """
    usage = await count_usage(needs, call)
    async with needs.records.transaction() as transaction:
        channels = await channels_of(needs, transaction, call)
    return shapes.DescribeLimitsOutput(
        shard_limit=shards_max(call.region),
        open_shard_count=usage.open_shards,
        on_demand_stream_count=usage.on_demand_streams,
        on_demand_stream_count_limit=ON_DEMAND_STREAMS_MAX,
        channel_count=len(channels),
        channel_count_limit=ON_DEMAND_STREAMS_MAX * STREAM_CHANNELS_MAX,
    )


async def describe_account_settings(
    needs: Needs, call: Call, request: shapes.DescribeAccountSettingsInput
) -> shapes.DescribeAccountSettingsOutput:
    """The minimum throughput billing commitment of the account in this region.

    Source: Kinesis API reference, DescribeAccountSettings.
    """
    async with needs.records.transaction() as transaction:
        settings = await store.load_settings(transaction, call)
    return shapes.DescribeAccountSettingsOutput(
        minimum_throughput_billing_commitment=_show(settings, needs.clock.now_ms())
    )


async def update_account_settings(
    needs: Needs, call: Call, request: shapes.UpdateAccountSettingsInput
) -> shapes.UpdateAccountSettingsOutput:
    """Begin or end the minimum throughput billing commitment. It lasts 24 hours at least: ended
    before, it goes on until then.

    Source: Kinesis API reference, UpdateAccountSettings.
    """
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        settings = await store.load_settings(transaction, call)
        if request.minimum_throughput_billing_commitment.status == "ENABLED":
            settings = settings.commit(now_ms)
        else:
            settings = settings.end_commitment(now_ms)
        store.save_settings(transaction, call, settings)
    return shapes.UpdateAccountSettingsOutput(
        minimum_throughput_billing_commitment=_show(settings, now_ms)
    )


def _show(settings: Settings, now_ms: int) -> shapes.MinimumThroughputBillingCommitmentOutput:
    status = settings.status_at(now_ms)
    if settings.commitment_began_ms == 0:
        return shapes.MinimumThroughputBillingCommitmentOutput(status=status)
    ended = status == "DISABLED"
    return shapes.MinimumThroughputBillingCommitmentOutput(
        status=status,
        started_at=settings.commitment_began_ms / 1000,
        ended_at=settings.commitment_ends_ms / 1000 if ended else None,
        earliest_allowed_end_at=None if ended else settings.earliest_end_ms / 1000,
    )
