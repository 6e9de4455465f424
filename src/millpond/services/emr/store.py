"""How clusters are laid out in records.

    cluster  cluster id              → Cluster
    newest   time left, cluster id   → (empty): clusters, the newest first
    step     cluster id, number      → Step
    number   cluster id, step id     → the step's number
    gone     cluster id, time, id    → Instance that ended while its cluster went on
    part     group id                → its cluster's id
    security name                    → SecurityConfiguration
    public                           → PublicAccess

each below `emr`, the account and the region. Values are msgpack.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, schedule
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.records import (
    Cluster,
    Instance,
    PublicAccess,
    SecurityConfiguration,
    Step,
)

CLUSTER_TASK = "cluster"
_END_OF_TIME_MS = 10**15

_encode = msgspec.msgpack.Encoder().encode
_CLUSTER = msgspec.msgpack.Decoder(Cluster)
_STEP = msgspec.msgpack.Decoder(Step)
_INSTANCE = msgspec.msgpack.Decoder(Instance)
_SECURITY = msgspec.msgpack.Decoder(SecurityConfiguration)
_PUBLIC = msgspec.msgpack.Decoder(PublicAccess)


def _key(scope: Scope, kind: str, *parts: str) -> bytes:
    return "\0".join(("emr", scope.account, scope.region, kind, *parts)).encode()


def _newest(scope: Scope, cluster: Cluster) -> bytes:
    return _key(scope, "newest", f"{_END_OF_TIME_MS - cluster.created_ms:016d}", cluster.id)


async def load_cluster(transaction: Transaction, scope: Scope, cluster_id: str) -> Cluster | None:
    if "\0" in cluster_id:
        return None
    value = await transaction.get(_key(scope, "cluster", cluster_id))
    return None if value is None else _CLUSTER.decode(value)


async def scan_clusters(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[tuple[str, Cluster]]:
    """Clusters, the newest first, each with the position to go on after it."""
    prefix = _key(scope, "newest", "")
    start = prefix + after.encode() + b"\0" if after else prefix
    async for key, _ in transaction.scan(start, end_of(prefix)):
        position = key[len(prefix) :].decode()
        cluster = await load_cluster(transaction, scope, position.partition("\0")[2])
        assert cluster is not None
        yield position, cluster


async def load_flow(transaction: Transaction, scope: Scope, cluster_id: str) -> Flow | None:
    """A cluster and its steps that have not ended."""
    cluster = await load_cluster(transaction, scope, cluster_id)
    if cluster is None:
        return None
    steps = [await load_step(transaction, scope, cluster_id, number) for number in cluster.active]
    return Flow(cluster, steps)


def save_flow(transaction: Transaction, scope: Scope, flow: Flow, *, wake: bool = True) -> None:
    """Write what has changed. `wake`: and have whoever runs the cluster look at it."""
    cluster = flow.cluster
    transaction.put(_key(scope, "cluster", cluster.id), _encode(cluster))
    for step in flow.changed.values():
        transaction.put(_key(scope, "step", cluster.id, f"{step.number:08d}"), _encode(step))
        transaction.put(_key(scope, "number", cluster.id, step.id), str(step.number).encode())
    for one in flow.gone:
        position = (cluster.id, f"{one.end_ms or 0:016d}", one.ec2_id)
        transaction.put(_key(scope, "gone", *position), _encode(one))
    for group in cluster.groups:
        transaction.put(_key(scope, "part", group.id), cluster.id.encode())
    if wake:
        task = Task("emr", CLUSTER_TASK, cluster.id, 0, scope.account, scope.region)
        schedule(transaction, task)


def save_new(transaction: Transaction, scope: Scope, flow: Flow) -> None:
    """Write a cluster that is new, and have it run."""
    transaction.put(_newest(scope, flow.cluster), b"")
    save_flow(transaction, scope, flow)


async def load_step(transaction: Transaction, scope: Scope, cluster_id: str, number: int) -> Step:
    value = await transaction.get(_key(scope, "step", cluster_id, f"{number:08d}"))
    assert value is not None
    return _STEP.decode(value)


async def find_step(
    transaction: Transaction, scope: Scope, cluster_id: str, step_id: str
) -> Step | None:
    """The step of that id."""
    if "\0" in cluster_id + step_id:
        return None
    value = await transaction.get(_key(scope, "number", cluster_id, step_id))
    return None if value is None else await load_step(transaction, scope, cluster_id, int(value))


async def scan_steps(
    transaction: Transaction, scope: Scope, cluster_id: str, before: int | None = None
) -> AsyncIterator[Step]:
    """Steps, the last one first, those before number `before`."""
    prefix = _key(scope, "step", cluster_id, "")
    end = end_of(prefix) if before is None else prefix + f"{before:08d}".encode()
    async for _, value in transaction.scan(prefix, end, reverse=True):
        yield _STEP.decode(value)


async def scan_gone(
    transaction: Transaction, scope: Scope, cluster_id: str
) -> AsyncIterator[Instance]:
    """The instances that ended while their cluster went on, the first one first."""
    prefix = _key(scope, "gone", cluster_id, "")
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        yield _INSTANCE.decode(value)


async def find_cluster_of_group(
    transaction: Transaction, scope: Scope, group_id: str
) -> str | None:
    """The id of the cluster that has an instance group."""
    if "\0" in group_id:
        return None
    value = await transaction.get(_key(scope, "part", group_id))
    return None if value is None else value.decode()


async def load_security(
    transaction: Transaction, scope: Scope, name: str
) -> SecurityConfiguration | None:
    if "\0" in name:
        return None
    value = await transaction.get(_key(scope, "security", name))
    return None if value is None else _SECURITY.decode(value)


def save_security(transaction: Transaction, scope: Scope, made: SecurityConfiguration) -> None:
    transaction.put(_key(scope, "security", made.name), _encode(made))


def delete_security(transaction: Transaction, scope: Scope, name: str) -> None:
    transaction.delete(_key(scope, "security", name))


async def scan_security(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[SecurityConfiguration]:
    """Security configurations by name, those after `after`."""
    prefix = _key(scope, "security", "")
    start = prefix + after.encode() + b"\0" if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _SECURITY.decode(value)


async def load_public_access(transaction: Transaction, scope: Scope) -> PublicAccess | None:
    value = await transaction.get(_key(scope, "public"))
    return None if value is None else _PUBLIC.decode(value)


def save_public_access(transaction: Transaction, scope: Scope, made: PublicAccess) -> None:
    transaction.put(_key(scope, "public"), _encode(made))
