"""The service with S3, Kinesis and Logs on the embedded engines, and streams that do as told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from millpond.app.credentials import KeyPair, StoredCredentials
from millpond.app.supervisor import Supervisor
from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
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
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import ServiceError
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.services.kinesis import needs as kinesis_needs
from millpond.services.kinesis import operations as kinesis_operations
from millpond.services.kinesis import shapes as kinesis_shapes
from millpond.services.kinesis import tasks as kinesis_tasks
from millpond.services.kinesisanalytics import needs as v1_needs
from millpond.services.kinesisanalytics import operations as v1_operations
from millpond.services.kinesisanalytics import shapes as v1_shapes
from millpond.services.kinesisanalyticsv2 import needs, operations, shapes, tasks
from millpond.services.logs import needs as logs_needs
from millpond.services.logs import operations as logs_operations
from millpond.services.logs import shapes as logs_shapes
from millpond.services.s3 import needs as s3_needs
from millpond.services.s3 import operations as s3_operations
from millpond.services.s3 import shapes as s3_shapes
from tests.services.world import ACCOUNT, call_of_ann

ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
START_MS = 1_700_000_000_000
WAIT_SECONDS_MAX = 15.0


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


class World:
    """The services on one data folder, and the supervisor of their work."""

    def __init__(self, folder: Path, records: Any, objects: Any, log: Any, clock: Any) -> None:
        self.folder, self.records, self.clock = folder, records, clock
        self.streams = FakeStreams()
        self.services: dict[str, Service] = {}
        self.meter = MinuteMeter(clock)
        ids, pages = SeededIds(7), Pages(b"secret")
        self.credentials = StoredCredentials(
            KeyPair("AKIAROOT", "secret-secret"), ACCOUNT, records, clock, ids
        )
        common: dict[str, Any] = {"clock": clock, "ids": ids, "pages": pages, "records": records}
        self.services["s3"] = Service(
            s3_shapes.MODEL,
            s3_operations.OPERATIONS,
            s3_needs.Needs(objects=objects, local_files=objects, **common),
        )
        self.services["kinesis"] = Service(
            kinesis_shapes.MODEL,
            kinesis_operations.OPERATIONS,
            kinesis_needs.Needs(
                log=log,
                meter=self.meter,
                call_aws=caller(self.services, kinesis_needs.CALLS),
                limits=False,
                **common,
            ),
            kinesis_tasks.STEPS,
        )
        self.services["logs"] = Service(
            logs_shapes.MODEL, logs_operations.OPERATIONS, logs_needs.Needs(log=log, **common)
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
            **common,
        )
        self.services["kinesisanalyticsv2"] = Service(
            shapes.MODEL, operations.OPERATIONS, self.needs, tasks.STEPS
        )
        self.services["kinesisanalytics"] = Service(
            v1_shapes.MODEL,
            v1_operations.OPERATIONS,
            v1_needs.Needs(call_aws=caller(self.services, v1_needs.CALLS)),
        )
        every = [
            (name, operation)
            for name, service in self.services.items()
            for operation in service.operations
        ]
        self._caller = caller(self.services, every)
        self.call = call_of_ann("kinesisanalyticsv2")
        self._supervisor: Supervisor | None = None

    async def start(self) -> None:
        self._supervisor = Supervisor(self.records, self.clock, self.services)
        await self._supervisor.start()

    async def stop(self, seconds: float = 5.0) -> None:
        if self._supervisor is not None:
            await self._supervisor.stop(seconds)
            self._supervisor = None

    async def until(self, is_so: Callable[[], Awaitable[Any]], *, moving: bool = True) -> Any:
        """What `is_so` answers, once that is something; the clock runs meanwhile."""
        end = time.monotonic() + WAIT_SECONDS_MAX
        while not (found := await is_so()):
            assert time.monotonic() < end, "It did not happen."
            if moving:
                self.clock.advance(0.1)
            await asyncio.sleep(0.002)
        return found

    # AWS

    async def aws(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "kinesisanalyticsv2", operation, **members)

    async def of(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, service, operation, **members)

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
    clock = ManualClock(START_MS)
    async with AsyncExitStack() as ends:
        records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
        ends.push_async_callback(records.close)
        objects = EmbeddedObjects.open(tmp_path / "objects", clock, SeededIds(3))
        ends.push_async_callback(objects.close)
        log = EmbeddedLog.open(tmp_path / "log", clock)
        ends.push_async_callback(log.close)
        world = World(tmp_path, records, objects, log, clock)
        ends.push_async_callback(world.stop)
        await world.of("s3", "CreateBucket", Bucket="code")
        await world.start()
        yield world
