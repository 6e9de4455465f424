"""What the nodes of a cluster get of this machine: their instance types' sizes, scaled. Pure.

The sum of all nodes at the cluster's largest, which its scaling policies and targets tell, gets the
engine's capacity; each node its share of that. So a cluster grows without taking from the nodes
that run.
"""

from collections.abc import Iterator, Mapping

from millpond.engines.spark.interface import NODE_MEMORY_BYTES_MIN, Node, Size, scaled
from millpond.services.emr.model.crew import Slot, has_workers, slots, workers
from millpond.services.emr.model.instance_types import require_type
from millpond.services.emr.model.records import Cluster, Instance


def room(capacity: Size) -> int:
    """How many nodes of the smallest size there is memory for; one at least."""
    return max(1, capacity.memory_bytes // NODE_MEMORY_BYTES_MIN)


def node_of(cluster: Cluster, instance: Instance, capacity: Size) -> Node:
    """The node of an instance."""
    together = _largest(cluster, room(capacity))
    asked = require_type(instance.instance_type).size
    return Node(instance.ec2_id, scaled(asked, together, capacity))


def nodes(cluster: Cluster, capacity: Size) -> tuple[Node, ...]:
    """The nodes of all instances that work."""
    return tuple(node_of(cluster, one, capacity) for one in workers(cluster))


def _largest(cluster: Cluster, nodes_max: int) -> Size:
    """All nodes together when there are as many as there can be, or as there is room for."""
    work = [slot for slot in slots(cluster) if slot.role != "MASTER"]
    if not has_workers(cluster):
        work = slots(cluster)
    count, cores, memory_bytes = 0.0, 0.0, 0.0
    tops = _group_tops(cluster)
    for slot in work:
        number = _count(slot, tops)
        size = require_type(slot.instance_type).size
        count, cores = count + number, cores + number * size.cores
        memory_bytes += number * size.memory_bytes
    for most, size in _managed(cluster, work):
        if most * size.cores > cores:
            count, cores, memory_bytes = most, most * size.cores, most * size.memory_bytes
    share = min(1.0, nodes_max / max(count, 1.0))
    return Size(round(cores * share), int(memory_bytes * share))


def _group_tops(cluster: Cluster) -> Mapping[str, int]:
    return {
        group.id: group.scaling.policy.constraints.max_capacity
        for group in cluster.groups
        if group.scaling is not None
    }


def _count(slot: Slot, tops: Mapping[str, int]) -> int:
    return max(-(-slot.target // slot.weight), tops.get(slot.part, 0))


def _managed(cluster: Cluster, work: list[Slot]) -> Iterator[tuple[float, Size]]:
    """How many instances of each type a managed scaling policy allows."""
    policy = cluster.managed_scaling
    limits = policy.compute_limits if policy else None
    if limits is None:
        return
    for slot in work:
        size = require_type(slot.instance_type).size
        units = {"Instances": 1, "VCPU": size.cores, "InstanceFleetUnits": slot.weight}
        yield limits.maximum_capacity_units / units[limits.unit_type], size
