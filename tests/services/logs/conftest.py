"""CloudWatch Logs on the embedded engines, called by AWS's names, with a clock that tests move."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import Task
from millpond.services.logs import needs, operations, shapes, tasks
from tests.services.world import call_of_ann, tasks_of, work_of

NOW_MS = 1_720_000_000_000


class World:
    """The service on one data folder. Calls take and give AWS's member names."""

    def __init__(self, records: Any, log: Any, clock: ManualClock) -> None:
        self.records = records
        self.log = log
        self.clock = clock
        self.needs = needs.Needs(
            records=records, log=log, clock=clock, ids=SeededIds(7), pages=Pages(b"secret")
        )
        service = Service(shapes.MODEL, operations.OPERATIONS, self.needs, tasks.STEPS)
        every = [("logs", operation) for operation in service.operations]
        self._caller = caller({"logs": service}, every)
        self.call = call_of_ann("logs")

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
