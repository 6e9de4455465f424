"""ModifyInstanceGroups: what it asks of a group, and the cluster that this makes. Pure.

Source: EMR API reference, ModifyInstanceGroups, ShrinkPolicy, InstanceResizePolicy; EMR Management
Guide, "Reconfigure an instance group in a running cluster".
"""

from collections.abc import Sequence

from msgspec.structs import replace

from millpond.services.emr.errors import Validation
from millpond.services.emr.model import crew
from millpond.services.emr.model.machines import INSTANCES_MAX
from millpond.services.emr.model.records import Cluster, Group
from millpond.services.emr.shapes import Configuration, InstanceGroupModifyConfig

TERMINATED_BY_REQUEST = "The instance was terminated as it was named to be terminated."


def find_group(cluster: Cluster, group_id: str) -> Group | None:
    return next((group for group in cluster.groups if group.id == group_id), None)


def put_group(cluster: Cluster, changed: Group) -> Cluster:
    groups = tuple(changed if group.id == changed.id else group for group in cluster.groups)
    return replace(cluster, groups=groups)


def resize(cluster: Cluster, group: Group, count: int) -> Cluster:
    """The cluster with another target for a group."""
    return put_group(cluster, replace(group, config=replace(group.config, instance_count=count)))


def modify_group(cluster: Cluster, asked: InstanceGroupModifyConfig, now_ms: int) -> Cluster:
    """The cluster with a group as asked for.

    Raises:
        Validation: the group cannot be so.
    """
    group = find_group(cluster, asked.instance_group_id)
    assert group is not None
    if asked.shrink_policy is not None:
        group = replace(group, shrink=asked.shrink_policy)
    cluster = put_group(cluster, _reconfigured(group, asked))
    named = asked.ec2_instance_ids_to_terminate or []
    policy = asked.shrink_policy and asked.shrink_policy.instance_resize_policy
    preferred = (policy and policy.instances_to_terminate) or []
    timeout = policy.instance_termination_timeout if policy else None
    count = asked.instance_count
    if count is None and named:
        count = group.config.instance_count - len(set(named))
    if count is None:
        return cluster
    _check_count(group, count)
    current = find_group(cluster, group.id)
    assert current is not None
    cluster = resize(cluster, current, count)
    for ec2_id in dict.fromkeys((*named, *preferred)):
        cluster = _terminate(cluster, group, ec2_id, timeout, now_ms)
    return cluster


def _check_count(group: Group, count: int) -> None:
    role = group.config.instance_role
    if role == "MASTER" and count != group.config.instance_count:
        raise Validation("The master instance group cannot be resized.")
    if not (1 if role == "CORE" else 0) <= count <= INSTANCES_MAX:
        raise Validation(
            f"Instance group {group.id}: an InstanceCount of {count} is not valid for a "
            f"{role.lower()} instance group."
        )


def _terminate(
    cluster: Cluster, group: Group, ec2_id: str, timeout: int | None, now_ms: int
) -> Cluster:
    found = [one for one in cluster.instances if one.ec2_id == ec2_id and one.part == group.id]
    if not found or not found[0].is_alive:
        raise Validation(f"Instance {ec2_id} is not a running instance of group {group.id}.")
    if found[0].leaving is not None:
        return cluster
    return crew.leave(cluster, found[0], TERMINATED_BY_REQUEST, now_ms, grace_seconds=timeout)


def _reconfigured(group: Group, asked: InstanceGroupModifyConfig) -> Group:
    if asked.configurations is None:
        return group
    given = asked.configurations
    if asked.reconfiguration_type == "MERGE":
        given = _merged(group.config.configurations or [], given)
    config = replace(group.config, configurations=given)
    return replace(group, config=config, configurations_version=group.configurations_version + 1)


def _merged(old: Sequence[Configuration], new: Sequence[Configuration]) -> list[Configuration]:
    merged = {one.classification: one for one in old}
    for one in new:
        before = merged.get(one.classification)
        if before is None:
            merged[one.classification] = one
        else:
            properties = {**(before.properties or {}), **(one.properties or {})}
            inner = _merged(before.configurations or [], one.configurations or [])
            merged[one.classification] = replace(one, properties=properties, configurations=inner)
    return list(merged.values())


def is_reconfiguring(cluster: Cluster) -> bool:
    """Whether a group has configurations that its nodes have not got yet."""
    return any(group.configurations_version != group.applied_version for group in cluster.groups)


def applied(cluster: Cluster, started_with: Cluster) -> Cluster:
    """The cluster once its nodes run with the configurations that it had as `started_with`."""
    given = {group.id: group for group in started_with.groups}
    groups = tuple(
        replace(
            group,
            applied_version=given[group.id].configurations_version,
            applied_configurations=given[group.id].config.configurations or [],
        )
        if group.id in given
        else group
        for group in cluster.groups
    )
    return replace(cluster, groups=groups)
