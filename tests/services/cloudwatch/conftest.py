"""CloudWatch on the embedded records, called by AWS's names, with a clock that tests move."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.records.embedded import EmbeddedRecords
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import Metric, MinuteMeter
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import Task
from millpond.services.cloudwatch import needs, operations, shapes, tasks
from tests.services.world import ACCOUNT, Wake, call_of_ann

NOON = 1_699_963_200
"""2023-11-14T12:00:00Z, where the clock begins."""


class World:
    """The service on one data folder. Calls take and give AWS's member names."""

    def __init__(self, records: Any) -> None:
        self.records = records
        self.clock = ManualClock(NOON * 1000)
        self.meter = MinuteMeter(self.clock)
        self.needs = needs.Needs(
            records=records,
            clock=self.clock,
            ids=SeededIds(7),
            pages=Pages(b"secret"),
            meter=self.meter,
        )
        service = Service(shapes.MODEL, operations.OPERATIONS, self.needs, tasks.STEPS)
        every = [("cloudwatch", operation) for operation in service.operations]
        self._caller = caller({"cloudwatch": service}, every)
        self.call = call_of_ann("cloudwatch")

    @property
    def now(self) -> int:
        return self.clock.now_ms() // 1000

    async def __call__(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "cloudwatch", operation, **members)

    async def put(self, name: str, value: float | None = None, **more: Any) -> None:
        datum = {"MetricName": name, **more}
        if value is not None:
            datum["Value"] = value
        await self("PutMetricData", Namespace="Shop", MetricData=[datum])

    async def statistics(self, name: str, *statistics: str, **more: Any) -> list[dict[str, Any]]:
        members = {
            "Namespace": "Shop",
            "MetricName": name,
            "StartTime": float(self.now - 3600),
            "EndTime": float(self.now + 60),
            "Period": 60,
        }
        extended = [name for name in statistics if name.startswith("p")]
        simple = [name for name in statistics if name not in extended]
        members |= {"ExtendedStatistics": extended} if extended else {}
        members |= {"Statistics": simple} if simple else {}
        return (await self("GetMetricStatistics", **members | more))["Datapoints"]

    async def query(
        self, name: str, stat: str = "Sum", *, seconds: int = 3600, period: int = 60, **more: Any
    ) -> list[tuple[int, float]]:
        """The values of a metric over the last `seconds`, the oldest first."""
        metric = {"Namespace": "Shop", "MetricName": name, **more}
        answer = await self(
            "GetMetricData",
            StartTime=float(self.now - seconds),
            EndTime=float(self.now + 60),
            ScanBy="TimestampAscending",
            MetricDataQueries=[
                {"Id": "a", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
            ],
        )
        result = answer["MetricDataResults"][0]
        assert result["StatusCode"] == "Complete"
        return list(zip(map(int, result["Timestamps"]), result["Values"], strict=True))

    def measure(self, value: float, *, name: str = "IncomingRecords", samples: int = 1) -> None:
        """A measurement of a service's own work."""
        metric = Metric(ACCOUNT, "us-east-1", "Shop", name, (("StreamName", "orders"),), "Count")
        self.meter.record(metric, value, samples)

    async def step(self, kind: str, *, stopping: bool = False) -> int | None:
        return await tasks.STEPS[kind](self.needs, Task("cloudwatch", kind, ""), Wake(stopping))

    async def count(self, part: bytes) -> int:
        """How many records have `part` in their key."""
        async with self.records.transaction() as transaction:
            found = transaction.scan(b"cloudwatch", b"cloudwatci")
            return sum([part in key async for key, _ in found])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
    yield World(records)
    await records.close()
