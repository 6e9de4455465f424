"""Scaling policies: automatic ones of groups, and managed scaling of a cluster."""

from msgspec.structs import replace

from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.errors import InvalidRequest
from millpond.services.emr.machine_answers import show_policy
from millpond.services.emr.model.auto_scaling import check_policy
from millpond.services.emr.model.managed_scaling import check_managed_policy
from millpond.services.emr.model.records import Scaling
from millpond.services.emr.model.resizing import find_group, put_group
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.scope import require_cluster, require_living


async def put_auto_scaling_policy(
    needs: Needs, call: Call, request: shapes.PutAutoScalingPolicyInput
) -> shapes.PutAutoScalingPolicyOutput:
    """Let rules on the cluster's metrics size a core or task group.

    Raises:
        InvalidRequest: there is no such cluster or group, it is ending, or has managed scaling.
        Validation: the policy cannot work.

    Source: EMR API reference, PutAutoScalingPolicy.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_living(transaction, call, request.cluster_id)
        cluster = flow.cluster
        group = find_group(cluster, request.instance_group_id)
        if group is None:
            raise InvalidRequest(f"Instance group id '{request.instance_group_id}' is not valid.")
        if cluster.managed_scaling is not None:
            raise InvalidRequest(
                "An automatic scaling policy cannot be attached to a cluster with managed scaling."
            )
        check_policy(request.auto_scaling_policy, group.config.instance_role)
        scaling = Scaling(policy=request.auto_scaling_policy, scaled_ms=0)
        group = replace(group, scaling=scaling)
        flow.change(put_group(cluster, group))
        store.save_flow(transaction, call, flow)
    return shapes.PutAutoScalingPolicyOutput(
        cluster_id=cluster.id,
        instance_group_id=group.id,
        auto_scaling_policy=show_policy(cluster, group),
        cluster_arn=cluster.arn,
    )


async def remove_auto_scaling_policy(
    needs: Needs, call: Call, request: shapes.RemoveAutoScalingPolicyInput
) -> shapes.RemoveAutoScalingPolicyOutput:
    """Leave a group's size as it is from now on.

    Raises:
        InvalidRequest: there is no such cluster or group, or it is ending.

    Source: EMR API reference, RemoveAutoScalingPolicy.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_living(transaction, call, request.cluster_id)
        group = find_group(flow.cluster, request.instance_group_id)
        if group is None:
            raise InvalidRequest(f"Instance group id '{request.instance_group_id}' is not valid.")
        flow.change(put_group(flow.cluster, replace(group, scaling=None)))
        store.save_flow(transaction, call, flow)
    return shapes.RemoveAutoScalingPolicyOutput()


async def put_managed_scaling_policy(
    needs: Needs, call: Call, request: shapes.PutManagedScalingPolicyInput
) -> shapes.PutManagedScalingPolicyOutput:
    """Let a cluster's size follow its load between two limits.

    Raises:
        InvalidRequest: there is no such cluster, it is ending, or the policy is not one for it.

    Source: EMR API reference, PutManagedScalingPolicy.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_living(transaction, call, request.cluster_id)
        check_managed_policy(request.managed_scaling_policy, flow.cluster)
        flow.change(replace(flow.cluster, managed_scaling=request.managed_scaling_policy))
        store.save_flow(transaction, call, flow)
    return shapes.PutManagedScalingPolicyOutput()


async def get_managed_scaling_policy(
    needs: Needs, call: Call, request: shapes.GetManagedScalingPolicyInput
) -> shapes.GetManagedScalingPolicyOutput:
    """A cluster's managed scaling policy, if it has one.

    Source: EMR API reference, GetManagedScalingPolicy.
    """
    async with needs.records.transaction() as transaction:
        cluster = await require_cluster(transaction, call, request.cluster_id)
    return shapes.GetManagedScalingPolicyOutput(managed_scaling_policy=cluster.managed_scaling)


async def remove_managed_scaling_policy(
    needs: Needs, call: Call, request: shapes.RemoveManagedScalingPolicyInput
) -> shapes.RemoveManagedScalingPolicyOutput:
    """Leave a cluster's size as it is from now on.

    Raises:
        InvalidRequest: there is no such cluster, or it is ending.

    Source: EMR API reference, RemoveManagedScalingPolicy.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_living(transaction, call, request.cluster_id)
        flow.change(replace(flow.cluster, managed_scaling=None))
        store.save_flow(transaction, call, flow)
    return shapes.RemoveManagedScalingPolicyOutput()
