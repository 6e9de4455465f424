"""Glue and S3 on the embedded engines, called by AWS's names as one service calls another."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.body import BytesBody
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import Task
from millpond.services.glue import needs as glue_needs
from millpond.services.glue import operations as glue_operations
from millpond.services.glue import shapes as glue_shapes
from millpond.services.glue import tasks as glue_tasks
from millpond.services.logs import shapes as logs_shapes
from millpond.services.s3 import needs as s3_needs
from millpond.services.s3 import operations as s3_operations
from millpond.services.s3 import shapes as s3_shapes
from tests.services.world import Wake, call_of_ann, tasks_of, work_of


class World:
    """Both services on one data folder. Calls take and give AWS's member names."""

    def __init__(self, records: Any, objects: EmbeddedObjects, clock: ManualClock) -> None:
        self.records = records
        self.clock = clock
        self.services: dict[str, Service] = {}
        ids, pages = SeededIds(7), Pages(b"secret")
        self.services["s3"] = Service(
            s3_shapes.MODEL,
            s3_operations.OPERATIONS,
            s3_needs.Needs(
                clock=clock,
                ids=ids,
                pages=pages,
                records=records,
                objects=objects,
                local_files=objects,
            ),
        )
        self.lines: list[tuple[str, str, str]] = []
        self.services["logs"] = Service(
            logs_shapes.MODEL, {"PutLogEvents": self._take_lines}, needs=None
        )
        self.needs = glue_needs.Needs(
            records=records,
            clock=clock,
            ids=ids,
            pages=pages,
            call_aws=caller(self.services, glue_needs.CALLS),
            credentials=None,
            sparks={},
            folder=Path(),
            endpoint=lambda: "http://127.0.0.1:4566",
            meter=MinuteMeter(clock),
            marker="",
        )
        self.services["glue"] = Service(
            glue_shapes.MODEL, glue_operations.OPERATIONS, self.needs, glue_tasks.STEPS
        )
        every = [
            (name, operation)
            for name, service in self.services.items()
            for operation in service.operations
        ]
        self._caller = caller(self.services, every)
        self.call = call_of_ann("glue")

    async def _take_lines(self, needs: None, call: Any, request: Any) -> Any:
        """CloudWatch Logs, as far as Glue calls it: groups, streams and lines are kept."""
        place = (request.log_group_name, request.log_stream_name)
        self.lines += [(*place, event.message) for event in request.log_events]
        return logs_shapes.PutLogEventsResponse()

    async def glue(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "glue", operation, **members)

    async def s3(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "s3", operation, **members)

    async def put(self, key: str, data: bytes | str, bucket: str = "lake") -> None:
        body = BytesBody(data.encode() if isinstance(data, str) else data)
        await self.s3("PutObject", Bucket=bucket, Key=key, Body=body)

    async def tasks(self) -> list[Task]:
        return await tasks_of(self.records, "glue")

    async def work(self, wake: Wake | None = None) -> None:
        """Do all the background work that is due, as the supervisor does."""
        await work_of(self.records, self.clock, "glue", glue_tasks.STEPS, self.needs, wake)

    async def count(self, part: bytes) -> int:
        """How many records have `part` in their key."""
        async with self.records.transaction() as transaction:
            return sum([part in key async for key, _ in transaction.scan(b"glue", b"gluf")])

    # Short words for what most tests do

    async def make_database(self, name: str = "shop") -> None:
        await self.glue("CreateDatabase", DatabaseInput={"Name": name})

    async def make_table(
        self, name: str = "orders", keys: list[tuple[str, str]] | None = None, **more: Any
    ) -> None:
        described = {
            "Name": name,
            "StorageDescriptor": {
                "Columns": [{"Name": "id", "Type": "bigint"}],
                "Location": f"s3://lake/{name}/",
            },
            "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in keys or []],
            **more,
        }
        await self.glue("CreateTable", DatabaseName="shop", TableInput=described)

    async def table(self, name: str = "orders") -> dict[str, Any]:
        return (await self.glue("GetTable", DatabaseName="shop", Name=name))["Table"]

    async def partitions(self, name: str, **more: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = await self.glue(
                "GetPartitions", DatabaseName="shop", TableName=name, **more, **token
            )
            found += page["Partitions"]
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    async def make_crawler(self, *paths: str, name: str = "c", **more: Any) -> None:
        target = more.pop("target", {})
        await self.glue(
            "CreateCrawler",
            Name=name,
            Role="arn:aws:iam::123456789012:role/service-role/crawl",
            DatabaseName="shop",
            Targets={"S3Targets": [{"Path": path, **target} for path in paths]},
            **more,
        )

    async def crawl(self, name: str = "c") -> dict[str, Any]:
        """Run a crawler to its end; its LastCrawl."""
        await self.glue("StartCrawler", Name=name)
        await self.work()
        crawler = (await self.glue("GetCrawler", Name=name))["Crawler"]
        assert crawler["State"] == "READY"
        return crawler["LastCrawl"]

    async def tables(self) -> dict[str, dict[str, Any]]:
        try:
            found = await self.glue("GetTables", DatabaseName="shop")
        except Exception:
            return {}
        return {table["Name"]: table for table in found["TableList"]}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = ManualClock()
    records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
    objects = EmbeddedObjects.open(tmp_path / "objects", clock, SeededIds(3))
    opened = World(records, objects, clock)
    yield opened
    await objects.close()
    await records.close()


@pytest.fixture
async def shop(world: World) -> World:
    """A world with the database `shop`."""
    await world.make_database()
    return world


@pytest.fixture
async def lake(world: World) -> World:
    """A world with the bucket `lake`."""
    await world.s3("CreateBucket", Bucket="lake")
    return world


def columns_of(table: dict[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
