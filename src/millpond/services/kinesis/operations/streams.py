"""Streams: create, describe, list, delete."""

from msgspec.structs import replace

from millpond.kernel.call import Call
from millpond.kernel.tasks import Task, schedule
from millpond.services.kinesis import shapes, store
from millpond.services.kinesis.answers import (
    show_description_summary,
    show_stream,
    show_summary,
)
from millpond.services.kinesis.errors import (
    InvalidArgument,
    LimitExceeded,
    ResourceInUse,
    Validation,
)
from millpond.services.kinesis.model import tags as tag_rules
from millpond.services.kinesis.model.account import SHARDS_PER_STREAM_MAX
from millpond.services.kinesis.model.hash_space import first_shards
from millpond.services.kinesis.model.scaling import ON_DEMAND_SHARDS_MIN, shards_for
from millpond.services.kinesis.model.shard_lists import visible_shards
from millpond.services.kinesis.model.stream import Mode, Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.channels import channels_of
from millpond.services.kinesis.operations.paging import open_token, seal_token
from millpond.services.kinesis.operations.quotas import check_new_stream
from millpond.services.kinesis.operations.scope import (
    check_active,
    require_shard_index,
    resolve,
)
from millpond.services.kinesis.operations.warm import check_warm_throughput
from millpond.services.kinesis.store import Doomed

STREAMS_PAGE_MAX = 100
SHARDS_DESCRIBED_MAX = 100
REMOVE_LOGS_TASK = "remove-logs"
LATE_WRITES_SECONDS = 10
"""How long a deleted stream's logs stay, so that no write that is still on its way makes a log
again that nobody would remove."""


async def create_stream(needs: Needs, call: Call, request: shapes.CreateStreamInput) -> None:
    """Make a stream whose shards share the hash keys evenly: on-demand where neither a mode nor a
    number of shards is given.

    Raises:
        ResourceInUse: the account has that name already in this region.
        LimitExceeded: the stream or the account would have too many shards, or the account has
            too many streams.
        InvalidArgument: an option does not fit the mode, or tags are not allowed.
        Validation: the mode leaves the number of shards to Kinesis, or to the caller.

    Source: Kinesis API reference, CreateStream (2013-12-02).
    """
    mode = _mode(request)
    shard_count = _shard_count(request, mode)
    strategy = request.record_distribution_strategy or "USER_PARTITION_KEY"
    if strategy == "AUTO" and mode != "ON_DEMAND":
        raise InvalidArgument(
            "RecordDistributionStrategy AUTO is only supported for streams that use the on-demand "
            "capacity mode."
        )
    tags = request.tags or {}
    try:
        tag_rules.check(tags)
    except tag_rules.BadTags as error:
        raise InvalidArgument(
            f"Failed to create stream {request.stream_name} under account {call.account} "
            f"because {error}"
        ) from None
    await check_new_stream(needs, call, shard_count, mode == "ON_DEMAND")
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        known = await store.load_stream(transaction, call, request.stream_name)
        if known is not None and not known.is_gone(now_ms):
            raise ResourceInUse(
                f"Stream {request.stream_name} under account {call.account} already exists."
            )
        await check_warm_throughput(needs, transaction, call, mode, request.warm_throughput_mi_bps)
        stream = Stream(
            name=request.stream_name,
            id=needs.ids.hex(8),
            account=call.account,
            region=call.region,
            created_ms=now_ms,
            shards=first_shards(shard_count, now_ms),
            next_index=shard_count,
            mode=mode,
            status="CREATING",
            status_until_ms=now_ms + round(needs.state_seconds * 1000),
            max_record_size_kib=request.max_record_size_in_ki_b or 1024,
            warm_throughput_mibps=request.warm_throughput_mi_bps,
            distribution=strategy,
            tags=tags,
        )
        store.save_stream(transaction, call, stream)


async def describe_stream(
    needs: Needs, call: Call, request: shapes.DescribeStreamInput
) -> shapes.DescribeStreamOutput:
    """A stream and a page of its shards, 100 at most.

    Source: Kinesis API reference, DescribeStream.
    """
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
    shards = visible_shards(stream, now_ms)
    if request.exclusive_start_shard_id is not None:
        after = require_shard_index(stream, request.exclusive_start_shard_id)
        shards = [shard for shard in shards if shard.index > after]
    size = min(request.limit or SHARDS_DESCRIBED_MAX, SHARDS_DESCRIBED_MAX)
    if stream.status_at(now_ms) == "CREATING":
        shards = []
    return shapes.DescribeStreamOutput(
        stream_description=show_stream(stream, shards[:size], len(shards) > size, now_ms)
    )


async def describe_stream_summary(
    needs: Needs, call: Call, request: shapes.DescribeStreamSummaryInput
) -> shapes.DescribeStreamSummaryOutput:
    """A stream without its shards.

    Source: Kinesis API reference, DescribeStreamSummary.
    """
    now_ms = needs.clock.now_ms()
    consumers = 0
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        async for consumer in store.scan_consumers(transaction, call, stream.name):
            consumers += not consumer.is_gone(now_ms)
        settings = await store.load_settings(transaction, call)
        channels = await channels_of(needs, transaction, call, stream)
    return shapes.DescribeStreamSummaryOutput(
        stream_description_summary=show_description_summary(
            stream, consumers, len(channels), settings, now_ms
        )
    )


async def list_streams(
    needs: Needs, call: Call, request: shapes.ListStreamsInput
) -> shapes.ListStreamsOutput:
    """Streams by name, 100 at most.

    Raises:
        InvalidArgument: the token is not one of ours, or comes with a name to begin after.
        ExpiredNextToken: the token is older than 300 seconds.

    Source: Kinesis API reference, ListStreams.
    """
    after = request.exclusive_start_stream_name or ""
    if request.next_token is not None:
        if after:
            raise InvalidArgument(
                "NextToken and ExclusiveStartStreamName cannot be provided together."
            )
        (after,) = open_token(needs, call, request.next_token)
    size = min(request.limit or STREAMS_PAGE_MAX, STREAMS_PAGE_MAX)
    now_ms = needs.clock.now_ms()
    found: list[Stream] = []
    async with needs.records.transaction() as transaction:
        async for stream in store.scan_streams(transaction, call, after):
            if stream.is_gone(now_ms):
                continue
            found.append(stream)
            if len(found) > size:
                break
    page = found[:size]
    return shapes.ListStreamsOutput(
        stream_names=[stream.name for stream in page],
        has_more_streams=len(found) > size,
        next_token=seal_token(needs, call, page[-1].name) if len(found) > size else None,
        stream_summaries=[show_summary(stream, now_ms) for stream in page],
    )


async def delete_stream(needs: Needs, call: Call, request: shapes.DeleteStreamInput) -> None:
    """Delete a stream, its shards and its records; its consumers too where that is asked for.

    Raises:
        ResourceInUse: it is not ACTIVE, has channels, or has consumers and their deletion was not
            asked for.

    Source: Kinesis API reference, DeleteStream.
    """
    now_ms = needs.clock.now_ms()
    until_ms = now_ms + round(needs.state_seconds * 1000)
    due_ms = until_ms + LATE_WRITES_SECONDS * 1000
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        check_active(stream, now_ms)
        channels = await channels_of(needs, transaction, call, stream)
        if channels:
            raise ResourceInUse(
                f"Stream {stream.name} under account {call.account} has channels, such as "
                f"{channels[0].arn}. Delete them first."
            )
        consumers = [c async for c in store.scan_consumers(transaction, call, stream.name)]
        if not request.enforce_consumer_deletion and any(not c.is_gone(now_ms) for c in consumers):
            raise ResourceInUse(
                f"Stream {stream.name} under account {call.account} has registered consumers. "
                "Deregister them, or set EnforceConsumerDeletion."
            )
        for consumer in consumers:
            store.delete_consumer(transaction, call, stream.name, consumer.name)
            store.delete_policy(transaction, call, consumer.arn)
        store.delete_policy(transaction, call, stream.arn)
        logs = tuple(stream.log_of(shard.index) for shard in stream.shards)
        doomed = Doomed(stream.account, stream.region, stream.name, stream.id, logs)
        store.save_doomed(transaction, stream.id, doomed)
        schedule(transaction, Task("kinesis", REMOVE_LOGS_TASK, stream.id, due_ms))
        if until_ms > now_ms:
            deleting = replace(stream, status="DELETING", status_until_ms=until_ms)
            store.save_stream(transaction, call, deleting)
        else:
            store.delete_stream(transaction, call, stream.name)


def _mode(request: shapes.CreateStreamInput) -> Mode:
    if request.stream_mode_details is not None:
        return request.stream_mode_details.stream_mode
    return "ON_DEMAND" if request.shard_count is None else "PROVISIONED"


def _shard_count(request: shapes.CreateStreamInput, mode: Mode) -> int:
    if mode == "ON_DEMAND":
        if request.shard_count is not None:
            raise Validation("ShardCount is not expected when StreamMode=ON_DEMAND")
        warm = request.warm_throughput_mi_bps
        return ON_DEMAND_SHARDS_MIN if warm is None else shards_for(warm)
    if request.shard_count is None:
        raise Validation(
            "ShardCount must be specified for a stream with the provisioned capacity mode."
        )
    if request.shard_count > SHARDS_PER_STREAM_MAX:
        raise LimitExceeded(f"A stream cannot have more than {SHARDS_PER_STREAM_MAX} shards.")
    return request.shard_count
