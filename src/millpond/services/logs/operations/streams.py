"""Log streams."""

import heapq
from operator import itemgetter

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.logs import shapes, store
from millpond.services.logs.errors import InvalidParameter, ResourceAlreadyExists
from millpond.services.logs.insights.store import schedule_packing
from millpond.services.logs.model.groups import Group, Stream, check_deletable
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import (
    group_arn,
    name_of,
    pages_of,
    require_group,
    require_stream,
)

PAGE_SIZE_MAX = 50
_Order = tuple[int, str]


async def create_log_stream(
    needs: Needs, call: Call, request: shapes.CreateLogStreamRequest
) -> None:
    """Make a log stream.

    Raises:
        ResourceAlreadyExists: its group has a stream of that name.

    Source: CloudWatch Logs API reference, CreateLogStream.
    """
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        if await store.load_stream(transaction, group.id, request.log_stream_name):
            raise ResourceAlreadyExists("The specified log stream already exists")
        stream = Stream(
            id=needs.ids.hex(8),
            name=request.log_stream_name,
            created_ms=needs.clock.now_ms(),
        )
        store.save_stream(transaction, group.id, stream)


async def delete_log_stream(
    needs: Needs, call: Call, request: shapes.DeleteLogStreamRequest
) -> None:
    """Remove a log stream and, out of sight at once, its events.

    Source: CloudWatch Logs API reference, DeleteLogStream.
    """
    async with needs.records.transaction() as transaction:
        group, stream = await require_stream(
            transaction, call, request.log_group_name, request.log_stream_name
        )
        check_deletable(group)
        store.drop_stream(transaction, group.id, stream)
        schedule_packing(transaction, call, group.name)


async def describe_log_streams(
    needs: Needs, call: Call, request: shapes.DescribeLogStreamsRequest
) -> shapes.DescribeLogStreamsResponse:
    """Log streams of a group, by name or by the time of their last events.

    Raises:
        InvalidParameter: order by time is asked for together with a prefix.

    Source: CloudWatch Logs API reference, DescribeLogStreams.
    """
    group_name = name_of(call, request.log_group_name, request.log_group_identifier)
    prefix = request.log_stream_name_prefix or ""
    by_time = request.order_by == "LastEventTime"
    if by_time and prefix:
        raise InvalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
    descending = bool(request.descending)
    paging = pages_of(needs, call, group_name, prefix, by_time, descending)
    after = _read_order(paging.open(request.next_token))
    size = request.limit or PAGE_SIZE_MAX
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, group_name)
        found = await _some(transaction, group, prefix, by_time, descending, after, size + 1)
    streams = [_answer(call, group, stream) for _, stream in found[:size]]
    if len(found) <= size:
        return shapes.DescribeLogStreamsResponse(log_streams=streams)
    time_ms, name = found[size - 1][0]
    return shapes.DescribeLogStreamsResponse(
        log_streams=streams, next_token=paging.seal(f"{time_ms} {name}")
    )


async def _some(
    transaction: Transaction,
    group: Group,
    prefix: str,
    by_time: bool,
    descending: bool,
    after: _Order | None,
    count: int,
) -> list[tuple[_Order, Stream]]:
    """The next `count` streams in the order asked for, each with its place in that order."""
    kept: list[tuple[_Order, Stream]] = []
    begin = after[1] if after and not by_time and not descending else ""
    async for stream in store.scan_streams(transaction, group.id, prefix, begin):
        order = (stream.last_ms or 0 if by_time else 0, stream.name)
        if after is not None and (order >= after if descending else order <= after):
            continue
        kept.append((order, stream))
        if len(kept) == count and not by_time and not descending:
            break
        if len(kept) >= 2 * count + 1000:
            kept = _first(kept, descending, count)
    return _first(kept, descending, count)


def _first(
    streams: list[tuple[_Order, Stream]], descending: bool, count: int
) -> list[tuple[_Order, Stream]]:
    choose = heapq.nlargest if descending else heapq.nsmallest
    return choose(count, streams, key=itemgetter(0))


def _read_order(position: str) -> _Order | None:
    if not position:
        return None
    time_ms, _, name = position.partition(" ")
    return int(time_ms), name


def _answer(call: Call, group: Group, stream: Stream) -> shapes.LogStream:
    return shapes.LogStream(
        log_stream_name=stream.name,
        creation_time=stream.created_ms,
        first_event_timestamp=stream.first_ms,
        last_event_timestamp=stream.last_ms,
        last_ingestion_time=stream.ingested_ms,
        upload_sequence_token=None,
        arn=f"{group_arn(call, group.name)}:log-stream:{stream.name}",
        stored_bytes=0,
    )
