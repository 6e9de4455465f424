"""How a run begins: what is written when somebody starts one, whoever that is.

`start_run` is for operations and triggers alike, inside of their transaction; it checks all that
can be known before, and has the run done in the background. A retry is a run as well, and follows
the one that failed in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.glue.errors import ConcurrentRunsExceeded, InvalidInput
from millpond.services.glue.jobs import store
from millpond.services.glue.jobs.arguments import RUNTIME, merge, read_settings
from millpond.services.glue.jobs.capacity import Allotment, allot, check_flexible, says_capacity
from millpond.services.glue.jobs.definitions import allotment_of, command_of, timeout_of
from millpond.services.glue.jobs.model import Activity, Job, Predecessor, Run
from millpond.services.glue.jobs.versions import DEFAULT
from millpond.services.glue.needs import Needs
from millpond.services.glue.shapes import NotificationProperty

WAITS = "Waiting for a run of the job to end: MaxConcurrentRuns is reached."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the start of a run may say besides its job. `former` is a run that is done again."""

    arguments: Mapping[str, str] = field(default_factory=dict)
    allocated_capacity: int | None = None
    max_capacity: float | None = None
    worker_type: str | None = None
    number_of_workers: int | None = None
    timeout: int | None = None
    queues: bool | None = None
    notification: NotificationProperty | None = None
    execution_class: str | None = None
    former: Run | None = None
    trigger_name: str | None = None
    workflow_name: str | None = None
    workflow_run_id: str | None = None
    predecessors: tuple[Predecessor, ...] = ()


async def start_run(
    transaction: Transaction, needs: Needs, scope: Scope, job: Job, wishes: Wishes | None = None
) -> Run:
    """Write that a run of `job` begins, or waits for its turn, and have it done.

    Raises:
        ConcurrentRunsExceeded: as many run already as may, and it is not to wait.
        InvalidInput: what is wished for cannot be had; the text says why.
    """
    wishes = wishes or Wishes()
    run = _new_run(needs, job, wishes)
    arguments = merge(run.definition, run.arguments)
    runtime = read_settings(run.definition, arguments).runtime
    if needs.sparks[runtime].installed() is None:
        raise InvalidInput(f"{RUNTIME} {runtime} cannot be had here.")
    activity = await store.load_activity(transaction, scope, job.id)
    execution = job.definition.execution_property
    most = (execution and execution.max_concurrent_runs) or 1
    waits = len(activity.active) >= most
    if waits and not run.queues:
        raise ConcurrentRunsExceeded(f"Concurrent runs exceeded for {job.name}")
    run = msgspec.structs.replace(run, number=activity.started + 1)
    if wishes.former is not None:
        run = await _as_attempt(transaction, scope, run, wishes.former)
    if waits:
        run = msgspec.structs.replace(run, state="WAITING", detail=WAITS)
    _write_new(transaction, scope, activity, run)
    return run


async def retry(
    transaction: Transaction, needs: Needs, scope: Scope, activity: Activity, failed: Run
) -> tuple[Activity, Run]:
    """Write that a run which failed is tried again at once, in its place."""
    now_ms = needs.clock.now_ms()
    attempt = await _next_attempt(transaction, scope, failed)
    again = msgspec.structs.replace(
        failed,
        id=f"{failed.base_id}_attempt_{attempt}",
        number=activity.started + 1,
        attempt=attempt,
        previous_run_id=failed.id,
        state="STARTING",
        started_ms=now_ms,
        modified_ms=now_ms,
        began_ms=None,
        ended_ms=None,
        error=None,
        detail=None,
        access_key_id="",
        bookmark_version=0,
    )
    return _write_new(transaction, scope, activity, again), again


def promote(
    transaction: Transaction, needs: Needs, scope: Scope, activity: Activity, run: Run
) -> Activity:
    """Write that a run which waited begins."""
    began = msgspec.structs.replace(
        run, state="STARTING", detail=None, modified_ms=needs.clock.now_ms()
    )
    store.save_run(transaction, scope, began)
    store.wake_run(transaction, scope, run.id)
    return msgspec.structs.replace(
        activity,
        active=(*activity.active, run.id),
        waiting=tuple(each for each in activity.waiting if each != run.id),
    )


def _write_new(transaction: Transaction, scope: Scope, activity: Activity, run: Run) -> Activity:
    if run.state == "WAITING":
        activity = msgspec.structs.replace(activity, waiting=(*activity.waiting, run.id))
    else:
        activity = msgspec.structs.replace(activity, active=(*activity.active, run.id))
        store.wake_run(transaction, scope, run.id)
    activity = msgspec.structs.replace(activity, started=run.number)
    store.save_new_run(transaction, scope, run)
    store.save_activity(transaction, scope, run.job_id, activity)
    return activity


def _new_run(needs: Needs, job: Job, wishes: Wishes) -> Run:
    """The run, but for its number and whether it waits."""
    definition = msgspec.structs.replace(job.definition, code_gen_configuration_nodes=None)
    command, version = command_of(definition), definition.glue_version or DEFAULT
    now_ms = needs.clock.now_ms()
    allotment = _allotment(job, wishes, command, version)
    execution_class = wishes.execution_class or definition.execution_class
    if execution_class == "FLEX":
        check_flexible(allotment, command, version)
    queues = definition.job_run_queuing_enabled if wishes.queues is None else wishes.queues
    return Run(
        id=f"jr_{needs.ids.hex(32)}",
        job_name=job.name,
        job_id=job.id,
        number=0,
        definition=definition,
        started_ms=now_ms,
        modified_ms=now_ms,
        state="STARTING",
        allotment=allotment,
        arguments=dict(wishes.arguments),
        trigger_name=wishes.trigger_name,
        workflow_name=wishes.workflow_name,
        workflow_run_id=wishes.workflow_run_id,
        predecessors=wishes.predecessors,
        timeout_minutes=timeout_of(wishes.timeout or definition.timeout, command, version),
        queues=bool(queues),
        notification=wishes.notification or definition.notification_property,
        execution_class=execution_class,
    )


async def _as_attempt(transaction: Transaction, scope: Scope, run: Run, former: Run) -> Run:
    attempt = await _next_attempt(transaction, scope, former)
    return msgspec.structs.replace(
        run,
        id=f"{former.base_id}_attempt_{attempt}",
        attempt=attempt,
        previous_run_id=former.id,
        arguments=run.arguments or former.arguments,
    )


async def _next_attempt(transaction: Transaction, scope: Scope, run: Run) -> int:
    """The number of the next attempt at a run; somebody may have tried it again already."""
    attempt = run.attempt + 1
    while await store.load_run(transaction, scope, f"{run.base_id}_attempt_{attempt}"):
        attempt += 1
    return attempt


def _allotment(job: Job, wishes: Wishes, command: str, version: str) -> Allotment:
    if says_capacity(wishes):
        return allot(wishes, command, version)
    return allotment_of(job.definition)
