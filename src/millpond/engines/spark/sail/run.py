"""An application of a cluster on Sail, through all its attempts.

`spark-submit` and its kin run on a node as YARN's application master does: when the node is lost,
they are run again from their beginning on another one, as often as `spark.yarn.maxAppAttempts`
allows. Any other command line runs on the master, once; a node is where its Spark programs connect.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from millpond.engines.spark.interface import Application, CannotStart, Finished
from millpond.engines.spark.sail.node import SailNode
from millpond.kernel.processes import Ended, NotStarted, Process

ATTEMPTS_PROPERTY = "spark.yarn.maxAppAttempts"
ATTEMPTS_DEFAULT = 2
_ON_NODES = ("spark-submit", "spark-sql", "pyspark")

StartProcess = Callable[[Application, SailNode], Awaitable[Process]]
FindNode = Callable[[], Awaitable[SailNode]]


class SailRun:
    """See `interface.Run`. `find_node` waits for a node that takes applications."""

    def __init__(
        self, application: Application, attempts_max: int, start: StartProcess, find: FindNode
    ) -> None:
        self._application = application
        self._attempts_max = attempts_max if self._is_on_node else 1
        self._start, self._find = start, find
        self._process: Process | None = None
        self._node: SailNode | None = None
        self._ended_by_us = False
        self._ending = asyncio.Event()
        self.ended: asyncio.Task[Finished]

    @property
    def is_waiting(self) -> bool:
        return self._process is None

    async def begin(self, node: SailNode | None) -> None:
        """Start on `node`; without one, wait for one in the background.

        Raises:
            CannotStart: it cannot be started.
        """
        if node is not None:
            await self._attempt(node)
        self.ended = asyncio.ensure_future(self._go_on())

    async def wait(self) -> Finished:
        return await asyncio.shield(self.ended)

    def interrupt(self) -> None:
        if self._process is not None:
            self._process.signal(2)
        else:
            self._end_waiting()

    async def end(self, grace_seconds: float) -> Finished:
        self._end_waiting()
        if self._process is not None:
            await self._process.kill(grace_seconds)
        return await self.wait()

    def lose_node(self) -> None:
        if self._is_on_node and self._process is not None:
            self._process.signal(9)

    @property
    def _is_on_node(self) -> bool:
        return Path(self._application.arguments[0]).name in _ON_NODES

    def _end_waiting(self) -> None:
        self._ended_by_us = True
        self._ending.set()

    async def _go_on(self) -> Finished:
        for attempt in range(1, self._attempts_max + 1):
            if self._process is None and not await self._attempt_somewhere():
                return Finished(None, "it was ended before it had a node", ended_by_us=True)
            ended = await self._attempt_ended()
            if ended.succeeded or self._ended_by_us or not self._lost_its_node:
                break
            self._say(f"Attempt {attempt} of {self._attempts_max} was lost with its node.")
            if attempt < self._attempts_max:
                self._process = None
        return Finished(ended.code, ended.describe(), ended.killed or self._ended_by_us)

    @property
    def _lost_its_node(self) -> bool:
        return self._is_on_node and self._node is not None and self._node.is_lost

    async def _attempt_somewhere(self) -> bool:
        """Start on the next node that there is; False when this was ended meanwhile."""
        finding = asyncio.ensure_future(self._find())
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({finding, ending}, return_when=asyncio.FIRST_COMPLETED)
            if self._ending.is_set():
                return False
            await self._attempt(finding.result())
        finally:
            finding.cancel()
            ending.cancel()
        return True

    async def _attempt(self, node: SailNode) -> None:
        self._node = node
        node.enter(self)
        try:
            self._process = await self._start(self._application, node)
        except NotStarted as error:
            node.leave(self)
            raise CannotStart(str(error)) from error
        except BaseException:
            node.leave(self)
            raise

    async def _attempt_ended(self) -> Ended:
        assert self._process is not None
        assert self._node is not None
        try:
            if self._node.is_lost:
                self.lose_node()
            return await self._process.wait()
        finally:
            self._node.leave(self)

    def _say(self, text: str) -> None:
        with self._application.stderr.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
