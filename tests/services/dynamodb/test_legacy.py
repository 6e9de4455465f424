"""The parameters that expressions replaced, as older Kinesis Client Libraries send them."""

from typing import Any

import pytest

from tests.services.dynamodb.conftest import World

A = {"id": {"S": "a"}}
ITEM = {**A, "owner": {"S": "w1"}, "counter": {"N": "5"}, "tags": {"SS": ["x", "y"]}}


async def holds(world: World, expected: dict[str, Any], operator: str | None = None) -> bool:
    more = {"ConditionalOperator": operator} if operator else {}
    try:
        await world.do("PutItem", TableName="tab", Item=ITEM, Expected=expected, **more)
    except Exception as error:
        assert getattr(error, "code", "") == "ConditionalCheckFailedException"
        return False
    return True


def compared(operator: str, *values: dict[str, Any]) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


@pytest.mark.parametrize(
    ("expected", "held"),
    [
        ({"owner": {"Value": {"S": "w1"}}}, True),
        ({"owner": {"Value": {"S": "w1"}, "Exists": True}}, True),
        ({"owner": {"Value": {"S": "w2"}}}, False),
        ({"owner": {"Exists": False}}, False),
        ({"absent": {"Exists": False}}, True),
        ({"counter": compared("EQ", {"N": "5.0"})}, True),
        ({"counter": compared("NE", {"N": "5"})}, False),
        ({"absent": compared("NE", {"N": "5"})}, True),
        ({"counter": compared("LT", {"N": "6"})}, True),
        ({"counter": compared("GE", {"N": "6"})}, False),
        ({"counter": compared("BETWEEN", {"N": "5"}, {"N": "6"})}, True),
        ({"counter": compared("IN", {"N": "1"}, {"N": "5"})}, True),
        ({"owner": compared("BEGINS_WITH", {"S": "w"})}, True),
        ({"tags": compared("CONTAINS", {"S": "x"})}, True),
        ({"tags": compared("NOT_CONTAINS", {"S": "x"})}, False),
        ({"owner": {"ComparisonOperator": "NOT_NULL"}}, True),
        ({"owner": {"ComparisonOperator": "NULL"}}, False),
        ({"owner": {"ComparisonOperator": "EQ", "Value": {"S": "w1"}}}, True),
        ({"owner": {"Value": {"S": "w1"}}, "counter": {"Value": {"N": "6"}}}, False),
    ],
)
async def test_expected(table: World, expected: dict, held: bool) -> None:
    await table.put(ITEM)
    assert await holds(table, expected) is held


async def test_expectations_may_be_joined_by_or(table: World) -> None:
    await table.put(ITEM)
    expected = {"owner": {"Value": {"S": "w1"}}, "counter": {"Value": {"N": "6"}}}
    assert await holds(table, expected, "OR")
    assert not await holds(table, expected, "AND")


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ({}, "ConditionalOperator cannot be used without Filter or Expected"),
        ({"a": {"Exists": False}},
         "ConditionalOperator can only be used when Filter or Expected has two or more elements"),
        ({"a": {}, "b": {}}, "Value must be provided when Exists is null for Attribute: a"),
        ({"a": {"Exists": False, "Value": {"N": "1"}}, "b": {}},
         "Value cannot be used when Exists is false for Attribute: a"),
        ({"a": compared("EQ"), "b": {}},
         "Invalid number of argument(s) for the EQ ComparisonOperator"),
        ({"a": compared("LT", {"BOOL": True}), "b": {}},
         "ComparisonOperator LT is not valid for BOOL AttributeValue type"),
    ],
)  # fmt: skip
async def test_expectations_that_contradict_themselves(
    table: World, expected: dict, text: str
) -> None:
    refused = await table.refusal(
        "PutItem", TableName="tab", Item=ITEM, Expected=expected, ConditionalOperator="AND"
    )
    assert text in refused.message


@pytest.mark.parametrize(
    ("updates", "attribute", "value"),
    [
        ({"owner": {"Value": {"S": "w2"}, "Action": "PUT"}}, "owner", {"S": "w2"}),
        ({"owner": {"Value": {"S": "w2"}}}, "owner", {"S": "w2"}),
        ({"owner": {"Action": "DELETE"}}, "owner", None),
        ({"counter": {"Value": {"N": "2"}, "Action": "ADD"}}, "counter", {"N": "7"}),
        ({"fresh": {"Value": {"N": "2"}, "Action": "ADD"}}, "fresh", {"N": "2"}),
        ({"tags": {"Value": {"SS": ["z"]}, "Action": "ADD"}}, "tags", {"SS": ["x", "y", "z"]}),
        ({"tags": {"Value": {"SS": ["x"]}, "Action": "DELETE"}}, "tags", {"SS": ["y"]}),
        ({"l": {"Value": {"L": [{"N": "1"}]}, "Action": "ADD"}}, "l", {"L": [{"N": "1"}]}),
    ],
)
async def test_attribute_updates(table: World, updates: dict, attribute: str, value: Any) -> None:
    await table.put(ITEM)
    answer = await table.do(
        "UpdateItem", TableName="tab", Key=A, AttributeUpdates=updates, ReturnValues="ALL_NEW"
    )
    assert answer["Attributes"].get(attribute) == value


async def test_only_put_and_add_make_an_item(table: World) -> None:
    await table.do(
        "UpdateItem", TableName="tab", Key=A, AttributeUpdates={"x": {"Action": "DELETE"}}
    )
    assert await table.get(A) is None
    await table.do(
        "UpdateItem", TableName="tab", Key=A,
        AttributeUpdates={"x": {"Action": "ADD", "Value": {"N": "1"}}},
    )  # fmt: skip
    assert await table.get(A) == {**A, "x": {"N": "1"}}
    refused = await table.refusal(
        "UpdateItem", TableName="tab", Key=A, AttributeUpdates={"x": {"Action": "PUT"}}
    )
    assert "Only DELETE action is allowed when no attribute value is specified" in refused.message


async def test_key_conditions_and_filters(world: World) -> None:
    await world.make_table("tab", "id:S", "at:N")
    for number in range(5):
        owner = {"S": "even" if number % 2 == 0 else "odd"}
        await world.put({**A, "at": {"N": str(number)}, "owner": owner})
    found = await world.do(
        "Query",
        TableName="tab",
        KeyConditions={"id": compared("EQ", {"S": "a"}), "at": compared("GT", {"N": "0"})},
        QueryFilter={"owner": compared("EQ", {"S": "even"})},
        AttributesToGet=["at"],
    )
    assert found["Items"] == [{"at": {"N": "2"}}, {"at": {"N": "4"}}]
    scanned = await world.do(
        "Scan",
        TableName="tab",
        ScanFilter={"owner": compared("EQ", {"S": "odd"}), "at": compared("LT", {"N": "1"})},
        ConditionalOperator="OR",
    )
    assert scanned["Count"] == 3
    refused = await world.refusal(
        "Query", TableName="tab", KeyConditions={"id": compared("NE", {"S": "a"})}
    )
    assert "not an indexable operation" in refused.message
