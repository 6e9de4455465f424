"""A cluster's figures, as EMR measures them for CloudWatch. Pure.

There is no YARN: a container is a core's worth of work, its memory what the engine counts.

Source: EMR Management Guide, "Monitoring Amazon EMR metrics with CloudWatch".
"""

from collections.abc import Mapping

from millpond.engines.spark.interface import Load
from millpond.services.emr.model.crew import slots
from millpond.services.emr.model.records import Cluster

NAMESPACE = "AWS/ElasticMapReduce"
UNITS: Mapping[str, str] = {
    "IsIdle": "None",
    "AppsRunning": "Count",
    "AppsPending": "Count",
    "ContainerAllocated": "Count",
    "ContainerPending": "Count",
    "ContainerPendingRatio": "Count",
    "MemoryTotalMB": "Count",
    "MemoryAllocatedMB": "Count",
    "MemoryAvailableMB": "Count",
    "YARNMemoryAvailablePercentage": "Percent",
    "MRTotalNodes": "Count",
    "MRActiveNodes": "Count",
    "MRDecommissionedNodes": "Count",
    "CoreNodesRunning": "Count",
    "CoreNodesPending": "Count",
    "CoreNodesRequested": "Count",
    "TaskNodesRunning": "Count",
    "TaskNodesPending": "Count",
    "TaskNodesRequested": "Count",
    "TotalNodesRunning": "Count",
    "TotalNodesRequested": "Count",
}
"""The metrics, and CloudWatch's units for them."""
_MIB = 1 << 20


def measure(cluster: Cluster, load: Load) -> dict[str, float]:
    """The value of each metric now."""
    memory_free = max(load.memory_bytes - load.memory_bytes_used, 0)
    pending = load.cores_wanted
    values: dict[str, float] = {
        "IsIdle": not cluster.active and not load.applications_running,
        "AppsRunning": load.applications_running,
        "AppsPending": load.applications_waiting,
        "ContainerAllocated": load.cores_used,
        "ContainerPending": pending,
        "ContainerPendingRatio": pending / load.cores_used if load.cores_used else pending,
        "MemoryTotalMB": load.memory_bytes // _MIB,
        "MemoryAllocatedMB": load.memory_bytes_used // _MIB,
        "MemoryAvailableMB": memory_free // _MIB,
        "YARNMemoryAvailablePercentage": (
            100 * memory_free / load.memory_bytes if load.memory_bytes else 0
        ),
        "MRTotalNodes": len(load.nodes),
        "MRActiveNodes": len(load.nodes),
        "MRDecommissionedNodes": sum(
            one.is_alive and one.leaving is not None for one in cluster.instances
        ),
    }
    for role, name in (("CORE", "Core"), ("TASK", "Task")):
        mine = [one for one in cluster.instances if one.role == role and one.is_alive]
        running = sum(one.state == "RUNNING" for one in mine)
        values[f"{name}NodesRunning"] = running
        values[f"{name}NodesPending"] = len(mine) - running
        values[f"{name}NodesRequested"] = sum(
            -(-slot.target // slot.weight) for slot in slots(cluster) if slot.role == role
        )
    for what in ("Running", "Requested"):
        parts = (values[f"CoreNodes{what}"], values[f"TaskNodes{what}"])
        values[f"TotalNodes{what}"] = sum(parts)
    return {name: float(value) for name, value in values.items()}
