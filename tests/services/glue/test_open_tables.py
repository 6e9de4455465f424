"""Crawls of Delta Lake and Iceberg tables."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millpond.kernel.errors import ServiceError
from tests.services.glue.conftest import columns_of

FIELDS = [
    {"name": "Id", "type": "long", "nullable": True, "metadata": {}},
    {"name": "day", "type": "date", "nullable": True, "metadata": {}},
    {
        "name": "tags",
        "type": {"type": "array", "elementType": "string", "containsNull": True},
        "nullable": True,
        "metadata": {},
    },
    {
        "name": "place",
        "type": {
            "type": "struct",
            "fields": [{"name": "at", "type": "timestamp"}, {"name": "n", "type": "decimal(9,2)"}],
        },
        "nullable": True,
        "metadata": {},
    },
]
COLUMNS = {
    "id": "bigint",
    "tags": "array<string>",
    "place": "struct<at:timestamp,n:decimal(9,2)>",
    "day": "date",
}


def metadata(fields):
    return {
        "id": "t",
        "schemaString": json.dumps({"type": "struct", "fields": fields}),
        "partitionColumns": ["day"],
    }


def commit(*actions):
    return "\n".join(json.dumps(action) for action in actions)


async def crawl(lake, **targets):
    await lake.glue("CreateCrawler", Name="c", Role="r", DatabaseName="shop", Targets=targets)
    return await lake.crawl()


async def test_a_delta_table_has_the_columns_of_its_newest_metadata(lake):
    log = "sales/_delta_log/"
    await lake.put(f"{log}{0:020}.json", commit({"metaData": metadata(FIELDS[:2])}))
    await lake.put(f"{log}{1:020}.json", commit({"metaData": metadata(FIELDS)}, {"add": {}}))
    await lake.put(f"{log}{2:020}.json", commit({"add": {"path": "x"}}))
    last = await crawl(lake, DeltaTargets=[{"DeltaTables": ["s3://lake/sales/"]}])
    assert last["Status"] == "SUCCEEDED", last
    table = await lake.table("sales")
    assert columns_of(table) == COLUMNS
    assert table["Parameters"]["spark.sql.sources.provider"] == "delta"
    assert table["StorageDescriptor"]["Location"] == "s3://lake/sales/"


async def test_a_delta_log_that_was_shortened_is_read_from_its_checkpoint(lake):
    rows = pa.table({"metaData": [None, metadata(FIELDS)]})
    out = io.BytesIO()
    pq.write_table(rows, out)
    log = "sales/_delta_log/"
    await lake.put(f"{log}{10:020}.checkpoint.parquet", out.getvalue())
    await lake.put(f"{log}{11:020}.json", commit({"add": {"path": "x"}}))
    await crawl(lake, DeltaTargets=[{"DeltaTables": ["s3://lake/sales"]}])
    assert columns_of(await lake.table("sales")) == COLUMNS


async def test_commits_before_a_checkpoint_are_read_only_where_it_cannot_be(lake):
    out = io.BytesIO()
    pq.write_table(pa.table({"metaData": [metadata(FIELDS)]}), out)
    log = "sales/_delta_log/"
    await lake.put(f"{log}{9:020}.json", '{"metaData": damaged')
    await lake.put(f"{log}{10:020}.checkpoint.parquet", out.getvalue())
    last = await crawl(lake, DeltaTargets=[{"DeltaTables": ["s3://lake/sales"]}])
    assert last["Status"] == "SUCCEEDED"
    assert columns_of(await lake.table("sales")) == COLUMNS

    await lake.put("more/_delta_log/" + f"{9:020}.json", commit({"metaData": metadata(FIELDS)}))
    await lake.put("more/_delta_log/" + f"{10:020}.checkpoint.parquet", "damaged")
    more = {"DeltaTargets": [{"DeltaTables": ["s3://lake/more"]}]}
    await lake.glue("UpdateCrawler", Name="c", Targets=more)
    await lake.crawl()
    assert columns_of(await lake.table("more")) == COLUMNS


async def test_a_folder_without_a_delta_log_fails_the_crawl_by_its_name(lake):
    last = await crawl(lake, DeltaTargets=[{"DeltaTables": ["s3://lake/nothing/"]}])
    assert last["Status"] == "FAILED"
    assert "There is no Delta table at s3://lake/nothing/." in last["ErrorMessage"]


async def test_iceberg_tables_are_found_below_a_path_and_follow_their_newest_metadata(lake):
    schema = {
        "schema-id": 1,
        "fields": [
            {"id": 1, "name": "id", "type": "long"},
            {"id": 2, "name": "at", "type": "timestamptz"},
            {"id": 3, "name": "tags", "type": {"type": "list", "element": "string"}},
        ],
    }
    text = json.dumps({"schemas": [schema], "current-schema-id": 1})
    old = json.dumps({"schemas": [{"schema-id": 0, "fields": []}]})
    uuid = "0b1c2d3e-0000-0000-0000-000000000000"
    await lake.put(f"warehouse/a.db/visits/metadata/00009-{uuid}.metadata.json", old)
    await lake.put(f"warehouse/a.db/visits/metadata/00010-{uuid}.metadata.json", text)
    await lake.put("warehouse/a.db/sales/metadata/v2.metadata.json", text)
    await lake.put("warehouse/a.db/skipped/metadata/v1.metadata.json", text)
    target = {"Paths": ["s3://lake/warehouse/"], "Exclusions": ["**skipped**"]}
    last = await crawl(lake, IcebergTargets=[target])
    assert last["Status"] == "SUCCEEDED", last
    tables = await lake.tables()
    assert set(tables) == {"visits", "sales"}
    assert columns_of(tables["visits"]) == {
        "id": "bigint",
        "at": "timestamp",
        "tags": "array<string>",
    }
    parameters = tables["visits"]["Parameters"]
    assert parameters["table_type"] == "ICEBERG"
    assert parameters["metadata_location"].endswith(f"/00010-{uuid}.metadata.json")


async def test_a_depth_bounds_where_iceberg_tables_are_looked_for(lake):
    text = json.dumps({"schema": {"fields": [{"id": 1, "name": "a", "type": "int"}]}})
    await lake.put("w/near/metadata/v1.metadata.json", text)
    await lake.put("w/one/two/far/metadata/v1.metadata.json", text)
    target = {"Paths": ["s3://lake/w"], "MaximumTraversalDepth": 1}
    await crawl(lake, IcebergTargets=[target])
    assert set(await lake.tables()) == {"near"}


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"DeltaTargets": [{}]}, "DeltaTables must name a table"),
        (
            {"DeltaTargets": [{"DeltaTables": ["s3://lake/a/"], "WriteManifest": True}]},
            "WriteManifest is not implemented",
        ),
        ({"IcebergTargets": [{"Paths": ["lake/a"]}]}, "lake/a is not valid"),
        (
            {"IcebergTargets": [{"Paths": ["s3://lake/a"], "MaximumTraversalDepth": 99}]},
            "MaximumTraversalDepth must be from 1 to 20",
        ),
    ],
)
async def test_targets_that_cannot_be_crawled_are_refused(lake, targets, message):
    with pytest.raises(ServiceError) as refused:
        await lake.glue("CreateCrawler", Name="c", Role="r", Targets=targets)
    assert refused.value.code == "InvalidInputException"
    assert message in refused.value.message
