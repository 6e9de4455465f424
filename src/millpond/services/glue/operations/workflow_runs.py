"""Runs of workflows: started, told of, stopped, resumed; the properties that their jobs share."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue.errors import EntityNotFound
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import pages_of
from millpond.services.glue.orchestration import store, workflow_runs
from millpond.services.glue.orchestration.answers import show_run
from millpond.services.glue.orchestration.model import Workflow, WorkflowRun

PAGE_SIZE_DEFAULT = 100


async def _require_run(
    transaction: Transaction, call: Call, name: str, run_id: str
) -> tuple[Workflow, WorkflowRun]:
    workflow = await workflow_runs.require_workflow(transaction, call, name)
    run = await store.load_run(transaction, call, workflow.id, run_id)
    if run is None:
        raise EntityNotFound(f"Workflow run {run_id} of workflow {name} not found.")
    return workflow, run


async def start_workflow_run(
    needs: Needs, call: Call, request: shapes.StartWorkflowRunRequest
) -> shapes.StartWorkflowRunResponse:
    """Begin a run of a workflow with its start trigger, whatever that trigger waits for.

    Raises:
        InvalidInput: the workflow has no start trigger.
        ConcurrentRunsExceeded: MaxConcurrentRuns is reached.

    Source: Glue API reference, StartWorkflowRun.
    """
    async with needs.records.transaction() as transaction:
        workflow = await workflow_runs.require_workflow(transaction, call, request.name)
        run = await workflow_runs.begin(
            transaction, needs, call, workflow, request.run_properties or {}
        )
    return shapes.StartWorkflowRunResponse(run_id=run.id)


async def get_workflow_run(
    needs: Needs, call: Call, request: shapes.GetWorkflowRunRequest
) -> shapes.GetWorkflowRunResponse:
    """A run, and its graph when asked for. Source: Glue API reference, GetWorkflowRun."""
    async with needs.records.transaction() as transaction:
        _, run = await _require_run(transaction, call, request.name, request.run_id)
        now_ms, with_graph = needs.clock.now_ms(), bool(request.include_graph)
        shown = await show_run(transaction, call, run, now_ms, with_graph=with_graph)
    return shapes.GetWorkflowRunResponse(run=shown)


async def get_workflow_runs(
    needs: Needs, call: Call, request: shapes.GetWorkflowRunsRequest
) -> shapes.GetWorkflowRunsResponse:
    """The runs of a workflow, the newest first. Source: Glue API reference, GetWorkflowRuns."""
    paging = pages_of(needs, call, request.name)
    before = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    now_ms, with_graph = needs.clock.now_ms(), bool(request.include_graph)
    found: list[shapes.WorkflowRun] = []
    last, token = 0, None
    async with needs.records.transaction() as transaction:
        workflow = await workflow_runs.require_workflow(transaction, call, request.name)
        number = int(before) if before else None
        async for run in store.scan_runs(transaction, call, workflow.id, number):
            if len(found) == size:
                token = paging.seal(str(last))
                break
            found.append(await show_run(transaction, call, run, now_ms, with_graph=with_graph))
            last = run.number
    return shapes.GetWorkflowRunsResponse(runs=found, next_token=token)


async def stop_workflow_run(
    needs: Needs, call: Call, request: shapes.StopWorkflowRunRequest
) -> shapes.StopWorkflowRunResponse:
    """Have a run stop, with all that it started.

    Raises:
        IllegalWorkflowState: it does not run.

    Source: Glue API reference, StopWorkflowRun.
    """
    async with needs.records.transaction() as transaction:
        workflow, run = await _require_run(transaction, call, request.name, request.run_id)
        await workflow_runs.stop(transaction, needs, call, workflow, run)
    return shapes.StopWorkflowRunResponse()


async def resume_workflow_run(
    needs: Needs, call: Call, request: shapes.ResumeWorkflowRunRequest
) -> shapes.ResumeWorkflowRunResponse:
    """Begin a run in which some nodes of a former one, and all that comes after them, run again.

    Raises:
        IllegalWorkflowState: the former run has not ended.
        InvalidInput: it had not started one of the nodes.

    Source: Glue API reference, ResumeWorkflowRun.
    """
    async with needs.records.transaction() as transaction:
        workflow, former = await _require_run(transaction, call, request.name, request.run_id)
        run = await workflow_runs.resume(
            transaction, needs, call, workflow, former, request.node_ids
        )
    return shapes.ResumeWorkflowRunResponse(run_id=run.id, node_ids=request.node_ids)


async def get_workflow_run_properties(
    needs: Needs, call: Call, request: shapes.GetWorkflowRunPropertiesRequest
) -> shapes.GetWorkflowRunPropertiesResponse:
    """What the jobs of a run share. Source: Glue API reference, GetWorkflowRunProperties."""
    async with needs.records.transaction() as transaction:
        _, run = await _require_run(transaction, call, request.name, request.run_id)
    return shapes.GetWorkflowRunPropertiesResponse(run_properties=run.properties)


async def put_workflow_run_properties(
    needs: Needs, call: Call, request: shapes.PutWorkflowRunPropertiesRequest
) -> shapes.PutWorkflowRunPropertiesResponse:
    """Add properties to a run, or replace their values.

    Source: Glue API reference, PutWorkflowRunProperties.
    """
    async with needs.records.transaction() as transaction:
        _, run = await _require_run(transaction, call, request.name, request.run_id)
        properties = {**run.properties, **request.run_properties}
        changed = msgspec.structs.replace(run, properties=properties)
        store.save_run(transaction, call, changed)
    return shapes.PutWorkflowRunPropertiesResponse()
