"""Instance groups and fleets: what may be asked for, at the start of a cluster and later.

Source: EMR API reference, JobFlowInstancesConfig, AddInstanceGroups, ModifyInstanceGroups,
AddInstanceFleet, ModifyInstanceFleet; EMR Management Guide, "Configure Amazon EC2 instance types".
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from millpond.services.emr.errors import InvalidRequest, Validation
from millpond.services.emr.model.auto_scaling import check_policy
from millpond.services.emr.model.instance_types import require_type
from millpond.services.emr.model.records import Cluster, Fleet, Group, Scaling
from millpond.services.emr.shapes import (
    InstanceFleetConfig,
    InstanceFleetModifyConfig,
    InstanceGroupConfig,
    JobFlowInstancesConfig,
)

TASK_GROUPS_MAX = 48
INSTANCES_MAX = 4000
FLEET_TYPES_MAX = 30
_ONE_WAY = (
    "Please configure instances using one and only one of the following: instance groups; "
    "instance fleets; instance count, master and slave instance type."
)

Fresh = Callable[[str], str]
"""A fresh id for a prefix: `ig-`, `if-`, `ci-`, `i-`."""


def plan_machines(
    asked: JobFlowInstancesConfig, fresh: Fresh, now_ms: int
) -> tuple[tuple[Group, ...], tuple[Fleet, ...]]:
    """The groups or fleets of a cluster.

    Raises:
        Validation: they do not make a cluster.
    """
    ways = [asked.instance_groups, asked.instance_fleets, asked.master_instance_type]
    if sum(bool(way) for way in ways) > 1:
        raise Validation(_ONE_WAY)
    if asked.instance_fleets:
        return (), _plan_fleets(asked.instance_fleets, fresh, now_ms)
    return plan_groups(asked.instance_groups or _plain_groups(asked), fresh, now_ms), ()


def _plain_groups(asked: JobFlowInstancesConfig) -> list[InstanceGroupConfig]:
    count = asked.instance_count or 0
    if not asked.master_instance_type or count < 1:
        raise Validation(_ONE_WAY)
    groups = [
        InstanceGroupConfig(
            name="Master Instance Group",
            instance_role="MASTER",
            instance_type=asked.master_instance_type,
            instance_count=1,
        )
    ]
    if count > 1:
        groups.append(
            InstanceGroupConfig(
                name="Core Instance Group",
                instance_role="CORE",
                instance_type=asked.slave_instance_type or asked.master_instance_type,
                instance_count=count - 1,
            )
        )
    return groups


def plan_groups(
    configs: Sequence[InstanceGroupConfig],
    fresh: Fresh,
    now_ms: int,
    there: Sequence[Group] = (),
) -> tuple[Group, ...]:
    """New groups, beside those that are `there`.

    Raises:
        Validation: they do not make a cluster together.
    """
    roles = [group.config.instance_role for group in there]
    roles += [config.instance_role for config in configs]
    if roles.count("MASTER") != 1:
        raise Validation("Exactly one master instance group must be specified.")
    if roles.count("CORE") > 1:
        raise Validation("Only one core instance group may be specified.")
    if "CORE" not in roles and "TASK" in roles:
        raise Validation("A task instance group needs a core instance group beside it.")
    if roles.count("TASK") > TASK_GROUPS_MAX:
        raise Validation(f"There can be at most {TASK_GROUPS_MAX} task instance groups.")
    return tuple(_plan_group(config, fresh, now_ms) for config in configs)


def _plan_group(config: InstanceGroupConfig, fresh: Fresh, now_ms: int) -> Group:
    role, count, name = config.instance_role, config.instance_count, config.name or "(no name)"
    if role == "MASTER" and count not in (1, 3):
        raise Validation("A master instance group must specify a single instance.")
    if count < (0 if role == "TASK" else 1):
        raise Validation(f"Instance group {name}: InstanceCount must be at least 1.")
    if count > INSTANCES_MAX:
        raise Validation(f"Instance group {name}: InstanceCount must be at most {INSTANCES_MAX}.")
    if config.bid_price and config.market != "SPOT":
        raise Validation(f"Instance group {name}: BidPrice is for groups with Market SPOT.")
    if config.custom_ami_id:
        raise Validation("CustomAmiId is not supported by Millpond yet.")
    require_type(config.instance_type)
    scaling = None
    if config.auto_scaling_policy is not None:
        check_policy(config.auto_scaling_policy, role)
        scaling = Scaling(policy=config.auto_scaling_policy)
    return Group(id=fresh("ig-"), config=config, created_ms=now_ms, scaling=scaling)


def _plan_fleets(
    configs: Sequence[InstanceFleetConfig], fresh: Fresh, now_ms: int
) -> tuple[Fleet, ...]:
    kinds = [config.instance_fleet_type for config in configs]
    if kinds.count("MASTER") != 1 or len(set(kinds)) != len(kinds):
        raise Validation("There must be one master fleet, and at most one core and one task fleet.")
    if "TASK" in kinds and "CORE" not in kinds:
        raise Validation("A task fleet needs a core fleet beside it.")
    return tuple(_plan_fleet(config, fresh, now_ms) for config in configs)


def _plan_fleet(config: InstanceFleetConfig, fresh: Fresh, now_ms: int) -> Fleet:
    types = config.instance_type_configs or ()
    name, kind = config.name or "(no name)", config.instance_fleet_type
    if not 1 <= len(types) <= FLEET_TYPES_MAX:
        raise Validation(
            f"Fleet {name}: InstanceTypeConfigs must name an instance type, and at most "
            f"{FLEET_TYPES_MAX}."
        )
    target = (config.target_on_demand_capacity or 0) + (config.target_spot_capacity or 0)
    if (kind != "TASK" and target < 1) or (kind == "MASTER" and target != 1):
        raise Validation(
            f"Fleet {name}: the target capacities must be at least 1 in total, and "
            "exactly 1 for the master fleet."
        )
    for one in types:
        require_type(one.instance_type)
        if one.custom_ami_id:
            raise Validation("CustomAmiId is not supported by Millpond yet.")
        if one.weighted_capacity is not None and one.weighted_capacity < 1:
            raise Validation(f"Fleet {name}: WeightedCapacity must be at least 1.")
    return Fleet(id=fresh("if-"), config=config, created_ms=now_ms)


def add_fleet(cluster: Cluster, config: InstanceFleetConfig, fresh: Fresh, now_ms: int) -> Fleet:
    """A task fleet for a cluster that has none.

    Raises:
        InvalidRequest: the cluster has groups, or the fleet is not a first task fleet.
    """
    if cluster.groups:
        raise InvalidRequest("Instance fleets and instance groups are mutually exclusive.")
    if config.instance_fleet_type != "TASK":
        raise InvalidRequest("Only a task instance fleet can be added to a running cluster.")
    kinds = {fleet.config.instance_fleet_type for fleet in cluster.fleets}
    if "CORE" not in kinds:
        raise InvalidRequest("A task fleet needs a core fleet beside it.")
    if "TASK" in kinds:
        raise InvalidRequest("The cluster has a task instance fleet already.")
    try:
        return _plan_fleet(config, fresh, now_ms)
    except Validation as error:
        raise InvalidRequest(error.message) from error


def modify_fleet(fleet: Fleet, asked: InstanceFleetModifyConfig) -> Fleet:
    """A fleet with other targets, types or specifications; what is not named stays.

    Raises:
        InvalidRequest: the fleet cannot be so.
    """
    config = fleet.config
    changed = replace(
        config,
        target_on_demand_capacity=config.target_on_demand_capacity
        if asked.target_on_demand_capacity is None
        else asked.target_on_demand_capacity,
        target_spot_capacity=config.target_spot_capacity
        if asked.target_spot_capacity is None
        else asked.target_spot_capacity,
        resize_specifications=asked.resize_specifications or config.resize_specifications,
        instance_type_configs=asked.instance_type_configs or config.instance_type_configs,
        context=asked.context or config.context,
    )
    if config.instance_fleet_type == "MASTER":
        raise InvalidRequest("The master instance fleet cannot be resized.")
    try:
        _plan_fleet(changed, lambda prefix: prefix, fleet.created_ms)
    except Validation as error:
        raise InvalidRequest(error.message) from error
    return replace(fleet, config=changed)
