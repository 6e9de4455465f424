"""Managed scaling: limits, and how many instances each pool is to have. Pure.

A pool is a group, or a fleet's On-Demand or Spot part. Growth goes to core pools up to
`MaximumCoreCapacityUnits`, then to task pools, On-Demand up to its maximum before Spot; what
shrinks are task pools first, Spot before On-Demand, and one core instance stays.

Source: EMR Management Guide, "Using managed scaling in Amazon EMR", "Managed scaling node
allocation strategy"; API, ComputeLimits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from millpond.engines.spark.interface import Load
from millpond.services.emr.errors import InvalidRequest
from millpond.services.emr.model.crew import slots
from millpond.services.emr.model.instance_types import require_type
from millpond.services.emr.model.records import Cluster
from millpond.services.emr.shapes import ComputeLimits, ManagedScalingPolicy

PASSES_MAX = 8

Key = tuple[str, str]
"""A part's id and a market."""


@dataclass(frozen=True, slots=True)
class Pool:
    """`count` instances, each of which counts for `units`."""

    key: Key
    is_core: bool
    units: int
    count: int

    @property
    def is_on_demand(self) -> bool:
        return self.key[1] == "ON_DEMAND"

    @property
    def total(self) -> int:
        return self.count * self.units


@dataclass(frozen=True, slots=True)
class Bounds:
    """Units; of which of core nodes and of On-Demand ones at most."""

    low: int
    high: int
    core_high: int
    on_demand_high: int


def check_managed_policy(policy: ManagedScalingPolicy, cluster: Cluster) -> Bounds:
    """The bounds that a policy sets.

    Raises:
        InvalidRequest: it is not one for this cluster.
    """
    limits = policy.compute_limits
    if policy.scaling_strategy == "ADVANCED" or policy.utilization_performance_index is not None:
        raise InvalidRequest("The scaling strategy ADVANCED is not supported by Millpond yet.")
    if limits is None:
        raise InvalidRequest("ComputeLimits must be specified for a managed scaling policy.")
    allowed = ("InstanceFleetUnits", "VCPU") if cluster.fleets else ("Instances", "VCPU")
    if limits.unit_type not in allowed:
        raise InvalidRequest(
            f"UnitType {limits.unit_type} is not valid for this cluster; it must be one of "
            f"{', '.join(allowed)}."
        )
    bounds = bounds_of(limits)
    if not 1 <= bounds.low <= bounds.high:
        raise InvalidRequest(
            f"MinimumCapacityUnits {bounds.low} must be at least 1, and at most "
            f"MaximumCapacityUnits {bounds.high}."
        )
    for name, value, low in (
        ("MaximumCoreCapacityUnits", bounds.core_high, 1),
        ("MaximumOnDemandCapacityUnits", bounds.on_demand_high, 0),
    ):
        if not low <= value <= bounds.high:
            raise InvalidRequest(
                f"{name} {value} must be between {low} and MaximumCapacityUnits {bounds.high}."
            )
    if not any(slot.role == "CORE" for slot in slots(cluster)):
        raise InvalidRequest("Managed scaling needs a core instance group or fleet.")
    if any(group.scaling is not None for group in cluster.groups):
        raise InvalidRequest(
            "A managed scaling policy cannot be attached: an instance group has an automatic "
            "scaling policy."
        )
    return bounds


def bounds_of(limits: ComputeLimits) -> Bounds:
    high = limits.maximum_capacity_units
    core, on_demand = limits.maximum_core_capacity_units, limits.maximum_on_demand_capacity_units
    return Bounds(
        low=limits.minimum_capacity_units,
        high=high,
        core_high=high if core is None else core,
        on_demand_high=high if on_demand is None else on_demand,
    )


def pools(cluster: Cluster, limits: ComputeLimits) -> list[Pool]:
    """The pools of a cluster, with the sizes that their targets ask for."""
    found = []
    for slot in slots(cluster):
        if slot.role != "MASTER":
            cores = require_type(slot.instance_type).cores
            found.append(
                Pool(
                    (slot.part, slot.market),
                    slot.role == "CORE",
                    cores if limits.unit_type == "VCPU" else slot.weight,
                    -(-slot.target // slot.weight),
                )
            )
    return found


def wanted_units(load: Load, running_units: int) -> int:
    """How many units the work asks for that there is, running and waiting; `running_units` are
    those of the nodes whose load it is."""
    cores = load.cores_used + load.cores_wanted
    if load.applications_waiting and not load.cores_wanted:
        cores = max(cores, load.cores) + load.applications_waiting
    if not load.cores:
        return cores
    return math.ceil(cores * running_units / load.cores)


def assign(bounds: Bounds, given: Sequence[Pool], wanted: int) -> Mapping[Key, int]:
    """How many instances each pool is to have for so many wanted units.

    It is done until nothing changes: a lone core instance that exceeds a limit stays, and may go
    once another pool has one.
    """
    order = sorted(given, key=lambda pool: (not pool.is_core, not pool.is_on_demand))
    goal = min(max(wanted, bounds.low), bounds.high)
    for _ in range(PASSES_MAX):
        before = list(order)
        for number in range(len(order)):
            order[number] = _within(bounds, order, number)
        for number in reversed(range(len(order))):
            order[number] = _cut(order, number, bounds.high)
        for number in range(len(order)):
            order[number] = _grown(bounds, order, number, goal)
        for number in reversed(range(len(order))):
            order[number] = _shrunk(order, number, goal)
        if order == before:
            break
    return {pool.key: pool.count for pool in order}


def _within(bounds: Bounds, order: Sequence[Pool], number: int) -> Pool:
    """A pool without what its kind may not have any more; earlier ones come first."""
    pool, before = order[number], order[:number]
    count = pool.count
    if pool.is_core:
        left = bounds.core_high - sum(one.total for one in before if one.is_core)
        count = min(count, max(left, 0) // pool.units)
    if pool.is_on_demand:
        left = bounds.on_demand_high - sum(one.total for one in before if one.is_on_demand)
        count = min(count, max(left, 0) // pool.units)
    return _less(order, pool, pool.count - count)


def _grown(bounds: Bounds, order: Sequence[Pool], number: int, goal: int) -> Pool:
    pool = order[number]
    total = sum(one.total for one in order)
    free = bounds.high - total
    if pool.is_core:
        free = min(free, bounds.core_high - sum(one.total for one in order if one.is_core))
    if pool.is_on_demand:
        taken = sum(one.total for one in order if one.is_on_demand)
        free = min(free, bounds.on_demand_high - taken)
    more = min(-(-(goal - total) // pool.units), free // pool.units)
    return replace(pool, count=pool.count + max(more, 0))


def _shrunk(order: Sequence[Pool], number: int, goal: int) -> Pool:
    """A pool without the instances that are not needed to reach the goal. What an instance that
    came for the goal exceeds it by is left alone: a smaller one would go for it."""
    pool = order[number]
    excess = sum(one.total for one in order) - goal
    largest = max(one.units for one in order if one.count or one is pool)
    return _less(order, pool, excess // pool.units) if excess >= largest else pool


def _cut(order: Sequence[Pool], number: int, high: int) -> Pool:
    """A pool without the instances that exceed the maximum."""
    pool = order[number]
    excess = sum(one.total for one in order) - high
    return _less(order, pool, -(-excess // pool.units))


def _less(order: Sequence[Pool], pool: Pool, count: int) -> Pool:
    others = sum(one.count for one in order if one.is_core and one is not pool)
    floor = 1 if pool.is_core and not others else 0
    return replace(pool, count=pool.count - max(min(count, pool.count - floor), 0))
