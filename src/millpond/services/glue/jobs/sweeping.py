"""Clears up after a job that was deleted."""

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.tasks import Task, Wake
from millpond.services.glue.jobs import store
from millpond.services.glue.needs import Needs

SWEPT_AT_ONCE = 500
_AGAIN_MS = 1000


async def sweep_job(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove the runs and bookmarks of a job, once none of its runs is left running."""

    async def some(transaction: Transaction) -> int | None:
        activity = await store.load_activity(transaction, task, task.subject)
        if activity.active or activity.waiting:
            return None
        return await store.sweep_runs(transaction, task, task.subject, SWEPT_AT_ONCE)

    while not wake.stopping:
        swept = await transact(needs.records, some)
        if swept is None:
            return needs.clock.now_ms() + _AGAIN_MS
        if swept < SWEPT_AT_ONCE:
            return None
    return needs.clock.now_ms()
