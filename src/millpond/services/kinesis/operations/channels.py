"""Channels: create, describe, list, update, delete."""

from collections.abc import Sequence

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction
from millpond.kernel.arn import parse_arn
from millpond.kernel.call import Call
from millpond.kernel.tasks import Task, schedule
from millpond.services.kinesis import shapes, store
from millpond.services.kinesis.channels.answers import show_channel, show_channel_summary
from millpond.services.kinesis.channels.channel import STREAM_CHANNELS_MAX, Channel, Logging
from millpond.services.kinesis.channels.configuration import (
    read_dead_letters,
    read_destination,
    read_freshness,
    read_logging,
    read_storage,
    read_stream,
)
from millpond.services.kinesis.channels.delivery import DELIVER_TASK
from millpond.services.kinesis.errors import (
    AccessDenied,
    InvalidArgument,
    LimitExceeded,
    ResourceInUse,
    ResourceNotFound,
    Validation,
)
from millpond.services.kinesis.model import tags as tag_rules
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.paging import open_token, seal_token
from millpond.services.kinesis.operations.scope import check_active, resolve

CHANNELS_PAGE_MAX = 100
_SERVICE_KEY = "alias/aws/kinesis"


async def create_channel(
    needs: Needs, call: Call, request: shapes.CreateChannelInput
) -> shapes.CreateChannelOutput:
    """Deliver a stream's records to a bucket from now on. The channel is CREATING until its buckets
    were looked at; what is put before it is ACTIVE is not delivered.

    Raises:
        InvalidArgument: what it asks for is not supported, or not valid.
        ResourceNotFound: there is no such stream.
        ResourceInUse: the name is taken, or the stream is not ACTIVE.
        Validation: the stream has provisioned capacity.
        LimitExceeded: the stream has such a channel, or calls come too often.

    Source: Kinesis API reference, CreateChannel (2013-12-02).
    """
    now_ms = _admit(needs, call)
    asked = read_destination(request)
    stream_arn, record_format = read_stream(request)
    freshness = read_freshness(asked.data_freshness_in_seconds, needs.limits)
    name, channel_id = request.channel_name, needs.ids.uuid()
    try:
        tag_rules.check(request.tags or {})
    except tag_rules.BadTags as error:
        raise InvalidArgument(f"Failed to create channel {name} because {error}") from None
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, None, stream_arn)
        _check_source(stream, now_ms)
        storage = read_storage(asked.storage_configuration, name, channel_id, stream.name)
        known = await channels_of(needs, transaction, call)
        if any(channel.name == name for channel in known):
            raise ResourceInUse(f"Channel {name} under account {call.account} already exists.")
        if needs.limits:
            _check_count(stream, known)
        logs = request.logging_configuration
        channel = Channel(
            id=channel_id,
            name=name,
            account=call.account,
            region=call.region,
            created_ms=now_ms,
            role_arn=request.service_execution_role_arn,
            stream_name=stream.name,
            stream_id=stream.id,
            stream_created_ms=stream.created_ms,
            record_format=record_format,
            freshness_seconds=freshness,
            storage=storage,
            dead_letters=read_dead_letters(
                asked.dead_letter_queue_s3_configuration, storage, name, channel_id
            ),
            logging=read_logging(
                None if logs is None else logs.cloud_watch_logs, Logging(), name, channel_id
            ),
            status="CREATING",
            status_until_ms=_until(needs, now_ms),
            tags=request.tags or {},
        )
        store.save_channel(transaction, channel)
        schedule(transaction, _task(channel))
    return shapes.CreateChannelOutput(channel_description=show_channel(channel, now_ms))


async def describe_channel(
    needs: Needs, call: Call, request: shapes.DescribeChannelInput
) -> shapes.DescribeChannelOutput:
    """A channel and its status.

    Raises:
        ResourceNotFound: there is no such channel.
        LimitExceeded: calls come too often.

    Source: Kinesis API reference, DescribeChannel.
    """
    now_ms = _admit(needs, call)
    async with needs.records.transaction() as transaction:
        channel = await require_channel(needs, transaction, call, request.channel_arn)
    return shapes.DescribeChannelOutput(channel_description=show_channel(channel, now_ms))


async def list_channels(
    needs: Needs, call: Call, request: shapes.ListChannelsInput
) -> shapes.ListChannelsOutput:
    """The account's channels, or those of certain streams; 100 at most.

    Raises:
        InvalidArgument: a token that is not ours.
        ExpiredNextToken: the token is older than 300 seconds.
        LimitExceeded: calls come too often.

    Source: Kinesis API reference, ListChannels.
    """
    now_ms = _admit(needs, call)
    after = ""
    if request.next_token is not None:
        (after,) = open_token(needs, call, request.next_token)
    size = min(request.max_results or CHANNELS_PAGE_MAX, CHANNELS_PAGE_MAX)
    found: list[Channel] = []
    async with needs.records.transaction() as transaction:
        async for channel in store.scan_channels(transaction, call, after):
            if channel.is_gone(now_ms) or not _is_wanted(channel, request.stream_filter):
                continue
            found.append(channel)
            if len(found) > size:
                break
    page = found[:size]
    return shapes.ListChannelsOutput(
        channel_summaries=[show_channel_summary(channel, now_ms) for channel in page],
        next_token=seal_token(needs, call, page[-1].id) if len(found) > size else None,
    )


async def update_channel(
    needs: Needs, call: Call, request: shapes.UpdateChannelInput
) -> shapes.UpdateChannelOutput:
    """Change how old records may become, or the log. The channel goes on delivering meanwhile.

    Raises:
        InvalidArgument: nothing is to be changed, or what the channel does not have.
        ResourceNotFound: there is no such channel.
        ResourceInUse: it is not ACTIVE.
        LimitExceeded: calls come too often.

    Source: Kinesis API reference, UpdateChannel.
    """
    now_ms = _admit(needs, call)
    asked, logs = request.s3_destination_configuration, request.logging_configuration
    if request.s3_tables_destination_configuration is not None:
        raise InvalidArgument(
            "S3TablesDestinationConfiguration cannot be updated: the channel delivers to a general "
            "purpose bucket."
        )
    if asked is None and logs is None:
        raise InvalidArgument(
            "At least one of S3DestinationConfiguration and LoggingConfiguration must be specified."
        )
    async with needs.records.transaction() as transaction:
        channel = await require_channel(needs, transaction, call, request.channel_arn)
        status = channel.status_at(now_ms)
        if status != "ACTIVE":
            raise ResourceInUse(
                f"Channel {channel.name} under account {channel.account} not ACTIVE, instead in "
                f"state {status}"
            )
        if asked is not None:
            freshness = read_freshness(asked.data_freshness_in_seconds, needs.limits)
            channel = replace(channel, freshness_seconds=freshness)
        if logs is not None:
            logging = read_logging(logs.cloud_watch_logs, channel.logging, channel.name, channel.id)
            channel = replace(channel, logging=logging)
        channel = replace(channel, status="UPDATING", status_until_ms=_until(needs, now_ms))
        store.save_channel(transaction, channel)
        schedule(transaction, _task(channel))
    description = replace(show_channel(channel, now_ms), channel_status="UPDATING")
    return shapes.UpdateChannelOutput(channel_description=description)


async def delete_channel(needs: Needs, call: Call, request: shapes.DeleteChannelInput) -> None:
    """End a channel's delivery. What was not delivered yet stays in the stream.

    Raises:
        ResourceNotFound: there is no such channel.
        LimitExceeded: calls come too often.

    Source: Kinesis API reference, DeleteChannel.
    """
    now_ms = _admit(needs, call)
    async with needs.records.transaction() as transaction:
        channel = await require_channel(needs, transaction, call, request.channel_arn)
        if channel.status == "DELETING":
            return
        until_ms = _until(needs, now_ms)
        deleting = replace(channel, status="DELETING", status_until_ms=until_ms)
        store.save_channel(transaction, deleting)
        schedule(transaction, _task(channel))


async def require_channel(
    needs: Needs, transaction: Transaction, call: Call, channel_arn: str
) -> Channel:
    """The channel that an ARN names.

    Raises:
        InvalidArgument: it is no channel's ARN.
        AccessDenied: it is another account's.
        ResourceNotFound: there is no such channel.
    """
    arn = parse_arn(channel_arn)
    kind, _, channel_id = ("", "", "") if arn is None else arn.resource.partition("/")
    if arn is None or arn.service != "kinesis" or kind != "channel" or "\0" in channel_id:
        raise InvalidArgument(f"ChannelARN {channel_arn} is not the ARN of a channel.")
    if arn.account != call.account:
        raise AccessDenied(
            f"User: {call.principal.arn} is not authorized to perform: "
            f"kinesis:{call.operation} on resource: {channel_arn}"
        )
    channel = None
    if arn.region == call.region:
        channel = await store.load_channel(transaction, call, channel_id)
    if channel is None or channel.is_gone(needs.clock.now_ms()):
        raise ResourceNotFound(f"Channel {channel_arn} under account {call.account} not found.")
    return channel


async def channels_of(
    needs: Needs, transaction: Transaction, call: Call, stream: Stream | None = None
) -> list[Channel]:
    """The account's channels, or one stream's."""
    now_ms = needs.clock.now_ms()
    return [
        channel
        async for channel in store.scan_channels(transaction, call)
        if not channel.is_gone(now_ms) and (stream is None or channel.stream_id == stream.id)
    ]


def _admit(needs: Needs, call: Call) -> int:
    """Count the call; the time."""
    now_ms = needs.clock.now_ms()
    if needs.limits:
        needs.channel_calls.admit(call, now_ms)
    return now_ms


def _until(needs: Needs, now_ms: int) -> int:
    return now_ms + round(needs.state_seconds * 1000)


def _task(channel: Channel) -> Task:
    return Task("kinesis", DELIVER_TASK, channel.id, account=channel.account, region=channel.region)


def _check_source(stream: Stream, now_ms: int) -> None:
    check_active(stream, now_ms)
    if stream.mode != "ON_DEMAND":
        raise Validation(
            f"Stream {stream.name} under account {stream.account} has the provisioned capacity "
            "mode. Channels are only supported for data streams with the on-demand capacity mode."
        )
    if stream.encryption == "KMS" and stream.key_id.endswith(_SERVICE_KEY):
        raise InvalidArgument(
            f"Stream {stream.name} under account {stream.account} is encrypted with an AWS managed "
            "key. Channels are only supported for streams with a customer managed key."
        )


def _check_count(stream: Stream, known: Sequence[Channel]) -> None:
    if sum(channel.stream_id == stream.id for channel in known) >= STREAM_CHANNELS_MAX:
        raise LimitExceeded(
            f"Stream {stream.name} under account {stream.account} has a channel to a general "
            f"purpose bucket already. Limit: {STREAM_CHANNELS_MAX}."
        )


def _is_wanted(channel: Channel, filters: Sequence[shapes.StreamFilter] | None) -> bool:
    """Times of creation are compared in whole seconds, which is what clients send."""
    return filters is None or any(
        each.stream_arn == channel.stream_arn
        and (
            each.stream_creation_timestamp is None
            or int(each.stream_creation_timestamp) == channel.stream_created_ms // 1000
        )
        for each in filters
    )
