"""The driver of an attempt, and the cluster that it works with."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from millpond.engines.spark.interface import (
    Application,
    Cluster,
    Finished,
    Run,
    ShowsPage,
)
from millpond.kernel.credentials import Credential
from millpond.kernel.tasks import Task
from millpond.services.emrserverless.model.configurations import variables
from millpond.services.emrserverless.model.drivers import (
    EXECUTOR_ENVIRONMENT,
    command_of,
    driver_environment,
    read_driver,
)
from millpond.services.emrserverless.model.flow import Flow
from millpond.services.emrserverless.model.records import JobRun
from millpond.services.emrserverless.model.releases import runtime_of
from millpond.services.emrserverless.model.role import role_name
from millpond.services.emrserverless.model.submission import timeout_minutes
from millpond.services.emrserverless.needs import Needs
from millpond.services.emrserverless.running.orders import has_hive, order_of
from millpond.services.emrserverless.running.run_logs import RunLogs

ENDLESS_SECONDS = 365 * 24 * 3600
"""How long the credentials of a run without a timeout last."""
SPARE_SECONDS = 3600

Tell = Callable[[Callable[[Flow], None]], Awaitable[None]]


class Driver:
    """`folder` is the attempt's own, and `logs` are where the driver writes."""

    def __init__(self, needs: Needs, task: Task, run: JobRun, folder: Path, logs: RunLogs) -> None:
        self._needs, self._task, self._run, self._logs = needs, task, run, logs
        self._folder = folder
        self._runtime = runtime_of(run.release_label)
        driver = read_driver(run.engine, run.request.job_driver)
        self._properties = {**run.base_properties, **run.properties, **driver.properties}
        self._cluster: Cluster | None = None
        self._cluster_folder = folder / "cluster"
        self._credential: Credential | None = None
        self._is_warm = False
        self._process: Run | None = None
        self.progress = ""

    async def start_cluster(self, tell: Tell) -> None:
        """Take the cluster of pre-initialised workers that fits, or start one. `tell` writes down
        what has to be known after a restart.

        Raises:
            CannotStart: there is none.
        """
        needs, run = self._needs, self._run
        assert run.granted is not None
        environment = variables(EXECUTOR_ENVIRONMENT, self._properties)
        warm = None if environment else needs.warm.take(run.application_id, run.granted)
        if warm is not None:
            self._is_warm = True
            self._cluster, self._cluster_folder = warm.cluster, warm.folder
            await self._note(tell, warm.credential)
            await needs.credentials.assign(
                warm.credential.access_key_id,
                role=role_name(run.request.execution_role_arn),
                session_name=run.id,
                actions=run.actions,
                lifetime_seconds=self._lifetime_seconds,
            )
            return
        credential = await needs.credentials.issue(
            role=role_name(run.request.execution_role_arn),
            session_name=run.id,
            actions=run.actions,
            lifetime_seconds=self._lifetime_seconds,
        )
        await self._note(tell, credential)
        order = order_of(
            needs,
            name=run.id,
            folder=self._cluster_folder,
            region=self._task.region,
            credential=credential,
            runtime=self._runtime,
            engine=run.engine,
            workers=run.granted,
            properties=run.base_properties,
            environment=environment,
            progress=self._hear,
        )
        self._cluster = await needs.sparks[self._runtime].start(order)

    async def run(self) -> str:
        """Run the driver to its end; why it failed, `""` when it did not.

        Raises:
            CannotStart: it could not be started.
        """
        assert self._cluster is not None
        run, logs = self._run, self._logs
        logs.follow_executors(self._cluster_folder / "logs")
        words = command_of(
            run.engine,
            run.request.job_driver,
            run.properties if run.engine == "Spark" else {**run.base_properties, **run.properties},
            has_hive=has_hive(self._needs.sparks[self._runtime].installed()),
        )
        application = Application(
            words,
            self._cluster_folder / "job",
            logs.stdout,
            logs.stderr,
            driver_environment(self._properties),
        )
        process = self._process = await self._cluster.run(application)
        if isinstance(process, ShowsPage) and process.page_port:
            self._needs.live.show(run.id, process.page_port)
        try:
            return self._explain(await process.wait())
        finally:
            self._needs.live.hide(run.id)

    async def end(self, grace_seconds: float) -> None:
        """Ask the driver to end, and kill it when the grace is over."""
        if self._process is not None:
            await self._process.end(grace_seconds)

    async def stop(self) -> None:
        """End all that runs, and follow what executors said until then."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            await cluster.stop()
            self._logs.follow_executors(self._cluster_folder / "logs")

    async def let_go(self) -> None:
        """End the credentials, and remove what the cluster left."""
        credential, self._credential = self._credential, None
        if credential is not None:
            await self._needs.credentials.revoke(credential.access_key_id)
            await asyncio.to_thread(shutil.rmtree, self._cluster_folder, ignore_errors=True)
        if self._is_warm:
            self._is_warm = False
            self._needs.warm.give_back(self._run.application_id)

    @property
    def _lifetime_seconds(self) -> int:
        minutes = timeout_minutes(self._run.request)
        return minutes * 60 + SPARE_SECONDS if minutes else ENDLESS_SECONDS

    async def _note(self, tell: Tell, credential: Credential) -> None:
        self._credential = credential
        key_id, now_ms = credential.access_key_id, self._needs.clock.now_ms()
        await tell(lambda flow: flow.change(now_ms, access_key_id=key_id))

    def _hear(self, text: str) -> None:
        self.progress = text

    def _explain(self, finished: Finished) -> str:
        if finished.exit_code == 0:
            return ""
        code = finished.description if finished.exit_code is None else finished.exit_code
        last = self._logs.last_line()
        text = (
            "Job failed, please check complete logs in configured logging destination. "
            f"ExitCode: {code}."
        )
        return f"{text} Last few exceptions: {last}" if last else text
