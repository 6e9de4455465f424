"""Crawls of real objects: what stands in the catalog afterwards."""

import bz2
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.services.glue.conftest import columns_of
from tests.services.world import Wake

DATA = Path(__file__).parents[4] / "shared" / "data" / "online-retail"
ORDERS = "id,amount,day\n1,2.5,x\n2,3,y\n"


def parquet(table):
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


async def crawl(lake, *paths, **more):
    await lake.make_crawler(*(paths or ("s3://lake/in/",)), **more)
    assert (await lake.crawl())["Status"] == "SUCCEEDED"
    return await lake.tables()


async def versions(lake, name):
    found = await lake.glue("GetTableVersions", DatabaseName="shop", TableName=name)
    return [version["VersionId"] for version in found["TableVersions"]]


async def test_a_csv_table_is_as_glue_writes_it(lake):
    await lake.put("in/2024.csv", ORDERS)
    await lake.put("in/2025.csv", ORDERS)
    (table,) = (await crawl(lake)).values()
    assert table["Name"] == "in"
    assert table["Owner"] == "owner"
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["PartitionKeys"] == []
    crawl_id = table["Parameters"].pop("CRAWL_RUN_ID")
    assert crawl_id == (await lake.glue("ListCrawls", CrawlerName="c"))["Crawls"][0]["CrawlId"]
    about = {
        "classification": "csv",
        "compressionType": "none",
        "typeOfData": "file",
        "columnsOrdered": "true",
        "areColumnsQuoted": "false",
        "delimiter": ",",
        "skip.header.line.count": "1",
        "recordCount": "4",
        "averageRecordSize": "14",
        "sizeKey": str(2 * len(ORDERS)),
        "objectCount": "2",
    }
    assert table["Parameters"] == {
        **about,
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": "c",
    }
    assert table["StorageDescriptor"] == {
        "Columns": [
            {"Name": "id", "Type": "bigint"},
            {"Name": "amount", "Type": "double"},
            {"Name": "day", "Type": "string"},
        ],
        "Location": "s3://lake/in/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "Parameters": {"field.delim": ","},
        },
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": about,
        "StoredAsSubDirectories": False,
    }


async def test_quoted_text_gets_the_serde_that_reads_quotes(lake):
    await lake.put("in/a.csv", 'id|name\n1|"a|""b"""\n2|c\n')
    (table,) = (await crawl(lake)).values()
    assert table["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": "|", "quoteChar": '"', "escapeChar": "\\"},
    }
    assert table["Parameters"]["areColumnsQuoted"] == "true"
    assert columns_of(table) == {"id": "bigint", "name": "string"}


async def test_json_in_lines_and_in_arrays(lake):
    lines = "\n".join(json.dumps({"Id": number, "at": {"x": [number]}}) for number in range(3))
    await lake.put("lines/a.json", lines)
    await lake.put("array/a.json", json.dumps([{"Id": 1, "tags": ["a"]}, {"Id": 2**40}]))
    tables = await crawl(lake, "s3://lake/lines", "s3://lake/array")
    assert columns_of(tables["lines"]) == {"id": "int", "at": "struct<x:array<int>>"}
    serde = tables["lines"]["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    assert serde["Parameters"] == {"paths": "Id,at"}
    assert columns_of(tables["array"]) == {"id": "bigint", "tags": "array<string>"}
    assert tables["array"]["Parameters"]["jsonPath"] == "$[*]"
    assert tables["array"]["Parameters"]["recordCount"] == "2"


async def test_parquet_by_its_footer(lake):
    table = pa.table({"Id": pa.array([1, 2], pa.int32()), "name": ["a", "b"], "l": [[1.5], []]})
    await lake.put("in/country=de/a.parquet", parquet(table))
    large = pa.table({f"column_{number}": [number] * 10 for number in range(3000)})
    await lake.put("large/a.parquet", parquet(large))
    tables = await crawl(lake, "s3://lake/in/", "s3://lake/large/")
    found = tables["in"]
    assert columns_of(found) == {"id": "int", "name": "string", "l": "array<double>"}
    assert found["PartitionKeys"] == [{"Name": "country", "Type": "string"}]
    assert found["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    }
    assert found["StorageDescriptor"]["InputFormat"].endswith("MapredParquetInputFormat")
    assert found["Parameters"]["recordCount"] == "2"
    assert len(columns_of(tables["large"])) == 3000


@pytest.mark.parametrize(
    ("pack", "name"),
    [
        (gzip.compress, "gzip"),
        (bz2.compress, "bzip2"),
        (lambda data: pa.compress(data, "zstd", asbytes=True), "zstd"),
    ],
)
async def test_compressed_text(lake, pack, name):
    await lake.put("in/a.csv.packed", pack(ORDERS.encode()))
    (table,) = (await crawl(lake)).values()
    assert columns_of(table) == {"id": "bigint", "amount": "double", "day": "string"}
    assert table["Parameters"]["compressionType"] == name
    assert table["StorageDescriptor"]["Compressed"] is True


async def test_partitions_have_their_own_storage(lake):
    await lake.put("in/year=2024/month=1/a.csv", ORDERS)
    await lake.put("in/year=2024/month=2/a.csv", "id,amount,day\n1,2,x\n")
    await lake.put("in/year=2025/month=1/a.csv", 'id,amount,day,note\n1,2,x,"a,b"\n')
    (table,) = (await crawl(lake)).values()
    assert [key["Name"] for key in table["PartitionKeys"]] == ["year", "month"]
    assert list(columns_of(table)) == ["id", "amount", "day", "note"]
    found = await lake.partitions("in")
    assert [partition["Values"] for partition in found] == [
        ["2024", "1"],
        ["2024", "2"],
        ["2025", "1"],
    ]
    second = found[1]
    assert second["StorageDescriptor"]["Location"] == "s3://lake/in/year=2024/month=2/"
    assert columns_of(second) == {"id": "bigint", "amount": "double", "day": "string"}
    assert second["Parameters"]["recordCount"] == "1"
    serdes = [partition["StorageDescriptor"]["SerdeInfo"] for partition in found]
    assert serdes == [table["StorageDescriptor"]["SerdeInfo"]] * 3


async def test_names_follow_glues_rules(lake):
    await lake.put("Sales-Data 2024/a.csv", ORDERS)
    await lake.put("files/orders.csv", ORDERS)
    await lake.put("files/customers.csv", "mail,age\na@b,3\n")
    await lake.put("one/x/in.csv", ORDERS)
    tables = await crawl(
        lake,
        "s3://lake/Sales-Data 2024/",
        "s3://lake/files/",
        "s3://lake/one/x/in.csv",
        TablePrefix="Raw_",
    )
    assert {name: table["StorageDescriptor"]["Location"] for name, table in tables.items()} == {
        "raw_sales_data_2024": "s3://lake/Sales-Data 2024/",
        "raw_orders_csv": "s3://lake/files/orders.csv",
        "raw_customers_csv": "s3://lake/files/customers.csv",
        "raw_in_csv": "s3://lake/one/x/in.csv",
    }


async def test_the_root_of_a_bucket_is_named_after_it(lake):
    await lake.put("a.csv", ORDERS)
    assert list(await crawl(lake, "s3://lake")) == ["lake"]


async def test_names_that_are_taken_get_a_suffix_and_keep_it(lake):
    await lake.make_database()
    await lake.make_table("in")
    await lake.put("in/a.csv", ORDERS)
    await lake.put("x/in/a.csv", ORDERS)
    tables = await crawl(lake, "s3://lake/x/in/")
    (name,) = tables.keys() - {"in"}
    assert len(name) == len("in_") + 32
    assert columns_of(tables["in"]) == {"id": "bigint"}
    assert (await lake.crawl())["Status"] == "SUCCEEDED"
    assert (await lake.tables()).keys() == tables.keys()


async def test_a_table_made_by_hand_at_the_same_place_is_brought_up_to_date(lake):
    await lake.make_database()
    await lake.make_table("in")
    await lake.put("in/a.csv", ORDERS)
    (table,) = (await crawl(lake)).values()
    assert list(columns_of(table)) == ["id", "amount", "day"]
    assert table["VersionId"] == "1"


async def test_what_is_empty_hidden_excluded_or_unknown_is_left_out(lake):
    await lake.put("in/a.csv", ORDERS)
    for key, data in {
        "in/_SUCCESS": "",
        "in/empty.csv": "",
        "in/_temporary/0/b.csv": "x,y\n1,2\n",
        "in/.hidden.csv": "x,y\n1,2\n",
        "in/sub/": "",
        "in/old/c.csv": "x,y\n1,2\n",
        "in/notes.txt": "just words\n",
        "in/image.png": b"\x89PNG\x00\x01",
        "in/bomb.gz": gzip.compress(b"\x00" * 10_000_000),
        "in/deep.json": "[" * 100_000,
        "in/line.csv": "x" * 3_000_000,
        "in/cut.parquet": b"PAR1\x00\x00PAR1",
        "inner/a.csv": "x,y\n1,2\n",
    }.items():
        await lake.put(key, data)
    tables = await crawl(lake, target={"Exclusions": ["old/**"]})
    assert list(tables) == ["in"]
    assert tables["in"]["Parameters"]["objectCount"] == "1"


async def test_awkward_keys_and_names_do_no_harm(lake):
    awkward = {"a\x01b": 1, "\ud800": 2, "ok": {"x\n": 1}, "": 3, "n" * 300: 4}
    await lake.put("in/json/a.json", json.dumps(awkward))
    await lake.put("in/bell\x07/a.csv", "mail,age,sex\na@b,3,f\n")
    await lake.put("in/parts/k=/a.csv", ORDERS)
    await lake.put("in/parts/k=v%20w/a.csv", ORDERS)
    await lake.put(f"in/long/{'k' * 400}=1/a.csv", "x,y,z\n1,2,3\n")
    tables = await crawl(lake)
    assert sorted(tables) == ["json", "long", "parts"]
    assert columns_of(tables["json"]) == {"ab": "int", "ok": "string", "n" * 255: "int"}
    assert tables["long"]["PartitionKeys"] == [{"Name": "partition_0", "Type": "string"}]
    values = [found["Values"] for found in await lake.partitions("parts")]
    assert values == [["__HIVE_DEFAULT_PARTITION__"], ["v w"]]


async def test_a_folder_without_files_succeeds_and_makes_nothing(lake):
    assert await crawl(lake) == {}
    found = await lake.glue("GetDatabase", Name="shop")
    assert found["Database"]["Name"] == "shop"


async def test_a_sample_of_each_folder_is_enough_on_request(lake):
    for day in (1, 2):
        for number in range(5):
            await lake.put(f"in/day={day}/{number}.csv", ORDERS)
    (table,) = (await crawl(lake, target={"SampleSize": 2})).values()
    assert table["Parameters"]["objectCount"] == "4"
    assert len(await lake.partitions("in")) == 2


async def test_unchanged_data_leaves_no_new_version(lake):
    await lake.put("in/day=1/a.csv", ORDERS)
    await crawl(lake)
    before = await lake.table("in")
    lake.clock.advance(60)
    await lake.crawl()
    assert await lake.table("in") == before
    await lake.put("in/day=2/a.csv", ORDERS)
    await lake.crawl()
    after = await lake.table("in")
    assert after["VersionId"] == "0"
    assert after["UpdateTime"] == before["UpdateTime"]
    assert after["Parameters"]["objectCount"] == "2"
    assert len(await lake.partitions("in")) == 2


async def test_a_new_column_and_a_wider_type_are_a_new_version(lake):
    await lake.put("in/a.csv", "id,n\n1,2\n")
    await crawl(lake)
    await lake.put("in/b.csv", "id,n,channel\n1,2.5,web\n")
    await lake.crawl()
    assert await versions(lake, "in") == ["1", "0"]
    assert columns_of(await lake.table("in")) == {
        "id": "bigint",
        "n": "double",
        "channel": "string",
    }
    old = await lake.glue("GetTableVersion", DatabaseName="shop", TableName="in", VersionId="0")
    assert columns_of(old["TableVersion"]["Table"]) == {"id": "bigint", "n": "bigint"}
    (metrics,) = (await lake.glue("GetCrawlerMetrics"))["CrawlerMetricsList"]
    assert (metrics["TablesCreated"], metrics["TablesUpdated"]) == (0, 1)
    await lake.crawl()
    assert await versions(lake, "in") == ["1", "0"]


async def test_columns_that_are_read_by_name_keep_their_place(lake):
    await lake.put("in/b.json", '{"b": 1, "c": 2}')
    await crawl(lake)
    await lake.put("in/a.json", '{"a": 1, "b": 1, "c": 2}')
    await lake.crawl()
    assert list(columns_of(await lake.table("in"))) == ["b", "c", "a"]


async def test_an_update_drops_columns_and_what_others_have_set(lake):
    await lake.put("in/a.csv", ORDERS)
    await crawl(lake)
    table = await lake.table("in")
    described = {
        "Name": "in",
        "Description": "mine",
        "StorageDescriptor": table["StorageDescriptor"],
        "Parameters": {**table["Parameters"], "mine": "yes"},
    }
    await lake.glue("UpdateTable", DatabaseName="shop", TableInput=described)
    await lake.put("in/a.csv", "id,amount\n1,2.5\n")
    await lake.crawl()
    table = await lake.table("in")
    assert table["VersionId"] == "2"
    assert list(columns_of(table)) == ["id", "amount"]
    assert "Description" not in table
    assert "mine" not in table["Parameters"]


MERGE = json.dumps(
    {"Version": 1.0, "CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "MergeNewColumns"}}}
)


async def test_with_merge_new_columns_nothing_but_columns_is_added(lake):
    await lake.put("in/a.csv", ORDERS)
    await crawl(lake, Configuration=MERGE)
    table = await lake.table("in")
    described = {
        "Name": "in",
        "Description": "mine",
        "StorageDescriptor": table["StorageDescriptor"],
        "Parameters": {**table["Parameters"], "mine": "yes"},
    }
    await lake.glue("UpdateTable", DatabaseName="shop", TableInput=described)
    await lake.put("in/a.csv", "id,amount,channel\n1,x,web\n")
    await lake.crawl()
    table = await lake.table("in")
    assert columns_of(table) == {
        "id": "bigint",
        "amount": "double",
        "day": "string",
        "channel": "string",
    }
    assert table["Description"] == "mine"
    assert table["Parameters"]["mine"] == "yes"
    assert table["VersionId"] == "2"
    await lake.crawl()
    assert (await lake.table("in"))["VersionId"] == "2"


async def test_with_log_tables_are_added_and_not_changed(lake):
    await lake.put("in/day=1/a.csv", ORDERS)
    await crawl(lake, SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    before = await lake.table("in")
    await lake.put("in/day=1/a.csv", "id,amount,day2,channel\n1,2.5,x,web\n")
    await lake.put("in/day=2/a.csv", "id,amount,channel\n1,2.5,web\n")
    await lake.crawl()
    assert await lake.table("in") == before
    partitions = await lake.partitions("in")
    assert [partition["Values"] for partition in partitions] == [["1"], ["2"]]
    assert list(columns_of(partitions[0])) == ["id", "amount", "day"]


async def gone(lake, behavior):
    """Crawl two tables, one with partitions; then take data away and crawl again."""
    await lake.put("in/keep/day=1/a.csv", ORDERS)
    await lake.put("in/keep/day=2/a.csv", ORDERS)
    await lake.put("in/lose/a.csv", "mail,age,sex\na@b,3,f\n")
    await crawl(lake, SchemaChangePolicy={"DeleteBehavior": behavior})
    await lake.s3("DeleteObject", Bucket="lake", Key="in/keep/day=2/a.csv")
    await lake.s3("DeleteObject", Bucket="lake", Key="in/lose/a.csv")
    await lake.put("in/other/a.json", '{"x": 1}')
    await lake.crawl()
    return await lake.tables(), await lake.partitions("keep")


async def test_data_that_is_gone_is_deleted_from_the_catalog(lake):
    tables, partitions = await gone(lake, "DELETE_FROM_DATABASE")
    assert sorted(tables) == ["keep", "other"]
    assert [partition["Values"] for partition in partitions] == [["1"]]
    (metrics,) = (await lake.glue("GetCrawlerMetrics"))["CrawlerMetricsList"]
    assert metrics["TablesDeleted"] == 1


async def test_data_that_is_gone_is_marked_once_and_unmarked_when_it_comes_back(lake):
    tables, partitions = await gone(lake, "DEPRECATE_IN_DATABASE")
    assert sorted(tables) == ["keep", "lose", "other"]
    assert "DEPRECATED_BY_CRAWLER" in tables["lose"]["Parameters"]
    assert "DEPRECATED_BY_CRAWLER" not in tables["keep"]["Parameters"]
    assert "DEPRECATED_BY_CRAWLER" in partitions[1]["Parameters"]
    assert tables["lose"]["VersionId"] == "1"
    await lake.crawl()
    assert (await lake.table("lose"))["VersionId"] == "1"
    await lake.put("in/lose/a.csv", "mail,age,sex\na@b,3,f\n")
    await lake.put("in/keep/day=2/a.csv", ORDERS)
    await lake.crawl()
    table = await lake.table("lose")
    assert "DEPRECATED_BY_CRAWLER" not in table["Parameters"]
    assert table["VersionId"] == "2"
    partitions = await lake.partitions("keep")
    assert "DEPRECATED_BY_CRAWLER" not in partitions[1]["Parameters"]


async def test_data_that_is_gone_is_only_logged(lake):
    tables, partitions = await gone(lake, "LOG")
    assert sorted(tables) == ["keep", "lose", "other"]
    assert "DEPRECATED_BY_CRAWLER" not in tables["lose"]["Parameters"]
    assert len(partitions) == 2


async def test_only_new_folders_are_read_on_request(lake):
    for day in (1, 2):
        await lake.put(f"in/day={day}/a.csv", ORDERS)
    log = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    await crawl(
        lake,
        SchemaChangePolicy=log,
        RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
    )
    before = await lake.table("in")
    read = []
    call_aws = lake.needs.call_aws

    async def spy(call, service, operation, /, **members):
        read.append(members.get("Key"))
        return await call_aws(call, service, operation, **members)

    object.__setattr__(lake.needs, "call_aws", spy)
    await lake.put("in/day=1/b.csv", ORDERS)
    await lake.put("in/day=3/a.csv", ORDERS.replace("day", "other"))
    await lake.crawl()
    assert [key for key in read if key] == ["in/day=3/a.csv"]
    assert await lake.table("in") == before
    assert [found["Values"] for found in await lake.partitions("in")] == [["1"], ["2"], ["3"]]


INHERIT = json.dumps(
    {
        "Version": 1.0,
        "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}},
        "CreatePartitionIndex": True,
    }
)


async def test_partitions_inherit_from_their_table_on_request(lake):
    await lake.put("in/day=1/a.csv", "id,n\n1,2\n")
    await crawl(lake, Configuration=INHERIT)
    await lake.put("in/day=2/a.csv", "id,n,channel\n1,2.5,web\n")
    await lake.crawl()
    table = await lake.table("in")
    for partition in await lake.partitions("in"):
        assert columns_of(partition) == columns_of(table)
    indexes = await lake.glue("GetPartitionIndexes", DatabaseName="shop", TableName="in")
    (index,) = indexes["PartitionIndexDescriptorList"]
    assert index["Keys"] == [{"Name": "day", "Type": "string"}]


async def test_more_tables_than_allowed_fail_the_crawl_and_write_nothing(lake):
    await lake.put("in/a/f.csv", ORDERS)
    await lake.put("in/b/f.json", '{"x": 1}')
    configuration = {"Version": 1.0, "CrawlerOutput": {"Tables": {"TableThreshold": 1}}}
    await lake.make_crawler("s3://lake/in/", Configuration=json.dumps(configuration))
    last = await lake.crawl()
    assert last["Status"] == "FAILED"
    assert "tables detected by crawler: 2" in last["ErrorMessage"]
    assert await lake.tables() == {}


async def test_a_table_whose_folders_change_gets_the_new_keys_and_partitions(lake):
    await lake.put("in/day=1/a.csv", ORDERS)
    await crawl(lake)
    await lake.s3("DeleteObject", Bucket="lake", Key="in/day=1/a.csv")
    await lake.put("in/year=2024/day=1/a.csv", ORDERS)
    await lake.crawl()
    table = await lake.table("in")
    assert [key["Name"] for key in table["PartitionKeys"]] == ["year", "partition_1"]
    assert [found["Values"] for found in await lake.partitions("in")] == [["2024", "1"]]


async def test_a_crawl_goes_on_after_the_platform_was_ended(lake):
    await lake.put("in/a.csv", ORDERS)
    await lake.make_crawler("s3://lake/in/")
    await lake.glue("StartCrawler", Name="c")
    for _ in range(5):
        await lake.work(Wake(stopping=True))
        assert (await lake.glue("GetCrawler", Name="c"))["Crawler"]["State"] == "RUNNING"
    await lake.work()
    crawler = (await lake.glue("GetCrawler", Name="c"))["Crawler"]
    assert crawler["LastCrawl"]["Status"] == "SUCCEEDED"
    assert list(await lake.tables()) == ["in"]


async def test_a_crawl_that_takes_the_platform_down_again_and_again_is_failed(lake):
    await lake.put("in/a.csv", ORDERS)
    await lake.make_crawler("s3://lake/in/")
    await lake.glue("StartCrawler", Name="c")

    class PowerCut(BaseException):
        pass

    call_aws = lake.needs.call_aws

    async def cut(call, service, operation, /, **members):
        raise PowerCut

    object.__setattr__(lake.needs, "call_aws", cut)
    for _ in range(3):
        with pytest.raises(PowerCut):
            await lake.work()
        assert (await lake.glue("GetCrawler", Name="c"))["Crawler"]["State"] == "RUNNING"
    object.__setattr__(lake.needs, "call_aws", call_aws)
    await lake.work()
    crawler = (await lake.glue("GetCrawler", Name="c"))["Crawler"]
    assert crawler["State"] == "READY"
    assert crawler["LastCrawl"]["Status"] == "FAILED"
    assert crawler["LastCrawl"]["ErrorMessage"] == "The crawl was interrupted 3 times."
    assert (await lake.crawl())["Status"] == "SUCCEEDED"


async def test_a_stop_in_the_middle_keeps_what_was_written(lake):
    await lake.put("in/a.csv", ORDERS)
    await lake.make_crawler("s3://lake/in/")
    await lake.glue("StartCrawler", Name="c")
    call_aws = lake.needs.call_aws

    async def stop_then_call(call, service, operation, /, **members):
        if operation == "GetObject":
            await lake.glue("StopCrawler", Name="c")
        return await call_aws(call, service, operation, **members)

    object.__setattr__(lake.needs, "call_aws", stop_then_call)
    await lake.work()
    crawler = (await lake.glue("GetCrawler", Name="c"))["Crawler"]
    assert (crawler["State"], crawler["LastCrawl"]["Status"]) == ("READY", "CANCELLED")
    assert await lake.tables() == {}


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not beside the project")
async def test_a_year_of_real_orders_is_one_table(lake):
    for path in sorted(DATA.glob("*.csv")):
        await lake.put(f"orders/{path.name}", path.read_bytes())
    tables = await crawl(lake, "s3://lake/orders/")
    assert list(tables) == ["orders"]
    assert columns_of(tables["orders"]) == {
        "invoiceno": "string",
        "stockcode": "string",
        "description": "string",
        "quantity": "bigint",
        "invoicedate": "string",
        "unitprice": "double",
        "customerid": "double",
        "country": "string",
    }
    parameters = tables["orders"]["Parameters"]
    assert parameters["recordCount"] == "541909"
    assert parameters["objectCount"] == "305"
    assert parameters["skip.header.line.count"] == "1"
    serde = tables["orders"]["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]
    assert serde == "org.apache.hadoop.hive.serde2.OpenCSVSerde"
    newer = (DATA / "2011-12-09.csv").read_text().splitlines()
    with_channel = [newer[0] + ",Channel", *(line + ",web" for line in newer[1:101])]
    await lake.put("orders/2011-12-10.csv", "\n".join(with_channel))
    await lake.crawl()
    assert await versions(lake, "orders") == ["1", "0"]
    assert list(columns_of(await lake.table("orders")))[-1] == "channel"
