"""The nodes of a running cluster: they come, go and are lost as its records ask for.

Operations and scaling change targets; `model.crew` says which instances that makes; this starts a
node for each that is to come, and takes away those of each that leaves, beside the steps that run.
"""

import asyncio

from millpond.engines.spark import interface as spark
from millpond.kernel.ids import Ids
from millpond.kernel.metrics import Meter
from millpond.kernel.tasks import Task
from millpond.services.emr.model import crew
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.records import Cluster, Instance
from millpond.services.emr.model.sizes import node_of, room
from millpond.services.emr.operations.ids import fresh
from millpond.services.emr.running.desk import Desk
from millpond.services.emr.running.scaling import LOOK_SECONDS, Scaling

STARTS_AT_ONCE = 2
RETRY_SECONDS = 30.0
"""How long to wait after a node did not come up, before another one is started in its place."""
FAILED_CODE = "INSTANCE_FAILURE"


class Crew:
    """Runs between `start` and `stop`, on an engine that has the nodes of all instances that
    were there when it started."""

    def __init__(
        self,
        desk: Desk,
        ids: Ids,
        meter: Meter,
        task: Task,
        engine: spark.Cluster,
        capacity: spark.Size,
    ) -> None:
        self._desk, self._ids, self._engine, self._capacity = desk, ids, engine, capacity
        self._scaling = Scaling(desk, meter, task)
        self._places = asyncio.Semaphore(STARTS_AT_ONCE)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._grow_ms = 0
        self._driving: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin; the task ends only with the cluster, or with an error."""
        self._driving = asyncio.create_task(self._drive())
        return self._driving

    async def stop(self) -> None:
        """Leave the nodes as they are."""
        tasks = [task for task in (self._driving, *self._busy.values()) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _drive(self) -> None:
        ear, look_ms = self._desk.listen(), 0
        while True:
            flow = await self._desk.read()
            if flow.is_ending:
                return
            if self._must_settle(flow.cluster):
                flow = await self._settle()
            self._begin(flow.cluster)
            now_ms = self._desk.now_ms()
            if now_ms >= look_ms:
                look_ms = now_ms + int(LOOK_SECONDS * 1000)
                if await self._scaling.look(flow.cluster, self._engine.load()):
                    continue
            await ear.wait(self._busy.values(), look_ms)
            self._collect()

    def _must_settle(self, cluster: Cluster) -> bool:
        return crew.is_unsettled(cluster, room(self._capacity))

    async def _settle(self) -> Flow:
        now_ms, busy = self._desk.now_ms(), self._engine.load().nodes
        nodes_max = room(self._capacity) if now_ms >= self._grow_ms else 0

        def change(flow: Flow) -> Flow:
            flow.staff(nodes_max, lambda prefix: fresh(self._ids, prefix), now_ms)
            flow.trim(busy, now_ms)
            return flow

        return await self._desk.tell(change)

    def _begin(self, cluster: Cluster) -> None:
        """Begin to start and to take away what is asked for, one thing for each instance."""
        for instance in cluster.instances:
            if instance.ec2_id in self._busy or not instance.is_alive:
                continue
            if instance.leaving is not None:
                work = self._take_away(instance)
            elif instance.state == "PROVISIONING":
                work = self._bring_up(cluster, instance)
            else:
                continue
            self._busy[instance.ec2_id] = asyncio.create_task(work)

    def _collect(self) -> None:
        for ec2_id, task in list(self._busy.items()):
            if task.done():
                del self._busy[ec2_id]
                task.result()

    async def _bring_up(self, cluster: Cluster, instance: Instance) -> None:
        ec2_id = instance.ec2_id
        try:
            async with self._places:
                await self._engine.add_node(node_of(cluster, instance, self._capacity))
        except spark.CannotStart as error:
            self._grow_ms = self._desk.now_ms() + int(RETRY_SECONDS * 1000)
            await self._tell_end(ec2_id, FAILED_CODE, str(error))
            return
        await self._desk.tell(lambda flow: flow.start_instances([ec2_id], self._desk.now_ms()))

    async def _take_away(self, instance: Instance) -> None:
        leaving = instance.leaving
        assert leaving is not None
        if instance.state != "PROVISIONING" and instance.role != "MASTER":
            if leaving.grace_seconds > 0:
                await self._engine.remove_node(instance.ec2_id, leaving.grace_seconds)
            else:
                await self._engine.lose_node(instance.ec2_id)
        await self._tell_end(instance.ec2_id, leaving.code, leaving.message)

    async def _tell_end(self, ec2_id: str, code: str, message: str) -> None:
        await self._desk.tell(
            lambda flow: flow.end_instance(ec2_id, code, message, self._desk.now_ms())
        )
