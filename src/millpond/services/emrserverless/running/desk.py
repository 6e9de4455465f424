"""Where a running application or job run reads its records, tells what happened, and hears what is
asked for."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from millpond.kernel.errors import Conflict
from millpond.kernel.tasks import Task, Wake
from millpond.services.emrserverless import store
from millpond.services.emrserverless.model.flow import Flow
from millpond.services.emrserverless.needs import Needs

_LOOK_SECONDS = 3600.0

_T = TypeVar("_T")


class Desk:
    """The records of `task.subject`: an application, or an application and a job run."""

    def __init__(self, needs: Needs, task: Task, wake: Wake) -> None:
        self._needs, self._task, self._wake = needs, task, wake
        self._application_id, _, self._run_id = task.subject.partition("/")
        self._nudge = asyncio.Event()
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
        """What stands in the records; None when it is not there."""
        async with self._needs.records.transaction() as transaction:
            return await store.load_flow(
                transaction, self._task, self._application_id, self._run_id
            )

    async def read(self) -> Flow:
        """What stands in the records: nothing is ever removed from them."""
        flow = await self.look()
        assert flow is not None
        return flow

    async def tell(self, change: Callable[[Flow], _T]) -> _T:
        """Change the flow in a transaction, again when a race was lost."""
        while True:
            with contextlib.suppress(Conflict):
                async with self._needs.records.transaction() as transaction:
                    flow = await store.load_flow(
                        transaction, self._task, self._application_id, self._run_id
                    )
                    assert flow is not None
                    result = change(flow)
                    store.save_flow(transaction, self._task, flow, besides=self._task.subject)
                return result

    async def wait(self, running: Iterable[asyncio.Task[Any]], until_ms: int | None) -> None:
        """Until one of `running` ends, something was asked for, or the time has come."""
        waiting: set[asyncio.Task[Any]] = {asyncio.create_task(self._nudge.wait())}
        if until_ms is not None:
            seconds = (until_ms - self.now_ms()) / 1000
            waiting.add(asyncio.ensure_future(self._needs.clock.sleep(seconds)))
        try:
            await asyncio.wait({*running, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        self._nudge.clear()

    async def _listen(self) -> None:
        while not self._wake.stopping:
            await self._wake.wait(_LOOK_SECONDS)
            self._nudge.set()
