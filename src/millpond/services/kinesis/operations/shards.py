"""Shards: list them."""

from collections.abc import Sequence

from millpond.kernel.call import Call
from millpond.services.kinesis import shapes
from millpond.services.kinesis.answers import show_shard
from millpond.services.kinesis.errors import InvalidArgument, ResourceInUse
from millpond.services.kinesis.model import shard_lists
from millpond.services.kinesis.model.stream import Shard, Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.paging import open_token, seal_token
from millpond.services.kinesis.operations.scope import (
    check_created_at,
    epoch_ms,
    name_in,
    not_found,
    require_shard_index,
    resolve,
)

SHARDS_PAGE_MAX = 1000
_AT_TIMESTAMP, _FROM_TIMESTAMP = "AT_TIMESTAMP", "FROM_TIMESTAMP"
_DEFAULT_FILTER = "FROM_TRIM_HORIZON"


async def list_shards(
    needs: Needs, call: Call, request: shapes.ListShardsInput
) -> shapes.ListShardsOutput:
    """A stream's shards by their ids, 1,000 at most, with those that a filter asks for.

    Raises:
        InvalidArgument: members that do not go together, or a token that is not ours.
        ExpiredNextToken: the token is older than 300 seconds.
        ResourceNotFound: there is no such stream.
        ResourceInUse: it is CREATING or DELETING.

    Source: Kinesis API reference, ListShards.
    """
    now_ms = needs.clock.now_ms()
    if request.next_token is None:
        stream = await _first_page(needs, call, request)
        kind, time_ms, after = _question(stream, request)
    else:
        _check_alone(request)
        name, stream_id, kind, time, last = open_token(needs, call, request.next_token)
        if request.stream_arn is not None and name_in(call, request.stream_arn) != name:
            raise InvalidArgument("NextToken and StreamARN name different streams.")
        time_ms, after = int(time), int(last)
        async with needs.records.transaction() as transaction:
            stream = await resolve(needs, transaction, call, name, None)
        if stream.id != stream_id:
            raise not_found(call, name)
    status = stream.status_at(now_ms)
    if status in ("CREATING", "DELETING"):
        raise ResourceInUse(
            f"Stream {stream.name} under account {stream.account} not ACTIVE, "
            f"instead in state {status}"
        )
    shards = [s for s in _select(stream, kind, time_ms, now_ms) if s.index > after]
    size = min(request.max_results or SHARDS_PAGE_MAX, SHARDS_PAGE_MAX)
    page = shards[:size]
    token = None
    if len(shards) > size:
        last_index = str(page[-1].index)
        token = seal_token(needs, call, stream.name, stream.id, kind, str(time_ms), last_index)
    return shapes.ListShardsOutput(shards=[show_shard(s) for s in page], next_token=token)


async def _first_page(needs: Needs, call: Call, request: shapes.ListShardsInput) -> Stream:
    if request.stream_name is None and request.stream_arn is None:
        raise InvalidArgument("Either NextToken or StreamName should be provided.")
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
    check_created_at(call, stream, request.stream_creation_timestamp)
    return stream


def _check_alone(request: shapes.ListShardsInput) -> None:
    """A token says all: it comes with the size of the page at most, or with the stream's ARN."""
    others = {
        "StreamName": request.stream_name,
        "ExclusiveStartShardId": request.exclusive_start_shard_id,
        "StreamCreationTimestamp": request.stream_creation_timestamp,
        "ShardFilter": request.shard_filter,
    }
    for name, value in others.items():
        if value is not None:
            raise InvalidArgument(f"NextToken and {name} cannot be provided together.")


def _question(stream: Stream, request: shapes.ListShardsInput) -> tuple[str, int, int]:
    """Which filter, its time (epoch ms), and the index after which the list begins."""
    after = -1
    if request.exclusive_start_shard_id is not None:
        after = require_shard_index(stream, request.exclusive_start_shard_id)
    asked = request.shard_filter
    if asked is None:
        return _DEFAULT_FILTER, 0, after
    kind = asked.type
    if kind == "AFTER_SHARD_ID":
        if asked.shard_id is None:
            raise InvalidArgument("ShardFilter of type AFTER_SHARD_ID needs a ShardId.")
        after = max(after, require_shard_index(stream, asked.shard_id))
    elif asked.shard_id is not None:
        raise InvalidArgument(f"ShardFilter of type {kind} cannot have a ShardId.")
    if kind in (_AT_TIMESTAMP, _FROM_TIMESTAMP):
        if asked.timestamp is None:
            raise InvalidArgument(f"ShardFilter of type {kind} needs a Timestamp.")
        return kind, epoch_ms(asked.timestamp), after
    if asked.timestamp is not None:
        raise InvalidArgument(f"ShardFilter of type {kind} cannot have a Timestamp.")
    return kind, 0, after


def _select(stream: Stream, kind: str, time_ms: int, now_ms: int) -> Sequence[Shard]:
    horizon_ms = stream.trim_horizon_ms(now_ms)
    if kind == "AT_LATEST":
        return shard_lists.open_now(stream)
    if kind == "AT_TRIM_HORIZON":
        return shard_lists.open_at(stream, horizon_ms)
    if kind == _AT_TIMESTAMP:
        return shard_lists.open_at(stream, max(time_ms, horizon_ms))
    if kind == _FROM_TIMESTAMP:
        return shard_lists.from_time(stream, max(time_ms, horizon_ms))
    return shard_lists.visible_shards(stream, now_ms)
