"""CloudWatch Logs's work in the background: retention, clearing up, and what other modules do."""

from collections.abc import Mapping
from functools import partial

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.metrics import MINUTE_MS
from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.logs import store
from millpond.services.logs.delivery.delivering import deliver
from millpond.services.logs.exporting.exporting import export
from millpond.services.logs.insights import running
from millpond.services.logs.insights.packs.packing import drop_unneeded
from millpond.services.logs.insights.store import (
    PACK_TASK,
    QUERY_TASK,
    TIDY_TASK,
    forget_unpacked,
)
from millpond.services.logs.model.batches import FUTURE_MS_MAX
from millpond.services.logs.model.groups import Group, Stream, expired_before
from millpond.services.logs.needs import Needs
from millpond.services.logs.storing.exports import EXPORT_TASK
from millpond.services.logs.storing.filters import DELIVER_TASK, TELL_DEFAULTS_TASK

RETAIN_MS = 3600 * 1000
"""How often expired events are looked for."""
AT_ONCE = 1000
"""Batches, or streams, of one transaction."""


async def retain(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove the expired events of the group `task.subject`, once an hour while it has a retention.

    A batch goes when all its events are expired. The log is trimmed by the time of its entries:
    an event is taken at most two hours before its own time.
    """
    async with needs.records.transaction() as transaction:
        group = await store.load_group(transaction, task, task.subject)
        if group is None or not group.retention_days:
            return None
        found = store.scan_streams(transaction, group.id)
        names = [stream.name async for stream in found if stream.last_ms is not None]
    before_ms = expired_before(group, needs.clock.now_ms())
    for name in names:
        expire = partial(_expire, group, name, before_ms)
        while await transact(needs.records, expire):
            if wake.stopping:
                return needs.clock.now_ms()
        async with needs.records.transaction() as transaction:
            stream = await store.load_stream(transaction, group.id, name)
        if stream is not None:
            await needs.log.trim(stream.log, before_ms - FUTURE_MS_MAX)
    await drop_unneeded(needs, group)
    return needs.clock.now_ms() + RETAIN_MS


async def _expire(group: Group, name: str, before_ms: int, transaction: Transaction) -> bool:
    """Forget some expired batches of a stream; False when there are no more."""
    stream = await store.load_stream(transaction, group.id, name)
    if stream is None:
        return False
    count = size_bytes = 0
    async for batch in store.scan_batches_ended(transaction, stream.id, before_ms):
        store.delete_batch(transaction, stream.id, batch)
        forget_unpacked(transaction, group.id, stream.id, batch.position)
        count, size_bytes = count + 1, size_bytes + batch.size_bytes
        if count == AT_ONCE:
            break
    if count:
        store.save_stream(transaction, group.id, await _shrunk(transaction, stream, size_bytes))
    return count == AT_ONCE


async def _shrunk(transaction: Transaction, stream: Stream, size_bytes: int) -> Stream:
    """The stream without the batches that this transaction has deleted."""
    async for batch in store.scan_batches(transaction, stream.id):
        return msgspec.structs.replace(
            stream, first_ms=batch.first_ms, stored_bytes=stream.stored_bytes - size_bytes
        )
    return msgspec.structs.replace(stream, first_ms=None, last_ms=None, stored_bytes=0)


async def sweep_group(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove the streams of a group that was deleted."""

    async def drop_some(transaction: Transaction) -> int:
        dropped = 0
        async for stream in store.scan_streams(transaction, task.subject):
            if dropped == AT_ONCE:
                break
            store.drop_stream(transaction, task.subject, stream)
            dropped += 1
        return dropped

    while await transact(needs.records, drop_some):
        if wake.stopping:
            return needs.clock.now_ms()
    return None


async def sweep_stream(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove the events of a stream that was deleted."""

    async def drop_some(transaction: Transaction) -> int:
        dropped = 0
        async for batch in store.scan_batches(transaction, task.subject):
            if dropped == AT_ONCE:
                break
            store.delete_batch(transaction, task.subject, batch)
            dropped += 1
        return dropped

    while await transact(needs.records, drop_some):
        if wake.stopping:
            return needs.clock.now_ms()
    await needs.log.delete(Stream(id=task.subject, name="", created_ms=0).log)
    return None


async def tell_defaults(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Tell the default values of metric filters, as long as there are minutes to look at."""
    now_ms = needs.clock.now_ms()
    if needs.live.defaults.tell(needs.meter, now_ms):
        return now_ms - now_ms % MINUTE_MS + MINUTE_MS
    return None


STEPS: Mapping[str, Step] = {
    store.RETAIN_TASK: retain,
    store.SWEEP_GROUP_TASK: sweep_group,
    store.SWEEP_STREAM_TASK: sweep_stream,
    DELIVER_TASK: deliver,
    EXPORT_TASK: export,
    TELL_DEFAULTS_TASK: tell_defaults,
    QUERY_TASK: running.run_query,
    PACK_TASK: running.pack,
    TIDY_TASK: running.tidy_up,
    store.FORGET_PACKS_TASK: running.forget,
}

TASKS_AT_START: tuple[Task, ...] = (Task("logs", TIDY_TASK, ""),)
