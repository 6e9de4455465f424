"""One job run's life in this process: from where its records stand to its end.

What is to happen is decided by `model.flow` in transactions; this does it: waits for a place, takes
pre-initialised workers or starts a cluster, runs the driver, and tells the flow how it ended.
Operations write their wishes (cancel) into the records and wake it.

When the platform stops, or is killed, the records stay as they are and the processes end. The next
run takes it up: an attempt whose driver ran has failed, a run that had not begun goes on.
"""

import asyncio
import shutil

from millpond.engines.spark.interface import CannotStart
from millpond.kernel.tasks import Task, Wake
from millpond.services.emrserverless.model.flow import Flow
from millpond.services.emrserverless.model.records import RUN_ENDED, RUN_WAITING, JobRun
from millpond.services.emrserverless.needs import Needs
from millpond.services.emrserverless.running.desk import Desk
from millpond.services.emrserverless.running.driver import Driver
from millpond.services.emrserverless.running.metering import ApplicationMeter
from millpond.services.emrserverless.running.run_logs import RunLogs

LOOK_MS = 3_600_000
"""How long a run that waits is left alone when nobody wakes it."""
PROGRESS_MS = 2_000
"""How often the state of a cluster that takes long to start is told."""
END_GRACE_SECONDS = 1.0


class RunOfJob:
    """`drive` runs once."""

    def __init__(self, needs: Needs, task: Task, wake: Wake) -> None:
        self._needs, self._task = needs, task
        self._desk = Desk(needs, task, wake)
        self._folder = needs.folder / task.subject

    async def drive(self) -> int | None:
        """Run the job to its end (None), or until it has to wait or the platform stops (when to
        take it up again)."""
        flow = await self._desk.look()
        if flow is None or flow.run.state in RUN_ENDED:
            await self._remove_folder()
            return None
        self._desk.open()
        try:
            await self._take_up(flow.run)
            return await self._work()
        finally:
            self._desk.close()

    async def _take_up(self, run: JobRun) -> None:
        """What a restart left: the logs of an attempt that ran, and its credentials."""
        if run.access_key_id:
            await self._needs.credentials.revoke(run.access_key_id)
        if run.state in ("RUNNING", "CANCELLING"):
            logs = self._logs(run)
            await logs.archive_again()
            await self._desk.tell(lambda flow: flow.take_up(self._desk.now_ms()))

    async def _work(self) -> int | None:
        desk = self._desk
        while not desk.stopping:
            flow = await desk.tell(lambda flow: _placed(flow, desk.now_ms()))
            run = flow.run
            if run.state in RUN_ENDED:
                ApplicationMeter(self._needs.meter, self._task).tell_end(flow.application, run)
                await self._remove_folder()
                return None
            if run.state in RUN_WAITING:
                return flow.queued_until_ms or desk.now_ms() + LOOK_MS
            await self._attempt(run)
        return desk.now_ms()

    async def _attempt(self, run: JobRun) -> None:
        """Run the job once, and tell how that ended; nothing is told when the platform stops."""
        logs = self._logs(run)
        driver = Driver(self._needs, self._task, run, self._folder / str(run.attempt), logs)
        try:
            failure = await self._run(driver, logs)
            ended_ms = self._desk.now_ms()
            await driver.stop()
            if failure is None:
                return
            await logs.finish()
            await driver.let_go()
            await self._desk.tell(lambda flow: flow.end_attempt(failure, ended_ms))
        finally:
            await driver.stop()
            await driver.let_go()
            await logs.let_go()

    async def _run(self, driver: Driver, logs: RunLogs) -> str | None:
        """Why the attempt failed, `""` when it did not; None when the platform stops."""
        logs.open()
        try:
            starting = asyncio.create_task(driver.start_cluster(self._desk.tell))
            if not await self._watch(starting, driver):
                return None if self._desk.stopping else "cancelled"
            starting.result()
            if not await self._desk.tell(lambda flow: flow.begin(self._desk.now_ms())):
                return "cancelled"
            running = asyncio.create_task(driver.run())
            if not await self._watch(running, driver):
                return None if self._desk.stopping else "cancelled"
            return running.result()
        except CannotStart as error:
            logs.say(str(error))
            return str(error)

    async def _watch(self, work: "asyncio.Task[object]", driver: Driver) -> bool:
        """Wait for a piece of work; False when it was ended because the run is cancelled, has
        taken too long, or the platform stops."""
        desk = self._desk
        while not work.done():
            flow = await desk.read()
            if desk.stopping or flow.run.state == "CANCELLING":
                await driver.end(max(flow.run.cancel_grace_seconds, END_GRACE_SECONDS))
                work.cancel()
                await asyncio.wait([work])
                return False
            now_ms = desk.now_ms()
            if flow.due_ms is not None and now_ms >= flow.due_ms:
                await desk.tell(lambda flow: flow.time_out(desk.now_ms()))
                continue
            until_ms = flow.due_ms
            if flow.run.state == "SCHEDULED":
                await self._tell_progress(flow.run, driver)
                until_ms = min(until_ms or now_ms + PROGRESS_MS, now_ms + PROGRESS_MS)
            await desk.wait([work], until_ms)
        return True

    async def _tell_progress(self, run: JobRun, driver: Driver) -> None:
        text = driver.progress
        if text != run.details:
            await self._desk.tell(lambda flow: flow.change(self._desk.now_ms(), details=text))

    def _logs(self, run: JobRun) -> RunLogs:
        folder = self._folder / str(run.attempt) / "logs"
        return RunLogs(self._needs, self._task, run, folder)

    async def _remove_folder(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


def _placed(flow: Flow, now_ms: int) -> Flow:
    flow.seek_place(now_ms)
    return flow
