"""Items: what is put, got, updated and deleted, and what is refused."""

from typing import Any

import pytest

from tests.services.dynamodb.conftest import World

A = {"id": {"S": "a"}}


async def test_every_type_comes_back_as_it_was_put(table: World) -> None:
    item = {
        "id": {"S": "a"},
        "n": {"N": "-1.5"},
        "b": {"B": b"\x00\xff"},
        "empty": {"S": ""},
        "yes": {"BOOL": True},
        "no": {"BOOL": False},
        "nil": {"NULL": True},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["-1", "2", "10"]},
        "bs": {"BS": [b"\x00", b"a"]},
        "l": {"L": [{"S": "x"}, {"L": []}]},
        "m": {"M": {"deep": {"M": {"é": {"N": "0"}}}}},
    }
    await table.put(item)
    assert await table.get(A) == item


async def test_numbers_and_sets_are_kept_in_one_spelling(table: World) -> None:
    await table.put({**A, "n": {"N": "1.50e2"}, "ns": {"NS": ["3", "1.0", "20"]}})
    found = await table.get(A)
    assert found == {**A, "n": {"N": "150"}, "ns": {"NS": ["1", "3", "20"]}}


async def test_numeric_keys_are_equal_when_the_numbers_are(world: World) -> None:
    await world.make_table("tab", "id:N", "at:N")
    await world.put({"id": {"N": "1.0"}, "at": {"N": "1e1"}})
    assert await world.get({"id": {"N": "1"}, "at": {"N": "10.00"}}) is not None


async def test_a_missing_item_is_no_item(table: World) -> None:
    assert await table.do("GetItem", TableName="tab", Key=A) == {}
    assert await table.do("DeleteItem", TableName="tab", Key=A, ReturnValues="ALL_OLD") == {}


async def test_parts_of_an_item_are_got(table: World) -> None:
    value = {"L": [{"N": "0"}, {"M": {"x": {"S": "y"}, "z": {"S": "w"}}}]}
    await table.put({**A, "l": value, "name": {"S": "n"}, "other": {"S": "o"}})
    found = await table.do(
        "GetItem",
        TableName="tab",
        Key=A,
        ProjectionExpression="#n, l[1].x, absent",
        ExpressionAttributeNames={"#n": "name"},
    )
    assert found["Item"] == {"name": {"S": "n"}, "l": {"L": [{"M": {"x": {"S": "y"}}}]}}
    found = await table.do("GetItem", TableName="tab", Key=A, AttributesToGet=["other", "no"])
    assert found["Item"] == {"other": {"S": "o"}}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"x": {"S": "a"}}, "One or more parameter values were invalid: Missing the key id in the "
         "item"),
        ({"id": {"N": "1"}}, "One or more parameter values were invalid: Type mismatch for key id "
         "expected: S actual: N"),
        ({"id": {"S": ""}}, "One or more parameter values are not valid. The AttributeValue for a "
         "key attribute cannot contain an empty string value. Key: id"),
        ({"id": {"S": "x" * 2049}}, "One or more parameter values were invalid: Size of hashkey "
         "has exceeded the maximum size limit of2048 bytes"),
        ({**A, "x": {}}, "Supplied AttributeValue is empty, must contain exactly one of the "
         "supported datatypes"),
        ({**A, "x": {"S": "a", "N": "1"}}, "Supplied AttributeValue has more than one datatypes "
         "set, must contain exactly one of the supported datatypes"),
        ({**A, "x": {"N": "one"}}, "The parameter cannot be converted to a numeric value: one"),
        ({**A, "x": {"SS": []}}, "One or more parameter values were invalid: An string set  may "
         "not be empty"),
        ({**A, "x": {"SS": ["a", "a"]}}, "One or more parameter values were invalid: Input "
         "collection [a, a] contains duplicates."),
        ({**A, "x": {"NS": ["1", "1.0"]}}, "Input collection contains duplicates"),
        ({**A, "x": {"NULL": False}}, "One or more parameter values were invalid: Null attribute "
         "value types must have the value of true"),
        ({**A, "x": {"S": "x" * 410_000}}, "Item size has exceeded the maximum allowed size"),
    ],
)  # fmt: skip
async def test_what_is_no_item_is_refused(table: World, item: dict, text: str) -> None:
    refused = await table.refusal("PutItem", TableName="tab", Item=item)
    assert (refused.code, refused.message) == ("ValidationException", text)


async def test_nesting_has_an_end(table: World) -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {"S": "x"}
        for _ in range(levels):
            value = {"L": [value]}
        return value

    await table.put({**A, "x": nested(32)})
    refused = await table.refusal("PutItem", TableName="tab", Item={**A, "x": nested(33)})
    assert "Nesting Levels have exceeded supported limits" in refused.message
    refused = await table.refusal(
        "UpdateItem",
        TableName="tab",
        Key=A,
        UpdateExpression="SET x[0] = :v",
        ExpressionAttributeValues={":v": nested(32)},
    )
    assert "Nesting Levels" in refused.message


async def test_an_item_of_400_kilobytes_fits(table: World) -> None:
    room = 400 * 1024 - len("id") - len("a") - len("x")
    await table.put({**A, "x": {"S": "v" * room}})
    refused = await table.refusal(
        "UpdateItem", TableName="tab", Key=A, UpdateExpression="SET y = :v",
        ExpressionAttributeValues={":v": {"BOOL": True}},
    )  # fmt: skip
    assert refused.message == "Item size to update has exceeded the maximum allowed size"


async def test_keys_of_the_longest_size_work(world: World) -> None:
    await world.make_table("tab", "id:S", "at:S")
    for last in "ab":
        await world.put({"id": {"S": "p" * 2048}, "at": {"S": "\x00" * 1023 + last}})
    found = await world.do(
        "Query",
        TableName="tab",
        KeyConditionExpression="id = :p",
        ExpressionAttributeValues={":p": {"S": "p" * 2048}},
    )
    assert [item["at"]["S"][-1] for item in found["Items"]] == ["a", "b"]
    key = {"id": {"S": "p"}, "at": {"S": "x" * 1025}}
    refused = await world.refusal("GetItem", TableName="tab", Key=key)
    assert "size limit of 1024 bytes" in refused.message


@pytest.mark.parametrize("key", [{}, {"x": {"S": "a"}}, {**A, "x": {"S": "a"}}, {"id": {"N": "1"}}])
async def test_a_key_that_is_not_the_tables_is_refused(table: World, key: dict) -> None:
    for operation in ("GetItem", "DeleteItem", "UpdateItem"):
        refused = await table.refusal(operation, TableName="tab", Key=key)
        assert refused.message == "The provided key element does not match the schema"


async def test_conditions_decide_and_show_the_item(table: World) -> None:
    once = {"ConditionExpression": "attribute_not_exists(id)"}
    await table.put({**A, "v": {"N": "1"}}, **once)
    refused = await table.refusal("PutItem", TableName="tab", Item=A, **once)
    assert refused.code == "ConditionalCheckFailedException"
    assert refused.message == "The conditional request failed"
    assert not refused.members
    refused = await table.refusal(
        "DeleteItem",
        TableName="tab",
        Key=A,
        ConditionExpression="v = :v",
        ExpressionAttributeValues={":v": {"N": "2"}},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    assert refused.members["Item"]["v"].n == "1"  # type: ignore[attr-defined]
    assert await table.get(A) == {**A, "v": {"N": "1"}}


async def test_a_condition_on_what_is_not_there(table: World) -> None:
    refused = await table.refusal(
        "UpdateItem", TableName="tab", Key=A, ConditionExpression="attribute_exists(id)"
    )
    assert refused.code == "ConditionalCheckFailedException"
    assert await table.get(A) is None


async def test_an_update_makes_an_item(table: World) -> None:
    await table.update("ADD n :1", values={"1": {"N": "1"}})
    assert await table.get(A) == {**A, "n": {"N": "1"}}
    await table.do("UpdateItem", TableName="tab", Key={"id": {"S": "bare"}})
    assert await table.get({"id": {"S": "bare"}}) == {"id": {"S": "bare"}}


@pytest.mark.parametrize(
    ("wanted", "attributes"),
    [
        ("NONE", None),
        ("ALL_OLD", {**A, "n": {"N": "1"}, "m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}}),
        ("UPDATED_OLD", {"n": {"N": "1"}, "m": {"M": {"x": {"N": "1"}}}}),
        ("ALL_NEW", {**A, "n": {"N": "2"}, "m": {"M": {"x": {"N": "5"}, "y": {"N": "2"}}},
                     "new": {"N": "5"}}),
        ("UPDATED_NEW", {"n": {"N": "2"}, "m": {"M": {"x": {"N": "5"}}}, "new": {"N": "5"}}),
    ],
)  # fmt: skip
async def test_return_values(table: World, wanted: str, attributes: dict | None) -> None:
    await table.put({**A, "n": {"N": "1"}, "m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}})
    values = {"1": {"N": "1"}, "5": {"N": "5"}}
    text = "SET n = n + :1, m.x = :5, #new = :5"
    answer = await table.update(
        text, values=values, ReturnValues=wanted, ExpressionAttributeNames={"#new": "new"}
    )
    assert answer.get("Attributes") == attributes


async def test_put_and_delete_return_only_the_old(table: World) -> None:
    assert await table.put(A, ReturnValues="ALL_OLD") == {}
    assert (await table.put(A, ReturnValues="ALL_OLD"))["Attributes"] == A
    refused = await table.refusal("PutItem", TableName="tab", Item=A, ReturnValues="ALL_NEW")
    assert refused.message == "Return values set to invalid value"


async def test_keys_cannot_be_updated(table: World) -> None:
    refused = await table.refusal(
        "UpdateItem", TableName="tab", Key=A, UpdateExpression="SET id = :v",
        ExpressionAttributeValues={":v": {"S": "b"}},
    )  # fmt: skip
    assert refused.message == (
        "One or more parameter values were invalid: Cannot update attribute id. "
        "This attribute is part of the key"
    )


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"AttributeUpdates": {}, "UpdateExpression": "REMOVE a"}, "Can not use both expression "
         "and non-expression parameters in the same request: Non-expression parameters: "
         "{AttributeUpdates} Expression parameters: {UpdateExpression}"),
        ({"ExpressionAttributeNames": {"#a": "a"}},
         "ExpressionAttributeNames can only be specified when using expressions"),
        ({"ExpressionAttributeValues": {":a": {"S": "a"}}},
         "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression "
         "and ConditionExpression are null"),
        ({"UpdateExpression": "REMOVE a", "ExpressionAttributeNames": {"#a": "a"}},
         "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"),
    ],
)  # fmt: skip
async def test_parameters_that_do_not_go_together(table: World, members: dict, text: str) -> None:
    refused = await table.refusal("UpdateItem", TableName="tab", Key=A, **members)
    assert refused.message == text


async def test_capacity_is_told_by_size(table: World) -> None:
    big = {**A, "x": {"S": "v" * 5000}}
    put = await table.put(big, ReturnConsumedCapacity="TOTAL")
    assert put["ConsumedCapacity"] == {"TableName": "tab", "CapacityUnits": 5.0}
    for consistent, units in ((False, 1.0), (True, 2.0)):
        got = await table.do(
            "GetItem", TableName="tab", Key=A, ConsistentRead=consistent,
            ReturnConsumedCapacity="INDEXES",
        )  # fmt: skip
        assert got["ConsumedCapacity"] == {
            "TableName": "tab",
            "CapacityUnits": units,
            "Table": {"CapacityUnits": units},
        }
    smaller = await table.put(A, ReturnConsumedCapacity="TOTAL")
    assert smaller["ConsumedCapacity"]["CapacityUnits"] == 5.0


async def test_a_lock_is_held_by_one_as_terraform_holds_it(world: World) -> None:
    await world.make_table("locks", "LockID:S")
    lock = {"LockID": {"S": "bucket/state"}, "Info": {"S": '{"Who":"ann"}'}}
    free = {"TableName": "locks", "ConditionExpression": "attribute_not_exists(LockID)"}
    await world.do("PutItem", Item=lock, **free)
    refused = await world.refusal("PutItem", Item=lock, **free)
    assert refused.code == "ConditionalCheckFailedException"
    key = {"LockID": lock["LockID"]}
    found = await world.do(
        "GetItem",
        TableName="locks",
        Key=key,
        ProjectionExpression="LockID, Info",
        ConsistentRead=True,
    )
    assert found["Item"] == lock
    await world.do("DeleteItem", TableName="locks", Key=key)
    await world.do("PutItem", Item=lock, **free)
