"""Instance groups and fleets: recorded as asked for, each with one synthetic instance.

Source: EMR Management Guide, "Configure Amazon EC2 instance types"; "normalized instance hours".
"""

import re
from collections.abc import Callable, Sequence

from millpond.services.emr.errors import Validation
from millpond.services.emr.model.records import Fleet, Group, Machine
from millpond.services.emr.shapes import (
    InstanceFleetConfig,
    InstanceGroupConfig,
    JobFlowInstancesConfig,
)

_SIZES = {"nano": 0.25, "micro": 0.5, "small": 1, "medium": 2, "large": 4, "xlarge": 8}
_TYPE = re.compile(r"[a-z][a-z0-9-]*\.([a-z0-9-]+)")
_HOUR_MS = 3_600_000

Fresh = Callable[[str], str]
"""A fresh id for a prefix: `ig-`, `if-`, `ci-`, `i-`."""


def plan_machines(
    asked: JobFlowInstancesConfig, fresh: Fresh
) -> tuple[tuple[Group, ...], tuple[Fleet, ...]]:
    """The groups or fleets of a cluster.

    Raises:
        Validation: they do not make a cluster.
    """
    ways = [asked.instance_groups, asked.instance_fleets, asked.master_instance_type]
    if sum(bool(way) for way in ways) > 1:
        raise Validation(
            "Please configure instances using one and only one of the following: instance groups; "
            "instance fleets; instance count, master and slave instance type."
        )
    if asked.instance_fleets:
        return (), _plan_fleets(asked.instance_fleets, fresh)
    return _plan_groups(asked.instance_groups or _plain_groups(asked), fresh), ()


def _plain_groups(asked: JobFlowInstancesConfig) -> list[InstanceGroupConfig]:
    count = asked.instance_count or 0
    if not asked.master_instance_type or count < 1:
        raise Validation(
            "Please configure instances using one and only one of the following: instance groups; "
            "instance fleets; instance count, master and slave instance type."
        )
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


def _plan_groups(configs: Sequence[InstanceGroupConfig], fresh: Fresh) -> tuple[Group, ...]:
    roles = [config.instance_role for config in configs]
    if roles.count("MASTER") != 1:
        raise Validation("Exactly one master instance group must be specified.")
    if roles.count("CORE") > 1:
        raise Validation("Only one core instance group may be specified.")
    for config in configs:
        if config.instance_role == "MASTER" and config.instance_count not in (1, 3):
            raise Validation("A master instance group must specify a single instance.")
        if config.instance_count < 1 and config.instance_role != "TASK":
            raise Validation(f"Instance group {config.name}: InstanceCount must be at least 1.")
        _check_type(config.instance_type)
    return tuple(
        Group(
            id=fresh("ig-"),
            config=config,
            machine=_machine(config.instance_type, config.market or "ON_DEMAND", fresh),
        )
        for config in configs
    )


def _plan_fleets(configs: Sequence[InstanceFleetConfig], fresh: Fresh) -> tuple[Fleet, ...]:
    kinds = [config.instance_fleet_type for config in configs]
    if kinds.count("MASTER") != 1 or len(set(kinds)) != len(kinds):
        raise Validation("There must be one master fleet, and at most one core and one task fleet.")
    fleets = []
    for config in configs:
        types = [one.instance_type for one in config.instance_type_configs or ()]
        if not types:
            raise Validation(
                f"Fleet {config.name}: InstanceTypeConfigs must name an instance type."
            )
        on_demand, spot = config.target_on_demand_capacity or 0, config.target_spot_capacity or 0
        if on_demand + spot < 1 or (
            config.instance_fleet_type == "MASTER" and on_demand + spot != 1
        ):
            raise Validation(
                f"Fleet {config.name}: the target capacities must be at least 1 in total, and "
                "exactly 1 for the master fleet."
            )
        for name in types:
            _check_type(name)
        market = "ON_DEMAND" if on_demand else "SPOT"
        machine = _machine(types[0], market, fresh)
        fleets.append(Fleet(id=fresh("if-"), config=config, machine=machine))
    return tuple(fleets)


def _machine(instance_type: str, market: str, fresh: Fresh) -> Machine:
    return Machine(id=fresh("ci-"), ec2_id=fresh("i-"), instance_type=instance_type, market=market)


def _check_type(name: str) -> None:
    if not _TYPE.fullmatch(name):
        raise Validation(f"Instance type '{name}' is not supported.")


def normalized_hours(groups: Sequence[Group], fleets: Sequence[Fleet], running_ms: int) -> int:
    """Instance hours in units of an m1.small, for what was asked for; each hour begun counts."""
    hours = -(-running_ms // _HOUR_MS)
    weight = sum(_weight(g.config.instance_type) * g.config.instance_count for g in groups)
    for fleet in fleets:
        asked = fleet.config
        capacity = (asked.target_on_demand_capacity or 0) + (asked.target_spot_capacity or 0)
        weight += _weight(fleet.machine.instance_type) * capacity
    return round(hours * weight)


def _weight(instance_type: str) -> float:
    size = instance_type.partition(".")[2]
    if size in _SIZES:
        return _SIZES[size]
    times = re.fullmatch(r"(\d+)xlarge", size)
    return 8 * int(times[1]) if times else 8
