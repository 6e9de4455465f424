"""Secondary indexes: what is in them, how they follow the items, and how new ones are filled."""

from typing import Any

import pytest

from millpond.services.dynamodb import filling
from tests.services.dynamodb.conftest import World, definitions, index
from tests.services.world import Wake


async def lease_table(world: World, *indexes: dict[str, Any]) -> None:
    await world.make_table(
        "tab",
        "leaseKey:S",
        kinds={"leaseOwner": "S"} if indexes else {},
        **({"GlobalSecondaryIndexes": list(indexes)} if indexes else {}),
    )


async def put(world: World, key: str, owner: str | None, **more: Any) -> None:
    item = {"leaseKey": {"S": key}, **more}
    if owner is not None:
        item["leaseOwner"] = {"S": owner}
    await world.put(item)


async def owned(world: World, owner: str, **more: Any) -> list[dict[str, Any]]:
    page = await world.do(
        "Query",
        TableName="tab",
        IndexName="owners",
        KeyConditionExpression="leaseOwner = :o",
        ExpressionAttributeValues={":o": {"S": owner}},
        **more,
    )
    return page["Items"]


OWNERS = index("owners", "leaseOwner", "leaseKey", projection="KEYS_ONLY")
CREATE = {
    "TableName": "tab",
    "AttributeDefinitions": definitions({"leaseKey": "S", "leaseOwner": "S"}),
    "GlobalSecondaryIndexUpdates": [{"Create": OWNERS}],
}


async def test_an_index_is_sparse_and_follows(world: World) -> None:
    await lease_table(world, OWNERS)
    await put(world, "s1", "ann", counter={"N": "1"})
    await put(world, "s2", None)
    keys = {"leaseKey": {"S": "s1"}, "leaseOwner": {"S": "ann"}}
    assert await owned(world, "ann") == [keys]
    await put(world, "s1", "bob")
    assert await owned(world, "ann") == []
    assert await owned(world, "bob") == [keys | {"leaseOwner": {"S": "bob"}}]
    await world.update("REMOVE leaseOwner", key={"leaseKey": {"S": "s1"}})
    assert await owned(world, "bob") == []
    assert await world.count("entry") == 0


@pytest.mark.parametrize(
    ("projection", "include", "names"),
    [
        ("KEYS_ONLY", None, {"leaseKey", "leaseOwner"}),
        ("INCLUDE", ["a"], {"leaseKey", "leaseOwner", "a"}),
        ("ALL", None, {"leaseKey", "leaseOwner", "a", "b"}),
    ],
)
async def test_projections(
    world: World, projection: str, include: list[str] | None, names: set[str]
) -> None:
    await lease_table(world, index("owners", "leaseOwner", projection=projection, include=include))
    await put(world, "s1", "ann", a={"S": "1"}, b={"S": "2"})
    assert set((await owned(world, "ann"))[0]) == names
    await world.update("SET a = :n", key={"leaseKey": {"S": "s1"}}, values={"n": {"S": "new"}})
    found = (await owned(world, "ann"))[0]
    assert found.get("a") == ({"S": "new"} if "a" in names else None)


async def test_a_new_index_is_filled_in_the_background(world: World) -> None:
    await lease_table(world)
    for number in range(230):
        await put(world, f"s{number:03}", "ann" if number % 2 else None)
    made = (await world.do("UpdateTable", **CREATE))["TableDescription"]
    assert made["TableStatus"] == "UPDATING"
    shown = made["GlobalSecondaryIndexes"][0]
    assert (shown["IndexStatus"], shown["Backfilling"]) == ("CREATING", True)
    refused = await world.refusal(
        "Query", TableName="tab", IndexName="owners", KeyConditionExpression="leaseOwner = :o",
        ExpressionAttributeValues={":o": {"S": "ann"}},
    )  # fmt: skip
    assert "Cannot read from backfilling global secondary index" in refused.message
    await put(world, "s000", "ann")
    await put(world, "s001", None)
    await world.work()
    described = (await world.do("DescribeTable", TableName="tab"))["Table"]
    assert described["TableStatus"] == "ACTIVE"
    shown = described["GlobalSecondaryIndexes"][0]
    assert (shown["IndexStatus"], shown["ItemCount"]) == ("ACTIVE", 115)
    assert "Backfilling" not in shown
    assert await world.count("filling") == 0
    found = [item["leaseKey"]["S"] for item in await owned(world, "ann")]
    assert found == ["s000"] + [f"s{number:03}" for number in range(3, 230, 2)]


async def test_filling_goes_on_where_it_was_cut_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millpond.services.dynamodb.filling.FILLED_AT_ONCE", 4)
    await lease_table(world)
    for number in range(10):
        await put(world, f"s{number}", "ann")
    await world.do("UpdateTable", **CREATE)
    await world.work(Wake(stopping=True))
    assert await world.count("entry") == 0

    class OneRound(Wake):
        rounds = 0

        @property
        def stopping(self) -> bool:
            self.rounds += 1
            return self.rounds > 1

        @stopping.setter
        def stopping(self, value: bool) -> None:
            pass

    await world.work(OneRound())
    assert await world.count("entry") == 4
    await world.work()
    assert len(await owned(world, "ann")) == 10


async def test_filling_does_not_undo_what_a_writer_does_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lease_table(world)
    await put(world, "s1", "ann")
    await world.do("UpdateTable", **CREATE)
    races = 0
    work = filling.transact

    async def racing(needs: Any, do: Any) -> Any:
        async def slow(transaction: Any) -> Any:
            answer = await do(transaction)
            nonlocal races
            races += 1
            if races == 1:
                await put(world, "s1", "bob")
            return answer

        return await work(needs, slow)

    monkeypatch.setattr(filling, "transact", racing)
    await world.work()
    assert races == 2
    assert await owned(world, "ann") == []
    assert len(await owned(world, "bob")) == 1


async def test_an_index_is_deleted_and_made_again(world: World) -> None:
    await lease_table(world, OWNERS)
    await put(world, "s1", "ann")
    update = {"Delete": {"IndexName": "owners"}}
    await world.do("UpdateTable", TableName="tab", GlobalSecondaryIndexUpdates=[update])
    described = (await world.do("DescribeTable", TableName="tab"))["Table"]
    assert "GlobalSecondaryIndexes" not in described
    assert described["AttributeDefinitions"] == definitions({"leaseKey": "S"})
    await world.do("UpdateTable", **CREATE)
    await world.work()
    assert await world.count("entry") == 1
    assert len(await owned(world, "ann")) == 1


@pytest.mark.parametrize(
    ("updates", "code", "text"),
    [
        ([{"Delete": {"IndexName": "none"}}], "ResourceNotFoundException",
         "The table does not have the specified index: none"),
        ([{"Create": OWNERS}], "ValidationException",
         "Attempting to create an index which already exists"),
        ([{"Create": {**OWNERS, "IndexName": "one"}}, {"Create": {**OWNERS, "IndexName": "two"}}],
         "LimitExceededException", "Only 1 online index can be created or deleted simultaneously"),
        ([{}], "ValidationException", "must not be null"),
    ],
)  # fmt: skip
async def test_index_updates_that_are_refused(
    world: World, updates: list, code: str, text: str
) -> None:
    await lease_table(world, OWNERS)
    members = {**CREATE, "GlobalSecondaryIndexUpdates": updates}
    refused = await world.refusal("UpdateTable", **members)
    assert refused.code == code
    assert text in refused.message


async def test_one_index_is_made_at_a_time(world: World) -> None:
    await lease_table(world)
    await world.do("UpdateTable", **CREATE)
    other = {**CREATE, "GlobalSecondaryIndexUpdates": [{"Create": {**OWNERS, "IndexName": "two"}}]}
    refused = await world.refusal("UpdateTable", **other)
    assert refused.code == "ResourceInUseException"
    assert "Table is being updated: tab" in refused.message


async def test_index_keys_of_the_wrong_type_are_refused(world: World) -> None:
    await lease_table(world, OWNERS)
    item = {"leaseKey": {"S": "s"}, "leaseOwner": {"N": "1"}}
    refused = await world.refusal("PutItem", TableName="tab", Item=item)
    assert refused.message == (
        "One or more parameter values were invalid: Type mismatch for Index Key leaseOwner "
        "Expected: S Actual: N IndexName: owners"
    )
    item["leaseOwner"] = {"S": ""}
    refused = await world.refusal("PutItem", TableName="tab", Item=item)
    assert "IndexName: owners, IndexKey: leaseOwner" in refused.message


async def test_what_an_index_cannot_answer(world: World) -> None:
    await lease_table(world, OWNERS)
    base = {
        "TableName": "tab",
        "IndexName": "owners",
        "KeyConditionExpression": "leaseOwner = :o",
        "ExpressionAttributeValues": {":o": {"S": "ann"}},
    }
    for members, text in (
        ({"ConsistentRead": True}, "Consistent reads are not supported on global secondary"),
        ({"Select": "ALL_ATTRIBUTES"}, "because its projection type is not ALL"),
        ({"ProjectionExpression": "a"}, "Global secondary index owners does not project [a]"),
    ):
        assert text in (await world.refusal("Query", **base, **members)).message


async def test_pages_of_equal_index_keys_lose_nothing(world: World) -> None:
    await lease_table(world, index("owners", "leaseOwner"))
    for number in range(7):
        await put(world, f"s{number}", "ann")
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        page = await world.do(
            "Query", TableName="tab", IndexName="owners", Limit=2,
            KeyConditionExpression="leaseOwner = :o",
            ExpressionAttributeValues={":o": {"S": "ann"}}, **more,
        )  # fmt: skip
        found += [item["leaseKey"]["S"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        assert set(page["LastEvaluatedKey"]) == {"leaseKey", "leaseOwner"}
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(found) == [f"s{number}" for number in range(7)]


async def test_a_local_index_reads_whole_items_where_asked(world: World) -> None:
    await world.make_table(
        "tab", "id:S", "at:N", kinds={"rank": "N"},
        LocalSecondaryIndexes=[index("ranks", "id", "rank", projection="KEYS_ONLY")],
    )  # fmt: skip
    for at, rank in ((1, 9), (2, 5), (3, 7)):
        await world.put(
            {"id": {"S": "a"}, "at": {"N": str(at)}, "rank": {"N": str(rank)}, "v": {"S": "x"}}
        )
    query = {
        "TableName": "tab",
        "IndexName": "ranks",
        "KeyConditionExpression": "id = :i AND #r > :r",
        "ExpressionAttributeNames": {"#r": "rank"},
        "ExpressionAttributeValues": {":i": {"S": "a"}, ":r": {"N": "5"}},
        "ConsistentRead": True,
    }
    found = await world.do("Query", **query)
    assert [item["at"]["N"] for item in found["Items"]] == ["3", "1"]
    assert "v" not in found["Items"][0]
    whole = await world.do(
        "Query", **query, Select="ALL_ATTRIBUTES", ReturnConsumedCapacity="INDEXES"
    )
    assert [item["v"]["S"] for item in whole["Items"]] == ["x", "x"]
    assert whole["ConsumedCapacity"]["Table"]["CapacityUnits"] == 2.0
    assert whole["ConsumedCapacity"]["LocalSecondaryIndexes"]["ranks"]["CapacityUnits"] == 1.0


async def test_index_writes_take_capacity(world: World) -> None:
    await lease_table(world, OWNERS)

    async def units(owner: str | None, **more: Any) -> float:
        item: dict[str, Any] = {"leaseKey": {"S": "s"}, **more}
        if owner:
            item["leaseOwner"] = {"S": owner}
        answer = await world.put(item, ReturnConsumedCapacity="INDEXES")
        indexes = answer["ConsumedCapacity"].get("GlobalSecondaryIndexes", {})
        return indexes.get("owners", {}).get("CapacityUnits", 0.0)

    assert await units("ann") == 1.0
    assert await units("ann", counter={"N": "1"}) == 0.0
    assert await units("bob") == 2.0
    assert await units(None) == 1.0
