"""Time to live: items go after their time, and only those."""

from typing import Any

import pytest

from millpond.services.dynamodb import expiring
from tests.services.dynamodb.conftest import World, index


async def set_expiry(world: World, enabled: bool = True, attribute: str = "until") -> None:
    await world.do(
        "UpdateTimeToLive",
        TableName="tab",
        TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute},
    )


async def status(world: World) -> dict[str, Any]:
    return (await world.do("DescribeTimeToLive", TableName="tab"))["TimeToLiveDescription"]


def seconds(world: World, later: float) -> dict[str, str]:
    return {"N": str(world.clock.now_ms() // 1000 + later)}


async def put(world: World, name: str, until: dict[str, Any]) -> None:
    await world.put({"id": {"S": name}, "until": until})


async def names(world: World) -> set[str]:
    page = await world.do("Scan", TableName="tab")
    return {item["id"]["S"] for item in page["Items"]}


async def test_items_are_deleted_after_their_time(table: World) -> None:
    await put(table, "before", seconds(table, -10))
    await put(table, "ancient", seconds(table, -6 * 365 * 24 * 3600))
    await put(table, "text", {"S": "0"})
    await set_expiry(table)
    assert await status(table) == {"TimeToLiveStatus": "ENABLING", "AttributeName": "until"}
    await put(table, "soon", seconds(table, 90.5))
    await put(table, "late", seconds(table, 1000))
    await put(table, "moved", seconds(table, 30))
    await put(table, "moved", seconds(table, 1000))
    assert "before" in await names(table)
    await table.work()
    table.clock.advance(60)
    await table.work()
    assert await status(table) == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    kept = {"ancient", "text", "late", "moved"}
    assert await names(table) == kept | {"soon"}
    table.clock.advance(61)
    await table.work()
    assert await names(table) == kept


async def test_what_expires_leaves_the_indexes_too(world: World) -> None:
    await world.make_table(
        "tab", kinds={"owner": "S"}, GlobalSecondaryIndexes=[index("owners", "owner")]
    )
    await set_expiry(world)
    await world.put({"id": {"S": "a"}, "owner": {"S": "o"}, "until": seconds(world, 5)})
    assert await world.count("entry") == 2
    await world.work()
    table = (await world.do("DescribeTable", TableName="tab"))["Table"]
    assert [found["IndexName"] for found in table["GlobalSecondaryIndexes"]] == ["owners"]
    world.clock.advance(61)
    await world.work()
    assert await world.count("entry") == 0


async def test_many_items_expire_at_once(table: World) -> None:
    await set_expiry(table)
    for number in range(205):
        await put(table, str(number), seconds(table, 1))
    await table.work()
    table.clock.advance(61)
    await table.work()
    assert await names(table) == set()


async def test_nothing_expires_any_more_once_it_is_disabled(table: World) -> None:
    await set_expiry(table)
    await put(table, "a", seconds(table, 5))
    refused = await table.refusal(
        "UpdateTimeToLive",
        TableName="tab",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"},
    )
    assert refused.message == "TimeToLive is already enabled"
    await set_expiry(table, enabled=False)
    assert await status(table) == {"TimeToLiveStatus": "DISABLED"}
    table.clock.advance(120)
    await table.work()
    assert await names(table) == {"a"}
    assert await table.count("entry") == 0
    assert [task for task in await table.tasks() if task.kind == "expire"] == []


async def test_an_item_that_was_given_more_time_meanwhile_stays(
    table: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_expiry(table)
    for name in ("renewed", "deleted", "gone"):
        await put(table, name, seconds(table, 5))
    await table.work()
    table.clock.advance(61)
    work = expiring.transact

    async def after_others(needs: Any, do: Any) -> Any:
        await put(table, "renewed", seconds(table, 500))
        await table.do("DeleteItem", TableName="tab", Key={"id": {"S": "deleted"}})
        return await work(needs, do)

    monkeypatch.setattr(expiring, "transact", after_others)
    await table.work()
    assert await names(table) == {"renewed"}
