"""The life of a workflow's run: begun, told how what it started ended, stopped, resumed."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.glue import store as crawlers
from millpond.services.glue.crawl.lifecycle import wake_crawl
from millpond.services.glue.errors import (
    ConcurrentRunsExceeded,
    EntityNotFound,
    IllegalWorkflowState,
    InvalidInput,
)
from millpond.services.glue.jobs import store as jobs
from millpond.services.glue.jobs.stopping import stop_run
from millpond.services.glue.needs import Needs
from millpond.services.glue.orchestration import store
from millpond.services.glue.orchestration.firing import fire
from millpond.services.glue.orchestration.model import (
    ACTIVE,
    Node,
    Trigger,
    Workflow,
    WorkflowRun,
    action_target,
    descendants,
    node_id,
    start_of,
)
from millpond.services.glue.shapes import Action


async def begin(
    transaction: Transaction,
    needs: Needs,
    scope: Scope,
    workflow: Workflow,
    properties: dict[str, str],
) -> WorkflowRun:
    """Begin a run: its first trigger fires.

    Raises:
        InvalidInput: the workflow has no trigger to begin with.
        ConcurrentRunsExceeded: as many runs as may run already.
    """
    triggers = await store.triggers_of(transaction, scope, workflow.name)
    first = start_of(triggers)
    if first is None:
        raise InvalidInput(f"Workflow {workflow.name} has no start trigger.")
    run = _new_run(needs, workflow, triggers, {**workflow.properties, **properties})
    nodes = await fire(transaction, needs, scope, first, {}, run)
    run = msgspec.structs.replace(run, fired=(first.name,), nodes=tuple(nodes))
    return await _advance(transaction, needs, scope, workflow, run, is_new=True)


async def hear(transaction: Transaction, needs: Needs, scope: Scope, ended: store.Ended) -> None:
    """A run that a workflow's run had started has ended: fire what waited for it."""
    workflow = await store.load_workflow(transaction, scope, ended.workflow_name or "")
    if workflow is None:
        return
    run = await store.load_run(transaction, scope, workflow.id, ended.workflow_run_id or "")
    if run is None or run.has_ended:
        return
    run = run.with_state(ended.kind, ended.run_id, ended.state, ended.error)
    await _advance(transaction, needs, scope, workflow, run)


async def stop(
    transaction: Transaction, needs: Needs, scope: Scope, workflow: Workflow, run: WorkflowRun
) -> None:
    """Have a run stop, and all that it started.

    Raises:
        IllegalWorkflowState: it does not run.
    """
    if run.status != "RUNNING":
        raise IllegalWorkflowState(f"Workflow run {run.id} is {run.status}, not RUNNING.")
    for node in run.nodes:
        if node.state in ACTIVE:
            await _stop_node(transaction, needs, scope, node)
    stopping = msgspec.structs.replace(run, status="STOPPING")
    await _advance(transaction, needs, scope, workflow, stopping)


async def resume(
    transaction: Transaction,
    needs: Needs,
    scope: Scope,
    workflow: Workflow,
    former: WorkflowRun,
    node_ids: list[str],
) -> WorkflowRun:
    """Begin a run that takes over what a former one did, but for some nodes and what comes after
    them: those are started again.

    Raises:
        IllegalWorkflowState: the former run has not ended.
        InvalidInput: a node is not one that it had started.
    """
    if not former.has_ended:
        raise IllegalWorkflowState(
            f"Workflow run {former.id} has not ended: it is {former.status}."
        )
    by_id = {node_id(workflow.id, node.kind, node.name): node for node in former.nodes}
    unknown = [each for each in node_ids if each not in by_id]
    if unknown:
        raise InvalidInput(f"Node {unknown[0]} was not started in workflow run {former.id}.")
    chosen = [by_id[each] for each in dict.fromkeys(node_ids)]
    again = descendants(former.triggers, ((node.kind, node.name) for node in chosen))
    starts = [node for node in chosen if (node.kind, node.name) not in again]
    dropped = again | {(node.kind, node.name) for node in chosen}
    run = _new_run(needs, workflow, former.triggers, former.properties)
    run = msgspec.structs.replace(
        run,
        previous_run_id=former.id,
        fired=tuple(name for name in former.fired if ("TRIGGER", name) not in again),
        nodes=tuple(node for node in former.nodes if (node.kind, node.name) not in dropped),
    )
    for node in starts:
        trigger = next(one for one in former.triggers if one.name == node.trigger)
        action = next(
            one for one in trigger.actions if action_target(one) == (node.kind, node.name)
        )
        run = await _start_again(transaction, needs, scope, run, trigger, action)
    return await _advance(transaction, needs, scope, workflow, run, is_new=True)


async def _start_again(
    transaction: Transaction,
    needs: Needs,
    scope: Scope,
    run: WorkflowRun,
    trigger: Trigger,
    action: Action,
) -> WorkflowRun:
    alone = msgspec.structs.replace(trigger, actions=(action,))
    nodes = await fire(transaction, needs, scope, alone, run.met(trigger), run)
    return msgspec.structs.replace(run, nodes=(*run.nodes, *nodes))


def _new_run(
    needs: Needs,
    workflow: Workflow,
    triggers: tuple[Trigger, ...],
    properties: dict[str, str],
) -> WorkflowRun:
    most = workflow.concurrent_runs_max
    if most is not None and len(workflow.active) >= most:
        raise ConcurrentRunsExceeded(f"Concurrent runs exceeded for {workflow.name}")
    return WorkflowRun(
        id=f"wr_{needs.ids.hex(32)}",
        workflow_id=workflow.id,
        workflow_name=workflow.name,
        number=workflow.runs + 1,
        triggers=triggers,
        started_ms=needs.clock.now_ms(),
        properties=properties,
    )


async def _advance(
    transaction: Transaction,
    needs: Needs,
    scope: Scope,
    workflow: Workflow,
    run: WorkflowRun,
    *,
    is_new: bool = False,
) -> WorkflowRun:
    """Fire what is ready, and write how the run stands then."""
    while run.status == "RUNNING" and (ready := run.ready()):
        for trigger in ready:
            nodes = await fire(transaction, needs, scope, trigger, run.met(trigger), run)
            run = msgspec.structs.replace(
                run, fired=(*run.fired, trigger.name), nodes=(*run.nodes, *nodes)
            )
    if not run.is_busy:
        status = "STOPPED" if run.status == "STOPPING" else "COMPLETED"
        run = msgspec.structs.replace(run, status=status, completed_ms=needs.clock.now_ms())
    active = tuple(each for each in workflow.active if each != run.id)
    workflow = msgspec.structs.replace(
        workflow,
        active=active if run.has_ended else (*active, run.id),
        runs=max(workflow.runs, run.number),
        last_run_id=run.id if is_new else workflow.last_run_id,
    )
    store.save_workflow(transaction, scope, workflow)
    (store.save_new_run if is_new else store.save_run)(transaction, scope, run)
    return run


async def _stop_node(transaction: Transaction, needs: Needs, scope: Scope, node: Node) -> None:
    if node.kind == "JOB":
        run = await jobs.load_run(transaction, scope, node.run_id)
        if run is not None and not run.has_ended:
            await stop_run(transaction, needs, scope, run)
        return
    crawler = await crawlers.load_crawler(transaction, scope, node.name)
    if crawler is None or crawler.crawl is None or crawler.crawl.id != node.run_id:
        return
    if crawler.state == "RUNNING":
        stopping = msgspec.structs.replace(crawler, state="STOPPING")
        crawlers.save_crawler(transaction, scope, stopping)
        wake_crawl(transaction, scope, stopping)


async def require_workflow(transaction: Transaction, scope: Scope, name: str) -> Workflow:
    """The workflow.

    Raises:
        EntityNotFound: there is none of that name.
    """
    workflow = await store.load_workflow(transaction, scope, name)
    if workflow is None:
        raise EntityNotFound(f"Workflow {name} not found.")
    return workflow
