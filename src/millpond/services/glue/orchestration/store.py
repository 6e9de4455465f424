"""How triggers and workflows are laid out in records.

    trigger       name                 → Trigger
    workflow      name                 → Workflow
    workflow_run  workflow id, run id  → WorkflowRun
    workflow_run_of workflow id, number → run id
    ended         kind, run id         → Ended (until it was told to whoever waits for it)

each below `glue`, the account and the region. Values are msgpack.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel import tasks
from millpond.kernel.call import Scope
from millpond.services.glue import keys
from millpond.services.glue.keys import record_key
from millpond.services.glue.named import Named
from millpond.services.glue.orchestration.model import Kind, Trigger, Workflow, WorkflowRun

TELL_TASK = "tell_ended"
SCHEDULE_TASK = "trigger_schedule"
SWEEP_TASK = "sweep_workflow"


class Ended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run of a job or crawler that a trigger had started, and that has ended."""

    kind: Kind
    name: str
    run_id: str
    state: str
    error: str | None = None
    workflow_name: str | None = None
    workflow_run_id: str | None = None


_encode = msgspec.msgpack.Encoder().encode
_triggers = Named("trigger", Trigger, lambda trigger: trigger.name)
_workflows = Named("workflow", Workflow, lambda workflow: workflow.name)
_RUN = msgspec.msgpack.Decoder(WorkflowRun)
_ENDED = msgspec.msgpack.Decoder(Ended)


load_trigger = _triggers.load
save_trigger = _triggers.save
delete_trigger = _triggers.delete
scan_triggers = _triggers.scan


async def triggers_of(transaction: Transaction, scope: Scope, workflow: str) -> tuple[Trigger, ...]:
    """The triggers of a workflow."""
    found = scan_triggers(transaction, scope)
    return tuple([trigger async for trigger in found if trigger.workflow_name == workflow])


load_workflow = _workflows.load
save_workflow = _workflows.save
scan_workflows = _workflows.scan


def drop_workflow(transaction: Transaction, scope: Scope, workflow: Workflow) -> None:
    """Take a workflow out of sight; its runs go in the background."""
    _workflows.delete(transaction, scope, workflow.name)
    _schedule(transaction, scope, SWEEP_TASK, workflow.id)


async def load_run(
    transaction: Transaction, scope: Scope, workflow_id: str, run_id: str
) -> WorkflowRun | None:
    value = await transaction.get(record_key(scope, "workflow_run", workflow_id, run_id))
    return None if value is None else _RUN.decode(value)


def save_run(transaction: Transaction, scope: Scope, run: WorkflowRun) -> None:
    transaction.put(record_key(scope, "workflow_run", run.workflow_id, run.id), _encode(run))


def save_new_run(transaction: Transaction, scope: Scope, run: WorkflowRun) -> None:
    """Write a run that is new to its workflow's list."""
    key = record_key(scope, "workflow_run_of", run.workflow_id, f"{run.number:018d}")
    transaction.put(key, run.id.encode())
    save_run(transaction, scope, run)


async def scan_runs(
    transaction: Transaction, scope: Scope, workflow_id: str, before: int | None = None
) -> AsyncIterator[WorkflowRun]:
    """The runs of a workflow, the newest first, those before number `before`."""
    prefix = record_key(scope, "workflow_run_of", workflow_id)
    end = end_of(prefix) if before is None else prefix + keys.join(f"{before:018d}")
    async for _, value in transaction.scan(prefix, end, reverse=True):
        run = await load_run(transaction, scope, workflow_id, value.decode())
        assert run is not None
        yield run


async def sweep_runs(transaction: Transaction, scope: Scope, workflow_id: str, count: int) -> int:
    """Delete up to `count` runs of a workflow that is gone; how many there were."""
    found = 0
    prefix = record_key(scope, "workflow_run_of", workflow_id)
    async for key, value in transaction.scan(prefix, end_of(prefix)):
        if found >= count:
            break
        transaction.delete(record_key(scope, "workflow_run", workflow_id, value.decode()))
        transaction.delete(key)
        found += 1
    return found


def tell(transaction: Transaction, scope: Scope, ended: Ended) -> None:
    """Write that a run has ended, and have whoever waits for it hear of it."""
    transaction.put(record_key(scope, "ended", ended.kind, ended.run_id), _encode(ended))
    _schedule(transaction, scope, TELL_TASK, f"{ended.kind}/{ended.run_id}")


async def take_ended(transaction: Transaction, scope: Scope, subject: str) -> Ended | None:
    """What was written by `tell`, taken away with this transaction; None: it was taken before."""
    kind, _, run_id = subject.partition("/")
    key = record_key(scope, "ended", kind, run_id)
    value = await transaction.get(key)
    if value is None:
        return None
    transaction.delete(key)
    return _ENDED.decode(value)


def schedule_trigger(transaction: Transaction, scope: Scope, name: str, due_ms: int) -> None:
    """Have a trigger's schedule looked at; a task without a due time only looks."""
    _schedule(transaction, scope, SCHEDULE_TASK, name, due_ms)


def _schedule(
    transaction: Transaction, scope: Scope, kind: str, subject: str, due_ms: int = 0
) -> None:
    task = tasks.Task("glue", kind, subject, due_ms, scope.account, scope.region)
    tasks.schedule(transaction, task)
