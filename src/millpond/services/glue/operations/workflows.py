"""Workflows: their definitions."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue import store as tag_store
from millpond.services.glue.errors import AlreadyExists
from millpond.services.glue.model import merge_tags
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import pages_of
from millpond.services.glue.orchestration import store
from millpond.services.glue.orchestration.answers import show_graph, show_run, show_workflow
from millpond.services.glue.orchestration.model import Workflow
from millpond.services.glue.orchestration.workflow_runs import require_workflow

PAGE_SIZE_DEFAULT = 25


async def create_workflow(
    needs: Needs, call: Call, request: shapes.CreateWorkflowRequest
) -> shapes.CreateWorkflowResponse:
    """Define a workflow; triggers then name it as theirs.

    Raises:
        AlreadyExists: the name is taken.

    Source: Glue API reference, CreateWorkflow.
    """
    async with needs.records.transaction() as transaction:
        if await store.load_workflow(transaction, call, request.name):
            raise AlreadyExists(f"Workflow with name {request.name} already exists")
        now_ms = needs.clock.now_ms()
        workflow = Workflow(
            name=request.name,
            id=needs.ids.hex(8),
            created_ms=now_ms,
            updated_ms=now_ms,
            description=request.description,
            properties=request.default_run_properties or {},
            concurrent_runs_max=request.max_concurrent_runs,
        )
        store.save_workflow(transaction, call, workflow)
        tags = merge_tags({}, request.tags or {})
        tag_store.save_tags(transaction, call, f"workflow/{workflow.name}", tags)
    return shapes.CreateWorkflowResponse(name=workflow.name)


async def get_workflow(
    needs: Needs, call: Call, request: shapes.GetWorkflowRequest
) -> shapes.GetWorkflowResponse:
    """A workflow with its last run, and its graph when asked for.

    Source: Glue API reference, GetWorkflow.
    """
    async with needs.records.transaction() as transaction:
        workflow = await require_workflow(transaction, call, request.name)
        shown = await _show(transaction, needs, call, workflow, bool(request.include_graph))
    return shapes.GetWorkflowResponse(workflow=shown)


async def _show(
    transaction: Transaction, needs: Needs, call: Call, workflow: Workflow, with_graph: bool
) -> shapes.Workflow:
    last = None
    if workflow.last_run_id is not None:
        run = await store.load_run(transaction, call, workflow.id, workflow.last_run_id)
        if run is not None:
            now_ms = needs.clock.now_ms()
            last = await show_run(transaction, call, run, now_ms, with_graph=with_graph)
    graph = None
    if with_graph:
        triggers = await store.triggers_of(transaction, call, workflow.name)
        graph = show_graph(workflow.id, triggers)
    return show_workflow(workflow, last, graph)


async def list_workflows(
    needs: Needs, call: Call, request: shapes.ListWorkflowsRequest
) -> shapes.ListWorkflowsResponse:
    """Names of workflows. Source: Glue API reference, ListWorkflows."""
    paging = pages_of(needs, call)
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[str] = []
    async with needs.records.transaction() as transaction:
        async for workflow in store.scan_workflows(transaction, call, after):
            if len(found) == size:
                token = paging.seal(found[-1])
                return shapes.ListWorkflowsResponse(workflows=found, next_token=token)
            found.append(workflow.name)
    return shapes.ListWorkflowsResponse(workflows=found)


async def batch_get_workflows(
    needs: Needs, call: Call, request: shapes.BatchGetWorkflowsRequest
) -> shapes.BatchGetWorkflowsResponse:
    """Workflows by their names. Source: Glue API reference, BatchGetWorkflows."""
    found, missing = [], []
    async with needs.records.transaction() as transaction:
        for name in dict.fromkeys(request.names):
            workflow = await store.load_workflow(transaction, call, name)
            if workflow is None:
                missing.append(name)
            else:
                with_graph = bool(request.include_graph)
                found.append(await _show(transaction, needs, call, workflow, with_graph))
    return shapes.BatchGetWorkflowsResponse(
        workflows=found or None, missing_workflows=missing or None
    )


async def update_workflow(
    needs: Needs, call: Call, request: shapes.UpdateWorkflowRequest
) -> shapes.UpdateWorkflowResponse:
    """Change what is given of a workflow. Source: Glue API reference, UpdateWorkflow."""
    changes = {
        "description": request.description,
        "properties": request.default_run_properties,
        "concurrent_runs_max": request.max_concurrent_runs,
    }
    async with needs.records.transaction() as transaction:
        workflow = await require_workflow(transaction, call, request.name)
        updated = msgspec.structs.replace(
            workflow,
            updated_ms=needs.clock.now_ms(),
            **{name: value for name, value in changes.items() if value is not None},
        )
        store.save_workflow(transaction, call, updated)
    return shapes.UpdateWorkflowResponse(name=workflow.name)


async def delete_workflow(
    needs: Needs, call: Call, request: shapes.DeleteWorkflowRequest
) -> shapes.DeleteWorkflowResponse:
    """Remove a workflow with its triggers and the history of its runs; what it started goes on.

    Source: Glue API reference, DeleteWorkflow.
    """
    async with needs.records.transaction() as transaction:
        workflow = await store.load_workflow(transaction, call, request.name)
        if workflow is not None:
            for trigger in await store.triggers_of(transaction, call, workflow.name):
                store.delete_trigger(transaction, call, trigger.name)
                tag_store.save_tags(transaction, call, f"trigger/{trigger.name}", {})
            store.drop_workflow(transaction, call, workflow)
            tag_store.save_tags(transaction, call, f"workflow/{workflow.name}", {})
    return shapes.DeleteWorkflowResponse(name=request.name)
