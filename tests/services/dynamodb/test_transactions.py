"""Transactions and batches."""

from typing import Any

import pytest

from millpond.kernel.tasks import schedule
from millpond.services.dynamodb import tasks
from tests.services.dynamodb.conftest import World
from tests.services.world import Wake

A, B, C = ({"id": {"S": name}} for name in "abc")


def put(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "tab", "Item": item, **more}}


def update(key: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
    members = {"TableName": "tab", "Key": key, "UpdateExpression": text}
    return {"Update": {**members, "ExpressionAttributeValues": {":1": {"N": "1"}}, **more}}


async def test_all_parts_are_done(table: World) -> None:
    await table.put(B)
    await table.put(C)
    answer = await table.do(
        "TransactWriteItems",
        TransactItems=[
            put(A, ConditionExpression="attribute_not_exists(id)"),
            update(B, "ADD n :1"),
            {"Delete": {"TableName": "tab", "Key": C}},
            {
                "ConditionCheck": {
                    "TableName": "tab",
                    "Key": {"id": {"S": "none"}},
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["ConsumedCapacity"] == [
        {"TableName": "tab", "CapacityUnits": 8.0, "WriteCapacityUnits": 8.0}
    ]
    assert await table.get(A) == A
    assert await table.get(B) == {**B, "n": {"N": "1"}}
    assert await table.get(C) is None


async def test_one_failure_cancels_all_and_each_reason_stands_in_its_place(table: World) -> None:
    await table.put({**B, "v": {"S": "kept"}})
    refused = await table.refusal(
        "TransactWriteItems",
        TransactItems=[
            put(A),
            put(
                B,
                ConditionExpression="attribute_not_exists(id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
            update(C, "SET a.b = :1"),
        ],
    )
    assert refused.code == "TransactionCanceledException"
    assert refused.message == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ValidationError]"
    )
    reasons: Any = refused.members["CancellationReasons"]
    assert reasons[0] == {"Code": "None"}
    assert reasons[1]["Message"] == "The conditional request failed"
    assert reasons[1]["Item"]["v"].s == "kept"
    assert "invalid for update" in reasons[2]["Message"]
    assert await table.get(A) is None


async def test_an_item_stands_in_a_transaction_once(table: World) -> None:
    refused = await table.refusal("TransactWriteItems", TransactItems=[put(A), put(A)])
    assert refused.message == "Transaction request cannot include multiple operations on one item"
    get = {"Get": {"TableName": "tab", "Key": A}}
    refused = await table.refusal("TransactGetItems", TransactItems=[get, get])
    assert refused.message == "Transaction request cannot include multiple operations on one item"


async def test_a_token_does_its_request_once_within_ten_minutes(table: World) -> None:
    once = {"TransactItems": [update(A, "ADD n :1")], "ClientRequestToken": "token"}
    for spelling in ("1", "1.0", "1"):
        values = {":1": {"N": spelling}}
        items = [update(A, "ADD n :1", ExpressionAttributeValues=values)]
        answer = await table.do(
            "TransactWriteItems",
            **(once | {"TransactItems": items}),
            ReturnConsumedCapacity="TOTAL",
        )
    assert answer["ConsumedCapacity"][0]["ReadCapacityUnits"] == 2.0
    assert await table.get(A) == {**A, "n": {"N": "1"}}
    refused = await table.refusal(
        "TransactWriteItems", TransactItems=[put(A)], ClientRequestToken="token"
    )
    assert refused.code == "IdempotentParameterMismatchException"
    table.clock.advance(601)
    await table.do("TransactWriteItems", **once)
    assert await table.get(A) == {**A, "n": {"N": "2"}}


async def test_old_tokens_are_forgotten(table: World) -> None:
    async with table.records.transaction() as transaction:
        for task in tasks.TASKS_AT_START:
            schedule(transaction, task)
    for token in ("one", "two"):
        await table.do("TransactWriteItems", TransactItems=[put(A)], ClientRequestToken=token)
        table.clock.advance(400)
    await table.work()
    assert await table.count("token") == 1


async def test_items_are_read_at_one_moment(table: World) -> None:
    await table.put({**A, "x": {"N": "1"}, "y": {"N": "2"}})
    answer = await table.do(
        "TransactGetItems",
        TransactItems=[
            {"Get": {"TableName": "tab", "Key": A, "ProjectionExpression": "x"}},
            {"Get": {"TableName": "tab", "Key": B}},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == [{"Item": {"x": {"N": "1"}}}, {}]
    assert answer["ConsumedCapacity"][0]["ReadCapacityUnits"] == 4.0


async def test_a_batch_writes_and_reads(table: World) -> None:
    writes: list[dict[str, Any]] = [
        {"PutRequest": {"Item": {"id": {"S": str(number)}}}} for number in range(24)
    ]
    await table.put(A)
    writes.append({"DeleteRequest": {"Key": A}})
    answer = await table.do("BatchWriteItem", RequestItems={"tab": writes})
    assert answer == {"UnprocessedItems": {}}
    keys = [{"id": {"S": str(number)}} for number in range(30)]
    answer = await table.do("BatchGetItem", RequestItems={"tab": {"Keys": [*keys, A]}})
    assert sorted(int(item["id"]["S"]) for item in answer["Responses"]["tab"]) == list(range(24))
    assert answer["UnprocessedKeys"] == {}


async def test_batches_have_bounds(table: World) -> None:
    writes = {"tab": [{"PutRequest": {"Item": A}}, {"DeleteRequest": {"Key": A}}]}
    refused = await table.refusal("BatchWriteItem", RequestItems=writes)
    assert refused.message == "Provided list of item keys contains duplicates"
    refused = await table.refusal("BatchGetItem", RequestItems={"tab": {"Keys": [A, A]}})
    assert refused.message == "Provided list of item keys contains duplicates"
    await table.make_table("other")
    keys = [{"id": {"S": str(number)}} for number in range(60)]
    both = {"tab": {"Keys": keys}, "other": {"Keys": keys}}
    refused = await table.refusal("BatchGetItem", RequestItems=both)
    assert refused.message == "Too many items requested for the BatchGetItem call"
    one = {"tab": [{"PutRequest": {"Item": A}, "DeleteRequest": {"Key": B}}]}
    assert "exactly one" in (await table.refusal("BatchWriteItem", RequestItems=one)).message


async def test_what_goes_beyond_16_megabytes_is_left_to_another_call(table: World) -> None:
    keys = [{"id": {"S": f"{number:02}"}} for number in range(50)]
    for key in keys:
        await table.put({**key, "v": {"S": "x" * 400_000}})
    answer = await table.do(
        "BatchGetItem", RequestItems={"tab": {"Keys": keys, "ProjectionExpression": "id"}}
    )
    assert len(answer["Responses"]["tab"]) == 16 * 1024 * 1024 // 400_005
    left = answer["UnprocessedKeys"]["tab"]
    assert left["ProjectionExpression"] == "id"
    rest = await table.do("BatchGetItem", RequestItems=answer["UnprocessedKeys"])
    assert answer["Responses"]["tab"] + rest["Responses"]["tab"] == keys
    assert rest["UnprocessedKeys"] == {}


async def test_a_token_that_was_used_again_meanwhile_is_kept(
    table: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {"TransactItems": [put(A)], "ClientRequestToken": "token"}
    await table.do("TransactWriteItems", **members)
    table.clock.advance(700)
    work = tasks.transact

    async def after_others(needs: Any, do: Any) -> Any:
        await table.do("TransactWriteItems", **members)
        return await work(needs, do)

    monkeypatch.setattr(tasks, "transact", after_others)
    await tasks.forget_tokens(table.needs, tasks.TASKS_AT_START[0], Wake())
    assert await table.count("token") == 1
