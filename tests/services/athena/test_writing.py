"""CREATE TABLE AS, INSERT INTO and UNLOAD: what lies in S3 and in the catalog afterwards."""

import pytest

from millpond.engines.sql.interface import Column


def answers(world, *partitions, columns=("a integer", "p varchar")):
    world.sql.columns = [Column(*column.split(" ", 1)) for column in columns]
    world.sql.files = [(f"data {values}".encode(), values) for values in partitions]


async def test_a_table_is_made_of_a_query(world):
    answers(world, (), columns=("A integer", "b array(varchar)"))
    done = await world.run("CREATE TABLE made AS SELECT …".replace("…", "1 AS A, ARRAY['x'] b"))
    query = done["QueryExecutionId"]
    base = f"s3://results/q/tables/{query}"
    assert done["ResultConfiguration"]["OutputLocation"] == base
    assert done["Statistics"]["DataManifestLocation"] == f"{base}-manifest.csv"
    assert await world.read(f"{base}-manifest.csv") == f"{base}/{query}_00000\n"
    assert await world.read(f"{base}/{query}_00000") == "data ()"
    table = await world.table("made")
    assert table["StorageDescriptor"]["Columns"] == [
        {"Name": "a", "Type": "int"},
        {"Name": "b", "Type": "array<string>"},
    ]
    assert table["StorageDescriptor"]["Location"] == f"{base}/"
    assert table["Parameters"]["parquet.compression"] == "GZIP"
    results = await world.athena("GetQueryResults", QueryExecutionId=query)
    assert (results["UpdateCount"], results["ResultSet"]["Rows"]) == (3, [])


async def test_partition_columns_become_folders_and_partitions(world):
    answers(world, ("x/y",), (None,), ("x/y",))
    text = (
        "CREATE TABLE made WITH (external_location='s3://lake/made', format='TEXTFILE', "
        "field_delimiter='|', write_compression='NONE', partitioned_by=ARRAY['p']) AS SELECT 1"
    )
    done = await world.run(text)
    assert done["Status"]["State"] == "SUCCEEDED", done
    query = done["QueryExecutionId"]
    null = "__HIVE_DEFAULT_PARTITION__"
    assert await world.keys("lake") == [
        f"made/p=__HIVE_DEFAULT_PARTITION__/{query}_00001",
        f"made/p=x%2Fy/{query}_00000",
        f"made/p=x%2Fy/{query}_00002",
    ]
    assert await world.partitions("made") == {
        ("x/y",): "s3://lake/made/p=x%2Fy/",
        (null,): f"s3://lake/made/p={null}/",
    }
    output = world.sql.outputs[-1]
    assert (output.format, output.delimiter, output.partitioned_by) == ("delimited", "|", 1)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("bucketed_by = ARRAY['a']", "bucketed_by is not supported"),
        ("format = 'ORC'", "Writing ORC is not supported"),
        ("format = 'JSON', write_compression = 'SNAPPY'", "JSON with SNAPPY is not supported"),
        ("table_type = 'ICEBERG'", "type ICEBERG are not supported"),
        ("partitioned_by = ARRAY['a']", "Partition keys must be the last columns"),
        ("partitioned_by = 'p'", "takes an ARRAY"),
        ("external_location = 'file:///x'", "is not a location in Amazon S3"),
        ("external_location = 's3://lake/full/'", "HIVE_PATH_ALREADY_EXISTS"),
    ],
)
async def test_what_cannot_be_written_is_named(world, settings, says):
    answers(world, ("x",))
    await world.put("full/a.csv")
    assert says in await world.reason(f"CREATE TABLE made WITH ({settings}) AS SELECT 1")
    assert await world.keys("lake") == ["full/a.csv"]


async def test_a_table_is_made_once(world):
    answers(world, (), columns=("a integer",))
    await world.run("CREATE TABLE made AS SELECT 1 a")
    reason = await world.reason("CREATE TABLE made AS SELECT 1 a")
    assert reason == "TABLE_ALREADY_EXISTS: Table 'shop.made' already exists"
    done = await world.run("CREATE TABLE IF NOT EXISTS made AS SELECT 1 a")
    assert done["Status"]["State"] == "SUCCEEDED"
    assert len(world.sql.asked) == 1
    reason = await world.reason("CREATE TABLE nowhere.made AS SELECT 1 a")
    assert reason.endswith("Database does not exist: nowhere")


async def test_a_query_writes_a_hundred_partitions_at_most(world):
    answers(world, *((str(n),) for n in range(101)))
    text = "CREATE TABLE made WITH (partitioned_by=ARRAY['p']) AS SELECT 1"
    reason = await world.reason(text)
    assert reason.startswith("HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers")
    assert await world.keys("results") == []


async def table_of_days(world):
    await world.lines(
        "CREATE EXTERNAL TABLE days (a int, b string) PARTITIONED BY (day date) "
        "STORED AS PARQUET LOCATION 's3://lake/days/' TBLPROPERTIES ('parquet.compression'='ZSTD')"
    )


async def test_rows_are_added_where_their_partitions_lie(world):
    await table_of_days(world)
    old = "ALTER TABLE days ADD PARTITION (day='2024-01-01') LOCATION 's3://lake/old'"
    await world.lines(old)
    world.sql.files = [(b"old", ("2024-01-01",)), (b"new", ("2024-01-02",))]
    done = await world.run("INSERT INTO days SELECT 1, 'x', DATE '2024-01-01'")
    query = done["QueryExecutionId"]
    assert (done["StatementType"], done["SubstatementType"]) == ("DML", "INSERT")
    assert await world.keys("lake") == [
        f"days/day=2024-01-02/{query}_00001",
        f"old/{query}_00000",
    ]
    assert await world.partitions("days") == {
        ("2024-01-01",): "s3://lake/old",
        ("2024-01-02",): "s3://lake/days/day=2024-01-02/",
    }
    manifest = done["Statistics"]["DataManifestLocation"]
    assert manifest == f"s3://results/q/{query}-manifest.csv"
    output = world.sql.outputs[-1]
    assert output.compression == "zstd"
    assert [(column.name, column.type) for column in output.columns] == [
        ("a", "integer"),
        ("b", "varchar"),
        ("day", "date"),
    ]


async def test_columns_that_an_insert_leaves_out_are_null(world):
    await table_of_days(world)
    await world.run("INSERT INTO days (day, a) SELECT DATE '2024-01-01', 1")
    assert world.sql.asked[-1].sql == (
        'SELECT "a", CAST(NULL AS varchar) AS "b", "day" '
        'FROM (SELECT DATE \'2024-01-01\', 1) AS q("day", "a")'
    )
    reason = await world.reason("INSERT INTO days (x) SELECT 1")
    assert reason.startswith("COLUMN_NOT_FOUND: Insert column name does not exist")
    assert "more than once" in await world.reason("INSERT INTO days (a, a) SELECT 1, 2")


async def test_an_insert_needs_a_table_that_can_be_written(world):
    assert "Table not found shop.t" in await world.reason("INSERT INTO t SELECT 1")
    await world.lines("CREATE VIEW v AS SELECT 1 AS a")
    assert "into views is not supported" in await world.reason("INSERT INTO v SELECT 1")
    await world.lines(
        "CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/t/' "
        "TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    assert "its files have header lines" in await world.reason("INSERT INTO t SELECT 1")


async def test_rows_are_unloaded_to_an_empty_place(world):
    answers(world, ("x",), ("y",))
    text = "UNLOAD (SELECT 1) TO 's3://lake/out' WITH (format='JSON', partitioned_by=ARRAY['p'])"
    done = await world.run(text)
    query = done["QueryExecutionId"]
    assert await world.keys("lake") == [
        f"out/p=x/{query}_00000.gz",
        f"out/p=y/{query}_00001.gz",
    ]
    manifest = await world.read(f"s3://results/q/{query}-manifest.csv")
    assert manifest.split() == [f"s3://lake/{key}" for key in await world.keys("lake")]
    assert "HIVE_PATH_ALREADY_EXISTS" in await world.reason(text)
    assert "needs the property format" in await world.reason("UNLOAD (SELECT 1) TO 's3://lake/o2'")
