"""A node of a cluster on Apache Spark: a worker, from its registration to its end."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from millpond.engines.spark.apache import daemons
from millpond.engines.spark.apache.place import Place
from millpond.engines.spark.apache.state import MasterState
from millpond.engines.spark.interface import CannotStart, Node
from millpond.kernel.processes import Ended, Process

REGISTER_SECONDS_MAX = 60.0
_PAUSE_SECONDS = 0.1
_LEAVING_PAUSE_SECONDS = 0.2

Ask = Callable[[], Awaitable[MasterState | None]]


class SparkNode:
    """`ask` asks the master what it knows."""

    def __init__(self, place: Place, node: Node, ask: Ask) -> None:
        self.name, self.size = node.name, node.size
        self.port = 0
        self._place, self._node, self._ask = place, node, ask
        self._process: Process | None = None
        self._ended: asyncio.Future[Ended] | None = None

    @property
    def is_running(self) -> bool:
        return self._ended is not None and not self._ended.done()

    async def start(self, master: str) -> None:
        """Start its worker; the master gives it work when this returns.

        Raises:
            CannotStart: it did not come up; the text has the end of its log.
        """
        self.port = daemons.free_port()
        self._process = await daemons.start_worker(self._place, self._node, self.port, master)
        self._ended = asyncio.ensure_future(self._process.wait())
        try:
            async with asyncio.timeout(REGISTER_SECONDS_MAX):
                while not await self._is_registered():
                    if self._ended.done():
                        raise CannotStart(await self._trouble(self._ended.result().describe()))
                    await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError:
            await self.lose()
            raise CannotStart(await self._trouble("the master has not heard of it")) from None
        except BaseException:
            await self.lose()
            raise

    async def drain(self, grace_seconds: float) -> None:
        """Have Spark decommission it: it takes no new work, its executors give away what they hold
        and go when their tasks are done. What is left when the grace is over is killed."""
        if self.is_running and sys.platform == "linux" and self._process is not None:
            os.kill(self._process.pid, signal.SIGPWR)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wait_until_empty(), grace_seconds)
        await self.lose()

    async def lose(self) -> None:
        """Kill it, and all that it runs, at once."""
        if self._process is not None:
            await self._process.kill()

    async def _is_registered(self) -> bool:
        state = await self._ask()
        return state is not None and any(
            worker.port == self.port and worker.is_alive for worker in state.workers
        )

    async def _wait_until_empty(self) -> None:
        while self.is_running:
            if await self._is_empty():
                return
            await asyncio.sleep(_LEAVING_PAUSE_SECONDS)

    async def _is_empty(self) -> bool:
        """Whether it has been told to go and nothing of an application is left on it."""
        state = await self._ask()
        if state is None:
            return False
        mine = [worker for worker in state.workers if worker.port == self.port]
        return not any(worker.is_alive or worker.cores_used for worker in mine)

    async def _trouble(self, why: str) -> str:
        told = await daemons.end_of(self._place.log(f"node-{self.name}"))
        return f"The node {self.name} of {self._place.order.name} did not come up ({why}): {told}"
