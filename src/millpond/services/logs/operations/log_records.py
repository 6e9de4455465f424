"""Single events with all their fields, and which fields the events of a group have."""

import base64
from collections import Counter

from millpond.kernel.call import Call
from millpond.services.logs import shapes, store
from millpond.services.logs.errors import InvalidParameter, ResourceNotFound
from millpond.services.logs.insights.discovery import fields_of
from millpond.services.logs.model.groups import expired_before
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import name_of, require_group, require_stream
from millpond.services.logs.reading import Place, Stretch, walk

_RECENT_MS = 15 * 60 * 1000
_AROUND_MS = 8 * 60 * 1000
SAMPLE_EVENTS = 1000
_EVERY_EVENT = ("@ingestionTime", "@log", "@logStream", "@message", "@ptr", "@timestamp")
_SECONDS_MAX = 10**11


async def get_log_record(
    needs: Needs, call: Call, request: shapes.GetLogRecordRequest
) -> shapes.GetLogRecordResponse:
    """All fields of the event that a query's `@ptr` points to.

    Raises:
        InvalidParameter: that is no pointer.
        ResourceNotFound: the event is gone.

    Source: CloudWatch Logs API reference, GetLogRecord.
    """
    log, stream_name, stream_id, position = _pointed(request.log_record_pointer)
    account, _, group_name = log.partition(":")
    if account != call.account:
        raise _no_record()
    async with needs.records.transaction() as transaction:
        group, stream = await require_stream(transaction, call, group_name, stream_name)
    if stream.id != stream_id:
        raise _no_record()
    read = await needs.log.read(stream.log, position, entries_max=1, size_bytes_max=1)
    if not read.entries or read.entries[0].position != position:
        raise _no_record()
    entry = read.entries[0]
    time_ms = int.from_bytes(entry.key)
    if time_ms < expired_before(group, needs.clock.now_ms()):
        raise _no_record()
    message = entry.value.decode()
    return shapes.GetLogRecordResponse(
        log_record={
            **fields_of(message),
            "@timestamp": str(time_ms),
            "@ingestionTime": str(entry.time_ms),
            "@message": message,
            "@logStream": stream.name,
            "@log": log,
            "@ptr": request.log_record_pointer,
        }
    )


def _pointed(pointer: str) -> tuple[str, str, str, int]:
    """The group with its account, the stream's name and id, and the position."""
    try:
        log, name, stream_id, position = (
            base64.b64decode(pointer, validate=True).decode().split("\n")
        )
        return log, name, stream_id, int(position)
    except ValueError:
        raise InvalidParameter("The specified log record pointer is invalid.") from None


def _no_record() -> ResourceNotFound:
    return ResourceNotFound("The specified log record does not exist.")


async def get_log_group_fields(
    needs: Needs, call: Call, request: shapes.GetLogGroupFieldsRequest
) -> shapes.GetLogGroupFieldsResponse:
    """The fields of a group's events and how many percent of them have each, from a sample of the
    newest 1,000 in the last 15 minutes, or eight minutes around a time.

    Source: CloudWatch Logs API reference, GetLogGroupFields.
    """
    name = name_of(call, request.log_group_name, request.log_group_identifier)
    now_ms = needs.clock.now_ms()
    low, high = now_ms - _RECENT_MS, now_ms + 1
    if request.time is not None:
        middle = request.time * 1000 if request.time < _SECONDS_MAX else request.time
        low, high = middle - _AROUND_MS, middle + _AROUND_MS + 1
    counts: Counter[str] = Counter()
    total = 0
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, name)
        stretch = Stretch(Place(max(low, expired_before(group, now_ms), 0)), Place(high))
        streams = [
            one
            async for one in store.scan_streams(transaction, group.id)
            if one.last_ms is not None and one.last_ms >= low
        ]
        streams.sort(key=lambda one: one.last_ms or 0, reverse=True)
        for stream in streams:
            events = walk(needs.log, transaction, stream, stretch, backward=True)
            async for event in events:
                counts.update({*fields_of(event.message.decode()), *_EVERY_EVENT})
                total += 1
                if total == SAMPLE_EVENTS:
                    break
            if total == SAMPLE_EVENTS:
                break
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return shapes.GetLogGroupFieldsResponse(
        log_group_fields=[
            shapes.LogGroupField(name=name, percent=round(100 * count / total))
            for name, count in found
        ]
    )
