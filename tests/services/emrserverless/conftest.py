"""EMR Serverless with S3 and Logs on the embedded engines; tests control the drivers of Spark."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.app.credentials import KeyPair, StoredCredentials
from millpond.engines.spark.interface import (
    SAIL,
    SPARK_3_5,
    SPARK_4,
    Application,
    CannotStart,
    Finished,
    Installed,
    Order,
    Size,
)
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.body import gather
from millpond.kernel.errors import ServiceError
from millpond.services.emrserverless import needs, operations, shapes, tasks
from tests.services.running import Engines, RunningServices, opened_engines
from tests.services.world import ACCOUNT

ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs"
SAIL_LABEL, APACHE_LABEL = "emr-spark-8.0.0", "emr-7.12.0"
ENDED = ("SUCCESS", "FAILED", "CANCELLED")


class FakeRun:
    """A driver. `good` ends well at once, `bad` does not; any other runs until it is ended."""

    def __init__(self, cluster: "FakeCluster", application: Application) -> None:
        self.cluster, self.application = cluster, application
        self.graces: list[float] = []
        self._ended: asyncio.Future[Finished] = asyncio.get_running_loop().create_future()
        application.stdout.write_text("out of the driver\n")
        application.stderr.write_text("")
        if "good" in application.arguments:
            self.finish(0)
        if "bad" in application.arguments:
            self.finish(1, "Traceback\nValueError: broken\n")

    @property
    def alive(self) -> bool:
        return not self._ended.done()

    def finish(self, code: int | None, stderr: str = "") -> None:
        if not self._ended.done():
            self.application.stderr.write_text(stderr)
            self._ended.set_result(Finished(code, f"exit code {code}"))

    async def wait(self) -> Finished:
        return await asyncio.shield(self._ended)

    def interrupt(self) -> None:
        raise AssertionError("Nothing interrupts a driver.")

    async def end(self, grace_seconds: float) -> Finished:
        self.graces.append(grace_seconds)
        self.finish(None)
        return await self.wait()


class FakeCluster:
    address = ("127.0.0.1", 0)

    def __init__(self, spark: "FakeSpark", order: Order) -> None:
        self.spark, self.order = spark, order
        self.is_running = True
        self.runs: list[FakeRun] = []
        (order.folder / "logs").mkdir(parents=True)
        (order.folder / "logs" / "engine.log").write_text("engine up\n")

    async def run(self, application: Application) -> FakeRun:
        if "missing" in application.arguments:
            raise CannotStart("There is no program spark-submit.")
        run = FakeRun(self, application)
        self.runs.append(run)
        self.spark.runs.append(run)
        return run

    async def stop(self) -> None:
        self.is_running = False
        for run in self.runs:
            run.finish(None)


class FakeSpark:
    """`hold`: clusters wait for it to start; `cannot_start`: why the next ones do not."""

    def __init__(self, engine: str, programs: dict[str, str] | None = None) -> None:
        self.what: Installed | None = Installed("4.0", engine, "1.0", programs or {})
        self.orders: list[Order] = []
        self.clusters: list[FakeCluster] = []
        self.runs: list[FakeRun] = []
        self.cannot_start: list[str] = []
        self.hold: asyncio.Event | None = None

    def installed(self) -> Installed | None:
        return self.what

    def capacity(self) -> Size:
        return Size(2, 4 << 30)

    async def start(self, order: Order) -> FakeCluster:
        self.orders.append(order)
        if self.hold is not None:
            order.progress("Fetching Spark")
            await self.hold.wait()
        if self.cannot_start:
            raise CannotStart(self.cannot_start.pop(0))
        cluster = FakeCluster(self, order)
        self.clusters.append(cluster)
        return cluster

    @property
    def alive(self) -> list[FakeCluster]:
        return [cluster for cluster in self.clusters if cluster.is_running]


class World(RunningServices):
    """The service among those that it calls."""

    def __init__(self, folder: Path, engines: Engines) -> None:
        super().__init__(engines)
        self.folder = folder / "serverless"
        self.spark, self.apache = FakeSpark("Sail"), FakeSpark("Apache Spark", {"Hive": "3.1"})
        spark_4 = FakeSpark("Apache Spark")
        spark_4.what = None
        self.credentials = StoredCredentials(
            KeyPair("AKIAROOT", "secret-secret"), ACCOUNT, self.records, self.clock, self.ids
        )
        self.sparks = {SAIL: self.spark, SPARK_3_5: self.apache, SPARK_4: spark_4}
        self.lend()

    def lend(self) -> None:
        """Lend the service what it needs, as a platform does that starts."""
        self.needs = needs.Needs(
            meter=self.meter,
            call_aws=caller(self.services, needs.CALLS),
            credentials=self.credentials,
            sparks=self.sparks,
            folder=self.folder,
            endpoint=lambda: "http://127.0.0.1:4566",
            **self.common,
        )
        self.services["emrserverless"] = Service(
            shapes.MODEL, operations.OPERATIONS, self.needs, tasks.STEPS
        )
        self.join_up("emrserverless")

    async def restart(self) -> None:
        """As after kill -9: steps are cut off, processes are gone, nothing in memory is left."""
        await self.stop(0.0)
        for spark in (self.spark, self.apache):
            for cluster in spark.clusters:
                await cluster.stop()
        self.lend()
        await self.start()

    async def aws(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self.of("emrserverless", operation, **members)

    async def refusal(self, operation: str, **members: Any) -> ServiceError:
        """How an operation is refused."""
        with pytest.raises(ServiceError) as caught:
            await self.aws(operation, **members)
        return caught.value

    async def make(self, **more: Any) -> str:
        """An application that is CREATED; its id."""
        request = {
            "name": "app",
            "releaseLabel": SAIL_LABEL,
            "type": "SPARK",
            "clientToken": self.ids.uuid(),
        } | more
        made = await self.aws("CreateApplication", **request)
        await self.state(made["applicationId"], "CREATED")
        return str(made["applicationId"])

    async def submit(self, application_id: str, entry: str = "good", **more: Any) -> str:
        """Start a job run whose driver is `entry`; its id."""
        request = {
            "applicationId": application_id,
            "executionRoleArn": ROLE,
            "clientToken": self.ids.uuid(),
            "jobDriver": {"sparkSubmit": {"entryPoint": entry}},
        } | more
        return str((await self.aws("StartJobRun", **request))["jobRunId"])

    async def application(self, application_id: str) -> dict[str, Any]:
        answer = await self.aws("GetApplication", applicationId=application_id)
        return answer["application"]

    async def job_run(self, application_id: str, run_id: str, **more: Any) -> dict[str, Any]:
        answer = await self.aws("GetJobRun", applicationId=application_id, jobRunId=run_id, **more)
        return answer["jobRun"]

    async def state(self, application_id: str, *wanted: str, moving: bool = True) -> dict[str, Any]:
        """The application, once it is in one of these states."""

        async def is_so() -> dict[str, Any] | None:
            found = await self.application(application_id)
            return found if found["state"] in wanted else None

        return await self.until(is_so, moving=moving)

    async def run_state(
        self, application_id: str, run_id: str, *wanted: str, moving: bool = True
    ) -> dict[str, Any]:
        """The job run, once it is in one of these states."""

        async def is_so() -> dict[str, Any] | None:
            found = await self.job_run(application_id, run_id)
            return found if found["state"] in wanted else None

        return await self.until(is_so, moving=moving)

    async def running(
        self, application_id: str, run_id: str, *, moving: bool = True
    ) -> dict[str, Any]:
        """The job run, once its driver runs."""

        async def is_so() -> dict[str, Any] | None:
            found = await self.job_run(application_id, run_id)
            attempt = f"{run_id}/{found['attempt']}/"
            begun = any(
                run.alive and attempt in str(run.application.stdout)
                for run in (*self.spark.runs, *self.apache.runs)
            )
            return found if begun and found["state"] == "RUNNING" else None

        return await self.until(is_so, moving=moving)

    async def has(self, is_true: Any) -> None:
        """Wait until something is so."""

        async def is_so() -> Any:
            return is_true()

        await self.until(is_so)

    async def logs_in_s3(self, bucket: str = "logs") -> dict[str, str]:
        """Every log in a bucket, unpacked, by its key."""
        listed = await self.of("s3", "ListObjectsV2", Bucket=bucket)
        found = {}
        for entry in listed.get("Contents", []):
            answer = await self.of("s3", "GetObject", Bucket=bucket, Key=entry["Key"])
            found[entry["Key"]] = gzip.decompress(await gather(answer["Body"], 1 << 20)).decode()
        return found

    async def log_streams(self, group: str) -> dict[str, list[str]]:
        """The messages of a log group by stream."""
        listed = await self.of("logs", "DescribeLogStreams", logGroupName=group)
        found = {}
        for entry in listed["logStreams"]:
            name = entry["logStreamName"]
            answer = await self.of(
                "logs", "GetLogEvents", logGroupName=group, logStreamName=name, startFromHead=True
            )
            found[name] = [event["message"] for event in answer["events"]]
        return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world with the bucket `logs`, at work."""
    async with opened_engines(tmp_path) as engines:
        world = World(tmp_path, engines)
        await world.of("s3", "CreateBucket", Bucket="logs")
        await world.start()
        yield world
        await world.stop(5.0)
        assert not world.spark.alive, "A cluster outlived the platform."
