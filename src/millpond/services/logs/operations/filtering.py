"""Reading the events of many streams of a group together.

Events stand in the order of their times, of their streams' names, and of their places in the
stream; a token is the last event's place in that order.
"""

import heapq
from collections.abc import AsyncIterator
from typing import NamedTuple

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.logs import shapes, store
from millpond.services.logs.errors import InvalidParameter, no_stream
from millpond.services.logs.model.batches import BATCH_SIZE_BYTES_MAX, EVENT_OVERHEAD_BYTES
from millpond.services.logs.model.events import event_id
from millpond.services.logs.model.filters import read_pattern
from millpond.services.logs.model.groups import Group, Stream, expired_before
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import name_of, pages_of, require_group
from millpond.services.logs.reading import END, Event, Matches, Place, Stretch, walk

EVENTS_MAX = 10_000
SEARCH_MS_MAX = 5000
"""How long one page searches for events that match; an answer may have none, and a token."""
BACKWARD_START_MS_MIN = 1_704_067_200_000
"""2024-01-01: AWS reads backward from no earlier start."""


class Passed(NamedTuple):
    """The last event that was answered."""

    time_ms: int
    stream: str
    position: int


async def filter_log_events(
    needs: Needs, call: Call, request: shapes.FilterLogEventsRequest
) -> shapes.FilterLogEventsResponse:
    """Events of a group's streams in the order of time, or against it.

    Raises:
        InvalidParameter: the filter pattern cannot be read; or streams are named and described by
            a prefix too.

    Source: CloudWatch Logs API reference, FilterLogEvents.
    """
    matches = read_pattern(request.filter_pattern).matches if request.filter_pattern else None
    group_name = name_of(call, request.log_group_name, request.log_group_identifier)
    _check(request)
    paging = pages_of(
        needs,
        call,
        group_name,
        request.log_stream_names,
        request.log_stream_name_prefix,
        request.start_time,
        request.end_time,
        request.filter_pattern,
    )
    backward, passed = request.start_from_head is False, None
    if request.next_token:
        direction, time_ms, position, name = paging.open(request.next_token).split(" ", 3)
        backward, passed = direction == "b", Passed(int(time_ms), name, int(position))
    begun = passed
    events: list[shapes.FilteredLogEvent] = []
    token: str | None = None
    size = 0
    ends_ms = needs.clock.now_ms() + SEARCH_MS_MAX
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, group_name)
        stretch = _stretch(request, expired_before(group, needs.clock.now_ms()))
        streams = await _streams(transaction, group, request)
        found = _merge(needs, transaction, streams, stretch, passed, backward, matches)
        async for stream, event in found:
            size += len(event.message) + EVENT_OVERHEAD_BYTES if event.message else 0
            full = len(events) == (request.limit or EVENTS_MAX)
            late = passed is not begun and needs.clock.now_ms() >= ends_ms
            if (event.message and full) or (events and size > BATCH_SIZE_BYTES_MAX) or late:
                assert passed is not None
                direction = "b" if backward else "f"
                token = paging.seal(
                    f"{direction} {passed.time_ms} {passed.position} {passed.stream}"
                )
                break
            if event.message:
                events.append(_answer(stream, event))
            passed = Passed(event.time_ms, stream.name, event.position)
    return shapes.FilterLogEventsResponse(events=events, searched_log_streams=[], next_token=token)


def _check(request: shapes.FilterLogEventsRequest) -> None:
    if request.log_stream_names and request.log_stream_name_prefix:
        raise InvalidParameter(
            "logStreamNames and logStreamNamePrefix cannot be specified together."
        )
    start, end = request.start_time, request.end_time
    if start is not None and end is not None and start > end:
        raise InvalidParameter("startTime must not be later than endTime.")
    if request.start_from_head is False and start is not None and start < BACKWARD_START_MS_MIN:
        raise InvalidParameter(
            "startFromHead can be false only if startTime is on or after Jan 1, 2024 00:00:00 UTC."
        )


def _stretch(request: shapes.FilterLogEventsRequest, expired_before_ms: int) -> Stretch:
    """The times that were asked for; unlike GetLogEvents' the end is part of them."""
    low = Place(max(request.start_time or 0, expired_before_ms))
    if request.end_time is None:
        return Stretch(low)
    return Stretch(low, min(Place(request.end_time + 1), END))


async def _streams(
    transaction: Transaction, group: Group, request: shapes.FilterLogEventsRequest
) -> list[Stream]:
    """The streams that have events and are asked for."""
    if request.log_stream_names:
        named = [
            await store.load_stream(transaction, group.id, name)
            for name in dict.fromkeys(request.log_stream_names)
        ]
        if None in named:
            raise no_stream()
        return [stream for stream in named if stream is not None and stream.last_ms is not None]
    prefix = request.log_stream_name_prefix or ""
    found = store.scan_streams(transaction, group.id, prefix)
    return [stream async for stream in found if stream.last_ms is not None]


async def _merge(
    needs: Needs,
    transaction: Transaction,
    streams: list[Stream],
    stretch: Stretch,
    passed: Passed | None,
    backward: bool,
    matches: Matches | None,
) -> AsyncIterator[tuple[Stream, Event]]:
    """Events of all streams in their common order. A stream is opened once its time has come."""
    sign = -1 if backward else 1
    names = sorted(stream.name for stream in streams)
    rank = {name: sign * number for number, name in enumerate(names)}
    waiting = sorted(
        streams,
        key=lambda stream: (stream.last_ms or 0) if backward else -(stream.first_ms or 0),
    )
    heap: list[tuple[int, int, int, Stream, Event, AsyncIterator[Event]]] = []

    async def push(stream: Stream, events: AsyncIterator[Event]) -> None:
        event = await anext(events, None)
        if event is not None:
            key = (sign * event.time_ms, rank[stream.name], sign * event.position)
            heapq.heappush(heap, (*key, stream, event, events))

    while heap or waiting:
        while waiting:
            edge_ms = (waiting[-1].last_ms if backward else waiting[-1].first_ms) or 0
            if heap and sign * edge_ms > heap[0][0]:
                break
            stream = waiting.pop()
            part = _left(stretch, stream, passed, backward)
            events = walk(needs.log, transaction, stream, part, backward=backward, matches=matches)
            await push(stream, events)
        if heap:
            _, _, _, stream, event, events = heapq.heappop(heap)
            yield stream, event
            await push(stream, events)


def _left(stretch: Stretch, stream: Stream, passed: Passed | None, backward: bool) -> Stretch:
    """The part of a stretch in which a stream's events were not answered yet."""
    if passed is None:
        return stretch
    time_ms = passed.time_ms
    if stream.name == passed.stream:
        edge = Place(time_ms, passed.position + (not backward))
    else:
        edge = Place(time_ms + (stream.name < passed.stream))
    if backward:
        return Stretch(stretch.low, min(stretch.high, edge))
    return Stretch(max(stretch.low, edge), stretch.high)


def _answer(stream: Stream, event: Event) -> shapes.FilteredLogEvent:
    return shapes.FilteredLogEvent(
        log_stream_name=stream.name,
        timestamp=event.time_ms,
        message=event.message.decode(),
        ingestion_time=event.ingested_ms,
        event_id=event_id(event.time_ms, stream.id, event.position),
    )
