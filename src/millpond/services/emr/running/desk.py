"""Where a running cluster reads its records, tells what happened, and hears what is asked for."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from millpond.kernel.clock import Clock
from millpond.kernel.errors import Conflict
from millpond.kernel.tasks import Task, Wake
from millpond.services.emr import store
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.needs import Needs

_LOOK_SECONDS = 3600.0

_T = TypeVar("_T")


class Desk:
    """The records of the cluster `task.subject`, and `wake`."""

    def __init__(self, needs: Needs, task: Task, wake: Wake) -> None:
        self._needs, self._task, self._wake = needs, task, wake
        self._ears: list[Ear] = []
        self._listening: asyncio.Task[None] | None = None

    @property
    def stopping(self) -> bool:
        """The platform stops: do no more."""
        return self._wake.stopping

    def now_ms(self) -> int:
        return self._needs.clock.now_ms()

    def open(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()

    async def look(self) -> Flow | None:
        """The cluster as it stands; None when there is none."""
        async with self._needs.records.transaction() as transaction:
            return await store.load_flow(transaction, self._task, self._task.subject)

    async def read(self) -> Flow:
        """The cluster as it stands: clusters are never deleted."""
        flow = await self.look()
        assert flow is not None
        return flow

    async def tell(self, change: Callable[[Flow], _T]) -> _T:
        """Change the flow in a transaction, again when a race was lost."""
        while True:
            with contextlib.suppress(Conflict):
                async with self._needs.records.transaction() as transaction:
                    flow = await store.load_flow(transaction, self._task, self._task.subject)
                    assert flow is not None
                    result = change(flow)
                    store.save_flow(transaction, self._task, flow, wake=False)
                return result

    async def must_stop(self) -> bool:
        """Whether the cluster is to end, or the platform."""
        return self.stopping or (await self.read()).is_ending

    def listen(self) -> "Ear":
        """Hear from now on what is asked for."""
        ear = Ear(self._needs.clock)
        self._ears.append(ear)
        return ear

    async def _listen(self) -> None:
        while not self._wake.stopping:
            await self._wake.wait(_LOOK_SECONDS)
            for ear in self._ears:
                ear.nudge()


class Ear:
    """Someone who waits for what a cluster is asked; nothing between two waits is lost."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        self._nudged.set()

    async def wait(self, running: Iterable[asyncio.Task[Any]], until_ms: int | None) -> None:
        """Until one of `running` ends, something was asked for, or the time has come."""
        waiting: set[asyncio.Task[Any]] = {asyncio.create_task(self._nudged.wait())}
        if until_ms is not None:
            seconds = (until_ms - self._clock.now_ms()) / 1000
            waiting.add(asyncio.ensure_future(self._clock.sleep(max(seconds, 0))))
        try:
            await asyncio.wait({*running, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        self._nudged.clear()
