"""Logs Insights through boto3, and as a service on engines of its own that tests reach into."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.sql.embedded import Bounds, EmbeddedSql
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.services.logs import needs, operations, shapes, tasks
from millpond.services.logs.insights.engine import Insights
from tests.services.world import call_of_ann, work_of

NOW_MS = 1_720_000_000_000
Rows = list[dict[str, str]]
_numbers = count()


def rows_of(answer: Any) -> Rows:
    """Rows as dictionaries, without pointers."""
    return [
        {one["field"]: one["value"] for one in row if one["field"] != "@ptr"}
        for row in answer["results"]
    ]


class Asked:
    """Groups of a real server, each of its own name, and what boto3 hears of queries over them."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.begin_ms = (int(time.time()) - 3600) * 1000

    def group(self, *messages: Any, step_ms: int = 1000) -> str:
        """A new group with one stream `s` of these messages; what is no text becomes JSON."""
        name = f"/insights/{next(_numbers)}"
        self.client.create_log_group(logGroupName=name)
        self.put(name, "s", *messages, step_ms=step_ms)
        return name

    def put(self, group: str, stream: str, *messages: Any, step_ms: int = 1000) -> None:
        self.client.create_log_stream(logGroupName=group, logStreamName=stream)
        texts = [one if isinstance(one, str) else json.dumps(one) for one in messages]
        for start in range(0, len(texts), 5000):
            events = [
                {"timestamp": self.begin_ms + number * step_ms, "message": text}
                for number, text in enumerate(texts[start : start + 5000], start)
            ]
            self.client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def start(self, text: str, *groups: str, **more: Any) -> str:
        times = {"startTime": self.begin_ms // 1000, "endTime": int(time.time()) + 60}
        asked = times | {"logGroupNames": list(groups), "queryString": text} | more
        return str(self.client.start_query(**asked)["queryId"])

    def wait(self, query: str) -> Any:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer = self.client.get_query_results(queryId=query)
            if answer["status"] not in ("Scheduled", "Running"):
                return answer
            time.sleep(0.01)
        raise TimeoutError(query)

    def answer(self, text: str, *groups: str, **more: Any) -> Any:
        found = self.wait(self.start(text, *groups, **more))
        assert found["status"] == "Complete", text
        return found

    def rows(self, text: str, *groups: str, **more: Any) -> Rows:
        return rows_of(self.answer(text, *groups, **more))


@pytest.fixture(scope="session")
def asked(server: Any) -> Iterator[Asked]:
    yield Asked(server.client("logs"))


class World:
    """The service on one data folder, with a clock that tests move."""

    def __init__(self, records: Any, log: Any, sql: Any, folder: Path) -> None:
        self.records = records
        self.clock = ManualClock(NOW_MS)
        self.folder = folder
        self.needs = needs.Needs(
            records=records,
            log=log,
            clock=self.clock,
            ids=SeededIds(7),
            pages=Pages(b"secret"),
            meter=MinuteMeter(self.clock),
            call_aws=self._call_out,
            insights=Insights(sql, folder),
        )
        service = Service(shapes.MODEL, operations.OPERATIONS, self.needs, tasks.STEPS)
        every = [("logs", operation) for operation in service.operations]
        self._caller = caller({"logs": service}, every)
        self.call = call_of_ann("logs")

    async def _call_out(self, call: Any, service: str, operation: str, /, **members: Any) -> Any:
        raise AssertionError(operation)

    async def __call__(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "logs", operation, **members)

    async def put(self, *events: tuple[int, str], stream: str = "s") -> None:
        """Put events: milliseconds from now, and a message."""
        now_ms = self.clock.now_ms()
        await self(
            "PutLogEvents",
            logGroupName="/app",
            logStreamName=stream,
            logEvents=[{"timestamp": now_ms + at, "message": text} for at, text in events],
        )

    async def work(self) -> None:
        """Do all the background work that is due."""
        await work_of(self.records, self.clock, "logs", tasks.STEPS, self.needs)

    async def start(self, text: str) -> str:
        now_s = self.clock.now_ms() // 1000
        started = await self(
            "StartQuery",
            logGroupName="/app",
            startTime=now_s - 30 * 86400,
            endTime=now_s + 7200,
            queryString=text,
        )
        return str(started["queryId"])

    async def rows(self, text: str) -> Rows:
        query = await self.start(text)
        await self.work()
        answer = await self("GetQueryResults", queryId=query)
        assert answer["status"] == "Complete"
        return rows_of(answer)

    async def messages(self) -> list[str]:
        return [row["@message"] for row in await self.rows("fields @message | sort @message")]

    def files(self) -> int:
        return len(list(self.folder.iterdir())) if self.folder.exists() else 0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
    log = EmbeddedLog.open(tmp_path / "log", ManualClock(NOW_MS))
    sql = EmbeddedSql.open(
        tmp_path / "sql", tmp_path / "hidden", "insights-test", Bounds(1 << 30, 1, 1)
    )
    world = World(records, log, sql, tmp_path / "insights")
    await world("CreateLogGroup", logGroupName="/app")
    await world("CreateLogStream", logGroupName="/app", logStreamName="s")
    yield world
    await sql.close()
    await log.close()
    await records.close()
