"""Where a running application reads its records, tells what happened, and hears what is asked."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.tasks import Task, Wake
from millpond.services.kinesisanalyticsv2 import store
from millpond.services.kinesisanalyticsv2.changing import end_operation
from millpond.services.kinesisanalyticsv2.model.application import Application, Status, Version
from millpond.services.kinesisanalyticsv2.needs import Needs

_LOOK_SECONDS = 3600.0

_T = TypeVar("_T")

Change = Callable[[Transaction, Application], Awaitable[Application | None]]
"""Changes an application in a transaction; None leaves it as it is."""


class PlatformStops(Exception):
    """What was begun is left as the records say: it is done when the platform is there again."""


class Desk:
    """The records of the application `task.subject`, and `wake`."""

    def __init__(self, needs: Needs, task: Task, wake: Wake) -> None:
        self._needs, self.task, self._wake = needs, task, wake
        self._nudge = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @property
    def stopping(self) -> bool:
        """The platform stops: do no more."""
        return self._wake.stopping

    def now_ms(self) -> int:
        return self._needs.clock.now_ms()

    def open(self) -> None:
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.wait([listening])

    async def look(self) -> tuple[Application, Version] | None:
        """The application as it stands, with its current version; None when there is none."""
        async with self._needs.records.transaction() as transaction:
            name = self.task.subject
            application = await store.load_application(transaction, self.task, name)
            if application is None:
                return None
            version = await store.load_version(transaction, self.task, application)
            assert version is not None
            return application, version

    async def read(self, work: Callable[[Transaction], Awaitable[_T]]) -> _T:
        """What `work` gives, and what it writes is written."""
        return await transact(self._needs.records, work)

    async def tell(self, seen: Application, change: Change) -> bool:
        """Change the application, if it is still in the status in which it was `seen`; whether it
        was."""

        async def work(transaction: Transaction) -> bool:
            application = await store.load_application(transaction, self.task, seen.name)
            if application is None or application.id != seen.id:
                return False
            if application.status != seen.status:
                return False
            changed = await change(transaction, application)
            if changed is not None:
                store.save_application(transaction, self.task, changed)
            return True

        return await transact(self._needs.records, work)

    async def settle(self, application: Application, status: Status, *, failure: str = "") -> None:
        """Tell that what was asked for is done, or why it failed."""

        async def change(transaction: Transaction, now: Application) -> Application:
            now_ms = self.now_ms()
            await end_operation(transaction, self.task, now, now_ms, failure=failure)
            return msgspec.structs.replace(
                now, status=status, operation_id="", failure=failure[:1024]
            )

        await self.tell(application, change)

    async def wait(
        self, running: Iterable[asyncio.Future[Any]], seconds: float | None = None
    ) -> None:
        """Until one of `running` ends, something was asked for, or the time has come."""
        waiting: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._nudge.wait())}
        if seconds is not None:
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
