"""The instances of a cluster: which there are to be, which come and which go. Pure.

A part (group or fleet) has targets, one for each slot: a market and a type. Instances come while a
slot has less than its target and there is room for a node on this machine, and go while it has an
instance more than it needs.

Source: EMR Management Guide, "Manually resizing a running cluster", "Cluster scale-down",
"Configure instance fleets" (a fleet may exceed its target by the last instance's weight).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from millpond.services.emr.model.instance_types import require_type
from millpond.services.emr.model.records import (
    Cluster,
    Fleet,
    Group,
    Instance,
    InstanceState,
    Leaving,
    Role,
)

DECOMMISSION_SECONDS_DEFAULT = 3600
"""YARN's decommissioning timeout on EMR."""
RESIZED = "The instance was terminated as its instance group or fleet was resized."
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Slot:
    """What a part wants of one market: `target` in units, of which an instance is `weight`."""

    part: str
    role: Role
    market: str
    instance_type: str
    weight: int
    target: int

    def holds(self, instance: Instance) -> bool:
        return instance.part == self.part and instance.market == self.market


def slots(cluster: Cluster) -> list[Slot]:
    """The slots of all parts: master first, then core, then task."""
    found = [
        Slot(
            group.id,
            group.config.instance_role,
            group.config.market or "ON_DEMAND",
            group.config.instance_type,
            1,
            group.config.instance_count,
        )
        for group in cluster.groups
    ]
    for fleet in cluster.fleets:
        found += _fleet_slots(fleet)
    order: tuple[Role, ...] = ("MASTER", "CORE", "TASK")
    return sorted(found, key=lambda slot: order.index(slot.role))


def _fleet_slots(fleet: Fleet) -> Iterator[Slot]:
    config = fleet.config
    first = (config.instance_type_configs or [])[0]
    targets = {
        "ON_DEMAND": config.target_on_demand_capacity or 0,
        "SPOT": config.target_spot_capacity or 0,
    }
    weight = 1 if config.instance_fleet_type == "MASTER" else first.weighted_capacity or 1
    for market, target in targets.items():
        yield Slot(
            fleet.id, config.instance_fleet_type, market, first.instance_type, weight, target
        )


def workers(cluster: Cluster) -> list[Instance]:
    """The instances whose nodes work: those of core and task parts, or the master's where there
    are no others."""
    alive = [one for one in cluster.instances if one.is_alive]
    return [one for one in alive if one.role != "MASTER"] if has_workers(cluster) else alive


def has_workers(cluster: Cluster) -> bool:
    """Whether there are core or task parts: then the master only hosts programs."""
    return any(slot.role != "MASTER" for slot in slots(cluster))


def grow(cluster: Cluster, room: int, fresh: Callable[[str], str], now_ms: int) -> Cluster:
    """The cluster with the instances that it lacks, as far as there is room for `room` nodes."""
    instances = list(cluster.instances)
    taken = sum(one.is_alive and one.role != "MASTER" for one in instances)
    for slot in slots(cluster):
        units = sum(one.weight for one in instances if slot.holds(one) and one.stays)
        while units < slot.target and (slot.role == "MASTER" or taken < room):
            instances.append(_new(slot, fresh, now_ms))
            units += slot.weight
            taken += slot.role != "MASTER"
    return replace(cluster, instances=tuple(instances))


def _new(slot: Slot, fresh: Callable[[str], str], now_ms: int) -> Instance:
    return Instance(
        id=fresh("ci-"),
        ec2_id=fresh("i-"),
        part=slot.part,
        role=slot.role,
        instance_type=slot.instance_type,
        market=slot.market,
        weight=slot.weight,
        created_ms=now_ms,
    )


def shrink(cluster: Cluster, busy: Mapping[str, int], now_ms: int) -> Cluster:
    """The cluster with those instances leaving that it has too many: first those that do not run
    yet, then those with the fewest cores in use (`busy`, by EC2 id), of these the newest."""
    for slot in slots(cluster):
        mine = [one for one in cluster.instances if slot.holds(one) and one.stays]
        units = sum(one.weight for one in mine)
        mine.sort(
            key=lambda one: (one.state == "RUNNING", busy.get(one.ec2_id, 0), -one.created_ms)
        )
        kept = _protected(cluster, slot.part)
        for instance in mine:
            if units - instance.weight >= slot.target and instance.ec2_id not in kept:
                cluster = leave(cluster, instance, RESIZED, now_ms)
                units -= instance.weight
    return cluster


def _protected(cluster: Cluster, part: str) -> frozenset[str]:
    shrinking = next((group.shrink for group in cluster.groups if group.id == part), None)
    policy = shrinking and shrinking.instance_resize_policy
    return frozenset((policy and policy.instances_to_protect) or ())


def decommission_seconds(group: Group | None) -> int:
    """How long an instance that is resized away may go on with its work."""
    shrinking = group.shrink if group else None
    timeout = shrinking.decommission_timeout if shrinking else None
    return DECOMMISSION_SECONDS_DEFAULT if timeout is None else timeout


def leave(
    cluster: Cluster,
    instance: Instance,
    message: str,
    now_ms: int,
    *,
    grace_seconds: float | None = None,
    code: str = "",
) -> Cluster:
    """The cluster with an instance leaving; the grace is its group's unless it is given."""
    if grace_seconds is None:
        group = next((one for one in cluster.groups if one.id == instance.part), None)
        grace_seconds = decommission_seconds(group)
    leaving = Leaving(since_ms=now_ms, grace_seconds=grace_seconds, message=message, code=code)
    return _put(cluster, replace(instance, leaving=leaving))


def set_counts(cluster: Cluster, counts: Mapping[tuple[str, str], int]) -> Cluster:
    """The cluster with targets of so many instances, by part and market; others stay."""
    given = {(slot.part, slot.market): slot for slot in slots(cluster)}
    targets = {
        key: count * given[key].weight
        for key, count in counts.items()
        if count != -(-given[key].target // given[key].weight)
    }
    groups = tuple(
        replace(group, config=replace(group.config, instance_count=target))
        if (target := targets.get((group.id, group.config.market or "ON_DEMAND"))) is not None
        else group
        for group in cluster.groups
    )
    fleets = tuple(
        replace(
            fleet,
            config=replace(
                fleet.config,
                target_on_demand_capacity=targets.get(
                    (fleet.id, "ON_DEMAND"), fleet.config.target_on_demand_capacity
                ),
                target_spot_capacity=targets.get(
                    (fleet.id, "SPOT"), fleet.config.target_spot_capacity
                ),
            ),
        )
        for fleet in cluster.fleets
    )
    return replace(cluster, groups=groups, fleets=fleets)


def advance(
    cluster: Cluster, ec2_ids: frozenset[str], state: InstanceState, now_ms: int
) -> Cluster:
    """The cluster with those of the instances in a later state; none goes back or comes back."""
    order = ("PROVISIONING", "BOOTSTRAPPING", "RUNNING")
    for one in cluster.instances:
        if one.ec2_id in ec2_ids and one.is_alive and order.index(one.state) < order.index(state):
            ready_ms = now_ms if state == "RUNNING" else one.ready_ms
            cluster = _put(cluster, replace(one, state=state, ready_ms=ready_ms))
    return cluster


def end(instance: Instance, code: str, message: str, now_ms: int) -> Instance:
    """An instance that is no more."""
    if not instance.is_alive:
        return instance
    return replace(
        instance,
        state="TERMINATED",
        end_ms=now_ms,
        reason_code=code,
        reason_message=message,
        leaving=None,
    )


def hours(instance: Instance, now_ms: int) -> int:
    """Normalised instance hours, from when it was ready; each hour begun counts."""
    if instance.ready_ms is None:
        return 0
    running_ms = (now_ms if instance.end_ms is None else instance.end_ms) - instance.ready_ms
    return -(-running_ms // _HOUR_MS) * require_type(instance.instance_type).weight


def is_unsettled(cluster: Cluster, room: int) -> bool:
    """Whether instances have to be added or taken away to meet the targets."""
    taken = sum(one.is_alive and one.role != "MASTER" for one in cluster.instances)
    for slot in slots(cluster):
        mine = [one for one in cluster.instances if slot.holds(one) and one.stays]
        units = sum(one.weight for one in mine)
        if units < slot.target and (slot.role == "MASTER" or taken < room):
            return True
        kept = _protected(cluster, slot.part)
        if any(units - one.weight >= slot.target for one in mine if one.ec2_id not in kept):
            return True
    return False


def _put(cluster: Cluster, changed: Instance) -> Cluster:
    return replace(
        cluster,
        instances=tuple(changed if one.id == changed.id else one for one in cluster.instances),
    )
