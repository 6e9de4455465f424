"""Instance groups, fleets, instances and bootstrap actions of a cluster."""

from collections.abc import Sequence
from typing import TypeVar

from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.errors import InvalidRequest
from millpond.services.emr.machine_answers import show_fleet, show_group, show_instance
from millpond.services.emr.model.records import Cluster, Fleet, Group
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.scope import PAGE_SIZE, open_marker, require_cluster

_T = TypeVar("_T")


async def _load(needs: Needs, call: Call, cluster_id: str) -> Cluster:
    async with needs.records.transaction() as transaction:
        return await require_cluster(transaction, call, cluster_id)


def _page(
    needs: Needs, question: str, marker: str | None, found: Sequence[_T]
) -> tuple[list[_T], str | None]:
    start = int(open_marker(needs, question, marker) or 0)
    end = start + PAGE_SIZE
    more = needs.pages.seal(question, str(end)) if end < len(found) else None
    return list(found[start:end]), more


async def list_instance_groups(
    needs: Needs, call: Call, request: shapes.ListInstanceGroupsInput
) -> shapes.ListInstanceGroupsOutput:
    """A cluster's instance groups.

    Source: EMR API reference, ListInstanceGroups.
    """
    cluster = await _load(needs, call, request.cluster_id)
    if cluster.fleets:
        raise InvalidRequest("Instance fleets and instance groups are mutually exclusive.")
    groups, marker = _page(
        needs, f"ListInstanceGroups/{cluster.id}", request.marker, cluster.groups
    )
    shown = [show_group(cluster, group) for group in groups]
    return shapes.ListInstanceGroupsOutput(instance_groups=shown, marker=marker)


async def list_instance_fleets(
    needs: Needs, call: Call, request: shapes.ListInstanceFleetsInput
) -> shapes.ListInstanceFleetsOutput:
    """A cluster's instance fleets.

    Source: EMR API reference, ListInstanceFleets.
    """
    cluster = await _load(needs, call, request.cluster_id)
    if cluster.groups:
        raise InvalidRequest("Instance fleets and instance groups are mutually exclusive.")
    shown = [show_fleet(cluster, fleet) for fleet in cluster.fleets]
    return shapes.ListInstanceFleetsOutput(instance_fleets=shown)


async def list_instances(
    needs: Needs, call: Call, request: shapes.ListInstancesInput
) -> shapes.ListInstancesOutput:
    """Instances by group or fleet, kind or state, those that have ended first, 50 at a time.

    Source: EMR API reference, ListInstances.
    """
    async with needs.records.transaction() as transaction:
        cluster = await require_cluster(transaction, call, request.cluster_id)
        gone = [one async for one in store.scan_gone(transaction, call, cluster.id)]
    kinds: set[str] = set(request.instance_group_types or ())
    if request.instance_fleet_type:
        kinds.add(request.instance_fleet_type)
    ids = {request.instance_group_id, request.instance_fleet_id} - {None}
    parts: list[Group | Fleet] = [*cluster.groups, *cluster.fleets]
    if ids - {part.id for part in parts}:
        raise InvalidRequest(f"Instance group or fleet id '{min(map(str, ids))}' is not valid.")
    states = frozenset(request.instance_states or ())
    found = [
        one
        for one in (*gone, *cluster.instances)
        if (not ids or one.part in ids)
        and (not kinds or one.role in kinds)
        and (not states or one.state in states)
    ]
    page, marker = _page(needs, f"ListInstances/{cluster.id}", request.marker, found)
    shown = [show_instance(cluster, one) for one in page]
    return shapes.ListInstancesOutput(instances=shown, marker=marker)


async def list_bootstrap_actions(
    needs: Needs, call: Call, request: shapes.ListBootstrapActionsInput
) -> shapes.ListBootstrapActionsOutput:
    """A cluster's bootstrap actions.

    Source: EMR API reference, ListBootstrapActions.
    """
    cluster = await _load(needs, call, request.cluster_id)
    shown = [
        shapes.Command(
            name=action.name,
            script_path=action.script_bootstrap_action.path,
            args=action.script_bootstrap_action.args or [],
        )
        for action in cluster.request.bootstrap_actions or ()
    ]
    return shapes.ListBootstrapActionsOutput(bootstrap_actions=shown)
