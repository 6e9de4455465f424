"""Kinesis's work in the background: each piece may be cut off anywhere and is done again."""

import asyncio
from collections.abc import Mapping

from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.kinesis import store
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.streams import REMOVE_LOGS_TASK
from millpond.services.kinesis.reshaping import RESHAPE_TASK, carry_out
from millpond.services.kinesis.store import Doomed

LOGS_AT_ONCE = 256


async def remove_logs(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove what deleted streams left, those whose time has come."""
    now_ms = needs.clock.now_ms()
    due: list[tuple[str, Doomed]] = []
    next_ms: int | None = None
    async with needs.records.transaction() as transaction:
        async for stream_id, doomed in store.scan_doomed(transaction):
            if doomed.due_ms <= now_ms:
                due.append((stream_id, doomed))
            elif next_ms is None or doomed.due_ms < next_ms:
                next_ms = doomed.due_ms
    for stream_id, doomed in due:
        for start in range(0, len(doomed.logs), LOGS_AT_ONCE):
            logs = doomed.logs[start : start + LOGS_AT_ONCE]
            await asyncio.gather(*(needs.log.delete(log) for log in logs))
        async with needs.records.transaction() as transaction:
            stream = await store.load_stream(transaction, doomed, doomed.name)
            if stream is not None and stream.id == stream_id:
                store.delete_stream(transaction, doomed, doomed.name)
            store.forget_doomed(transaction, stream_id)
        if wake.stopping:
            return now_ms
    return next_ms


async def reshape(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Go on with splits and merges that an operation began and did not finish."""
    async with needs.records.transaction() as transaction:
        stream = await store.load_stream(transaction, task, task.subject)
    if stream is not None:
        await carry_out(needs, stream)
    return None


STEPS: Mapping[str, Step] = {
    REMOVE_LOGS_TASK: remove_logs,
    RESHAPE_TASK: reshape,
}

TASKS_AT_START: tuple[Task, ...] = (Task("kinesis", REMOVE_LOGS_TASK, ""),)
