"""Firehose with S3, Kinesis and Logs on the embedded engines, called by AWS's names.

Background work is done by the platform's own supervisor, on a clock that tests move.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from millpond.app.supervisor import Supervisor
from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.body import gather
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter, Statistics
from millpond.kernel.pages import Pages
from millpond.services.firehose import needs as firehose_needs
from millpond.services.firehose import operations as firehose_operations
from millpond.services.firehose import shapes as firehose_shapes
from millpond.services.firehose import tasks as firehose_tasks
from millpond.services.kinesis import needs as kinesis_needs
from millpond.services.kinesis import operations as kinesis_operations
from millpond.services.kinesis import shapes as kinesis_shapes
from millpond.services.kinesis import tasks as kinesis_tasks
from millpond.services.logs import needs as logs_needs
from millpond.services.logs import operations as logs_operations
from millpond.services.logs import shapes as logs_shapes
from millpond.services.s3 import needs as s3_needs
from millpond.services.s3 import operations as s3_operations
from millpond.services.s3 import shapes as s3_shapes
from tests.services.world import ACCOUNT, call_of_ann

ROLE = f"arn:aws:iam::{ACCOUNT}:role/firehose"
BUCKET = "arn:aws:s3:::lake"
START_MS = 1_700_000_000_000
"""Where the clock begins: 2023-11-14 22:13:20 UTC."""
WAIT_SECONDS_MAX = 15.0


class World:
    """The services on one data folder, and the supervisor of their work."""

    def __init__(self, folder: Path, records: Any, objects: Any, log: Any, clock: Any) -> None:
        self.records = records
        self.log = log
        self.clock = clock
        self.services: dict[str, Service] = {}
        self.meter = MinuteMeter(clock)
        ids, pages = SeededIds(7), Pages(b"secret")
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
        self.needs = firehose_needs.Needs(
            log=log,
            meter=self.meter,
            call_aws=caller(self.services, firehose_needs.CALLS),
            credentials=None,  # type: ignore[arg-type]
            outgoing=None,  # type: ignore[arg-type]
            folder=folder / "deliveries",
            endpoint=lambda: "http://127.0.0.1:4566",
            marker="test",
            **common,
        )
        self.use(self.needs)
        every = [
            (name, operation)
            for name, service in self.services.items()
            for operation in service.operations
        ]
        self._caller = caller(self.services, every)
        self.call = call_of_ann("firehose")
        self._supervisor: Supervisor | None = None

    def use(self, needs: Any) -> None:
        """Have Firehose stand on `needs` from now on."""
        self.needs = needs
        self.services["firehose"] = Service(
            firehose_shapes.MODEL, firehose_operations.OPERATIONS, needs, firehose_tasks.STEPS
        )

    # Background work

    async def start(self) -> None:
        self._supervisor = Supervisor(self.records, self.clock, self.services)
        await self._supervisor.start()

    async def stop(self, seconds: float = 0.0) -> None:
        """End all work; what does not end within `seconds` is cut off."""
        if self._supervisor is not None:
            await self._supervisor.stop(seconds)
            self._supervisor = None

    async def pass_time(self, seconds: float) -> None:
        """Let the clock run, and background work keep up with it."""
        for _ in range(max(round(seconds * 10), 1)):
            self.clock.advance(0.1)
            await asyncio.sleep(0.002)

    async def clock_past(self, seconds: float) -> None:
        """Move the clock at one go, once work has seen what there is."""
        await self.pass_time(1)
        self.clock.advance(seconds)

    async def wait_until(self, is_so: Callable[[], Awaitable[Any]], *, moving: bool = True) -> Any:
        """What `is_so` answers, once that is something; the clock runs meanwhile."""
        end = time.monotonic() + WAIT_SECONDS_MAX
        while not (found := await is_so()):
            assert time.monotonic() < end, "It did not happen."
            if moving:
                self.clock.advance(0.1)
            await asyncio.sleep(0.002)
        return found

    # AWS

    async def firehose(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "firehose", operation, **members)

    async def s3(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "s3", operation, **members)

    async def kinesis(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "kinesis", operation, **members)

    async def logs(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "logs", operation, **members)

    # Short words for what most tests do

    async def make_stream(self, name: str = "clicks", **settings: Any) -> None:
        """A delivery stream to the bucket `lake`, gathering 1 MiB or ten seconds."""
        more = {
            key: settings.pop(key)
            for key in ("DeliveryStreamType", "KinesisStreamSourceConfiguration")
            if key in settings
        }
        destination = {
            "RoleARN": ROLE,
            "BucketARN": BUCKET,
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 10},
        } | settings
        await self.firehose(
            "CreateDeliveryStream",
            DeliveryStreamName=name,
            ExtendedS3DestinationConfiguration=destination,
            **more,
        )

    async def put(self, *data: bytes, name: str = "clicks") -> list[str]:
        answer = await self.firehose(
            "PutRecordBatch", DeliveryStreamName=name, Records=[{"Data": one} for one in data]
        )
        assert answer["FailedPutCount"] == 0
        return [one["RecordId"] for one in answer["RequestResponses"]]

    async def described(self, name: str = "clicks") -> dict[str, Any]:
        answer = await self.firehose("DescribeDeliveryStream", DeliveryStreamName=name)
        return answer["DeliveryStreamDescription"]

    async def objects(self, prefix: str = "") -> dict[str, bytes]:
        """The bucket's objects, by key."""
        listed = await self.s3("ListObjectsV2", Bucket="lake", Prefix=prefix)
        found: dict[str, bytes] = {}
        for entry in listed.get("Contents") or ():
            answer = await self.s3("GetObject", Bucket="lake", Key=entry["Key"])
            found[entry["Key"]] = await gather(answer["Body"], 1 << 28)
        return found

    async def delivered(self, count: int = 1, prefix: str = "") -> dict[str, bytes]:
        """The bucket's objects, once there are `count` of them."""

        async def enough() -> dict[str, bytes] | None:
            found = await self.objects(prefix)
            return found if len(found) >= count else None

        found: dict[str, bytes] = await self.wait_until(enough)
        return found

    def measured(self) -> dict[str, Statistics]:
        """What was measured since the last time, by metric."""
        totals: dict[str, Statistics] = {}
        for (metric, _), statistics in self.meter.drain().items():
            if metric.namespace != "AWS/Firehose":
                continue
            known = totals.get(metric.name)
            if known is None:
                totals[metric.name] = statistics
            else:
                known.add(statistics)
        return totals


@pytest.fixture
async def still_world(tmp_path: Path) -> AsyncIterator[World]:
    """A world with the bucket `lake`, in which no work is done until it is started."""
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
        await world.s3("CreateBucket", Bucket="lake")
        yield world


@pytest.fixture
async def world(still_world: World) -> World:
    """A world with the bucket `lake`, at work."""
    await still_world.start()
    return still_world
