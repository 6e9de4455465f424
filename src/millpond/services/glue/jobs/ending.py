"""How a run ends: the one place where that is written, and where others hear of it.

A run that failed is tried again as often as its job says; its place goes to the attempt, else to
the run that has waited longest.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.glue.jobs import store
from millpond.services.glue.jobs.model import Activity, Run
from millpond.services.glue.jobs.starting import promote, retry
from millpond.services.glue.needs import Needs
from millpond.services.glue.orchestration.store import Ended, tell


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, and why it failed."""

    state: Literal["SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"]
    error: str | None = None


async def end_run(
    transaction: Transaction, needs: Needs, scope: Scope, run: Run, outcome: Outcome
) -> Run | None:
    """Write that a run has ended; the attempt that follows it, if one does.

    Whoever waits for jobs hears of it here: a run that is followed by another attempt has not
    ended for them.
    """
    now_ms = needs.clock.now_ms()
    ended = msgspec.structs.replace(
        run,
        state=outcome.state,
        error=outcome.error,
        detail=None,
        ended_ms=now_ms,
        modified_ms=now_ms,
        access_key_id="",
    )
    store.save_run(transaction, scope, ended)
    activity = _without(await store.load_activity(transaction, scope, run.job_id), run.id)
    job = await store.load_job(transaction, scope, run.job_name)
    exists = job is not None and job.id == run.job_id
    follows = None
    if exists and outcome.state == "FAILED" and run.attempt < (run.definition.max_retries or 0):
        activity, follows = await retry(transaction, needs, scope, activity, ended)
    elif exists and activity.waiting and run.id not in activity.waiting:
        execution = job.definition.execution_property if job else None
        most = (execution and execution.max_concurrent_runs) or 1
        if len(activity.active) < most:
            waiting = await store.load_run(transaction, scope, activity.waiting[0])
            assert waiting is not None
            activity = promote(transaction, needs, scope, activity, waiting)
    store.save_activity(transaction, scope, run.job_id, activity)
    if run.trigger_name is not None and follows is None:
        told = Ended(
            kind="JOB",
            name=run.job_name,
            run_id=run.base_id,
            state=outcome.state,
            error=outcome.error,
            workflow_name=run.workflow_name,
            workflow_run_id=run.workflow_run_id,
        )
        tell(transaction, scope, told)
    return follows


def _without(activity: Activity, run_id: str) -> Activity:
    return msgspec.structs.replace(
        activity,
        active=tuple(each for each in activity.active if each != run_id),
        waiting=tuple(each for each in activity.waiting if each != run_id),
    )
