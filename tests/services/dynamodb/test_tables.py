"""Tables: what is made, shown, changed and removed."""

import pytest

from tests.services.dynamodb.conftest import World, definitions, index, schema


async def describe(world: World, name: str = "tab") -> dict:
    return (await world.do("DescribeTable", TableName=name))["Table"]


async def test_a_table_is_active_at_once_and_described(world: World) -> None:
    made = await world.do(
        "CreateTable",
        TableName="orders",
        KeySchema=schema("customer", "placed"),
        AttributeDefinitions=definitions({"customer": "S", "placed": "N"}),
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        Tags=[{"Key": "team", "Value": "shop"}],
        DeletionProtectionEnabled=True,
    )
    shown = await describe(world, "orders")
    assert shown == made["TableDescription"]
    assert shown["TableStatus"] == "ACTIVE"
    assert shown["KeySchema"] == schema("customer", "placed")
    assert shown["TableArn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
    assert shown["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    assert shown["DeletionProtectionEnabled"] is True
    assert "BillingModeSummary" not in shown
    tags = await world.do("ListTagsOfResource", ResourceArn=shown["TableArn"])
    assert tags["Tags"] == [{"Key": "team", "Value": "shop"}]


async def test_a_table_name_is_taken_once(table: World) -> None:
    refused = await table.refusal(
        "CreateTable",
        TableName="tab",
        KeySchema=schema("id"),
        AttributeDefinitions=definitions({"id": "S"}),
        BillingMode="PAY_PER_REQUEST",
    )
    assert (refused.code, refused.message) == (
        "ResourceInUseException",
        "Table already exists: tab",
    )


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"KeySchema": schema("x")}, "Some index key attributes are not defined in "
         "AttributeDefinitions. Keys: [x], AttributeDefinitions: [id]"),
        ({"AttributeDefinitions": definitions({"id": "S", "y": "S"})},
         "Some AttributeDefinitions are not used."),
        ({"BillingMode": "PROVISIONED"}, "ReadCapacityUnits and WriteCapacityUnits must both be "
         "specified when BillingMode is PROVISIONED"),
        ({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
         "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified"),
        ({"GlobalSecondaryIndexes": [index("byo", "id"), index("byo", "id")]},
         "Duplicate index name: byo"),
        ({"GlobalSecondaryIndexes": [index("byo", "id", projection="INCLUDE")]},
         "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"),
        ({"LocalSecondaryIndexes": [index("byo", "id")]},
         "Table KeySchema does not have a range key"),
        ({"StreamSpecification": {"StreamEnabled": True}},
         "StreamSpecification is not implemented."),
        ({"SSESpecification": {"Enabled": True}}, "SSESpecification is not implemented."),
        ({"ResourcePolicy": "{}"}, "ResourcePolicy is not implemented."),
        ({"TableName": "a b"}, "Invalid table/index name."),
    ],
)  # fmt: skip
async def test_tables_that_cannot_be_are_refused(world: World, members: dict, text: str) -> None:
    wanted = {
        "TableName": "table",
        "KeySchema": schema("id"),
        "AttributeDefinitions": definitions({"id": "S"}),
        "BillingMode": "PAY_PER_REQUEST",
    }
    refused = await world.refusal("CreateTable", **(wanted | members))
    assert refused.code == "ValidationException"
    assert text in refused.message


async def test_a_missing_table_is_named(world: World) -> None:
    for operation in ("DescribeTable", "DeleteTable"):
        refused = await world.refusal(operation, TableName="gone")
        assert refused.code == "ResourceNotFoundException"
        assert refused.message == "Requested resource not found: Table: gone not found"
    refused = await world.refusal("GetItem", TableName="gone", Key={"id": {"S": "a"}})
    assert refused.message == "Requested resource not found"


async def test_names_are_listed_in_order_and_pages(world: World) -> None:
    for name in ("ccc", "aaa", "bbb", "aaa.b"):
        await world.make_table(name)
    first = await world.do("ListTables", Limit=3)
    assert first == {"TableNames": ["aaa", "aaa.b", "bbb"], "LastEvaluatedTableName": "bbb"}
    rest = await world.do("ListTables", ExclusiveStartTableName="bbb")
    assert rest == {"TableNames": ["ccc"]}


async def test_a_table_may_be_named_by_its_arn(table: World) -> None:
    arn = (await describe(table))["TableArn"]
    await table.put({"id": {"S": "a"}}, table=arn)
    assert await table.get({"id": {"S": "a"}}) == {"id": {"S": "a"}}
    other = await table.refusal("DescribeTable", TableName=arn.replace("us-east-1", "eu-west-1"))
    assert other.code == "ResourceNotFoundException"


async def test_a_deleted_table_takes_its_items_along(world: World) -> None:
    by = index("byo", "owner")
    await world.make_table("tab", "id:S", kinds={"owner": "S"}, GlobalSecondaryIndexes=[by])
    for number in range(5):
        await world.put({"id": {"S": str(number)}, "owner": {"S": "o"}})
    deleted = await world.do("DeleteTable", TableName="tab")
    assert deleted["TableDescription"]["TableStatus"] == "DELETING"
    await world.make_table()
    assert (await world.do("Scan", TableName="tab"))["Items"] == []
    assert (await world.count("item"), await world.count("entry")) == (5, 5)
    await world.work()
    assert (await world.count("item"), await world.count("entry")) == (0, 0)


async def test_a_protected_table_is_not_deleted(table: World) -> None:
    await table.do("UpdateTable", TableName="tab", DeletionProtectionEnabled=True)
    refused = await table.refusal("DeleteTable", TableName="tab")
    assert "protected against deletion" in refused.message
    await table.do("UpdateTable", TableName="tab", DeletionProtectionEnabled=False)
    await table.do("DeleteTable", TableName="tab")


async def test_billing_and_throughput_are_changed(table: World) -> None:
    assert (await describe(table))["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}
    await table.do(
        "UpdateTable", TableName="tab", BillingMode="PROVISIONED", ProvisionedThroughput=units
    )
    shown = await describe(table)
    assert shown["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert shown["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    refused = await table.refusal("UpdateTable", TableName="tab", ProvisionedThroughput=units)
    assert "The provisioned throughput for the table will not change" in refused.message
    table.clock.advance(60)
    units["ReadCapacityUnits"] = 1
    await table.do("UpdateTable", TableName="tab", ProvisionedThroughput=units)
    shown = (await describe(table))["ProvisionedThroughput"]
    assert shown["LastDecreaseDateTime"] == table.clock.now_ms() / 1000
    refused = await table.refusal("UpdateTable", TableName="tab")
    assert refused.message.startswith("At least one of ProvisionedThroughput")


async def test_items_and_bytes_are_counted(table: World) -> None:
    await table.put({"id": {"S": "ab"}, "n": {"N": "1234"}})
    await table.put({"id": {"S": "c"}})
    shown = await describe(table)
    assert shown["ItemCount"] == 2
    assert shown["TableSizeBytes"] == (2 + 2 + 1 + 3) + (2 + 1)


async def test_a_large_table_is_counted_in_the_background(
    table: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millpond.services.dynamodb.counting.COUNTED_AT_ONCE", 3)
    for number in range(5):
        await table.put({"id": {"S": str(number)}})
    assert (await describe(table))["ItemCount"] == 0
    await table.work()
    assert (await describe(table))["ItemCount"] == 5
    assert [task.kind for task in await table.tasks() if task.kind == "count"] == []
    await table.put({"id": {"S": "more"}})
    assert (await describe(table))["ItemCount"] == 5
    table.clock.advance(601)
    await describe(table)
    await table.work()
    assert (await describe(table))["ItemCount"] == 6


async def test_tags_are_set_and_removed(table: World) -> None:
    arn = (await describe(table))["TableArn"]
    await table.do("TagResource", ResourceArn=arn, Tags=[{"Key": k, "Value": "1"} for k in "ab"])
    await table.do("TagResource", ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    await table.do("UntagResource", ResourceArn=arn, TagKeys=["a", "never"])
    listed = await table.do("ListTagsOfResource", ResourceArn=arn)
    assert listed == {"Tags": [{"Key": "b", "Value": "2"}]}
    refused = await table.refusal("ListTagsOfResource", ResourceArn=arn + "x")
    assert refused.code == "ResourceNotFoundException"
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert "50" in (await table.refusal("TagResource", ResourceArn=arn, Tags=many)).message


async def test_the_setting_of_recovery_is_kept(table: World) -> None:
    async def described() -> dict:
        found = await table.do("DescribeContinuousBackups", TableName="tab")
        return found["ContinuousBackupsDescription"]

    assert await described() == {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    }
    await table.do(
        "UpdateContinuousBackups",
        TableName="tab",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    assert (await described())["PointInTimeRecoveryDescription"] == {
        "PointInTimeRecoveryStatus": "ENABLED",
        "RecoveryPeriodInDays": 35,
    }
    refused = await table.refusal("DescribeContinuousBackups", TableName="gone")
    assert refused.code == "TableNotFoundException"


async def test_limits_and_endpoints_are_told(world: World) -> None:
    limits = await world.do("DescribeLimits")
    assert limits["TableMaxWriteCapacityUnits"] == 40000
    endpoints = await world.do("DescribeEndpoints")
    assert endpoints["Endpoints"] == [{"Address": "localhost:4566", "CachePeriodInMinutes": 1440}]
