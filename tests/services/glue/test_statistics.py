"""Statistics of columns."""

import pytest

from millpond.kernel.errors import ServiceError

ORDERS = {"DatabaseName": "shop", "TableName": "orders"}
LONG = {"MinimumValue": 1, "MaximumValue": 9, "NumberOfNulls": 0, "NumberOfDistinctValues": 5}


def told(column="id", **data):
    return {
        "ColumnName": column,
        "ColumnType": "bigint",
        "AnalyzedTime": 1.0,
        "StatisticsData": {"Type": "LONG", **(data or {"LongColumnStatisticsData": LONG})},
    }


@pytest.fixture(params=["Table", "Partition"])
async def of(shop, request):
    """Calls an operation on the statistics of a table, or of a partition."""
    await shop.make_table("orders", keys=[("day", "string")])
    partition = {"Values": ["1"]}
    await shop.glue("CreatePartition", **ORDERS, PartitionInput=partition)
    more = {"PartitionValues": ["1"]} if request.param == "Partition" else {}

    async def call(verb, **members):
        operation = f"{verb}ColumnStatisticsFor{request.param}"
        return await shop.glue(operation, **ORDERS, **more, **members)

    return call


async def test_what_is_told_of_a_column_is_kept_until_it_is_deleted(of):
    assert (await of("Update", ColumnStatisticsList=[told()]))["Errors"] == []
    found = await of("Get", ColumnNames=["ID", "other"])
    assert found["ColumnStatisticsList"] == [told()]
    assert [error["ColumnName"] for error in found["Errors"]] == ["other"]
    changed = told(LongColumnStatisticsData={**LONG, "MaximumValue": 10})
    await of("Update", ColumnStatisticsList=[changed])
    assert (await of("Get", ColumnNames=["id"]))["ColumnStatisticsList"] == [changed]
    await of("Delete", ColumnName="id")
    with pytest.raises(ServiceError, match="Statistics of column id not found"):
        await of("Delete", ColumnName="id")


async def test_what_does_not_fit_is_told_item_by_item(of):
    text = {
        "StringColumnStatisticsData": {
            "MaximumLength": 1,
            "AverageLength": 1.0,
            "NumberOfNulls": 0,
            "NumberOfDistinctValues": 1,
        }
    }
    answer = await of("Update", ColumnStatisticsList=[told("nope"), told(**text), told()])
    assert [error["Error"]["ErrorCode"] for error in answer["Errors"]] == [
        "EntityNotFoundException",
        "InvalidInputException",
    ]
    assert len((await of("Get", ColumnNames=["id"]))["ColumnStatisticsList"]) == 1


async def test_statistics_go_with_their_partition_and_table(shop):
    await shop.make_table("orders", keys=[("day", "string")])
    named = {**ORDERS, "PartitionValues": ["1"]}
    partition = {"Values": ["1"]}
    await shop.glue("CreatePartition", **ORDERS, PartitionInput=partition)
    await shop.glue("UpdateColumnStatisticsForPartition", **named, ColumnStatisticsList=[told()])
    await shop.glue("DeletePartition", **named)
    with pytest.raises(ServiceError, match="Cannot find partition"):
        await shop.glue("GetColumnStatisticsForPartition", **named, ColumnNames=["id"])
    await shop.glue("CreatePartition", **ORDERS, PartitionInput=partition)
    found = await shop.glue("GetColumnStatisticsForPartition", **named, ColumnNames=["id"])
    assert found["ColumnStatisticsList"] == []
    await shop.glue("UpdateColumnStatisticsForTable", **ORDERS, ColumnStatisticsList=[told()])
    await shop.glue("DeleteTable", DatabaseName="shop", Name="orders")
    await shop.work()
    assert await shop.count(b"statistics") == 0
