"""One application's life in this process: from where its records stand until it is at rest.

What is to happen is decided by `model.flow` in transactions; this does it: starts the clusters of
pre-initialised workers and keeps as many as the initial capacity says, stops the application when
it has been idle for long enough, counts for CloudWatch. Operations and job runs write their wishes
into the records and wake it.
"""

import asyncio
import logging
import shutil
from functools import partial
from pathlib import Path

from millpond.engines.spark.interface import CannotStart
from millpond.kernel.tasks import Task, Wake
from millpond.services.emrserverless import store
from millpond.services.emrserverless.model.capacity import warm_workers
from millpond.services.emrserverless.model.configurations import read_properties
from millpond.services.emrserverless.model.flow import Flow
from millpond.services.emrserverless.model.records import AT_REST, Application, JobRun, Workers
from millpond.services.emrserverless.model.releases import runtime_of
from millpond.services.emrserverless.needs import Needs
from millpond.services.emrserverless.running.desk import Desk
from millpond.services.emrserverless.running.metering import ApplicationMeter
from millpond.services.emrserverless.running.orders import order_of
from millpond.services.emrserverless.running.warm import WarmCluster

SERVICE_ROLE = "AWSServiceRoleForAmazonEMRServerless"
CREDENTIALS_LIFETIME_SECONDS = 365 * 24 * 3600
"""Those of clusters that wait allow nothing; a run that takes one has them made its own."""
_WARM = "warm-"
_MINUTE_MS = 60_000
_RESTING = AT_REST | {"TERMINATED"}

_log = logging.getLogger(__name__)


class ApplicationRun:
    """`drive` runs once."""

    def __init__(self, needs: Needs, task: Task, wake: Wake) -> None:
        self._needs, self._task = needs, task
        self._desk = Desk(needs, task, wake)
        self._meter = ApplicationMeter(needs.meter, task)
        self._id = task.subject
        self._folder = needs.folder / self._id

    async def drive(self) -> int | None:
        """Run the application until it is at rest (None), or the platform stops (take it up
        again)."""
        flow = await self._desk.look()
        if flow is None:
            return None
        await self._remove_leftovers()
        await self._desk.tell(lambda flow: flow.be_created(self._desk.now_ms()))
        self._desk.open()
        try:
            await self._live()
            return self._desk.now_ms() if self._desk.stopping else None
        finally:
            await self._stop_clusters(self._needs.warm.take_idle(self._id))
            self._desk.close()

    async def _live(self) -> None:
        desk, counted_ms = self._desk, 0
        while not desk.stopping:
            application = (await desk.read()).application
            if application.state in _RESTING:
                return
            if application.state == "STOPPING":
                await self._stop_clusters(self._needs.warm.take_idle(self._id))
                await desk.tell(lambda flow: flow.be_stopped(desk.now_ms()))
                continue
            failure = await self._fill(application)
            if application.state == "STARTING":
                await desk.tell(partial(_end_start, failure=failure, now_ms=desk.now_ms()))
                continue
            if desk.now_ms() >= counted_ms + _MINUTE_MS:
                counted_ms = desk.now_ms()
                await self._count()
            flow = await desk.read()
            idle_until_ms = flow.idle_until_ms
            if idle_until_ms is not None and desk.now_ms() >= idle_until_ms:
                await desk.tell(lambda flow: flow.idle_out(desk.now_ms()))
                continue
            next_ms = counted_ms + _MINUTE_MS
            await desk.wait((), min(idle_until_ms or next_ms, next_ms))

    async def _fill(self, application: Application) -> str:
        """Start the clusters of pre-initialised workers that are missing; why one could not be
        started, `""` when none is missing any more."""
        warm = self._needs.warm
        await self._stop_clusters(warm.take_dead(self._id))
        sets, workers = warm_workers(application.asked, application.engine)
        runtime = runtime_of(application.asked.release_label)
        sets = min(sets, max(self._needs.sparks[runtime].capacity().cores, 1))
        missing = sets - warm.count(self._id)
        if missing <= 0:
            return ""
        starting = [self._start(application, runtime, workers) for _ in range(missing)]
        outcomes = await asyncio.gather(*starting)
        return next((failure for failure in outcomes if failure), "")

    async def _start(self, application: Application, runtime: str, workers: Workers) -> str:
        needs = self._needs
        credential = await needs.credentials.issue(
            role=SERVICE_ROLE,
            session_name=application.id,
            actions=(),
            lifetime_seconds=CREDENTIALS_LIFETIME_SECONDS,
        )
        name = f"{_WARM}{needs.ids.hex(4)}"
        folder = self._folder / name
        engine = application.engine
        order = order_of(
            needs,
            name=f"{application.id}-{name}",
            folder=folder,
            region=self._task.region,
            credential=credential,
            runtime=runtime,
            engine=engine,
            workers=workers,
            properties=read_properties(engine, runtime, application.asked.runtime_configuration),
            environment={},
        )
        try:
            cluster = await needs.sparks[runtime].start(order)
        except CannotStart as error:
            _log.warning("Pre-initialised workers of %s did not start: %s", application.id, error)
            await needs.credentials.revoke(credential.access_key_id)
            await _remove(folder)
            return str(error)
        needs.warm.put(application.id, WarmCluster(cluster, folder, credential, workers))
        return ""

    async def _stop_clusters(self, clusters: list[WarmCluster]) -> None:
        for warm in clusters:
            await warm.cluster.stop()
            await self._needs.credentials.revoke(warm.credential.access_key_id)
            await _remove(warm.folder)

    async def _remove_leftovers(self) -> None:
        """Remove the folders of clusters that a restart ended."""
        if not self._needs.warm.count(self._id):
            for folder in await asyncio.to_thread(_warm_folders, self._folder):
                await _remove(folder)

    async def _count(self) -> None:
        async with self._needs.records.transaction() as transaction:
            application = await store.load_application(transaction, self._task, self._id)
            assert application is not None
            runs: list[JobRun] = []
            for run_id in (*application.active, *application.waiting):
                run = await store.load_run(transaction, self._task, self._id, run_id)
                assert run is not None
                runs.append(run)
        _, workers = warm_workers(application.asked, application.engine)
        idle = self._needs.warm.idle(self._id) * (workers.executors + 1)
        self._meter.tell_state(application, runs, idle_workers=idle)


def _end_start(flow: Flow, *, failure: str, now_ms: int) -> None:
    if failure:
        flow.fail_to_start(failure, now_ms)
    else:
        flow.be_started(now_ms)


def _warm_folders(folder: Path) -> list[Path]:
    return list(folder.glob(f"{_WARM}*"))


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
