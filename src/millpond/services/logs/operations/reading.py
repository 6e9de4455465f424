"""Reading the events of one stream.

A token is a place between two events and a direction: `f` reads on from it, `b` reads back from
it. At the end of the stream the token that was given is given back.
"""

from millpond.kernel.call import Call
from millpond.kernel.pages import Paging
from millpond.services.logs import shapes
from millpond.services.logs.errors import InvalidParameter
from millpond.services.logs.model.batches import BATCH_SIZE_BYTES_MAX, EVENT_OVERHEAD_BYTES
from millpond.services.logs.model.groups import expired_before
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import name_of, pages_of, require_stream
from millpond.services.logs.reading import END, Event, Place, Stretch, walk

EVENTS_MAX = 10_000


async def get_log_events(
    needs: Needs, call: Call, request: shapes.GetLogEventsRequest
) -> shapes.GetLogEventsResponse:
    """Events of one stream in the order of time: the latest of them unless asked otherwise.

    Source: CloudWatch Logs API reference, GetLogEvents.
    """
    group_name = name_of(call, request.log_group_name, request.log_group_identifier)
    _check_times(request)
    paging = pages_of(needs, call, group_name, request.log_stream_name)
    backward, low, high = _stretch(request, paging)
    async with needs.records.transaction() as transaction:
        group, stream = await require_stream(transaction, call, group_name, request.log_stream_name)
        low = max(low, Place(expired_before(group, needs.clock.now_ms())))
        events: list[Event] = []
        size = 0
        async for event in walk(
            needs.log, transaction, stream, Stretch(low, high), backward=backward
        ):
            size += len(event.message) + EVENT_OVERHEAD_BYTES
            if events and size > BATCH_SIZE_BYTES_MAX:
                break
            events.append(event)
            if len(events) == (request.limit or EVENTS_MAX):
                break
    if backward:
        events.reverse()
    if events:
        before, after = events[0].place, Place(events[-1].time_ms, events[-1].position + 1)
    elif request.next_token:
        before = after = high if backward else low
    else:
        before = after = low
    forward_token = _seal(paging, "f", after)
    backward_token = _seal(paging, "b", before)
    if not events and request.next_token:
        forward_token = forward_token if backward else request.next_token
        backward_token = request.next_token if backward else backward_token
    return shapes.GetLogEventsResponse(
        events=[
            shapes.OutputLogEvent(
                timestamp=event.time_ms,
                message=event.message.decode(),
                ingestion_time=event.ingested_ms,
            )
            for event in events
        ],
        next_forward_token=forward_token,
        next_backward_token=backward_token,
    )


def _check_times(request: shapes.GetLogEventsRequest) -> None:
    start, end = request.start_time, request.end_time
    if start is not None and end is not None and start > end:
        raise InvalidParameter("startTime must not be later than endTime.")


def _stretch(request: shapes.GetLogEventsRequest, paging: Paging) -> tuple[bool, Place, Place]:
    """Whether to read backward, and between which places."""
    low = Place(request.start_time or 0)
    high = END if request.end_time is None else Place(request.end_time)
    if request.next_token is None:
        return not request.start_from_head, low, high
    direction, slash, sealed = request.next_token.partition("/")
    if direction not in ("f", "b") or not slash:
        raise InvalidParameter("The specified nextToken is invalid.")
    time_ms, _, position = paging.open(sealed).partition(" ")
    if not position:
        raise InvalidParameter("The specified nextToken is invalid.")
    place = Place(int(time_ms), int(position))
    if direction == "b":
        return True, low, min(high, place)
    return False, max(low, place), high


def _seal(paging: Paging, direction: str, place: Place) -> str:
    return f"{direction}/{paging.seal(f'{place.time_ms} {place.position}')}"
