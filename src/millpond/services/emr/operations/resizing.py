"""Instance groups and fleets that are added and resized while a cluster lives."""

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.errors import InvalidRequest, Validation
from millpond.services.emr.model.configurations import read_configurations
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.machines import add_fleet, modify_fleet, plan_groups
from millpond.services.emr.model.releases import runtime_of
from millpond.services.emr.model.resizing import find_group, modify_group
from millpond.services.emr.model.sizes import room
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.ids import fresh
from millpond.services.emr.operations.scope import require_flow, require_job_flow, require_living

_ENDING = "A job flow that is shutting down, terminated, or finished may not be modified."


async def add_instance_groups(
    needs: Needs, call: Call, request: shapes.AddInstanceGroupsInput
) -> shapes.AddInstanceGroupsOutput:
    """Add task groups to a cluster, whose nodes come while its steps run.

    Raises:
        Validation: there is no such cluster, it is ending, or cannot have such groups.

    Source: EMR API reference, AddInstanceGroups.
    """
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        flow = await require_job_flow(transaction, call, request.job_flow_id)
        cluster = flow.cluster
        if flow.is_ending:
            raise Validation(_ENDING)
        if cluster.fleets:
            raise Validation("Instance fleets and instance groups are mutually exclusive.")
        for config in request.instance_groups:
            if config.instance_role != "TASK":
                raise Validation(
                    "Only task instance groups can be added to a running cluster, not "
                    f"{config.instance_role.lower()} ones."
                )
        added = plan_groups(
            request.instance_groups, lambda prefix: fresh(needs.ids, prefix), now_ms, cluster.groups
        )
        if cluster.managed_scaling is not None and any(group.scaling for group in added):
            raise Validation(
                "An automatic scaling policy cannot be attached to a cluster with managed scaling."
            )
        flow.change(replace(cluster, groups=(*cluster.groups, *added)))
        _check_configurations(flow)
        _save(needs, transaction, call, flow)
    return shapes.AddInstanceGroupsOutput(
        job_flow_id=cluster.id,
        instance_group_ids=[group.id for group in added],
        cluster_arn=cluster.arn,
    )


async def modify_instance_groups(
    needs: Needs, call: Call, request: shapes.ModifyInstanceGroupsInput
) -> None:
    """Resize and reconfigure groups: all of them, or none when one cannot be so.

    Raises:
        InvalidRequest: there is no such cluster or group.
        Validation: the cluster is ending, or a group cannot be so.

    Source: EMR API reference, ModifyInstanceGroups.
    """
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        flows: dict[str, Flow] = {}
        for asked in request.instance_groups or ():
            group_id = asked.instance_group_id
            found = await store.find_cluster_of_group(transaction, call, group_id)
            cluster_id = request.cluster_id or found
            if found is None or cluster_id != found:
                raise InvalidRequest(f"Instance group id '{group_id}' is not valid.")
            flow = flows.get(found) or await require_flow(transaction, call, found)
            flows[found] = flow
            if flow.is_ending:
                raise Validation(_ENDING)
            assert find_group(flow.cluster, group_id) is not None
            flow.change(modify_group(flow.cluster, asked, now_ms))
            _check_configurations(flow)
        for flow in flows.values():
            _save(needs, transaction, call, flow)


async def add_instance_fleet(
    needs: Needs, call: Call, request: shapes.AddInstanceFleetInput
) -> shapes.AddInstanceFleetOutput:
    """Add a task fleet to a cluster with fleets that has none.

    Raises:
        InvalidRequest: there is no such cluster, it is ending, or cannot have such a fleet.

    Source: EMR API reference, AddInstanceFleet.
    """
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        flow = await require_living(transaction, call, request.cluster_id)
        cluster = flow.cluster
        added = add_fleet(
            cluster, request.instance_fleet, lambda prefix: fresh(needs.ids, prefix), now_ms
        )
        flow.change(replace(cluster, fleets=(*cluster.fleets, added)))
        _save(needs, transaction, call, flow)
    return shapes.AddInstanceFleetOutput(
        cluster_id=cluster.id, instance_fleet_id=added.id, cluster_arn=cluster.arn
    )


async def modify_instance_fleet(
    needs: Needs, call: Call, request: shapes.ModifyInstanceFleetInput
) -> None:
    """Change the targets of a core or task fleet.

    Raises:
        InvalidRequest: there is no such cluster or fleet, it is ending, or cannot be so.

    Source: EMR API reference, ModifyInstanceFleet.
    """
    asked = request.instance_fleet
    async with needs.records.transaction() as transaction:
        flow = await require_living(transaction, call, request.cluster_id)
        fleets = {fleet.id: fleet for fleet in flow.cluster.fleets}
        if asked.instance_fleet_id not in fleets:
            raise InvalidRequest(f"Instance fleet id '{asked.instance_fleet_id}' is not valid.")
        fleets[asked.instance_fleet_id] = modify_fleet(fleets[asked.instance_fleet_id], asked)
        flow.change(replace(flow.cluster, fleets=tuple(fleets.values())))
        _save(needs, transaction, call, flow)


def _check_configurations(flow: Flow) -> None:
    request = flow.cluster.request
    by_group = (group.config.configurations for group in flow.cluster.groups)
    read_configurations(request.release_label, request.configurations, *by_group)


def _save(needs: Needs, transaction: Transaction, call: Call, flow: Flow) -> None:
    """Write the cluster with the instances that it now lacks, and have them started."""
    capacity = runtime_of(flow.cluster.request, needs.sparks).capacity()
    flow.staff(room(capacity), lambda prefix: fresh(needs.ids, prefix), needs.clock.now_ms())
    store.save_flow(transaction, call, flow)
