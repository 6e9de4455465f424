"""Firehose with S3, Kinesis and Logs on the embedded engines, called by AWS's names.

Background work is done by the platform's own supervisor, on a clock that tests move.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.body import gather
from millpond.kernel.metrics import Statistics
from millpond.services.firehose import needs as firehose_needs
from millpond.services.firehose import operations as firehose_operations
from millpond.services.firehose import shapes as firehose_shapes
from millpond.services.firehose import tasks as firehose_tasks
from tests.services.running import Engines, RunningServices, opened_engines
from tests.services.world import ACCOUNT

ROLE = f"arn:aws:iam::{ACCOUNT}:role/firehose"
BUCKET = "arn:aws:s3:::lake"


class World(RunningServices):
    """Firehose among the services that it calls."""

    def __init__(self, folder: Path, engines: Engines) -> None:
        super().__init__(engines)
        self.use(
            firehose_needs.Needs(
                log=self.log,
                meter=self.meter,
                call_aws=caller(self.services, firehose_needs.CALLS),
                credentials=None,  # type: ignore[arg-type]
                outgoing=None,  # type: ignore[arg-type]
                folder=folder / "deliveries",
                endpoint=lambda: "http://127.0.0.1:4566",
                marker="test",
                **self.common,
            )
        )
        self.join_up("firehose")

    def use(self, needs: Any) -> None:
        """Have Firehose stand on `needs` from now on."""
        self.needs = needs
        self.services["firehose"] = Service(
            firehose_shapes.MODEL, firehose_operations.OPERATIONS, needs, firehose_tasks.STEPS
        )

    async def pass_time(self, seconds: float) -> None:
        """Let the clock run, and background work keep up with it."""
        for _ in range(max(round(seconds * 10), 1)):
            self.clock.advance(0.1)
            await asyncio.sleep(0.002)

    async def clock_past(self, seconds: float) -> None:
        """Move the clock at one go, once work has seen what there is."""
        await self.pass_time(1)
        self.clock.advance(seconds)

    # AWS

    async def firehose(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self.of("firehose", operation, **members)

    async def s3(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self.of("s3", operation, **members)

    async def kinesis(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self.of("kinesis", operation, **members)

    async def logs(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self.of("logs", operation, **members)

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

        found: dict[str, bytes] = await self.until(enough)
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
    async with opened_engines(tmp_path) as engines:
        world = World(tmp_path, engines)
        await world.s3("CreateBucket", Bucket="lake")
        yield world
        await world.stop()


@pytest.fixture
async def world(still_world: World) -> World:
    """A world with the bucket `lake`, at work."""
    await still_world.start()
    return still_world
