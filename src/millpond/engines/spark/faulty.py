"""A Spark that fails where a test says so: the n-th start, or a run of a program by its name."""

from collections.abc import Collection

from millpond.engines.spark.interface import (
    Application,
    CannotStart,
    Cluster,
    Installed,
    Load,
    Node,
    Order,
    Run,
    Size,
    Spark,
)


class FaultySpark:
    """`failing_starts` counts from 1 over the life of this object; `failing_programs` are first
    words of command lines."""

    def __init__(
        self,
        spark: Spark,
        failing_starts: Collection[int] = (),
        failing_programs: Collection[str] = (),
    ) -> None:
        self._spark = spark
        self._failing_starts = failing_starts
        self._failing_programs = failing_programs
        self._starts = 0

    def installed(self) -> Installed | None:
        return self._spark.installed()

    def capacity(self) -> Size:
        return self._spark.capacity()

    async def start(self, order: Order) -> Cluster:
        self._starts += 1
        if self._starts in self._failing_starts:
            raise CannotStart(f"The Spark engine of {order.name} did not come up (injected).")
        return FaultyCluster(await self._spark.start(order), self._failing_programs)


class FaultyCluster:
    def __init__(self, cluster: Cluster, failing_programs: Collection[str]) -> None:
        self._cluster = cluster
        self._failing_programs = failing_programs

    @property
    def address(self) -> tuple[str, int]:
        return self._cluster.address

    @property
    def is_running(self) -> bool:
        return self._cluster.is_running

    async def run(self, application: Application) -> Run:
        if application.arguments[0] in self._failing_programs:
            raise CannotStart(f"{application.arguments[0]} could not be started (injected).")
        return await self._cluster.run(application)

    async def add_node(self, node: Node) -> None:
        await self._cluster.add_node(node)

    async def remove_node(self, name: str, grace_seconds: float) -> None:
        await self._cluster.remove_node(name, grace_seconds)

    async def lose_node(self, name: str) -> None:
        await self._cluster.lose_node(name)

    def load(self) -> Load:
        return self._cluster.load()

    async def stop(self) -> None:
        await self._cluster.stop()
