"""A node of a cluster on Sail: one capped engine process.

The engine (`runtime.engine`) runs in the cluster's own Python environment, so that functions which
it runs for a program import what the cluster has. Its memory pool is a share of what the node may
use: big aggregations and sorts spill to disk before they hurt, and the process limit ends one that
grows in spite of it.
"""

import asyncio
import json
from pathlib import Path
from typing import Protocol

from millpond.engines.spark.interface import CannotStart, Node
from millpond.engines.spark.sail.place import Place
from millpond.kernel.processes import Command, NotStarted, Process, Stream, start

START_SECONDS_MAX = 60.0
POOL_SHARE = 0.6
"""How much of a node's memory the engine's operators may reserve; the rest is for what no
reservation covers (decoding, the network, Python functions)."""
_LOG_LINES_TOLD = 5


class Resident(Protocol):
    """An application on a node."""

    def lose_node(self) -> None:
        """Its node is gone."""
        ...


class SailNode:
    """`log` is the file for what its engine tells; without `with_engine` it runs nothing itself."""

    def __init__(self, place: Place, node: Node, log: Path, *, with_engine: bool) -> None:
        self.name, self.size = node.name, node.size
        self.residents: set[Resident] = set()
        self.is_leaving = False
        self.is_lost = False
        self.emptied = asyncio.Event()
        self.emptied.set()
        self.engine: Process | None = None
        self._place, self._log, self._with_engine = place, log, with_engine
        self._ended: asyncio.Task[object] | None = None
        self._port = 0
        self._starting = asyncio.Lock()

    @property
    def port(self) -> int:
        """Where its engine speaks Spark Connect, on this machine; 0 without one."""
        return self._port

    @property
    def is_running(self) -> bool:
        return self._ended is not None and not self._ended.done()

    async def start(self) -> None:
        """Start the engine unless it runs or is not wanted.

        Raises:
            CannotStart: it did not come up; the text has the end of its log.
        """
        async with self._starting:
            if self.is_running or not self._with_engine:
                return
            place = self._place
            command = Command(
                (
                    str(place.programs / "python3"),
                    "-P",
                    "-m",
                    "millpond.engines.spark.runtime.engine",
                ),
                env=place.environment() | self._settings(),
                folder=place.home,
                marker=place.marker,
                stdout=Stream.PIPE,
                stderr=self._log,
                limits=place.limits(self.size.memory_bytes),
                sandbox=place.sandbox(),
            )
            try:
                self.engine = await start(command)
            except NotStarted as error:
                raise CannotStart(f"The Spark engine of {place.order.name}: {error}") from error
            self._port = await self._hear_port(self.engine)
            self._ended = asyncio.ensure_future(self.engine.wait())

    async def drain(self, grace_seconds: float) -> None:
        """Take no more applications, and end when the last one is done or the grace is over."""
        self.is_leaving = True
        try:
            async with asyncio.timeout(grace_seconds):
                await self.emptied.wait()
        except TimeoutError:
            pass
        await self.lose()

    async def lose(self) -> None:
        """End at once; applications lose what they had of it."""
        self.is_leaving = self.is_lost = True
        for resident in list(self.residents):
            resident.lose_node()
        await self.stop()

    async def stop(self) -> None:
        async with self._starting:
            engine, self.engine = self.engine, None
            if engine is not None:
                await engine.kill()

    def enter(self, resident: Resident) -> None:
        self.residents.add(resident)
        self.emptied.clear()

    def leave(self, resident: Resident) -> None:
        self.residents.discard(resident)
        if not self.residents:
            self.emptied.set()

    async def _hear_port(self, engine: Process) -> int:
        assert engine.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                line = await engine.stdout.readline()
            return int(json.loads(line)["port"])
        except (TimeoutError, ValueError) as error:
            ended = await engine.kill()
            text = await asyncio.to_thread(self._log.read_text, "utf-8", "replace")
            told = " / ".join(text.strip().splitlines()[-_LOG_LINES_TOLD:])
            raise CannotStart(
                f"The Spark engine of {self._place.order.name} did not come up "
                f"({ended.describe()}): {told}"
            ) from error

    def _settings(self) -> dict[str, str]:
        pool_bytes = int(self.size.memory_bytes * POOL_SHARE)
        settings = {
            "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
            "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(pool_bytes),
            "SAIL_RUNTIME__TEMPORARY_FILES__PATHS": json.dumps([str(self._place.spill)]),
            "SAIL_EXECUTION__DEFAULT_PARALLELISM": str(self.size.cores),
            "TOKIO_WORKER_THREADS": str(self.size.cores),
            "PYTHONPATH": str(self._place.modules),
        }
        access = self._place.order.access
        if access is not None:
            settings |= {"AWS_ENDPOINT": access.endpoint, "AWS_ALLOW_HTTP": "true"}
        return settings
