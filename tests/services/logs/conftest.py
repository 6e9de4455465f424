"""CloudWatch Logs on the embedded engines, called by AWS's names, with a clock that tests move."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.app.missing_sql import MissingSql
from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.records.interface import end_of
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.body import gather
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import ServiceError
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter, Statistics
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import Task
from millpond.services.logs import needs, operations, shapes, store, tasks
from millpond.services.logs.insights.engine import Insights
from tests.services.world import call_of_ann, tasks_of, work_of

NOW_MS = 1_720_000_000_000


class Outside:
    """The services that this one calls: streams and buckets that take what they are sent.

    `refuse` makes them refuse: a code for all records of all calls, or a function of a record.
    """

    def __init__(self) -> None:
        self.records: list[tuple[str, str, bytes]] = []
        self.objects: dict[str, bytes] = {}
        self.principals: list[str] = []
        self.refuse: Any = None

    async def __call__(self, call: Any, service: str, operation: str, /, **members: Any) -> Any:
        self.principals.append(call.principal.arn)
        await asyncio.sleep(0)
        if isinstance(self.refuse, ServiceError):
            raise self.refuse
        if service == "s3":
            body = await gather(members["Body"], 1 << 30)
            self.objects[members["Key"]] = body
            return {"ETag": "e"}
        results = []
        name = members.get("StreamARN") or members["DeliveryStreamName"]
        for record in members["Records"]:
            code = self.refuse and self.refuse(record["Data"])
            results.append({"ErrorCode": code} if code else {})
            if not code:
                self.records.append((name, record.get("PartitionKey", ""), record["Data"]))
        return {"Records": results, "RequestResponses": results}

    def payloads(self) -> list[dict[str, Any]]:
        """The records, uncompressed, but for messages that test the destination."""
        found = [json.loads(gzip.decompress(data)) for _, _, data in self.records]
        return [payload for payload in found if payload["messageType"] == "DATA_MESSAGE"]

    def delivered(self) -> list[str]:
        """The messages of all payloads."""
        return [event["message"] for payload in self.payloads() for event in payload["logEvents"]]


class World:
    """The service on one data folder. Calls take and give AWS's member names."""

    def __init__(self, records: Any, log: Any, clock: ManualClock) -> None:
        self.records = records
        self.log = log
        self.clock = clock
        self.needs = needs.Needs(
            records=records,
            log=log,
            clock=clock,
            ids=SeededIds(7),
            pages=Pages(b"secret"),
            meter=MinuteMeter(clock),
            call_aws=self._call_out,
            insights=Insights(MissingSql(), Path("no folder")),
        )
        self.outside = Outside()
        service = Service(shapes.MODEL, operations.OPERATIONS, self.needs, tasks.STEPS)
        every = [("logs", operation) for operation in service.operations]
        self._caller = caller({"logs": service}, every)
        self.call = call_of_ann("logs")

    async def _call_out(self, call: Any, service: str, operation: str, /, **members: Any) -> Any:
        return await self.outside(call, service, operation, **members)

    def figures(self, namespace: str) -> dict[tuple[str, str, int], Statistics]:
        """What was measured since the last time, by metric, dimensions' values and minute (from
        the start of the test)."""
        drained = self.needs.meter.drain()
        return {
            (metric.name, "/".join(value for _, value in metric.dimensions), at - NOW_MS): found
            for (metric, at), found in drained.items()
            if metric.namespace == namespace
        }

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    async def __call__(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "logs", operation, **members)

    async def make(self, *streams: str, group: str = "/app") -> None:
        await self("CreateLogGroup", logGroupName=group)
        for stream in streams:
            await self("CreateLogStream", logGroupName=group, logStreamName=stream)

    async def put(
        self, *events: tuple[int, str], stream: str = "s", group: str = "/app"
    ) -> dict[str, Any]:
        """Put events: milliseconds from now, and a message."""
        return await self(
            "PutLogEvents",
            logGroupName=group,
            logStreamName=stream,
            logEvents=[
                {"timestamp": self.now + offset, "message": message} for offset, message in events
            ],
        )

    async def get(self, stream: str = "s", **more: Any) -> dict[str, Any]:
        return await self("GetLogEvents", logGroupName="/app", logStreamName=stream, **more)

    async def messages(self, stream: str = "s", **more: Any) -> list[str]:
        return [event["message"] for event in (await self.get(stream, **more))["events"]]

    async def filtered(self, **more: Any) -> list[str]:
        """The messages of all pages."""
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = await self("FilterLogEvents", logGroupName="/app", **more, **token)
            found += [event["message"] for event in page["events"]]
            if "nextToken" not in page:
                return found
            token = {"nextToken": page["nextToken"]}

    async def due(self) -> list[Task]:
        """The background work that is due."""
        return [task for task in await tasks_of(self.records, "logs") if task.due_ms <= self.now]

    async def work(self, lent: needs.Needs | None = None) -> None:
        """Do all the background work that is due, as the supervisor does; with what is `lent`."""
        await work_of(self.records, self.clock, "logs", tasks.STEPS, lent or self.needs)

    async def waiting(self) -> int:
        """How many batches wait to be delivered."""
        async with self.records.transaction() as transaction:
            prefix = store.key("feed")
            return len([key async for key, _ in transaction.scan(prefix, end_of(prefix))])

    async def count(self) -> int:
        """How many records the service has."""
        async with self.records.transaction() as transaction:
            return len([key async for key, _ in transaction.scan(b"logs\0", b"logs\1")])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = ManualClock(NOW_MS)
    records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
    log = EmbeddedLog.open(tmp_path / "log", clock)
    yield World(records, log, clock)
    await log.close()
    await records.close()
