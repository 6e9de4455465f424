"""Spark on Sail: clusters whose nodes are engine processes of their own, applications beside them.

An application begins on the node that has fewest; see `sail/run` for what becomes of it when its
node goes.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.spark import environment
from millpond.engines.spark.interface import (
    Application,
    CannotStart,
    Installed,
    Load,
    Node,
    Order,
    Size,
)
from millpond.engines.spark.modules import PythonModules
from millpond.engines.spark.sail.node import SailNode
from millpond.engines.spark.sail.place import Place
from millpond.engines.spark.sail.run import ATTEMPTS_DEFAULT, ATTEMPTS_PROPERTY, SailRun
from millpond.kernel.processes import Command, Process, start

STOP_GRACE_SECONDS = 2.0
_PROGRAMS = frozenset({"Spark", "Sail", environment.GLUE})


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one cluster may use."""

    memory_bytes: int
    threads: int


class SailSpark:
    """`data` is the platform's data folder, which no cluster can read but for its own folder;
    `marker` marks its processes."""

    def __init__(self, data: Path, marker: str, bounds: Bounds) -> None:
        self._data = data.resolve()
        self._marker = marker
        self._capacity = Size(bounds.threads, bounds.memory_bytes)
        self._modules = PythonModules(self._data, marker, self._data / "python-modules")

    def installed(self) -> Installed | None:
        return environment.find_installed()

    def capacity(self) -> Size:
        return self._capacity

    async def start(self, order: Order) -> "SailCluster":
        if self.installed() is None:
            raise CannotStart("There is no Spark engine here: pip install 'millpond[spark]'.")
        missing = sorted(set(order.programs) - _PROGRAMS)
        if missing:
            raise CannotStart(f"{', '.join(missing)}: not there on Sail.")
        layers = await self._modules.ready(environment.PYTHON, order.python_modules, order.progress)
        place = Place(self._data, self._marker, order, layers)
        await asyncio.to_thread(place.make_folders)
        cluster = SailCluster(place, self._capacity)
        try:
            await asyncio.gather(*map(cluster.add_node, cluster.nodes_asked))
        except BaseException:
            await cluster.stop()
            raise
        return cluster


class SailCluster:
    """See `interface.Cluster`. `capacity` is what it may use when its order names no nodes."""

    def __init__(self, place: Place, capacity: Size) -> None:
        self._place, self._capacity = place, capacity
        self.nodes_asked = place.order.nodes or (Node("local", capacity),)
        self._nodes: dict[str, SailNode] = {}
        self._leaving: set[SailNode] = set()
        self._runs: set[SailRun] = set()
        self._changed = asyncio.Condition()
        self._stopped = False

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", next((node.port for node in self._nodes.values()), 0))

    @property
    def is_running(self) -> bool:
        return any(node.is_running for node in self._nodes.values())

    def node(self, name: str) -> SailNode:
        """A node that takes applications."""
        return self._nodes[name]

    async def add_node(self, node: Node) -> None:
        if self._stopped:
            raise CannotStart(f"The cluster {self._place.order.name} has been stopped.")
        is_first = node.name == self.nodes_asked[0].name
        log = self._place.engine_log("" if is_first else f"-{node.name}")
        added = SailNode(self._place, node, log, with_engine=self._place.order.with_engine)
        await added.start()
        if self._stopped:
            await added.stop()
            return
        self._nodes[node.name] = added
        async with self._changed:
            self._changed.notify_all()

    async def remove_node(self, name: str, grace_seconds: float) -> None:
        await self._take_away(name, grace_seconds)

    async def lose_node(self, name: str) -> None:
        await self._take_away(name, None)

    def load(self) -> Load:
        nodes = list(self._nodes.values())
        busy = [node for node in nodes if node.residents]
        return Load(
            nodes={node.name: node.size.cores if node.residents else 0 for node in nodes},
            cores=sum(node.size.cores for node in nodes),
            cores_used=sum(node.size.cores for node in busy),
            cores_wanted=sum(node.size.cores * (len(node.residents) - 1) for node in busy),
            memory_bytes=sum(node.size.memory_bytes for node in nodes),
            memory_bytes_used=sum(node.size.memory_bytes for node in busy),
            applications_running=sum(not run.is_waiting for run in self._runs),
            applications_waiting=sum(run.is_waiting for run in self._runs),
        )

    async def run(self, application: Application) -> SailRun:
        if self._stopped:
            raise CannotStart(f"The cluster {self._place.order.name} has been stopped.")
        await asyncio.to_thread(application.folder.mkdir, parents=True, exist_ok=True)
        attempts_max = _attempts_max(application, self._place.order)
        run = SailRun(application, attempts_max, self._start_process, self._next_node)
        node = self._freest()
        if node is not None:
            await node.start()
        await run.begin(node)
        self._runs.add(run)
        run.ended.add_done_callback(lambda _: self._runs.discard(run))
        return run

    async def stop(self) -> None:
        self._stopped = True
        await asyncio.gather(*(run.end(STOP_GRACE_SECONDS) for run in list(self._runs)))
        nodes = (*self._nodes.values(), *self._leaving)
        await asyncio.gather(*(node.stop() for node in nodes))

    async def _take_away(self, name: str, grace_seconds: float | None) -> None:
        """At once without a grace. A node that is leaving already may be lost."""
        node = self._nodes.pop(name, None) or next(
            (one for one in self._leaving if one.name == name), None
        )
        if node is None:
            return
        self._leaving.add(node)
        try:
            await (node.lose() if grace_seconds is None else node.drain(grace_seconds))
        finally:
            self._leaving.discard(node)

    def _freest(self) -> SailNode | None:
        nodes = self._nodes.values()
        return min(nodes, key=lambda node: (len(node.residents), -node.size.cores), default=None)

    async def _next_node(self) -> SailNode:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._nodes))
        node = self._freest()
        assert node is not None
        await node.start()
        return node

    async def _start_process(self, application: Application, node: SailNode) -> Process:
        place = self._place
        spark = {"SPARK_REMOTE": f"sc://127.0.0.1:{node.port}"} if node.port else {}
        command = Command(
            application.arguments,
            env=place.environment() | spark | dict(application.environment),
            folder=application.folder,
            marker=place.marker,
            stdout=application.stdout,
            stderr=application.stderr,
            limits=place.limits(self._capacity.memory_bytes),
            sandbox=place.sandbox(application.folder),
        )
        return await start(command)


def _attempts_max(application: Application, order: Order) -> int:
    given = order.properties.get(ATTEMPTS_PROPERTY, "")
    for word in application.arguments:
        name, equals, value = word.rpartition("=")
        if equals and name.rpartition("=")[2] == ATTEMPTS_PROPERTY:
            given = value
    return max(int(given), 1) if given.isdigit() else ATTEMPTS_DEFAULT
