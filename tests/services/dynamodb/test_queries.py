"""Query and Scan: order, bounds, filters, pages and segments."""

import random
from typing import Any

import pytest

from millpond.services.dynamodb.reading import PAGE_SIZE_BYTES_MAX
from tests.services.dynamodb.conftest import World, index


async def fill(world: World, partitions: int = 2, items: int = 6) -> None:
    """The table `tab` of `id`, `at`: numbers 0, 10, 20 … in each partition."""
    await world.make_table("tab", "id:S", "at:N")
    for partition in range(partitions):
        for number in range(items):
            at = {"id": {"S": f"p{partition}"}, "at": {"N": str(number * 10)}}
            await world.put({**at, "odd": {"BOOL": bool(number % 2)}, "v": {"S": "x" * number}})


async def query(world: World, condition: str, **more: Any) -> dict[str, Any]:
    values = {f":{name}": value for name, value in more.pop("values", {}).items()}
    return await world.do(
        "Query",
        TableName="tab",
        KeyConditionExpression=condition,
        ExpressionAttributeValues={":p": {"S": "p1"}, **values},
        **more,
    )


def numbers(page: dict[str, Any]) -> list[int]:
    return [int(item["at"]["N"]) for item in page["Items"]]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("", [0, 10, 20, 30, 40, 50]),
        (" AND at = :a", [20]),
        (" AND at < :a", [0, 10]),
        (" AND at <= :a", [0, 10, 20]),
        (" AND at > :a", [30, 40, 50]),
        (" AND at >= :a", [20, 30, 40, 50]),
        (" AND at BETWEEN :b AND :a", [10, 20]),
    ],
)
async def test_a_query_takes_a_range_of_one_partition(
    world: World, bound: str, expected: list[int]
) -> None:
    await fill(world)
    used = {name: value for name, value in {"a": "20", "b": "5"}.items() if f":{name}" in bound}
    values = {name: {"N": value} for name, value in used.items()}
    bound = bound.replace("at ", "#at ")
    names = {"ExpressionAttributeNames": {"#at": "at"}} if bound else {}
    page = await query(world, f"id = :p{bound}", values=values, **names)
    assert numbers(page) == expected
    back = await query(world, f"id = :p{bound}", values=values, ScanIndexForward=False, **names)
    assert numbers(back) == expected[::-1]
    assert "LastEvaluatedKey" not in page


@pytest.mark.parametrize("forward", [True, False])
async def test_pages_follow_one_another(world: World, forward: bool) -> None:
    await fill(world)
    found: list[int] = []
    more: dict[str, Any] = {}
    pages = 0
    while True:
        page = await query(world, "id = :p", Limit=2, ScanIndexForward=forward, **more)
        found += numbers(page)
        pages += 1
        if "LastEvaluatedKey" not in page:
            break
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == sorted(range(0, 60, 10), reverse=not forward)
    assert pages == 4
    assert page["Count"] == 0


async def test_a_filter_hides_but_does_not_spare(world: World) -> None:
    await fill(world)
    page = await query(
        world, "id = :p", values={"t": {"BOOL": True}}, FilterExpression="odd = :t", Limit=4
    )
    assert numbers(page) == [10, 30]
    assert (page["Count"], page["ScannedCount"]) == (2, 4)
    assert page["LastEvaluatedKey"] == {"id": {"S": "p1"}, "at": {"N": "30"}}


async def test_only_a_count_or_some_attributes(world: World) -> None:
    await fill(world)
    page = await query(world, "id = :p", Select="COUNT")
    assert page == {"Count": 6, "ScannedCount": 6}
    page = await query(world, "id = :p", ProjectionExpression="odd", Limit=1)
    assert page["Items"] == [{"odd": {"BOOL": False}}]


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in "
         "the request."),
        ({"KeyConditionExpression": "id = :p", "FilterExpression": "id = :p"}, "Filter Expression "
         "can only contain non-primary key attributes: Primary key attribute: id"),
        ({"KeyConditionExpression": "id = :p", "IndexName": "none"},
         "The table does not have the specified index: none"),
        ({"KeyConditionExpression": "id = :p", "ExclusiveStartKey": {"id": {"S": "p1"}}},
         "The provided starting key is invalid: The provided key element does not match the "
         "schema"),
        ({"KeyConditionExpression": "id = :p", "Select": "SPECIFIC_ATTRIBUTES"},
         "Must specify the AttributesToGet or ProjectionExpression"),
        ({"KeyConditionExpression": "id = :p", "ExclusiveStartKey": {"id": {"S": "p0"}, "at":
         {"N": "0"}}}, "The provided starting key is outside query boundaries based on provided "
         "conditions"),
    ],
)  # fmt: skip
async def test_queries_that_make_no_sense(world: World, members: dict, text: str) -> None:
    await fill(world, items=1)
    values = {"ExpressionAttributeValues": {":p": {"S": "p1"}}} if members else {}
    refused = await world.refusal("Query", TableName="tab", **members, **values)
    assert text in refused.message


async def test_a_page_ends_at_a_megabyte(table: World) -> None:
    for number in range(5):
        await table.put({"id": {"S": str(number)}, "v": {"S": "x" * 300_000}})
    page = await table.do("Scan", TableName="tab")
    assert page["Count"] == PAGE_SIZE_BYTES_MAX // 300_003
    rest = await table.do("Scan", TableName="tab", ExclusiveStartKey=page["LastEvaluatedKey"])
    assert rest["Count"] == 2
    assert "LastEvaluatedKey" not in rest
    ids = {item["id"]["S"] for item in page["Items"] + rest["Items"]}
    assert ids == set("01234")
    counted = await table.do(
        "Scan", TableName="tab", Select="COUNT", ReturnConsumedCapacity="TOTAL"
    )
    assert counted["Count"] == 3
    assert counted["ConsumedCapacity"]["CapacityUnits"] == 110.0


async def test_segments_share_the_items_out(table: World) -> None:
    every = {str(number) for number in range(60)}
    for number in sorted(every):
        await table.put({"id": {"S": number}})
    found: list[str] = []
    for segment in range(4):
        key: dict[str, Any] = {}
        while True:
            page = await table.do(
                "Scan", TableName="tab", TotalSegments=4, Segment=segment, Limit=5, **key
            )
            found += [item["id"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            key = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(found) == sorted(every)
    refused = await table.refusal("Scan", TableName="tab", Segment=4, TotalSegments=4)
    assert "must be less than parameter TotalSegments" in refused.message
    refused = await table.refusal("Scan", TableName="tab", Segment=4)
    assert "TotalSegments parameter is required" in refused.message


async def test_random_histories_agree_with_a_dict(world: World) -> None:
    """Puts, updates and deletes of few keys; the table and both its indexes tell the same."""
    by_owner = index("owners", "holder", "rank")
    by_rank = index("ranks", "id", "rank", projection="KEYS_ONLY")
    await world.make_table(
        "tab",
        "id:S",
        "at:B",
        kinds={"holder": "S", "rank": "N"},
        GlobalSecondaryIndexes=[by_owner],
        LocalSecondaryIndexes=[by_rank],
    )
    chance = random.Random(11)
    model: dict[tuple[str, bytes], dict[str, Any]] = {}
    for _ in range(250):
        id_, at = chance.choice("xyz"), bytes(chance.choices((0, 255), k=chance.randrange(1, 3)))
        key = {"id": {"S": id_}, "at": {"B": at}}
        item: dict[str, Any] = dict(key)
        if chance.random() < 0.7:
            item["holder"] = {"S": chance.choice("ab")}
        if chance.random() < 0.7:
            item["rank"] = {"N": str(chance.randrange(-3, 4))}
        match chance.randrange(3):
            case 0:
                await world.put(item)
                model[id_, at] = item
            case 1:
                await world.do("DeleteItem", TableName="tab", Key=key)
                model.pop((id_, at), None)
            case _:
                updates = {
                    name: {"Value": item[name], "Action": "PUT"} if name in item
                    else {"Action": "DELETE"}
                    for name in ("holder", "rank")
                }  # fmt: skip
                await world.do("UpdateItem", TableName="tab", Key=key, AttributeUpdates=updates)
                if (id_, at) in model or len(item) > 2:
                    model[id_, at] = item
    assert len(model) > 5
    for id_ in "xyz":
        page = await world.do(
            "Query", TableName="tab", KeyConditionExpression="id = :i",
            ExpressionAttributeValues={":i": {"S": id_}},
        )  # fmt: skip
        assert page["Items"] == [model[key] for key in sorted(model) if key[0] == id_]
    for owner in "ab":
        page = await world.do(
            "Query", TableName="tab", IndexName="owners", KeyConditionExpression="holder = :o",
            ExpressionAttributeValues={":o": {"S": owner}},
        )  # fmt: skip
        expected = [
            item for item in model.values() if item.get("holder") == {"S": owner} and "rank" in item
        ]
        ranks = [int(item["rank"]["N"]) for item in page["Items"]]
        assert ranks == sorted(ranks)
        assert sorted(page["Items"], key=repr) == sorted(expected, key=repr)
    scanned = await world.do("Scan", TableName="tab", IndexName="ranks")
    assert scanned["Count"] == sum("rank" in item for item in model.values())
    assert all("holder" not in item for item in scanned["Items"])
