"""One application's life in this process: from where its records stand to where it rests.

What is to be is written down as the application's status by operations, which wake this; what was
done is told in the same place. Each round looks at the status and does what brings the application
out of it. When the platform stops, or is killed, the records stay as they are and the process ends;
the next run takes them up: an application that was RUNNING goes on from its last checkpoint.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.tasks import Task, Wake
from millpond.services.kinesisanalyticsv2 import store
from millpond.services.kinesisanalyticsv2.model.application import (
    Application,
    Status,
    Version,
)
from millpond.services.kinesisanalyticsv2.model.properties import drains
from millpond.services.kinesisanalyticsv2.model.restarts import Patience
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.running.desk import Desk, PlatformStops
from millpond.services.kinesisanalyticsv2.running.engine import Engine
from millpond.services.kinesisanalyticsv2.running.process import Process
from millpond.services.kinesisanalyticsv2.running.renewal import Renewal
from millpond.services.kinesisanalyticsv2.running.snapshots import Snapshots

Handler = Callable[[Application, Version], Awaitable[bool]]
"""Does what a status asks for; whether there is more to do."""


class ApplicationRun:
    """`drive` runs once."""

    def __init__(self, needs: Needs, task: Task, wake: Wake) -> None:
        self._needs, self._task = needs, task
        self._desk = Desk(needs, task, wake)
        self._engine = Engine(needs, self._desk)
        self._snapshots = Snapshots(needs, self._desk, self._engine.say)
        self._renewal = Renewal(needs, self._desk, self._engine, self._snapshots)
        self._patience = Patience()
        self._handlers: Mapping[Status, Handler] = {
            "READY": self._rest,
            "STARTING": self._begin,
            "RUNNING": self._go_on,
            "STOPPING": self._stop,
            "FORCE_STOPPING": self._stop_at_once,
            "UPDATING": self._renewal.renew,
            "ROLLING_BACK": self._renewal.renew,
            "DELETING": self._delete,
        }

    async def drive(self) -> int | None:
        """Have the application be what its status says, until it rests (None) or the platform
        stops (take it up again)."""
        try:
            while not self._desk.stopping:
                seen = await self._desk.look()
                if seen is not None and seen[0].status != "READY":
                    self._desk.open()
                if seen is None or not await self._advance(*seen):
                    return None
        except PlatformStops:
            pass
        finally:
            await self._engine.let_go()
            await self._desk.close()
        return self._desk.now_ms()

    async def _advance(self, application: Application, version: Version) -> bool:
        """Do what its status asks for; whether there is more to do."""
        self._engine.serve(application)
        await self._snapshots.clear(application)
        return await self._handlers[application.status](application, version)

    async def _rest(self, application: Application, version: Version) -> bool:
        await self._engine.end()
        await self._engine.revoke(application)
        return False

    async def _begin(self, application: Application, version: Version) -> bool:
        failure = await self._engine.launch(application, version)
        if failure is None:
            return True
        if failure:
            self._engine.say("ERROR", f"The application could not be started: {failure}")
            await self._desk.settle(application, "READY", failure=failure)
        else:
            self._engine.say(
                "INFO",
                f"The application runs, as version {version.number}, on Millpond's embedded "
                f"streams engine: {version.runtime} is the name of its SQL.",
            )
            await self._desk.settle(application, "RUNNING")
        return True

    async def _go_on(self, application: Application, version: Version) -> bool:
        """Keep it running until something else is asked for."""
        if self._engine.process is None:
            return await self._take_up(application, version)
        process = self._engine.process
        if await self._snapshots.take_asked(application, process.run):
            return True
        await self._desk.wait([process.ended], self._engine.seconds_left())
        if process.ended.done():
            await self._process_ended(application, process)
        elif not self._engine.seconds_left():
            await self._engine.renew(application, version)
        return True

    async def _take_up(self, application: Application, version: Version) -> bool:
        """Start it again: the platform was away, or its process failed."""
        began_ms = self._desk.now_ms()
        failure = await self._engine.launch(application, version)
        if failure:
            self._engine.say("ERROR", f"The application could not be started again: {failure}")
            await self._pause(application, 0.0, began_ms, failure)
        elif failure is not None:
            self._engine.say("INFO", f"The application goes on, as version {version.number}.")
        return True

    async def _process_ended(self, application: Application, process: Process) -> None:
        finished = await process.finish()
        await self._engine.end()
        if not finished.failure:
            self._engine.say("INFO", "The application came to the end of its sources.")
            await self._desk.settle(application, "READY")
            return
        self._engine.say(
            "ERROR", f"The application failed and is started again: {finished.failure}"
        )
        lasted_seconds = (self._desk.now_ms() - process.began_ms) / 1000
        await self._pause(application, lasted_seconds, self._desk.now_ms(), finished.failure)

    async def _pause(
        self, application: Application, lasted_seconds: float, since_ms: int, failure: str
    ) -> None:
        """Count a restart, and wait before it."""

        async def count(_: Transaction, now: Application) -> Application:
            run = msgspec.structs.replace(now.run, restarts=now.run.restarts + 1)
            return msgspec.structs.replace(now, run=run, failure=failure[:1024])

        if not await self._desk.tell(application, count):
            return
        end_ms = self._desk.now_ms() + round(1000 * self._patience.after(lasted_seconds))
        while (left_ms := end_ms - self._desk.now_ms()) > 0 and not self._desk.stopping:
            await self._desk.wait([], min(left_ms / 1000, 1.0))
            seen = await self._desk.look()
            if seen is None or seen[0].status != application.status:
                return
            self._engine.tell_down(*seen, since_ms)

    async def _stop(self, application: Application, version: Version) -> bool:
        """Stop it after a snapshot; without one only where snapshots are not enabled."""
        if self._engine.process is None and version.snapshots_enabled:
            failure = await self._engine.launch(application, version)
            if failure is None:
                return True
            if failure:
                return await self._cannot_stop(application, failure)
        if self._engine.process is not None and not await self._keep_state(application, version):
            return True
        await self._engine.end(drain=_drains(version))
        self._engine.say("INFO", "The application was stopped.")
        await self._desk.settle(application, "READY")
        return True

    async def _keep_state(self, application: Application, version: Version) -> bool:
        """Take the snapshot that a stop takes; False: it failed, and the application runs on."""
        assert self._engine.process is not None
        run = self._engine.process.run
        if version.is_sql:
            await self._snapshots.keep_stopped_point(application, run)
            return True
        if not version.snapshots_enabled:
            return True
        failure = await self._snapshots.take_automatic(
            application, version, run, drain=_drains(version)
        )
        if failure:
            await self._cannot_stop(application, failure)
        return not failure

    async def _cannot_stop(self, application: Application, failure: str) -> bool:
        text = f"The application was not stopped, since no snapshot could be taken: {failure}"
        self._engine.say("ERROR", text)
        await self._desk.settle(application, "RUNNING", failure=text)
        return True

    async def _stop_at_once(self, application: Application, version: Version) -> bool:
        await self._engine.end(force=True)
        self._engine.say("INFO", "The application was stopped by force.")
        await self._desk.settle(application, "READY")
        return True

    async def _delete(self, application: Application, version: Version) -> bool:
        await self._engine.end(force=True)
        await self._engine.revoke(application)
        folder = self._needs.folder / application.id
        await self._needs.streams.delete_state(folder / "state")
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

        async def forget(transaction: Transaction) -> None:
            await store.delete_application(transaction, self._task, application)

        await self._desk.read(forget)
        return False


def _drains(version: Version) -> bool:
    return drains(version.configuration.get("EnvironmentPropertyDescriptions"))
