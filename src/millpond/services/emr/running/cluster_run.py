"""One cluster's life in this process: from where its records stand to its end.

What is to happen is decided by `model.flow` in transactions; this does it: starts the engine, runs
bootstrap actions and steps, and tells the flow how they ended. Operations write their wishes
(more steps, cancel, terminate) into the records and wake it.

When the platform stops, or is killed, the records stay as they are and the processes end. The next
run takes it up: a step that ran has failed, a step that waits goes on, an end begun is finished.
"""

import asyncio
import shutil
from dataclasses import replace

from millpond.engines.spark import interface as spark
from millpond.kernel.call import Call
from millpond.kernel.credentials import Credential
from millpond.kernel.tasks import Task, Wake
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.places import engine_place, read_streams
from millpond.services.emr.model.records import CLUSTER_ENDED, Cluster
from millpond.services.emr.model.releases import runtime_of
from millpond.services.emr.model.resizing import applied, is_reconfiguring
from millpond.services.emr.model.role import ACTIONS, LOG_ACTIONS, role_name
from millpond.services.emr.model.sizes import room
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.ids import fresh
from millpond.services.emr.running.bootstrap import run_bootstrap_actions
from millpond.services.emr.running.crew import Crew
from millpond.services.emr.running.desk import Desk
from millpond.services.emr.running.folders import Folders
from millpond.services.emr.running.logs import Logs
from millpond.services.emr.running.starting import start_engine
from millpond.services.emr.running.step_runs import StepRuns

CREDENTIALS_LIFETIME_SECONDS = 7 * 24 * 3600
CREDENTIALS_RENEWED_SECONDS = 24 * 3600
"""Credentials older than this are renewed as soon as no step runs."""


class ClusterRun:
    """`drive` runs once."""

    def __init__(self, needs: Needs, task: Task, wake: Wake) -> None:
        self._needs, self._task = needs, task
        self._desk = Desk(needs, task, wake)
        self._folder = needs.folder / task.subject
        self._folders = Folders(self._folder / "node", self._folder / "logs")
        self._steps = StepRuns(self._desk, self._folders, needs.clock)
        self._engine: spark.Cluster | None = None
        self._crew: Crew | None = None
        self._logs: Logs | None = None
        self._issued_ms = 0

    async def drive(self) -> int | None:
        """Run the cluster to its end (None), or until the platform stops (take it up again)."""
        flow = await self._desk.look()
        if flow is None or flow.cluster.state in CLUSTER_ENDED:
            await self._remove_folder()
            return None
        self._desk.open()
        try:
            interrupted = flow
            flow = await self._staff(flow)
            credential = await self._lend(flow.cluster)
            self._logs = logs = self._open_logs(credential, flow.cluster)
            await self._steps.archive_interrupted(interrupted, logs)
            await self._desk.tell(lambda flow: flow.take_up(self._desk.now_ms()))
            engine = await self._start(credential, logs)
            if engine is not None and await run_bootstrap_actions(
                self._desk, engine, logs, self._folders, self._needs.clock
            ):
                await self._work(logs)
            if self._desk.stopping:
                return self._desk.now_ms()
            await self._end(logs)
            return None
        finally:
            await self._let_go()

    async def _staff(self, flow: Flow) -> Flow:
        """The cluster with all instances that there is room for."""
        runtime = runtime_of(flow.cluster.request, self._needs.sparks)
        nodes_max, now_ms = room(runtime.capacity()), self._desk.now_ms()

        def change(flow: Flow) -> Flow:
            flow.end_leaving(now_ms)
            flow.staff(nodes_max, lambda prefix: fresh(self._needs.ids, prefix), now_ms)
            flow.trim({}, now_ms)
            flow.end_leaving(now_ms)
            return flow

        return await self._desk.tell(change)

    async def _lend(self, cluster: Cluster) -> Credential:
        """Credentials for the cluster's programs; those that it had before end."""
        if cluster.access_key_id:
            await self._needs.credentials.revoke(cluster.access_key_id)
        credential = await self._needs.credentials.issue(
            role=role_name(cluster.request.job_flow_role or ""),
            session_name=cluster.master.ec2_id,
            actions=ACTIONS,
            lifetime_seconds=CREDENTIALS_LIFETIME_SECONDS,
        )
        now_ms, key_id = self._desk.now_ms(), credential.access_key_id
        await self._desk.tell(lambda flow: flow.configure(now_ms, access_key_id=key_id))
        self._issued_ms = now_ms
        return credential

    def _open_logs(self, credential: Credential, cluster: Cluster) -> Logs:
        needs, task = self._needs, self._task
        call = Call(
            service="emr",
            operation="RunJobFlow",
            account=task.account,
            region=task.region,
            principal=replace(credential.principal, actions=LOG_ACTIONS),
            request_id=needs.ids.uuid(),
            endpoint=needs.endpoint(),
        )
        streams = read_streams(cluster.request, cluster.id)
        return Logs(needs.call_aws, call, needs.clock, streams)

    async def _start(self, credential: Credential, logs: Logs) -> spark.Cluster | None:
        """Start the engine with a node for each instance; None when the cluster is to end."""
        flow = await self._staff(await self._desk.read())
        if flow.is_ending or self._desk.stopping:
            return None
        try:
            engine = await start_engine(
                self._desk, self._needs, self._task, self._folders, flow.cluster, credential
            )
        except spark.CannotStart as error:
            text, now_ms = str(error), self._desk.now_ms()
            await self._desk.tell(lambda flow: flow.terminate("INTERNAL_ERROR", text, now_ms))
            return None
        if engine is None:
            return None
        self._engine = engine
        await self._follow_engine(flow.cluster, logs)
        started_with = flow.cluster
        started = [one.ec2_id for one in started_with.instances if one.stays]

        def change(flow: Flow) -> None:
            flow.begin_bootstrap()
            flow.start_instances(started, self._desk.now_ms())
            flow.change(applied(flow.cluster, started_with))

        await self._desk.tell(change)
        return engine

    async def _work(self, logs: Logs) -> None:
        """Run steps until the cluster is to end or the platform stops."""
        desk, ear = self._desk, self._desk.listen()
        crew_ended = await self._open_crew()
        while not await desk.must_stop():
            flow = await desk.read()
            self._steps.cancel_asked(flow)
            await self._follow_engine(flow.cluster, logs)
            if self._must_renew(flow):
                crew_ended = await self._renew(flow, logs)
                continue
            if self._engine is not None and await self._steps.start_next(
                flow.cluster, self._engine, logs
            ):
                continue
            idle_until_ms = flow.idle_until_ms
            if idle_until_ms is not None and desk.now_ms() >= idle_until_ms:
                await desk.tell(lambda flow: flow.idle_out(desk.now_ms()))
                continue
            await ear.wait({*self._steps.running, *crew_ended}, idle_until_ms)
            for task in crew_ended:
                if task.done():
                    task.result()
            await self._steps.collect_ended()

    async def _follow_engine(self, cluster: Cluster, logs: Logs) -> None:
        """Copy what the engine and its nodes say, those that came since the last time too."""
        for log in await asyncio.to_thread(self._folders.engine_logs):
            logs.follow(engine_place(cluster, log.name), log)

    async def _open_crew(self) -> set[asyncio.Task[None]]:
        """Let the nodes of the engine come and go from now on."""
        if self._engine is None:
            return set()
        cluster = (await self._desk.read()).cluster
        capacity = runtime_of(cluster.request, self._needs.sparks).capacity()
        needs = self._needs
        self._crew = Crew(self._desk, needs.ids, needs.meter, self._task, self._engine, capacity)
        return {self._crew.start()}

    def _must_renew(self, flow: Flow) -> bool:
        """Whether the engine is to start anew now that no step runs: its credentials are old, or
        there are new configurations."""
        if self._steps.running:
            return False
        age_ms = self._desk.now_ms() - self._issued_ms
        return age_ms >= CREDENTIALS_RENEWED_SECONDS * 1000 or is_reconfiguring(flow.cluster)

    async def _renew(self, flow: Flow, logs: Logs) -> set[asyncio.Task[None]]:
        await self._stop_engine()
        self._engine = await self._start(await self._lend(flow.cluster), logs)
        return await self._open_crew()

    async def _stop_engine(self) -> None:
        if self._crew is not None:
            await self._crew.stop()
            self._crew = None
        if self._engine is not None:
            await self._engine.stop()

    async def _end(self, logs: Logs) -> None:
        """End what runs, keep its logs, and tell that the cluster has ended."""
        await self._steps.end_all()
        await self._stop_engine()
        await self._follow_engine((await self._desk.read()).cluster, logs)
        await logs.finish(*self._folders.engine_logs())
        await logs.drain()
        await self._remove_folder()
        cluster = (await self._desk.read()).cluster
        if cluster.access_key_id:
            await self._needs.credentials.revoke(cluster.access_key_id)
        await self._desk.tell(lambda flow: flow.end(self._desk.now_ms()))

    async def _let_go(self) -> None:
        """Leave no process and no task behind."""
        await self._stop_engine()
        self._steps.let_go()
        if self._logs is not None:
            await self._logs.stop()
        self._desk.close()

    async def _remove_folder(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
