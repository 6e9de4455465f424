"""The steps of a running cluster: starts them, cancels them, and tells how they ended."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from millpond.engines.spark import interface as spark
from millpond.kernel.clock import Clock
from millpond.services.emr.model.commands import CannotRun, command_of
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.places import step_place
from millpond.services.emr.model.records import Cluster, Failure, Step
from millpond.services.emr.running.desk import Desk
from millpond.services.emr.running.folders import Folders, LogFiles
from millpond.services.emr.running.logs import Logs
from millpond.services.emr.running.work import Work


class StepRuns:
    def __init__(self, desk: Desk, folders: Folders, clock: Clock) -> None:
        self._desk, self._folders, self._clock = desk, folders, clock
        self._works: dict[str, Work] = {}
        self._running: dict[str, asyncio.Task[Failure | None]] = {}
        self._cancelling: dict[str, asyncio.Task[None]] = {}

    @property
    def running(self) -> list[asyncio.Task[Failure | None]]:
        return list(self._running.values())

    async def archive_interrupted(self, flow: Flow, logs: Logs) -> None:
        """Keep what is left of steps that ran when the platform ended: their logs."""
        for step in flow.running:
            files = self._files(step)
            logs.follow(step_place(flow.cluster, step), *files.all)
            await logs.finish(*files.all)

    async def start_next(self, cluster: Cluster, engine: spark.Cluster, logs: Logs) -> bool:
        """Start the next step, if one may; whether one did."""
        step = await self._desk.tell(lambda flow: flow.start_next(self._desk.now_ms()))
        if step is None:
            return False
        running = asyncio.create_task(self._run(cluster, step, engine, logs))
        self._running[step.id] = running
        return True

    def cancel_asked(self, flow: Flow) -> None:
        """Begin to end the running steps whose cancellation was asked for."""
        for step in flow.running:
            work = self._works.get(step.id)
            if step.state == "CANCEL_PENDING" and work and step.id not in self._cancelling:
                ending: Coroutine[Any, Any, None] = (
                    work.end() if step.cancel_forcibly else work.interrupt()
                )
                self._cancelling[step.id] = asyncio.create_task(ending)

    async def collect_ended(self) -> None:
        """Tell how those ended that have."""
        for step_id, running in list(self._running.items()):
            if running.done():
                await self._tell_end(step_id, running.result())
                del self._running[step_id], self._works[step_id]
                self._cancelling.pop(step_id, None)

    async def end_all(self) -> None:
        """End what runs; nothing is told of it."""
        await asyncio.gather(*(work.end() for work in self._works.values()))
        if self._running:
            await asyncio.wait(self._running.values())

    def let_go(self) -> None:
        for task in (*self._running.values(), *self._cancelling.values()):
            task.cancel()

    async def _tell_end(self, step_id: str, failure: Failure | None) -> None:
        now_ms = self._desk.now_ms()
        await self._desk.tell(lambda flow: flow.end_step(step_id, failure, now_ms))

    async def _run(
        self, cluster: Cluster, step: Step, engine: spark.Cluster, logs: Logs
    ) -> Failure | None:
        scratch, files = self._folders.scratch("steps", step.id), self._files(step)
        work = Work(f"step {step.number}", scratch, files, step_place(cluster, step), self._clock)
        self._works[step.id] = work
        logs.tell(step.id, files.stdout, files.stderr)
        try:
            command = command_of(step.config.hadoop_jar_step, cluster.request)
        except CannotRun as error:
            return await work.refuse(str(error), "", logs)
        return await work.run(engine, command.words, logs, command.environment)

    def _files(self, step: Step) -> LogFiles:
        return self._folders.log_files("steps", step.id)
