"""Who hears that a run of a job or crawler has ended: the workflow's run that started it, else the
conditional triggers that wait for it.

As on AWS, outside of workflows only runs that a trigger had started count.
"""

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, Wake
from millpond.services.glue.needs import Needs
from millpond.services.glue.orchestration import store, workflow_runs
from millpond.services.glue.orchestration.firing import fire
from millpond.services.glue.orchestration.model import Trigger, meets


async def tell_ended(needs: Needs, task: Task, wake: Wake) -> None:
    """Tell, once, that the run `task.subject` has ended."""

    async def work(transaction: Transaction) -> None:
        ended = await store.take_ended(transaction, task, task.subject)
        if ended is None:
            return
        if ended.workflow_run_id:
            await workflow_runs.hear(transaction, needs, task, ended)
        else:
            await _hear_alone(transaction, needs, task, ended)

    await transact(needs.records, work)


async def _hear_alone(
    transaction: Transaction, needs: Needs, scope: Scope, ended: store.Ended
) -> None:
    found = store.scan_triggers(transaction, scope)
    waiting = [
        trigger
        async for trigger in found
        if trigger.type == "CONDITIONAL"
        and trigger.state == "ACTIVATED"
        and trigger.workflow_name is None
    ]
    for trigger in waiting:
        met = {
            place: ended.run_id
            for place, condition in enumerate(trigger.conditions)
            if meets(condition, ended.kind, ended.name, ended.state)
        }
        if met:
            now = msgspec.structs.replace(trigger, met={**trigger.met, **met})
            await _fire_or_wait(transaction, needs, scope, now)


async def _fire_or_wait(
    transaction: Transaction, needs: Needs, scope: Scope, trigger: Trigger
) -> None:
    if trigger.is_fulfilled(trigger.met):
        await fire(transaction, needs, scope, trigger, trigger.met)
        trigger = msgspec.structs.replace(trigger, met={})
    store.save_trigger(transaction, scope, trigger)
