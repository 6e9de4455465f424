"""Taking in events.

Events go into the stream's log first; a batch that is written down in records then makes them
seen. What a crash leaves between the two was not acknowledged, and is never seen. With the batch
is written down which subscribers wait for it; metric filters and tails are told afterwards, in
memory.
"""

import msgspec

from millpond.engines.log import interface
from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Call
from millpond.kernel.errors import Conflict
from millpond.kernel.metrics import MINUTE_MS
from millpond.kernel.tasks import Task, schedule
from millpond.services.logs import shapes, store
from millpond.services.logs.errors import ServiceUnavailable, no_stream
from millpond.services.logs.ingestion.measuring import count_incoming, measure
from millpond.services.logs.insights.store import add_unpacked
from millpond.services.logs.model.batches import EVENT_OVERHEAD_BYTES, accept
from millpond.services.logs.model.groups import Group, Stream, expired_before
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import require_stream
from millpond.services.logs.storing.filters import (
    TELL_DEFAULTS_TASK,
    Waiting,
    add_waiting,
    schedule_delivery,
)


async def put_log_events(
    needs: Needs, call: Call, request: shapes.PutLogEventsRequest
) -> shapes.PutLogEventsResponse:
    """Add events to a stream; those that are too old or too new are told and left out.

    A sequence token is taken and ignored, as in AWS. An entity is not kept, and answered so.

    Raises:
        InvalidParameter: the batch is too large, spans too much time, or is not in order.
        ServiceUnavailable: it cannot be said whether the events were taken.

    Source: CloudWatch Logs API reference, PutLogEvents.
    """
    async with needs.records.transaction() as transaction:
        group, stream = await require_stream(
            transaction, call, request.log_group_name, request.log_stream_name
        )
    now_ms = needs.clock.now_ms()
    events, rejected = accept(request.log_events, expired_before(group, now_ms), now_ms)
    end = needs.log.bounds(stream.log).end
    if events:
        end = await _append(needs, call, group, stream, events)
    return shapes.PutLogEventsResponse(
        next_sequence_token=f"{end:056d}",
        rejected_log_events_info=rejected,
        rejected_entity_info=(
            None
            if request.entity is None
            else shapes.RejectedEntityInfo(error_type="UnsupportedLogGroupType")
        ),
    )


async def _append(
    needs: Needs, call: Call, group: Group, stream: Stream, events: list[tuple[int, bytes]]
) -> int:
    """Append events, make them seen and tell whoever waits for them; the end of the log after
    them."""
    live = needs.live
    compiled = await live.filters.of(needs.records, group)
    awaited = compiled.awaited(events)
    entries = [(time_ms.to_bytes(8), message) for time_ms, message in events]
    (appended,) = await needs.log.append([interface.Batch(stream.log, entries)])
    batch = store.Batch(
        first_ms=events[0][0],
        last_ms=events[-1][0],
        position=appended.position,
        count=len(events),
        size_bytes=sum(len(message) + EVENT_OVERHEAD_BYTES for _, message in events),
    )

    due_ms = _defaults_due_ms(needs) if compiled.has_defaults else None

    async def show(transaction: Transaction) -> bool:
        current = await store.load_stream(transaction, group.id, stream.name)
        if current is None or current.id != stream.id:
            store.schedule_sweep(transaction, stream.id)
            return False
        store.add_batch(transaction, stream.id, batch)
        add_unpacked(transaction, call, group, current, batch)
        store.save_stream(transaction, group.id, _grown(current, batch, appended.time_ms))
        waiting = Waiting(appended.time_ms, stream.id, stream.name, appended.position, len(events))
        for subscription in awaited:
            add_waiting(transaction, subscription.id, waiting)
            schedule_delivery(transaction, call, group.name, subscription)
        if due_ms is not None:
            schedule(transaction, Task("logs", TELL_DEFAULTS_TASK, "", due_ms))
        return True

    try:
        shown = await transact(needs.records, show)
    except Conflict:
        raise ServiceUnavailable("Too many calls write to this log stream at once.") from None
    if not shown:
        raise no_stream()
    if due_ms is not None:
        live.defaults_due_ms = due_ms
    now_ms = needs.clock.now_ms()
    count_incoming(needs.meter, call, group, len(events), batch.size_bytes)
    measure(needs.meter, live.defaults, call, group, compiled, events, now_ms)
    for tail in live.tails:
        tail.offer(group, stream, events, appended.time_ms)
    return appended.position + len(events)


def _defaults_due_ms(needs: Needs) -> int | None:
    """When default values are to be told next; None where that is written down already."""
    now_ms = needs.clock.now_ms()
    due_ms = now_ms - now_ms % MINUTE_MS + MINUTE_MS
    return due_ms if due_ms > needs.live.defaults_due_ms else None


def _grown(stream: Stream, batch: store.Batch, ingested_ms: int) -> Stream:
    first_ms = batch.first_ms if stream.first_ms is None else stream.first_ms
    return msgspec.structs.replace(
        stream,
        first_ms=min(first_ms, batch.first_ms),
        last_ms=max(stream.last_ms or 0, batch.last_ms),
        ingested_ms=max(stream.ingested_ms or 0, ingested_ms),
        stored_bytes=stream.stored_bytes + batch.size_bytes,
    )
