"""The cluster of a job run, as it is ordered from a runtime.

Its executors are its nodes, with their share of this machine. A Sail application runs on one node,
so on Sail they are one node of the size of all of them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from millpond.engines.spark.interface import (
    SAIL,
    Access,
    Installed,
    Node,
    Order,
    Size,
    Spark,
    scaled,
)
from millpond.kernel.credentials import Credential
from millpond.services.emrserverless.model.configurations import without
from millpond.services.emrserverless.model.records import Engine, Worker, Workers
from millpond.services.emrserverless.model.worker_settings import SIZING
from millpond.services.emrserverless.needs import Needs

HIVE = "Hive"
_ONCE = {"spark.yarn.maxAppAttempts": "1"}
"""A driver is started once: what is tried again is the run, as its retry policy says."""
_GB = 1 << 30


def order_of(
    needs: Needs,
    *,
    name: str,
    folder: Path,
    region: str,
    credential: Credential,
    runtime: str,
    engine: Engine,
    workers: Workers,
    properties: Mapping[str, str],
    environment: Mapping[str, str],
    progress: Callable[[str], None] = lambda text: None,
) -> Order:
    """The order of a cluster."""
    spark = needs.sparks[runtime]
    defaults = without(properties, SIZING) if engine == "Spark" else {}
    return Order(
        name=name,
        folder=folder,
        access=Access(
            endpoint=needs.endpoint(),
            region=region,
            access_key_id=credential.access_key_id,
            secret_access_key=credential.secret_access_key,
            session_token=credential.session_token,
        ),
        properties={**_ONCE, **defaults},
        environment=environment,
        nodes=_nodes(runtime, spark, workers),
        programs=(HIVE,) if engine == "Hive" and has_hive(spark.installed()) else (),
        progress=progress,
    )


def has_hive(installed: Installed | None) -> bool:
    """Whether Hive jobs run on Hive itself."""
    return installed is not None and HIVE in installed.programs


def _nodes(runtime: str, spark: Spark, workers: Workers) -> tuple[Node, ...]:
    capacity = spark.capacity()
    executor, count = _size(workers.executor), workers.executors
    if runtime == SAIL:
        asked = _size(workers.executor.times(count))
        return (Node("executors", scaled(asked, asked, capacity)),)
    count = max(min(count, capacity.cores), 1)
    together = _size(workers.driver.plus(workers.executor.times(count)))
    share = scaled(executor, together, capacity)
    return tuple(Node(f"executor-{number + 1}", share) for number in range(count))


def _size(worker: Worker) -> Size:
    return Size(worker.cpu, worker.memory_gb * _GB)
