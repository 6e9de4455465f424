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
from millpond.services.kinesisanalyticsv2.changing import (
    end_operation,
    new_operation,
    next_version,
    note_done,
    put_version,
)
from millpond.services.kinesisanalyticsv2.model.application import (
    Application,
    Status,
    Version,
)
from millpond.services.kinesisanalyticsv2.model.restarts import Patience
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.running.desk import Desk
from millpond.services.kinesisanalyticsv2.running.engine import Engine
from millpond.services.kinesisanalyticsv2.running.process import Process
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
        self._patience = Patience()
        self._handlers: Mapping[Status, Handler] = {
            "READY": self._rest,
            "STARTING": self._begin,
            "RUNNING": self._go_on,
            "STOPPING": self._stop,
            "FORCE_STOPPING": self._stop_at_once,
            "UPDATING": self._renew,
            "ROLLING_BACK": self._renew,
            "DELETING": self._delete,
        }

    async def drive(self) -> int | None:
        """Have the application be what its status says, until it rests (None) or the platform
        stops (take it up again).

        What was written while this came to rest may have been heard and not seen; so it looks once
        more when it hears nothing any longer.
        """
        try:
            while not self._desk.stopping:
                seen = await self._desk.look()
                if seen is not None and seen[0].status != "READY":
                    self._desk.open()
                if seen is not None and await self._advance(*seen):
                    continue
                if not self._desk.hears:
                    return None
                await self._desk.close()
            return self._desk.now_ms()
        finally:
            await self._engine.let_go()
            await self._desk.close()

    async def _advance(self, application: Application, version: Version) -> bool:
        """Do what its status asks for; whether there is more to do."""
        self._engine.serve(application)
        await self._snapshots.clear(application)
        return await self._handlers[application.status](application, version)

    # What a status asks for

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
            await self._settle(application, "READY", failure=failure)
        else:
            self._engine.say(
                "INFO",
                f"The application runs, as version {version.number}, on Millpond's embedded "
                f"streams engine: {version.runtime} is the name of its SQL.",
            )
            await self._settle(application, "RUNNING")
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
            await self._settle(application, "READY")
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
            self._engine.tell_down(since_ms)
            seen = await self._desk.look()
            if seen is None or seen[0].status != application.status:
                return

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
        await self._engine.end()
        self._engine.say("INFO", "The application was stopped.")
        await self._settle(application, "READY")
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
        failure = await self._snapshots.take_automatic(application, version, run)
        if failure:
            await self._cannot_stop(application, failure)
        return not failure

    async def _cannot_stop(self, application: Application, failure: str) -> bool:
        text = f"The application was not stopped, since no snapshot could be taken: {failure}"
        self._engine.say("ERROR", text)
        await self._settle(application, "RUNNING", failure=text)
        return True

    async def _stop_at_once(self, application: Application, version: Version) -> bool:
        await self._engine.end(force=True)
        self._engine.say("INFO", "The application was stopped by force.")
        await self._settle(application, "READY")
        return True

    async def _renew(self, application: Application, version: Version) -> bool:
        """Have it go on as its current version, from a snapshot of the one before."""
        if self._engine.process is not None:
            failure = await self._leave_former(application, version)
            if failure:
                text = f"The application was not updated: {failure}"
                self._engine.say("ERROR", text)
                await self._go_back(application, version, text)
                return True
            seen = await self._desk.look()
            if seen is None or seen[0].status != application.status:
                return True
            application = seen[0]
        failure_to_start = await self._engine.launch(application, version)
        if failure_to_start is None:
            return True
        if not failure_to_start:
            self._engine.say("INFO", f"The application goes on, as version {version.number}.")
            await self._settle(application, "RUNNING")
        elif application.status == "UPDATING" and version.rollback_enabled:
            text = f"Version {version.number} could not be started: {failure_to_start}"
            self._engine.say("ERROR", f"{text} The application goes back.")
            await self._go_back(application, version, text)
        else:
            text = f"Version {version.number} could not be started: {failure_to_start}"
            self._engine.say("ERROR", text)
            await self._settle(application, "READY", failure=text)
        return True

    async def _leave_former(self, application: Application, version: Version) -> str:
        """Keep the state of the version before, and end its process; why that failed, if it did."""
        failure = ""
        assert self._engine.process is not None
        run = self._engine.process.run
        if application.status != "ROLLING_BACK":
            if version.is_sql:
                await self._snapshots.keep_stopped_point(application, run, restore=True)
            elif version.snapshots_enabled:
                failure = await self._snapshots.take_automatic(
                    application, version, run, restore=_restores_latest(application)
                )
        if not failure:
            await self._engine.end()
        return failure

    async def _go_back(self, application: Application, version: Version, text: str) -> None:
        """Have the version before the update be the current one again, under a new number."""
        needs = self._needs
        rollback = new_operation(
            needs.clock,
            needs.ids,
            "RollbackApplication",
            from_version=version.number,
            to_version=version.number + 1,
        )

        async def change(transaction: Transaction, now: Application) -> Application:
            assert version.updated_from is not None
            former = await store.load_version(transaction, self._task, now, version.updated_from)
            assert former is not None
            back = next_version(
                former,
                needs.clock.now_ms(),
                needs.ids,
                number=version.number + 1,
                updated_from=version.number,
                rolled_back_from=version.number,
                rolled_back_to=former.number,
            )
            now_ms = needs.clock.now_ms()
            note_done(transaction, self._task, now, rollback)
            await end_operation(
                transaction,
                self._task,
                now,
                now_ms,
                failure=text,
                rollback_operation_id=rollback.id,
            )
            rolled = put_version(transaction, self._task, now, version, back)
            return msgspec.structs.replace(rolled, status="RUNNING", failure=text)

        await self._desk.tell(application, change)

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

    # What is told

    async def _settle(self, application: Application, status: Status, *, failure: str = "") -> None:
        """Tell that what was asked for is done, or why it failed."""

        async def change(transaction: Transaction, now: Application) -> Application:
            now_ms = self._desk.now_ms()
            await end_operation(transaction, self._task, now, now_ms, failure=failure)
            return msgspec.structs.replace(
                now, status=status, operation_id="", failure=failure[:1024]
            )

        await self._desk.tell(application, change)


def _restores_latest(application: Application) -> bool:
    """Whether an update is to go on from where the version before is stopped."""
    described = application.run.configuration.get("ApplicationRestoreConfigurationDescription", {})
    latest = "RESTORE_FROM_LATEST_SNAPSHOT"
    return bool(described.get("ApplicationRestoreType", latest) == latest)
