"""Scheduled triggers: when they fire next, and what they start then.

A time that was missed while the platform was down fires once at the next start.
"""

import logging

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Scope
from millpond.kernel.errors import ServiceError
from millpond.kernel.tasks import Task, Wake
from millpond.services.glue.cron import parse_schedule
from millpond.services.glue.needs import Needs
from millpond.services.glue.orchestration import store, workflow_runs
from millpond.services.glue.orchestration.firing import fire
from millpond.services.glue.orchestration.model import Trigger

_log = logging.getLogger("millpond.glue")


def next_due_ms(trigger: Trigger, now_ms: int) -> int | None:
    """When a trigger fires by itself next; None when it does not."""
    if trigger.schedule is None or trigger.state != "ACTIVATED":
        return None
    return parse_schedule(trigger.schedule).next_after(now_ms)


def keep_schedule(transaction: Transaction, scope: Scope, trigger: Trigger, now_ms: int) -> None:
    """Have the schedule's step wait for the next time; one that waits for another time is woken."""
    if trigger.type == "SCHEDULED":
        due_ms = next_due_ms(trigger, now_ms)
        store.schedule_trigger(transaction, scope, trigger.name, due_ms or 0)


async def fire_by_schedule(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Fire a trigger whose time has come, and say when it comes next."""

    async def work(transaction: Transaction) -> int | None:
        trigger = await store.load_trigger(transaction, task, task.subject)
        if trigger is None:
            return None
        now_ms = needs.clock.now_ms()
        due_ms = next_due_ms(trigger, task.due_ms - 1) if task.due_ms else None
        if due_ms is not None and due_ms <= now_ms:
            try:
                await start(transaction, needs, task, trigger)
            except ServiceError as refusal:
                _log.warning("The trigger %s does not fire: %s", trigger.name, refusal.message)
        return next_due_ms(trigger, now_ms)

    return await transact(needs.records, work)


async def start(transaction: Transaction, needs: Needs, scope: Scope, trigger: Trigger) -> None:
    """Fire a trigger; one that a workflow begins with begins a run of it.

    Raises:
        ServiceError: the run of the workflow cannot begin.
    """
    if trigger.workflow_name is None:
        await fire(transaction, needs, scope, trigger, {})
        return
    workflow = await workflow_runs.require_workflow(transaction, scope, trigger.workflow_name)
    await workflow_runs.begin(transaction, needs, scope, workflow, {})
