"""DynamoDB on the embedded records engine, called by AWS's names as one service calls another."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.records.interface import end_of
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import ServiceError
from millpond.kernel.ids import SeededIds
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import Task
from millpond.services.dynamodb import needs as dynamodb_needs
from millpond.services.dynamodb import operations, shapes, tasks
from tests.services.world import Wake, call_of_ann, tasks_of, work_of


class World:
    """The service on one data folder. Calls take and give AWS's member names."""

    def __init__(self, records: Any, clock: ManualClock) -> None:
        self.records = records
        self.clock = clock
        self.needs = dynamodb_needs.Needs(
            records=records, clock=clock, ids=SeededIds(7), pages=Pages(b"secret")
        )
        services = {
            "dynamodb": Service(shapes.MODEL, operations.OPERATIONS, self.needs, tasks.STEPS)
        }
        every = [("dynamodb", name) for name in operations.OPERATIONS]
        self._caller = caller(services, every)
        self.call = call_of_ann("dynamodb")

    async def do(self, operation: str, **members: Any) -> dict[str, Any]:
        return await self._caller(self.call, "dynamodb", operation, **members)

    async def refusal(self, operation: str, **members: Any) -> ServiceError:
        """The refusal of a call that must be refused."""
        with pytest.raises(ServiceError) as refused:
            await self.do(operation, **members)
        return refused.value

    async def tasks(self) -> list[Task]:
        return await tasks_of(self.records, "dynamodb")

    async def work(self, wake: Wake | None = None) -> None:
        """Do all the background work that is due, as the supervisor does."""
        await work_of(self.records, self.clock, "dynamodb", tasks.STEPS, self.needs, wake)

    async def count(self, kind: str) -> int:
        """How many records of a kind (`item`, `entry`, …) there are."""
        prefix = b"dynamodb\x00" + kind.encode() + b"\x00"
        async with self.records.transaction() as transaction:
            return sum([1 async for _ in transaction.scan(prefix, end_of(prefix))])

    # Short words for what most tests do

    async def make_table(self, name: str = "tab", *keys: str, **more: Any) -> None:
        """A table with the keys `attribute:type`, the partition's first."""
        parts = [key.split(":") for key in keys or ("id:S",)]
        kinds = dict(parts) | more.pop("kinds", {})
        await self.do(
            "CreateTable",
            TableName=name,
            KeySchema=schema(*(part[0] for part in parts)),
            AttributeDefinitions=definitions(kinds),
            BillingMode="PAY_PER_REQUEST",
            **more,
        )

    async def put(self, item: dict[str, Any], table: str = "tab", **more: Any) -> dict[str, Any]:
        return await self.do("PutItem", TableName=table, Item=item, **more)

    async def get(self, key: dict[str, Any], table: str = "tab") -> dict[str, Any] | None:
        return (await self.do("GetItem", TableName=table, Key=key)).get("Item")

    async def update(self, expression: str, table: str = "tab", **more: Any) -> dict[str, Any]:
        key = more.pop("key", {"id": {"S": "a"}})
        values = {f":{name}": value for name, value in more.pop("values", {}).items()}
        if values:
            more["ExpressionAttributeValues"] = values
        return await self.do(
            "UpdateItem", TableName=table, Key=key, UpdateExpression=expression, **more
        )


def schema(*names: str) -> list[dict[str, str]]:
    """A KeySchema."""
    return [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
    ]


def definitions(kinds: dict[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()]


def index(name: str, *keys: str, projection: str = "ALL", **more: Any) -> dict[str, Any]:
    """A secondary index."""
    include = more.pop("include", None)
    projected: dict[str, Any] = {"ProjectionType": projection}
    if include:
        projected["NonKeyAttributes"] = include
    return {"IndexName": name, "KeySchema": schema(*keys), "Projection": projected, **more}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
    yield World(records, ManualClock())
    await records.close()


@pytest.fixture
async def table(world: World) -> World:
    """A world with the table `tab`, whose key is the string `id`."""
    await world.make_table()
    return world
