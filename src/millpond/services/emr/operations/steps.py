"""Steps: add, describe, list, cancel."""

from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.answers import show_step, show_step_summary
from millpond.services.emr.errors import InvalidRequest, Validation
from millpond.services.emr.model.records import Step
from millpond.services.emr.model.steps import check_room, check_steps
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.ids import fresh
from millpond.services.emr.operations.scope import (
    PAGE_SIZE,
    open_marker,
    require_cluster,
    require_flow,
)

STEP_IDS_LISTED_MAX = 10
STEPS_CANCELLED_MAX = 256


async def add_job_flow_steps(
    needs: Needs, call: Call, request: shapes.AddJobFlowStepsInput
) -> shapes.AddJobFlowStepsOutput:
    """Put steps behind those of a cluster that has not begun to end.

    Raises:
        Validation: there is no such cluster, it is ending, or a step is not acceptable.

    Source: EMR API reference, AddJobFlowSteps.
    """
    if request.execution_role_arn:
        raise Validation(
            "Runtime roles are not supported on this cluster. Please remove the ExecutionRoleArn "
            "parameter."
        )
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        flow = await store.load_flow(transaction, call, request.job_flow_id)
        if flow is None:
            raise Validation("Specified job flow ID not valid")
        if flow.is_ending:
            raise Validation(
                "A job flow that is shutting down, terminated, or finished may not be modified."
            )
        check_steps(request.steps, concurrency=flow.cluster.step_concurrency)
        check_room(flow.cluster, len(request.steps))
        ids = [fresh(needs.ids, "s-") for _ in request.steps]
        flow.add_steps(request.steps, ids, now_ms)
        store.save_flow(transaction, call, flow)
    return shapes.AddJobFlowStepsOutput(step_ids=ids)


async def describe_step(
    needs: Needs, call: Call, request: shapes.DescribeStepInput
) -> shapes.DescribeStepOutput:
    """A step: its state, and why it failed.

    Source: EMR API reference, DescribeStep.
    """
    async with needs.records.transaction() as transaction:
        await require_cluster(transaction, call, request.cluster_id)
        step = await store.find_step(transaction, call, request.cluster_id, request.step_id)
    if step is None:
        raise InvalidRequest(f"Step id '{request.step_id}' is not valid.")
    return shapes.DescribeStepOutput(step=show_step(step))


async def list_steps(
    needs: Needs, call: Call, request: shapes.ListStepsInput
) -> shapes.ListStepsOutput:
    """Steps of a cluster, the last one first, 50 at a time; or up to 10 by their ids.

    Raises:
        InvalidRequest: there is no such cluster, or too many ids are given.

    Source: EMR API reference, ListSteps.
    """
    if len(request.step_ids or ()) > STEP_IDS_LISTED_MAX:
        raise InvalidRequest(f"At most {STEP_IDS_LISTED_MAX} step ids can be specified.")
    question = f"ListSteps/{request.cluster_id}"
    before = open_marker(needs, question, request.marker)
    wanted, states = frozenset(request.step_ids or ()), frozenset(request.step_states or ())
    found: list[Step] = []
    marker = None
    async with needs.records.transaction() as transaction:
        await require_cluster(transaction, call, request.cluster_id)
        last = int(before) if before else None
        async for step in store.scan_steps(transaction, call, request.cluster_id, last):
            if (wanted and step.id not in wanted) or (states and step.state not in states):
                continue
            if len(found) == PAGE_SIZE:
                marker = needs.pages.seal(question, str(found[-1].number))
                break
            found.append(step)
    return shapes.ListStepsOutput(steps=[show_step_summary(step) for step in found], marker=marker)


async def cancel_steps(
    needs: Needs, call: Call, request: shapes.CancelStepsInput
) -> shapes.CancelStepsOutput:
    """Cancel steps that wait or run; what has become of each request stands in the answer.

    Raises:
        InvalidRequest: there is no such cluster or step, or too many ids are given.

    Source: EMR API reference, CancelSteps; Management Guide, "Cancel steps".
    """
    ids = list(dict.fromkeys(request.step_ids))
    if not 1 <= len(ids) <= STEPS_CANCELLED_MAX:
        raise InvalidRequest(f"Between 1 and {STEPS_CANCELLED_MAX} step ids must be specified.")
    forcibly = request.step_cancellation_option == "TERMINATE_PROCESS"
    async with needs.records.transaction() as transaction:
        flow = await require_flow(transaction, call, request.cluster_id)
        for step_id in ids:
            if step_id not in flow.steps and not await store.find_step(
                transaction, call, request.cluster_id, step_id
            ):
                raise InvalidRequest(f"Step id '{step_id}' is not valid.")
        answers = flow.cancel(ids, forcibly, needs.clock.now_ms())
        store.save_flow(transaction, call, flow)
    return shapes.CancelStepsOutput(
        cancel_steps_info_list=[
            shapes.CancelStepsInfo(step_id=step_id, status=status, reason=reason or None)
            for step_id, status, reason in answers
        ]
    )
