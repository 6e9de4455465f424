"""AWS's quotas for an account, which hold where limits are enforced.

They are counted in a transaction of their own: two calls at the same moment may pass a quota
together, and never lose a race because of it. AWS's are as lax.
"""

from dataclasses import dataclass

from millpond.kernel.call import Call
from millpond.services.kinesis import store
from millpond.services.kinesis.errors import LimitExceeded
from millpond.services.kinesis.model.account import (
    ON_DEMAND_STREAMS_MAX,
    STREAMS_CREATING_MAX,
    shards_max,
)
from millpond.services.kinesis.needs import Needs


@dataclass(slots=True)
class Usage:
    """What an account has in a region."""

    open_shards: int = 0
    on_demand_streams: int = 0
    streams_creating: int = 0


async def count_usage(needs: Needs, call: Call) -> Usage:
    usage = Usage()
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        async for stream in store.scan_streams(transaction, call):
            if stream.is_gone(now_ms):
                continue
            usage.on_demand_streams += stream.mode == "ON_DEMAND"
            usage.open_shards += stream.open_count
            usage.streams_creating += stream.status_at(now_ms) == "CREATING"
    return usage


async def check_more_shards(needs: Needs, call: Call, more: int) -> None:
    """The account may have `more` shards than it has.

    Raises:
        LimitExceeded: that would be too many.
    """
    if not needs.limits or more <= 0:
        return
    _check_shards(call, await count_usage(needs, call), more)


async def check_new_stream(needs: Needs, call: Call, shard_count: int, on_demand: bool) -> None:
    """The account may have another stream of so many shards.

    Raises:
        LimitExceeded: it has too many shards, on-demand streams, or streams that are CREATING.
    """
    if not needs.limits:
        return
    usage = await count_usage(needs, call)
    if usage.streams_creating >= STREAMS_CREATING_MAX:
        raise LimitExceeded(
            f"This request would exceed the limit of {STREAMS_CREATING_MAX} streams in the "
            f"CREATING state for the account {call.account}."
        )
    if on_demand:
        _check_on_demand(call, usage)
    _check_shards(call, usage, shard_count)


async def check_on_demand(needs: Needs, call: Call) -> None:
    """The account may have another on-demand stream.

    Raises:
        LimitExceeded: it has too many.
    """
    if needs.limits:
        _check_on_demand(call, await count_usage(needs, call))


def _check_on_demand(call: Call, usage: Usage) -> None:
    if usage.on_demand_streams >= ON_DEMAND_STREAMS_MAX:
        raise LimitExceeded(
            f"This request would exceed the on-demand stream limit for the account {call.account} "
            f"in {call.region}. Current on-demand stream count for the account: "
            f"{usage.on_demand_streams}. Limit: {ON_DEMAND_STREAMS_MAX}."
        )


def _check_shards(call: Call, usage: Usage, more: int) -> None:
    limit = shards_max(call.region)
    if usage.open_shards + more > limit:
        raise LimitExceeded(
            f"This request would exceed the shard limit for the account {call.account} in "
            f"{call.region}. Current shard count for the account: {usage.open_shards}. "
            f"Limit: {limit}. Number of additional shards that would have resulted from this "
            f"request: {more}. Refer to the AWS Service Limits page "
            "(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) "
            "for current limits and how to request higher limits."
        )
