"""Settings of a running cluster: protection, staying alive, visibility, concurrency, idle time."""

from collections.abc import Sequence

from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.errors import Validation
from millpond.services.emr.model.launch import check_concurrency, check_idle_timeout
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.scope import (
    require_cluster,
    require_job_flow,
    require_living,
)


async def _configure_all(
    needs: Needs, call: Call, job_flow_ids: Sequence[str], **changes: object
) -> None:
    async with needs.records.transaction() as transaction:
        for job_flow_id in dict.fromkeys(job_flow_ids):
            flow = await require_job_flow(transaction, call, job_flow_id)
            if flow.is_ending:
                raise Validation(
                    "A job flow that is shutting down, terminated, or finished may not be modified."
                )
            flow.configure(needs.clock.now_ms(), **changes)
            store.save_flow(transaction, call, flow)


async def set_termination_protection(
    needs: Needs, call: Call, request: shapes.SetTerminationProtectionInput
) -> None:
    """Lock clusters against TerminateJobFlows and against their own errors, or unlock them.

    Raises:
        Validation: one does not exist or is ending.

    Source: EMR API reference, SetTerminationProtection.
    """
    await _configure_all(
        needs, call, request.job_flow_ids, termination_protected=request.termination_protected
    )


async def set_keep_job_flow_alive_when_no_steps(
    needs: Needs, call: Call, request: shapes.SetKeepJobFlowAliveWhenNoStepsInput
) -> None:
    """Have clusters wait for more steps when they have none, or end.

    Raises:
        Validation: one does not exist or is ending.

    Source: EMR API reference, SetKeepJobFlowAliveWhenNoSteps.
    """
    await _configure_all(
        needs, call, request.job_flow_ids, keep_alive=request.keep_job_flow_alive_when_no_steps
    )


async def set_visible_to_all_users(
    needs: Needs, call: Call, request: shapes.SetVisibleToAllUsersInput
) -> None:
    """Record whether other principals of the account may see the clusters.

    Raises:
        Validation: one does not exist or is ending.

    Source: EMR API reference, SetVisibleToAllUsers.
    """
    await _configure_all(
        needs, call, request.job_flow_ids, visible_to_all_users=request.visible_to_all_users
    )


async def set_unhealthy_node_replacement(
    needs: Needs, call: Call, request: shapes.SetUnhealthyNodeReplacementInput
) -> None:
    """Record whether nodes that fail are to be replaced; here they always are.

    Raises:
        Validation: one does not exist or is ending.

    Source: EMR API reference, SetUnhealthyNodeReplacement.
    """
    await _configure_all(
        needs,
        call,
        request.job_flow_ids,
        unhealthy_node_replacement=request.unhealthy_node_replacement,
    )


async def modify_cluster(
    needs: Needs, call: Call, request: shapes.ModifyClusterInput
) -> shapes.ModifyClusterOutput:
    """Change how many steps run at once.

    Raises:
        InvalidRequest: there is no such cluster, or it is ending.
        Validation: the level is outside of 1 to 256.

    Source: EMR API reference, ModifyCluster.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_living(transaction, call, request.cluster_id)
        if request.step_concurrency_level is not None:
            level = check_concurrency(request.step_concurrency_level)
            flow.configure(needs.clock.now_ms(), step_concurrency=level)
            store.save_flow(transaction, call, flow)
    return shapes.ModifyClusterOutput(step_concurrency_level=flow.cluster.step_concurrency)


async def put_auto_termination_policy(
    needs: Needs, call: Call, request: shapes.PutAutoTerminationPolicyInput
) -> shapes.PutAutoTerminationPolicyOutput:
    """End the cluster once it has been idle for so long; an hour unless the policy says.

    Raises:
        InvalidRequest: there is no such cluster, or it is ending.
        Validation: the time is outside of a minute to a week.

    Source: EMR API reference, PutAutoTerminationPolicy.
    """
    policy = request.auto_termination_policy or shapes.AutoTerminationPolicy()
    await _set_idle_timeout(needs, call, request.cluster_id, check_idle_timeout(policy))
    return shapes.PutAutoTerminationPolicyOutput()


async def get_auto_termination_policy(
    needs: Needs, call: Call, request: shapes.GetAutoTerminationPolicyInput
) -> shapes.GetAutoTerminationPolicyOutput:
    """A cluster's auto-termination policy, if it has one.

    Source: EMR API reference, GetAutoTerminationPolicy.
    """
    async with needs.records.transaction() as transaction:
        cluster = await require_cluster(transaction, call, request.cluster_id)
    seconds = cluster.idle_timeout_seconds
    return shapes.GetAutoTerminationPolicyOutput(
        auto_termination_policy=None
        if seconds is None
        else shapes.AutoTerminationPolicy(idle_timeout=seconds)
    )


async def remove_auto_termination_policy(
    needs: Needs, call: Call, request: shapes.RemoveAutoTerminationPolicyInput
) -> shapes.RemoveAutoTerminationPolicyOutput:
    """Let a cluster be idle for as long as it likes.

    Source: EMR API reference, RemoveAutoTerminationPolicy.
    """
    await _set_idle_timeout(needs, call, request.cluster_id, None)
    return shapes.RemoveAutoTerminationPolicyOutput()


async def _set_idle_timeout(needs: Needs, call: Call, cluster_id: str, seconds: int | None) -> None:
    async with needs.records.transaction() as transaction:
        flow = await require_living(transaction, call, cluster_id)
        flow.configure(needs.clock.now_ms(), idle_timeout_seconds=seconds)
        store.save_flow(transaction, call, flow)
