"""Glue's work in the background: crawls, their schedules, runs of jobs, triggers, and
clearing up."""

from collections.abc import Mapping

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.glue import store
from millpond.services.glue.crawl.lifecycle import (
    CRAWL_KIND,
    SCHEDULE_KIND,
    begin_crawl,
    next_due_ms,
)
from millpond.services.glue.crawl.run import crawl
from millpond.services.glue.jobs.running.run import run_job
from millpond.services.glue.jobs.store import RUN_TASK
from millpond.services.glue.jobs.store import SWEEP_TASK as SWEEP_JOB
from millpond.services.glue.jobs.sweeping import sweep_job
from millpond.services.glue.needs import Needs
from millpond.services.glue.orchestration.hearing import tell_ended
from millpond.services.glue.orchestration.schedules import fire_by_schedule
from millpond.services.glue.orchestration.store import SCHEDULE_TASK as TRIGGER_SCHEDULE
from millpond.services.glue.orchestration.store import SWEEP_TASK as SWEEP_WORKFLOW
from millpond.services.glue.orchestration.store import TELL_TASK, sweep_runs

SWEPT_AT_ONCE = 1000
"""Records that one transaction removes."""


async def start_by_schedule(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Start a crawler whose time has come, and say when it comes next.

    A crawler that is still running is passed over, as in Glue. A task without a due time only asks
    to look at the schedule again.
    """

    async def work(transaction: Transaction) -> int | None:
        crawler = await store.load_crawler(transaction, task, task.subject)
        if crawler is None:
            return None
        now_ms = needs.clock.now_ms()
        due_ms = next_due_ms(crawler, task.due_ms - 1) if task.due_ms else None
        if due_ms is not None and due_ms <= now_ms and crawler.state == "READY":
            begin_crawl(transaction, needs, task, crawler)
        return next_due_ms(crawler, now_ms)

    return await transact(needs.records, work)


async def sweep_table(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove what is below a table that was dropped."""
    for kind in ("partition", "layout", "statistics", "version"):
        if not await _sweep(needs, task, wake, kind, task.subject):
            return needs.clock.now_ms()
    return None


async def sweep_database(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove the tables and functions of a database that was deleted."""

    async def drop_some(transaction: Transaction) -> int:
        dropped = 0
        async for table in store.scan_tables(transaction, task, task.subject):
            if dropped == SWEPT_AT_ONCE:
                break
            store.drop_table(transaction, task, task.subject, table)
            dropped += 1
        return dropped

    while await transact(needs.records, drop_some):
        if wake.stopping:
            return needs.clock.now_ms()
    if not await _sweep(needs, task, wake, "function", task.subject):
        return needs.clock.now_ms()
    return None


async def sweep_crawler(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove the history of a crawler that was deleted."""
    if not await _sweep(needs, task, wake, "crawl", task.subject):
        return needs.clock.now_ms()
    return None


async def sweep_workflow(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove the runs of a workflow that was deleted."""

    async def work(transaction: Transaction) -> int:
        return await sweep_runs(transaction, task, task.subject, SWEPT_AT_ONCE)

    while await transact(needs.records, work):
        if wake.stopping:
            return needs.clock.now_ms()
    return None


async def _sweep(needs: Needs, task: Task, wake: Wake, kind: str, owner_id: str) -> bool:
    """Remove all records of a kind below an owner; False when the platform ends meanwhile."""

    async def work(transaction: Transaction) -> int:
        return await store.sweep(transaction, task, kind, owner_id, SWEPT_AT_ONCE)

    while await transact(needs.records, work):
        if wake.stopping:
            return False
    return True


STEPS: Mapping[str, Step] = {
    CRAWL_KIND: crawl,
    SCHEDULE_KIND: start_by_schedule,
    "sweep_table": sweep_table,
    "sweep_database": sweep_database,
    "sweep_crawler": sweep_crawler,
    RUN_TASK: run_job,
    SWEEP_JOB: sweep_job,
    TELL_TASK: tell_ended,
    TRIGGER_SCHEDULE: fire_by_schedule,
    SWEEP_WORKFLOW: sweep_workflow,
}
