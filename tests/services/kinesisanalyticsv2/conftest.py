"""The service with S3, Kinesis and Logs on the embedded engines, and streams that do as told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.app.credentials import KeyPair, StoredCredentials
from millpond.engines.streams.interface import (
    CannotStart,
    Checked,
    Event,
    Finished,
    Installed,
    Order,
    Program,
    Refused,
    Snapshot,
    SnapshotFailed,
)
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.errors import ServiceError
from millpond.services.kinesisanalytics import needs as v1_needs
from millpond.services.kinesisanalytics import operations as v1_operations
from millpond.services.kinesisanalytics import shapes as v1_shapes
from millpond.services.kinesisanalyticsv2 import needs, operations, shapes, tasks
from tests.services.running import Engines, RunningServices, opened_engines
from tests.services.world import ACCOUNT

ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"


class FakeRun:
    """A run that lasts until it is told to end. `tell` is what it says."""

    def __init__(self, order: Order, kept: set[str]) -> None:
        self.order, self.kept = order, kept
        self.snapshots: list[str] = []
        self.last_snapshot = ""
        self.drained = False
        self.renewed: list[str] = []
        self.snapshot_failure = ""
        self.hangs = False
        self._told: asyncio.Queue[Event | None] = asyncio.Queue()
        self._ended: asyncio.Future[Finished] = asyncio.get_running_loop().create_future()

    def tell(self, event: Event) -> None:
        self._told.put_nowait(event)

    def end(self, finished: Finished) -> Finished:
        if not self._ended.done():
            self._ended.set_result(finished)
            self._told.put_nowait(None)
        return self._ended.result()

    @property
    def alive(self) -> bool:
        return not self._ended.done()

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._told.get()) is not None:
            yield event

    async def wait(self) -> Finished:
        return await asyncio.shield(self._ended)

    async def snapshot(self, name: str, *, last: bool = False, drain: bool = False) -> Snapshot:
        if self.snapshot_failure:
            raise SnapshotFailed(self.snapshot_failure)
        if name in self.kept:
            raise SnapshotFailed(f"There is a snapshot {name} already.")
        self.kept.add(name)
        if self.hangs:
            await asyncio.Event().wait()
        self.snapshots.append(name)
        self.last_snapshot = name if last else ""
        if drain:
            self.drained = True
            self.end(Finished(stopped=True))
        return Snapshot(name, 10)

    async def renew(self, access: Any) -> None:
        self.renewed.append(access.access_key_id)

    async def stop(self, *, drain: bool) -> Finished:
        self.drained = self.drained or drain
        return self.end(Finished(stopped=True))

    async def kill(self) -> Finished:
        return self.end(Finished(stopped=True))


class FakeStreams:
    """Refuses SQL that holds the word WRONG, or FLINK; cannot start what `cannot_start` says."""

    def __init__(self) -> None:
        self.runs: list[FakeRun] = []
        self.programs: list[Program] = []
        self.files: list[dict[str, bytes]] = []
        self.cannot_start: list[str] = []
        self.deleted: list[str] = []
        self.kept: set[str] = set()
        self.hold: asyncio.Event | None = None
        self.there = True

    def installed(self) -> Installed | None:
        return Installed("fake", "1") if self.there else None

    async def check(self, program: Program, access: Any = None) -> Checked:
        if not self.there:
            raise CannotStart("There is no streams engine on this machine.")
        assert access is not None
        self._note(program)
        if "WRONG" in program.sql:
            raise Refused("WRONG is no word.", 2, 7)
        if "FLINK" in program.sql:
            raise Refused("MATCH_RECOGNIZE is not here.", 1, 1, needs_flink=True)
        return Checked('{"nodes": []}', ["a"], ["b"])

    def _note(self, program: Program) -> None:
        self.programs.append(program)
        assert program.folder is not None
        found = [path for path in program.folder.rglob("*") if path.is_file()]
        names = [str(path.relative_to(program.folder)) for path in found]
        self.files.append({n: p.read_bytes() for n, p in zip(names, found, strict=True)})

    async def start(self, order: Order) -> FakeRun:
        if self.hold is not None:
            await self.hold.wait()
        if self.cannot_start:
            raise CannotStart(self.cannot_start.pop(0))
        self._note(order.program)
        run = FakeRun(order, self.kept)
        self.runs.append(run)
        return run

    async def delete_snapshot(self, folder: Path, name: str) -> None:
        self.deleted.append(name)
        self.kept.discard(name)

    async def delete_state(self, folder: Path) -> None:
        self.deleted.append("state")


class World(RunningServices):
    """Both versions of the service among those that they call."""

    def __init__(self, folder: Path, engines: Engines) -> None:
        super().__init__(engines)
        self.folder = folder
        self.streams = FakeStreams()
        self.credentials = StoredCredentials(
            KeyPair("AKIAROOT", "secret-secret"), ACCOUNT, self.records, self.clock, self.ids
        )
        self.needs = needs.Needs(
            meter=self.meter,
            call_aws=caller(self.services, needs.CALLS),
            credentials=self.credentials,
            streams=self.streams,
            folder=folder / "applications",
            endpoint=lambda: "http://127.0.0.1:4566",
            memory_bytes=1 << 30,
            places=asyncio.Semaphore(2),
            **self.common,
        )
        self.services["kinesisanalyticsv2"] = Service(
            shapes.MODEL, operations.OPERATIONS, self.needs, tasks.STEPS
        )
        self.services["kinesisanalytics"] = Service(
            v1_shapes.MODEL,
            v1_operations.OPERATIONS,
            v1_needs.Needs(call_aws=caller(self.services, v1_needs.CALLS)),
        )
        self.join_up("kinesisanalyticsv2")

    # AWS

    async def aws(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self.of("kinesisanalyticsv2", operation, **members)

    # Short words for what most tests do

    async def make(self, sql: str | None = "INSERT INTO b SELECT * FROM a", **more: Any) -> dict:
        """A Flink application `app` of this SQL; `configuration` is laid over the rest."""
        configuration: dict[str, Any] = {}
        if sql is not None:
            configuration["ApplicationCodeConfiguration"] = {
                "CodeContentType": "PLAINTEXT",
                "CodeContent": {"TextContent": sql},
            }
        configuration |= more.pop("configuration", {})
        members = {
            "ApplicationName": "app",
            "RuntimeEnvironment": "FLINK-1_20",
            "ServiceExecutionRole": ROLE,
            "ApplicationConfiguration": configuration,
        } | more
        return (await self.aws("CreateApplication", **members))["ApplicationDetail"]

    async def detail(self, name: str = "app", **members: Any) -> dict[str, Any]:
        answer = await self.aws("DescribeApplication", ApplicationName=name, **members)
        return answer["ApplicationDetail"]

    async def status(self, *wanted: str, name: str = "app") -> str:
        """The status, once it is one of those wanted."""

        async def is_so() -> str | None:
            found = (await self.detail(name))["ApplicationStatus"]
            return found if found in wanted else None

        return str(await self.until(is_so))

    async def run(self, **members: Any) -> FakeRun:
        """Start `app`, and its run once it is RUNNING."""
        await self.aws("StartApplication", ApplicationName="app", **members)
        await self.status("RUNNING")
        return self.streams.runs[-1]

    async def next_run(self, count: int) -> FakeRun:
        """The run number `count`, once it has started."""

        async def is_so() -> bool:
            return len(self.streams.runs) >= count

        await self.until(is_so)
        return self.streams.runs[count - 1]

    async def operation(self, operation_id: str) -> dict[str, Any]:
        answer = await self.aws(
            "DescribeApplicationOperation", ApplicationName="app", OperationId=operation_id
        )
        return answer["ApplicationOperationInfoDetails"]

    async def messages(self, name: str = "app") -> list[str]:
        """What stands in the default log; nothing while that is not made."""
        try:
            answer = await self.of(
                "logs",
                "GetLogEvents",
                logGroupName=f"/aws/kinesis-analytics/{name}",
                logStreamName="kinesis-analytics-log-stream",
                startFromHead=True,
            )
        except ServiceError:
            return []
        return [event["message"] for event in answer["events"]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world with the bucket `code`, at work."""
    async with opened_engines(tmp_path) as engines:
        world = World(tmp_path, engines)
        await world.of("s3", "CreateBucket", Bucket="code")
        await world.start()
        yield world
        await world.stop(5.0)
