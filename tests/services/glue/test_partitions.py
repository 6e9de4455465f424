"""Partitions: one at a time, many at a time, by expression, in pages and segments."""

import pytest

from millpond.kernel.errors import ServiceError
from millpond.services.glue.keys import LONG_SIZE_BYTES

NAMED = {"DatabaseName": "shop", "TableName": "orders"}


def storage(number: int) -> dict:
    return {
        "Columns": [{"Name": "id", "Type": "bigint"}],
        "Location": f"s3://lake/orders/{number}/",
        "InputFormat": "in",
        "Parameters": {"number": str(number)},
    }


@pytest.fixture
async def orders(shop):
    await shop.make_table("orders", keys=[("year", "string"), ("month", "int")])
    return shop


async def fill(orders, count=24):
    entries = [
        {
            "Values": [str(2010 + number // 12), str(number % 12 + 1)],
            "StorageDescriptor": storage(number),
        }
        for number in range(count)
    ]
    for start in range(0, count, 100):
        answer = await orders.glue(
            "BatchCreatePartition", **NAMED, PartitionInputList=entries[start : start + 100]
        )
        assert answer["Errors"] == []


async def values(orders, **more):
    return [tuple(partition["Values"]) for partition in await orders.partitions("orders", **more)]


async def test_a_partition_reads_back_as_it_was_written(orders):
    described = {
        "Values": ["2020", "3"],
        "StorageDescriptor": storage(7),
        "Parameters": {"a": "b"},
        "LastAccessTime": 5.0,
    }
    await orders.glue("CreatePartition", **NAMED, PartitionInput=described)
    found = await orders.glue("GetPartition", **NAMED, PartitionValues=["2020", "3"])
    assert found["Partition"] == {
        "Values": ["2020", "3"],
        "DatabaseName": "shop",
        "TableName": "orders",
        "CatalogId": "123456789012",
        "CreationTime": orders.clock.now_ms() / 1000,
        "LastAccessTime": 5.0,
        "Parameters": {"a": "b"},
        "StorageDescriptor": {
            **storage(7),
            "Compressed": False,
            "NumberOfBuckets": 0,
            "SortColumns": [],
            "StoredAsSubDirectories": False,
        },
    }


async def test_values_are_as_many_as_keys_and_taken_once(orders):
    with pytest.raises(ServiceError, match="do not match the number of partition values") as wrong:
        await orders.glue("CreatePartition", **NAMED, PartitionInput={"Values": ["2020"]})
    assert wrong.value.code == "InvalidInputException"
    await orders.glue("CreatePartition", **NAMED, PartitionInput={"Values": ["2020", "1"]})
    with pytest.raises(ServiceError, match=r"Partition already exists\.") as taken:
        await orders.glue("CreatePartition", **NAMED, PartitionInput={"Values": ["2020", "1"]})
    assert taken.value.code == "AlreadyExistsException"
    with pytest.raises(ServiceError, match=r"Cannot find partition\.") as missing:
        await orders.glue("GetPartition", **NAMED, PartitionValues=["2020", "2"])
    assert missing.value.code == "EntityNotFoundException"


async def test_an_update_replaces_and_moves(orders):
    await fill(orders, 2)
    await orders.glue(
        "UpdatePartition",
        **NAMED,
        PartitionValueList=["2010", "1"],
        PartitionInput={"Values": ["2010", "9"], "Parameters": {"moved": "yes"}},
    )
    assert await values(orders) == [("2010", "2"), ("2010", "9")]
    with pytest.raises(ServiceError, match=r"Partition already exists\."):
        await orders.glue(
            "UpdatePartition",
            **NAMED,
            PartitionValueList=["2010", "9"],
            PartitionInput={"Values": ["2010", "2"]},
        )
    with pytest.raises(ServiceError, match=r"Partition not found\."):
        await orders.glue(
            "UpdatePartition",
            **NAMED,
            PartitionValueList=["2010", "1"],
            PartitionInput={"Values": ["2010", "1"]},
        )


async def test_batches_tell_each_failure(orders):
    await fill(orders, 2)
    answer = await orders.glue(
        "BatchCreatePartition",
        **NAMED,
        PartitionInputList=[
            {"Values": ["2010", "1"]},
            {"Values": ["2030", "1"]},
            {"Values": ["2030"]},
            {"Values": ["2030", "1"]},
        ],
    )
    assert [
        (error["PartitionValues"], error["ErrorDetail"]["ErrorCode"]) for error in answer["Errors"]
    ] == [
        (["2010", "1"], "AlreadyExistsException"),
        (["2030"], "InvalidInputException"),
        (["2030", "1"], "AlreadyExistsException"),
    ]
    wanted = [{"Values": ["2030", "1"]}, {"Values": ["1999", "1"]}, {"Values": ["2010", "2"]}]
    found = await orders.glue("BatchGetPartition", **NAMED, PartitionsToGet=wanted)
    assert [partition["Values"] for partition in found["Partitions"]] == [
        ["2030", "1"],
        ["2010", "2"],
    ]
    assert found["UnprocessedKeys"] == []
    updated = await orders.glue(
        "BatchUpdatePartition",
        **NAMED,
        Entries=[
            {"PartitionValueList": ["2030", "1"], "PartitionInput": {"Values": ["2031", "1"]}},
            {"PartitionValueList": ["1999", "1"], "PartitionInput": {"Values": ["1999", "1"]}},
        ],
    )
    assert updated["Errors"] == [
        {
            "PartitionValueList": ["1999", "1"],
            "ErrorDetail": {
                "ErrorCode": "EntityNotFoundException",
                "ErrorMessage": "Partition not found.",
            },
        }
    ]
    deleted = await orders.glue(
        "BatchDeletePartition", **NAMED, PartitionsToDelete=[{"Values": ["2031", "1"]}, *wanted]
    )
    assert [error["PartitionValues"] for error in deleted["Errors"]] == [
        ["2030", "1"],
        ["1999", "1"],
    ]
    assert await values(orders) == [("2010", "1")]


async def test_partitions_come_in_pages_in_order(orders):
    await fill(orders, 30)
    every = await values(orders, MaxResults=7)
    assert len(every) == 30
    assert every == sorted(every)
    assert every == await values(orders)
    page = await orders.glue("GetPartitions", **NAMED, MaxResults=7)
    with pytest.raises(ServiceError, match="another request"):
        await orders.glue(
            "GetPartitions", **NAMED, NextToken=page["NextToken"], Expression="month = 1"
        )


async def test_segments_part_the_whole(orders):
    await fill(orders, 40)
    shares = [
        await values(orders, Segment={"SegmentNumber": number, "TotalSegments": 3}, MaxResults=5)
        for number in range(3)
    ]
    assert all(shares)
    assert sorted(entry for share in shares for entry in share) == await values(orders)
    with pytest.raises(ServiceError, match="smaller than TotalSegments"):
        await values(orders, Segment={"SegmentNumber": 3, "TotalSegments": 3})


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("", 24),
        ("year = '2010'", 12),
        ("year=2010 and month<=3", 3),
        ("month in (1, 2) and year = '2011'", 2),
        ("year in ('2010', '2011', '2012') and month = 7", 2),
        ("(year = '2010' or month = 1) and not month = 2", 12),
        ("month between 3 and 5", 6),
        ("year like '201_' and month <> 12", 22),
        ("year is null", 0),
        ("year = '2010' and year = '2011'", 0),
    ],
)
async def test_an_expression_chooses(orders, expression, count):
    await fill(orders)
    found = await values(orders, Expression=expression, MaxResults=5)
    assert len(found) == len(set(found)) == count
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("expression", "code", "words"),
    [
        ("yeer = '1'", "InvalidInputException", "Invalid partition expression!"),
        ("year =", "InvalidInputException", "Unsupported expression 'year ='"),
        ("month = 'x'", "InvalidInputException", '"x" is not an integer.'),
        ("month like '1'", "InvalidInputException", "doesn't support operation 'LIKE'"),
    ],
)
async def test_a_bad_expression_is_refused_in_glues_words(orders, expression, code, words):
    with pytest.raises(ServiceError) as refused:
        await values(orders, Expression=expression)
    assert refused.value.code == code
    assert words in refused.value.message


async def test_a_stored_value_that_is_not_of_its_type_is_told(orders):
    await orders.glue("CreatePartition", **NAMED, PartitionInput={"Values": ["2010", "May"]})
    with pytest.raises(ServiceError, match='"May" is not an integer') as refused:
        await values(orders, Expression="month > 1")
    assert refused.value.code == "InvalidStateException"


async def test_columns_are_left_out_on_request(orders):
    await fill(orders, 1)
    (found,) = await orders.partitions("orders", ExcludeColumnSchema=True)
    assert "Columns" not in found["StorageDescriptor"]
    assert found["StorageDescriptor"]["Location"] == "s3://lake/orders/0/"


async def test_awkward_values_are_told_apart(orders):
    long = "x" * 1024
    awkward = [("a", "b"), ("a\x00", "b"), ("", "a"), ("é" * 500, "1"), (long, long), (long, "y")]
    assert len(long.encode()) * 2 > LONG_SIZE_BYTES
    stored = [entry for entry in awkward if entry[0]]
    for entry in stored:
        await orders.glue("CreatePartition", **NAMED, PartitionInput={"Values": list(entry)})
    assert sorted(await values(orders)) == sorted(stored)
    for entry in stored:
        found = await orders.glue("GetPartition", **NAMED, PartitionValues=list(entry))
        assert tuple(found["Partition"]["Values"]) == entry
    assert await values(orders, Expression=f"year = '{long}'") == sorted(
        [(long, long), (long, "y")]
    )


async def test_indexes_are_kept_for_those_who_look(orders):
    index = {"IndexName": "by_year", "Keys": ["Year"]}
    await orders.glue("CreatePartitionIndex", **NAMED, PartitionIndex=index)
    found = await orders.glue("GetPartitionIndexes", **NAMED)
    assert found["PartitionIndexDescriptorList"] == [
        {
            "IndexName": "by_year",
            "Keys": [{"Name": "year", "Type": "string"}],
            "IndexStatus": "ACTIVE",
        }
    ]
    with pytest.raises(ServiceError, match="distinct partition keys"):
        bad = {"IndexName": "x", "Keys": ["id"]}
        await orders.glue("CreatePartitionIndex", **NAMED, PartitionIndex=bad)
    await orders.glue("DeletePartitionIndex", **NAMED, IndexName="by_year")
    with pytest.raises(ServiceError, match="Index by_year not found"):
        await orders.glue("DeletePartitionIndex", **NAMED, IndexName="by_year")
