"""A cluster on Apache Spark: a master, a worker for each node, and the applications beside them.

An application's driver is a process of ours, as a step's command line is; its executors run on the
nodes. Apache Spark itself does again what a lost node had done.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any

from millpond.engines.spark.apache import daemons, properties
from millpond.engines.spark.apache.kits.kit import TRINO
from millpond.engines.spark.apache.kits.trino import start_trino
from millpond.engines.spark.apache.node import SparkNode
from millpond.engines.spark.apache.place import Place
from millpond.engines.spark.apache.releases import Release
from millpond.engines.spark.apache.state import MasterState, ask_master, cores_needed
from millpond.engines.spark.interface import (
    Application,
    CannotStart,
    Finished,
    Load,
    Node,
    Size,
)
from millpond.kernel.processes import Command, Ended, NotStarted, Process, start

STOP_GRACE_SECONDS = 2.0
ASKED_SECONDS = 15.0
"""For how long after `load` was asked applications are asked what they could use."""
LOOK_SECONDS = 1.0
"""How old what `load` tells may be while applications run."""


class ApacheCluster:
    """See `interface.Cluster`. `capacity` is what it may use when its order names no nodes."""

    def __init__(self, place: Place, capacity: Size) -> None:
        self._place, self._capacity = place, capacity
        order = place.order
        self._wanted = {node.name: node for node in order.nodes or (Node("local", capacity),)}
        self._nodes: dict[str, SparkNode] = {}
        self._leaving: set[SparkNode] = set()
        self._runs: set[ApacheRun] = set()
        self.master: Process | None = None
        self._vital: list[asyncio.Future[Ended]] = []
        self._metastore: Process | None = None
        self._trino: Process | None = None
        self._metastore_port: int | None = None
        self._port = self._page_port = 0
        self._state = MasterState()
        self._cores_wanted = 0
        self._asked_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._stopped = False

    @property
    def address(self) -> tuple[str, int]:
        """Where its master listens."""
        return ("127.0.0.1", self._port)

    @property
    def release(self) -> Release:
        """What it runs."""
        return self._place.release

    @property
    def page(self) -> str:
        """The address of the master's page; empty without one."""
        return f"http://127.0.0.1:{self._page_port}" if self.is_running else ""

    @property
    def is_running(self) -> bool:
        return bool(self._vital) and not any(ended.done() for ended in self._vital)

    async def start_engine(self) -> None:
        """Start what of the master, the metastore and the nodes does not run and is wanted.

        Raises:
            CannotStart: they did not come up; the text has the end of a log.
        """
        async with self._starting:
            if not self._place.order.with_engine:
                return
            if self.is_running:
                dead = [name for name, node in self._nodes.items() if not node.is_running]
                await _all(*(self._start_node(self._wanted[name]) for name in dead))
                return
            await self._end_engine()
            try:
                await self._start_all()
            except BaseException:
                await self._end_engine()
                raise

    async def run(self, application: Application) -> "ApacheRun":
        self._refuse_stopped()
        await self.start_engine()
        await asyncio.to_thread(application.folder.mkdir, parents=True, exist_ok=True)
        place = self._place
        page_port = daemons.free_port() if place.order.with_engine else 0
        command = Command(
            application.arguments,
            env=place.environment()
            | place.for_program(
                self._master_url,
                self._share(),
                self._capacity,
                page_port,
                application.environment,
            ),
            folder=application.folder,
            marker=place.marker,
            stdout=application.stdout,
            stderr=application.stderr,
            limits=place.limits(self._capacity.memory_bytes),
            sandbox=place.sandbox(application.folder),
        )
        try:
            run = ApacheRun(await start(command), page_port)
        except NotStarted as error:
            raise CannotStart(str(error)) from error
        self._runs.add(run)
        run.ended.add_done_callback(lambda _: self._runs.discard(run))
        return run

    async def add_node(self, node: Node) -> None:
        self._refuse_stopped()
        self._wanted[node.name] = node
        if not self.is_running:
            await self.start_engine()
            return
        try:
            await self._start_node(node)
        except CannotStart:
            self._wanted.pop(node.name, None)
            raise
        await self._look_once()

    async def remove_node(self, name: str, grace_seconds: float) -> None:
        await self._take_away(name, grace_seconds)

    async def lose_node(self, name: str) -> None:
        await self._take_away(name, None)

    def load(self) -> Load:
        self._asked_at = time.monotonic()
        state = self._state
        by_port = {worker.port: worker for worker in state.workers if worker.is_alive}
        workers = {name: by_port.get(node.port) for name, node in self._nodes.items()}
        there = [worker for worker in workers.values() if worker is not None]
        cores = sum(worker.cores for worker in there)
        cores_used = sum(worker.cores_used for worker in there)
        waiting = sum(one.is_waiting for one in state.applications)
        return Load(
            nodes={name: worker.cores_used if worker else 0 for name, worker in workers.items()},
            cores=cores,
            cores_used=cores_used,
            cores_wanted=self._cores_wanted,
            memory_bytes=sum(worker.memory_bytes for worker in there),
            memory_bytes_used=sum(worker.memory_bytes_used for worker in there),
            applications_running=len(state.applications) - waiting,
            applications_waiting=waiting,
        )

    async def stop(self) -> None:
        self._stopped = True
        await asyncio.gather(*(run.end(STOP_GRACE_SECONDS) for run in list(self._runs)))
        async with self._starting:
            await self._end_engine()

    @property
    def _master_url(self) -> str:
        return f"spark://127.0.0.1:{self._port}"

    def _refuse_stopped(self) -> None:
        if self._stopped:
            raise CannotStart(f"The cluster {self._place.order.name} has been stopped.")

    def _share(self) -> Size:
        """What an executor can have on each node: the smallest there is."""
        sizes = [node.size for node in self._wanted.values()] or [self._capacity]
        return Size(min(s.cores for s in sizes), min(s.memory_bytes for s in sizes))

    def _together(self) -> Size:
        """What a program that runs in one process may use: as much as all nodes have."""
        sizes, capacity = [node.size for node in self._wanted.values()], self._capacity
        memory = min(sum(s.memory_bytes for s in sizes), capacity.memory_bytes)
        cores = min(sum(s.cores for s in sizes), capacity.cores)
        return Size(cores, memory) if sizes else capacity

    def _defaults(self) -> dict[str, str]:
        order = self._place.order
        given = properties.defaults(
            self._place.release.version.spark,
            share=self._share(),
            capacity=self._capacity,
            secret=self._place.secret,
            folder=str(self._place.folder),
            warehouse=self._place.warehouse,
            access=order.access,
            metastore_port=self._metastore_port,
        )
        return given | dict(order.properties) | {"spark.master": self._master_url}

    async def _start_all(self) -> None:
        self._port, self._page_port = daemons.free_port(), daemons.free_port()
        await _all(self._start_metastore(), self._start_master())
        defaults = self._defaults()
        await asyncio.to_thread(self._place.write_defaults, defaults)
        await asyncio.to_thread(self._place.write_kit_settings, defaults, self._together())
        nodes = map(self._start_node, list(self._wanted.values()))
        await _all(self._start_trino(), *nodes)
        self._looking = asyncio.ensure_future(self._look())

    async def _start_metastore(self) -> None:
        if self._place.order.access is not None:
            self._metastore, self._metastore_port = await daemons.start_metastore(self._place)
            self._vital.append(asyncio.ensure_future(self._metastore.wait()))

    async def _start_trino(self) -> None:
        if TRINO in self._place.kits:
            self._trino = await start_trino(
                self._place,
                self._together(),
                self._capacity,
                daemons.free_port(),
                self._metastore_port,
            )
            self._vital.append(asyncio.ensure_future(self._trino.wait()))

    async def _start_master(self) -> None:
        await asyncio.to_thread(self._place.write_defaults, self._defaults())
        self.master = await daemons.start_master(self._place, self._port, self._page_port)
        self._vital.append(asyncio.ensure_future(self.master.wait()))

    async def _start_node(self, node: Node) -> None:
        added = SparkNode(self._place, node, self._ask)
        await added.start(self._master_url)
        if self._stopped:
            await added.lose()
            return
        self._nodes[node.name] = added

    async def _take_away(self, name: str, grace_seconds: float | None) -> None:
        """At once without a grace. A node that is leaving already may be lost."""
        self._wanted.pop(name, None)
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

    async def _end_engine(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
        nodes = [*self._nodes.values(), *self._leaving]
        self._nodes.clear()
        await asyncio.gather(*(node.lose() for node in nodes))
        for process in (self.master, self._metastore, self._trino):
            if process is not None:
                await process.kill()
        self._vital.clear()
        self._metastore_port = None
        self._state, self._cores_wanted = MasterState(), 0

    async def _ask(self) -> MasterState | None:
        return await ask_master(self._page_port)

    async def _look_once(self) -> None:
        state = await self._ask()
        if state is None:
            return
        is_asked = time.monotonic() - self._asked_at < ASKED_SECONDS
        running = [one for one in state.applications if not one.is_waiting]
        needed = await self._cores_needed() if is_asked and running else 0
        had = sum(one.cores for one in running)
        self._state, self._cores_wanted = state, max(needed - had, 0)

    async def _cores_needed(self) -> int:
        """How many cores the tasks of all applications could use now."""
        pages = [run.page_port for run in self._runs if run.page_port]
        return sum(await asyncio.gather(*map(cores_needed, pages)))

    async def _look(self) -> None:
        while True:
            await self._look_once()
            await asyncio.sleep(LOOK_SECONDS)


async def _all(*works: Coroutine[Any, Any, None]) -> None:
    """Wait for all of them, then raise what the first that failed has raised."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


class ApacheRun:
    """See `interface.Run`. `page_port` is where Spark shows its page, while it runs."""

    def __init__(self, process: Process, page_port: int) -> None:
        self.page_port = page_port
        self._process = process
        self.ended = asyncio.ensure_future(process.wait())

    async def wait(self) -> Finished:
        ended = await asyncio.shield(self.ended)
        return Finished(ended.code, ended.describe(), ended.killed)

    def interrupt(self) -> None:
        self._process.signal(2)

    async def end(self, grace_seconds: float) -> Finished:
        await self._process.kill(grace_seconds)
        return await self.wait()
