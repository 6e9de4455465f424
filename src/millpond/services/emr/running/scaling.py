"""Scaling while a cluster runs: looks at its load, and changes its targets as its policies say."""

from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from millpond.engines.spark.interface import Load
from millpond.kernel.metrics import Meter, Metric
from millpond.kernel.tasks import Task
from millpond.services.emr.model import auto_scaling, crew, managed_scaling
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.measures import NAMESPACE, UNITS, measure
from millpond.services.emr.model.records import Cluster
from millpond.services.emr.model.resizing import put_group, resize
from millpond.services.emr.running.desk import Desk

LOOK_SECONDS = 2.0
PUBLISH_SECONDS = 60.0
IDLE_SECONDS = 15.0
"""How long less work than there are nodes has to last before managed scaling takes some away."""


class Scaling:
    """`look` is called every `LOOK_SECONDS`."""

    def __init__(self, desk: Desk, meter: Meter, task: Task) -> None:
        self._desk, self._meter, self._task = desk, meter, task
        self._history = auto_scaling.History()
        self._wanted: deque[tuple[int, int]] = deque()
        self._publish_ms = 0

    async def look(self, cluster: Cluster, load: Load) -> bool:
        """Measure, and change targets where a policy says so; whether one was."""
        now_ms = self._desk.now_ms()
        values = measure(cluster, load)
        if now_ms >= self._publish_ms:
            self._publish_ms = now_ms + int(PUBLISH_SECONDS * 1000)
            self._publish(cluster, values)
        self._history.add(now_ms, values, cluster.groups)
        if cluster.managed_scaling is None:
            self._wanted.clear()
            return await self._by_rules(cluster, now_ms)
        return await self._managed(cluster, load, now_ms)

    async def _by_rules(self, cluster: Cluster, now_ms: int) -> bool:
        changed = False
        for group in cluster.groups:
            count = auto_scaling.decide(group, self._history, now_ms)
            if count is not None:
                await self._desk.tell(_resize_by_rule(group.id, count, now_ms))
                changed = True
        return changed

    async def _managed(self, cluster: Cluster, load: Load, now_ms: int) -> bool:
        policy = cluster.managed_scaling
        limits = policy.compute_limits if policy else None
        assert limits is not None
        given = managed_scaling.pools(cluster, limits)
        by_key = {pool.key: pool.units for pool in given}
        running = sum(
            by_key.get((one.part, one.market), 0)
            for one in cluster.instances
            if one.stays and one.state == "RUNNING"
        )
        wanted = self._smoothed(
            managed_scaling.wanted_units(load, running), sum(pool.total for pool in given), now_ms
        )
        counts = managed_scaling.assign(managed_scaling.bounds_of(limits), given, wanted)
        if counts == {pool.key: pool.count for pool in given}:
            return False
        await self._desk.tell(lambda flow: flow.change(crew.set_counts(flow.cluster, counts)))
        return True

    def _smoothed(self, wanted: int, there: int, now_ms: int) -> int:
        """The most that was wanted for `IDLE_SECONDS`; what is there until so much is known."""
        since_ms = now_ms - int(IDLE_SECONDS * 1000)
        self._wanted.append((now_ms, wanted))
        while len(self._wanted) > 1 and self._wanted[1][0] <= since_ms:
            self._wanted.popleft()
        most = max(units for _, units in self._wanted)
        return most if self._wanted[0][0] <= since_ms else max(most, there)

    def _publish(self, cluster: Cluster, values: dict[str, float]) -> None:
        task, dimensions = self._task, (("JobFlowId", cluster.id),)
        for name, value in values.items():
            metric = Metric(task.account, task.region, NAMESPACE, name, dimensions, UNITS[name])
            self._meter.record(metric, value)


def _resize_by_rule(group_id: str, count: int, now_ms: int) -> Callable[[Flow], None]:
    def change(flow: Flow) -> None:
        cluster = flow.cluster
        group = next((one for one in cluster.groups if one.id == group_id), None)
        if group is None or group.scaling is None:
            return
        scaled = replace(group, scaling=replace(group.scaling, scaled_ms=now_ms))
        flow.change(resize(put_group(cluster, scaled), scaled, count))

    return change
