"""Athena over real S3 and Glue on the embedded engines, with a SQL engine that tests control."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from millpond.app.supervisor import Supervisor
from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.sql.interface import Column, Outcome, OutputFile, QueryRefused, TextOutput
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.body import BytesBody, gather
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import ServiceError
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.services.athena import needs as athena_needs
from millpond.services.athena import operations as athena_operations
from millpond.services.athena import shapes as athena_shapes
from millpond.services.athena import tasks as athena_tasks
from millpond.services.glue import needs as glue_needs
from millpond.services.glue import operations as glue_operations
from millpond.services.glue import shapes as glue_shapes
from millpond.services.s3 import needs as s3_needs
from millpond.services.s3 import operations as s3_operations
from millpond.services.s3 import shapes as s3_shapes

ACCOUNT = "123456789012"
RESULTS = "s3://results/q/"


class FakeSql:
    """Every query has the answer in `columns`, `text` and `files`. `hold` is an event that a query
    waits for; `failure` is what it ends with. `asked` are the queries, `alive` those that run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.columns: Sequence[Column] = (Column("a", "integer"),)
        self.text = '"a"\n"1"\n'
        self.files: list[tuple[bytes, tuple[str | None, ...]]] = [(b"data", ())]
        self.hold: asyncio.Event | None = None
        self.failure: BaseException | None = None
        self.asked: list[Any] = []
        self.outputs: list[Any] = []
        self.alive = 0

    async def check(self, sql: str) -> None:
        if "wrong" in sql:
            raise QueryRefused("SYNTAX_ERROR", "SYNTAX_ERROR: line 1:1: wrong")

    async def describe(self, query: Any, catalog: Any) -> Sequence[Column]:
        self.asked.append(query)
        return self.columns

    async def explain(self, query: Any, catalog: Any) -> str:
        self.asked.append(query)
        return "scan\n  table\n"

    @contextlib.asynccontextmanager
    async def run(self, query: Any, catalog: Any, output: Any) -> AsyncIterator[Outcome]:
        self.asked.append(query)
        self.outputs.append(output)
        self.alive += 1
        try:
            if self.hold is not None:
                await self.hold.wait()
            if self.failure is not None:
                raise self.failure
            yield self._outcome(output)
        finally:
            self.alive -= 1

    def _outcome(self, output: Any) -> Outcome:
        answers = [(self.text.encode(), ())] if isinstance(output, TextOutput) else self.files
        files = []
        for number, (data, partition) in enumerate(answers):
            path = self._folder / f"{len(self.asked)}-{number}"
            path.write_bytes(data)
            files.append(OutputFile(path, len(data), partition))
        return Outcome(self.columns, 3, files, 100, 5, 7, 11)


class World:
    """Three services on one data folder. Calls take and give AWS's member names."""

    def __init__(self, records: Any, objects: EmbeddedObjects, sql: FakeSql) -> None:
        self.records, self.sql = records, sql
        self.clock = ManualClock()
        self.before: Callable[[str, str, dict[str, Any]], None] | None = None
        self.services: dict[str, Service] = {}
        ids, pages = SeededIds(7), Pages(b"secret")
        common: dict[str, Any] = {
            "records": records,
            "clock": self.clock,
            "ids": ids,
            "pages": pages,
        }
        self.services["s3"] = Service(
            s3_shapes.MODEL,
            s3_operations.OPERATIONS,
            s3_needs.Needs(**common, objects=objects, local_files=objects),
        )
        self.services["glue"] = Service(
            glue_shapes.MODEL,
            glue_operations.OPERATIONS,
            glue_needs.Needs(
                **common,
                call_aws=caller(self.services, glue_needs.CALLS),
                credentials=None,
                sparks={},
                folder=Path(),
                endpoint=str,
                meter=MinuteMeter(self.clock),
                marker="",
            ),
        )
        self._lent = caller(self.services, athena_needs.CALLS)
        self.needs = athena_needs.Needs(**common, call_aws=self._lend, sql=sql)
        self.services["athena"] = Service(
            athena_shapes.MODEL,
            athena_operations.OPERATIONS,
            self.needs,
            athena_tasks.STEPS,
        )
        every = [
            (name, one) for name, service in self.services.items() for one in service.operations
        ]
        self._caller = caller(self.services, every)
        self.principal = Principal(f"arn:aws:iam::{ACCOUNT}:user/ann", "ANN", "AKIA")
        self.supervisor = Supervisor(records, self.clock, self.services)

    async def _lend(self, call: Any, service: str, operation: str, /, **members: Any) -> Any:
        """What Athena calls other services by; `before` may refuse."""
        if self.before is not None:
            self.before(service, operation, members)
        return await self._lent(call, service, operation, **members)

    async def ask(self, service: str, operation: str, /, **members: Any) -> dict[str, Any]:
        call = Call(
            service, operation, ACCOUNT, "us-east-1", self.principal, "R", "http://localhost:4566"
        )
        return await self._caller(call, service, operation, **members)

    async def athena(self, operation: str, /, **members: Any) -> dict[str, Any]:
        return await self.ask("athena", operation, **members)

    async def glue(self, operation: str, /, **members: Any) -> dict[str, Any]:
        return await self.ask("glue", operation, **members)

    async def put(self, key: str, data: str = "x", bucket: str = "lake") -> None:
        await self.ask("s3", "PutObject", Bucket=bucket, Key=key, Body=BytesBody(data.encode()))

    async def read(self, location: str) -> str:
        bucket, _, key = location.removeprefix("s3://").partition("/")
        found = await self.ask("s3", "GetObject", Bucket=bucket, Key=key)
        return (await gather(found["Body"], 1 << 20)).decode()

    async def keys(self, bucket: str) -> list[str]:
        found = await self.ask("s3", "ListObjectsV2", Bucket=bucket)
        return [entry["Key"] for entry in found.get("Contents", [])]

    async def start(self, sql: str, **members: Any) -> str:
        """Start a query, in the database `shop` with results below RESULTS; its id."""
        settings = {
            "ResultConfiguration": {"OutputLocation": RESULTS},
            "QueryExecutionContext": {"Database": "shop"},
        } | members
        answer = await self.athena("StartQueryExecution", QueryString=sql, **settings)
        return str(answer["QueryExecutionId"])

    async def execution(self, query_id: str) -> dict[str, Any]:
        found = await self.athena("GetQueryExecution", QueryExecutionId=query_id)
        return dict(found["QueryExecution"])

    async def state(self, query_id: str) -> str:
        return str((await self.execution(query_id))["Status"]["State"])

    async def until(self, query_id: str, *states: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while await self.state(query_id) not in states:  # noqa: ASYNC110 - asked as users ask
                await asyncio.sleep(0.005)
        return await self.execution(query_id)

    async def until_alive(self, count: int) -> None:
        """Wait until so many queries are in the SQL engine."""
        async with asyncio.timeout(10):
            while self.sql.alive != count:  # noqa: ASYNC110 - a fake has no bell
                await asyncio.sleep(0.002)

    async def run(self, sql: str, **members: Any) -> dict[str, Any]:
        """Run a query to its end; the execution."""
        query_id = await self.start(sql, **members)
        return await self.until(query_id, "SUCCEEDED", "FAILED", "CANCELLED")

    async def lines(self, sql: str, **members: Any) -> list[str]:
        """The lines that a DDL or utility statement answers."""
        done = await self.run(sql, **members)
        assert done["Status"]["State"] == "SUCCEEDED", done["Status"]
        results = await self.athena("GetQueryResults", QueryExecutionId=done["QueryExecutionId"])
        return [row["Data"][0]["VarCharValue"] for row in results["ResultSet"]["Rows"]]

    async def reason(self, sql: str, **members: Any) -> str:
        """Why a query failed."""
        done = await self.run(sql, **members)
        assert done["Status"]["State"] == "FAILED", done["Status"]
        return str(done["Status"]["StateChangeReason"])

    async def table(self, name: str, database: str = "shop") -> dict[str, Any]:
        return dict((await self.glue("GetTable", DatabaseName=database, Name=name))["Table"])

    async def partitions(self, name: str) -> dict[tuple[str, ...], str]:
        """Values and locations of a table's partitions."""
        found = await self.glue("GetPartitions", DatabaseName="shop", TableName=name)
        return {
            tuple(one["Values"]): one["StorageDescriptor"]["Location"]
            for one in found["Partitions"]
        }

    async def restart(self) -> None:
        """End background work as the platform does, and take it up again."""
        await self.stop()
        self.supervisor = Supervisor(self.records, self.clock, self.services)
        await self.supervisor.start()

    async def stop(self) -> None:
        await self.supervisor.stop(5)
        assert self.sql.alive == 0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world with the buckets `lake` and `results` and the database `shop`."""
    records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
    objects = EmbeddedObjects.open(tmp_path / "objects", ManualClock(), SeededIds(3))
    (tmp_path / "answers").mkdir()
    opened = World(records, objects, FakeSql(tmp_path / "answers"))
    for bucket in ("lake", "results"):
        await opened.ask("s3", "CreateBucket", Bucket=bucket)
    await opened.glue("CreateDatabase", DatabaseInput={"Name": "shop"})
    await opened.supervisor.start()
    yield opened
    await opened.stop()
    await objects.close()
    await records.close()


@pytest.fixture
def refusal() -> Any:
    """The code and the message of what an awaitable is refused with."""

    async def told(awaitable: Any) -> tuple[str, str]:
        with pytest.raises(ServiceError) as raised:
            await awaitable
        return raised.value.code, raised.value.message

    return told
