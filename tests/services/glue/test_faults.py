"""Failure at every point: an operation happened or did not; a step cut off is done again."""

import itertools
from dataclasses import replace

import pytest

from millpond.engines.records.faulty import FaultyRecords
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.errors import EngineError, ServiceError
from millpond.kernel.faults import Faults
from millpond.services.glue import operations, shapes, tasks
from tests.services.world import Wake

ORDERS = {"DatabaseName": "shop", "TableName": "orders"}
OPERATIONS = {
    "CreateTable": {"DatabaseName": "shop", "TableInput": {"Name": "new"}},
    "UpdateTable": {"DatabaseName": "shop", "TableInput": {"Name": "orders", "Owner": "ann"}},
    "DeleteTable": {"DatabaseName": "shop", "Name": "orders"},
    "BatchDeleteTableVersion": {**ORDERS, "VersionIds": ["0", "1"]},
    "BatchCreatePartition": {
        **ORDERS,
        "PartitionInputList": [
            {"Values": [str(value)], "StorageDescriptor": {"Location": f"s3://lake/{value}/"}}
            for value in range(10, 13)
        ],
    },
    "UpdatePartition": {
        **ORDERS,
        "PartitionValueList": ["1"],
        "PartitionInput": {"Values": ["7"]},
    },
    "BatchDeletePartition": {
        **ORDERS,
        "PartitionsToDelete": [{"Values": ["0"]}, {"Values": ["2"]}],
    },
    "DeleteDatabase": {"Name": "shop"},
    "UpdateCrawler": {"Name": "c", "Description": "x", "Schedule": "cron(0 1 * * ? *)"},
    "StartCrawler": {"Name": "c"},
    "DeleteCrawler": {"Name": "c"},
}


async def prepare(world):
    """The same catalog each time, whatever was there."""
    for database in (await world.glue("GetDatabases"))["DatabaseList"]:
        await world.glue("DeleteDatabase", Name=database["Name"])
    await world.work()
    for crawler in (await world.glue("ListCrawlers"))["CrawlerNames"]:
        await world.glue("DeleteCrawler", Name=crawler)
    await world.work()
    await world.make_database()
    await world.make_table("orders", keys=[("p", "int")])
    keys = [{"Name": "p", "Type": "int"}]
    for _ in range(2):
        described = {"Name": "orders", "PartitionKeys": keys}
        await world.glue("UpdateTable", DatabaseName="shop", TableInput=described)
    partitions = [{"Values": [str(value)]} for value in range(4)]
    await world.glue("BatchCreatePartition", **ORDERS, PartitionInputList=partitions)
    await world.make_crawler("s3://lake/in/")


async def picture(world):
    """All that a client can see of the catalog, and the work that is written down."""
    seen = {}
    for database in (await world.glue("GetDatabases"))["DatabaseList"]:
        name = database["Name"]
        for table in (await world.glue("GetTables", DatabaseName=name))["TableList"]:
            table["Parameters"] = {
                key: value
                for key, value in table.get("Parameters", {}).items()
                if key != "CRAWL_RUN_ID"
            }
            named = {"DatabaseName": name, "TableName": table["Name"]}
            versions = (await world.glue("GetTableVersions", **named))["TableVersions"]
            partitions = (await world.glue("GetPartitions", **named))["Partitions"]
            seen[name, table["Name"]] = (
                table,
                [version["VersionId"] for version in versions],
                partitions,
            )
    crawlers = [
        (crawler["State"], crawler.get("Description"), crawler.get("Schedule"))
        for crawler in (await world.glue("GetCrawlers"))["Crawlers"]
    ]
    kinds = sorted(task.kind for task in await world.tasks())
    return seen, crawlers, kinds


def lent(world, faults):
    """What Glue is lent, on records that fail as planned."""
    return replace(world.needs, records=FaultyRecords(world.records, faults))


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_all_or_nothing_at_each_point(lake, operation):
    members = OPERATIONS[operation]
    await prepare(lake)
    before = await picture(lake)
    await lake.glue(operation, **members)
    after = await picture(lake)
    assert after != before
    for point in itertools.count():
        await lake.work()
        await prepare(lake)
        faults = Faults(point)
        service = Service(shapes.MODEL, operations.OPERATIONS, lent(lake, faults))
        call = caller({"glue": service}, [("glue", operation)])
        error = None
        try:
            await call(lake.call, "glue", operation, **members)
        except ServiceError as raised:
            error = raised
        seen = await picture(lake)
        if faults.struck is None:
            assert error is None
            break
        if error is None:
            assert seen == after, faults.struck
        elif faults.struck == "commit: the answer is lost":
            assert seen == after
        else:
            assert seen == before, faults.struck
    assert point >= 4


async def run(world, needs):
    """Do what is written down, as the supervisor does."""
    for task in await world.tasks():
        assert await tasks.STEPS[task.kind](needs, task, Wake()) is None
        async with world.records.transaction() as transaction:
            transaction.delete(task.key)


async def test_a_crawl_that_is_cut_off_anywhere_ends_in_the_same_catalog(lake):
    for day in (1, 2):
        await lake.put(f"in/orders/day={day}/a.csv", "id,amount,note\n1,2.5,x\n")
    await lake.put("in/stock/a.json", '{"sku": "a", "left": 3}')

    async def crawl(point):
        """The catalog after a crawl that failed at `point` and was done again."""
        await prepare(lake)
        await lake.glue("StartCrawler", Name="c")
        faults = Faults(point)
        try:
            await run(lake, lent(lake, faults))
        except EngineError:
            await run(lake, lake.needs)
        return faults.struck, await picture(lake)

    _, expected = await crawl(None)
    names = [name for _, name in expected[0]]
    assert [name.partition("_")[0] for name in names] == ["orders", "orders", "stock"]
    points = [*range(0, 40), *range(40, 400, 7)]
    for point in points:
        struck, seen = await crawl(point)
        assert seen == expected, (point, struck)
        if struck is None:
            break
    assert struck is None


@pytest.mark.parametrize("operation", ["DeleteDatabase", "DeleteTable", "DeleteCrawler"])
async def test_clearing_up_that_is_cut_off_leaves_nothing_in_the_end(lake, operation):
    for point in itertools.count():
        await prepare(lake)
        await lake.glue(operation, **OPERATIONS[operation])
        faults = Faults(point)
        try:
            await run(lake, lent(lake, faults))
        except EngineError:
            await run(lake, lake.needs)
        await run(lake, lake.needs)
        if operation == "DeleteCrawler":
            assert await lake.count(b"\x00\x01crawl\x00\x01") == 0
        else:
            assert await lake.count(b"\x00\x01partition\x00\x01") == 0
            assert await lake.count(b"\x00\x01version\x00\x01") == 0
        if faults.struck is None:
            break
