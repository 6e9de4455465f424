"""DDL on a real catalog: what each statement changes, answers and refuses."""

import pytest

ORDERS = (
    "CREATE EXTERNAL TABLE orders (id int COMMENT 'key', price decimal(10,2)) "
    "PARTITIONED BY (day date, n int) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
    "LOCATION 's3://lake/orders/'"
)


@pytest.fixture
async def orders(world):
    assert await world.lines(ORDERS) == []
    return world


async def test_a_database_lives_and_ends(world):
    text = "CREATE DATABASE d COMMENT 'c' LOCATION 's3://lake/d/' WITH DBPROPERTIES ('a'='b')"
    await world.lines(text)
    found = (await world.glue("GetDatabase", Name="d"))["Database"]
    assert found["Description"] == "c"
    assert found["LocationUri"] == "s3://lake/d/"
    assert found["Parameters"] == {"a": "b"}
    assert (await world.reason("CREATE DATABASE d")).endswith("Database d already exists")
    await world.lines("CREATE DATABASE IF NOT EXISTS d")
    assert await world.lines("SHOW DATABASES LIKE 'd|sh*'") == ["d", "shop"]
    await world.lines("CREATE EXTERNAL TABLE d.t (a int) LOCATION 's3://lake/t/'")
    assert "Database d is not empty" in await world.reason("DROP DATABASE d")
    await world.lines("DROP DATABASE d CASCADE")
    assert await world.lines("SHOW SCHEMAS") == ["shop"]
    assert await world.reason("DROP DATABASE d") == (
        "FAILED: SemanticException [Error 10072]: Database does not exist: d"
    )
    await world.lines("DROP DATABASE IF EXISTS d")


async def test_a_table_is_kept_as_hive_describes_it(orders):
    table = await orders.table("orders")
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Parameters"]["EXTERNAL"] == "TRUE"
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "date"}, {"Name": "n", "Type": "int"}]
    storage = table["StorageDescriptor"]
    assert storage["Columns"] == [
        {"Name": "id", "Type": "int", "Comment": "key"},
        {"Name": "price", "Type": "decimal(10,2)"},
    ]
    assert storage["SerdeInfo"]["Parameters"] == {"field.delim": ",", "serialization.format": ","}
    done = await orders.run("SHOW TABLES")
    assert (done["StatementType"], done["SubstatementType"]) == ("UTILITY", "SHOW_TABLES")


async def test_a_table_is_made_once_and_in_a_database_that_is_there(orders):
    assert "Table orders already exists" in await orders.reason(ORDERS)
    await orders.lines(ORDERS.replace("TABLE", "TABLE IF NOT EXISTS", 1))
    reason = await orders.reason(ORDERS.replace("orders (", "nowhere.orders ("))
    assert reason.endswith("Database does not exist: nowhere")
    reason = await orders.reason("CREATE EXTERNAL TABLE t (a int) LOCATION 'hdfs://x/'")
    assert "is not a location in Amazon S3" in reason


async def test_the_default_database_comes_into_being_when_it_is_needed(world):
    nowhere = {"QueryExecutionContext": {}}
    assert "Table not found default.t" in await world.reason("DROP TABLE t", **nowhere)
    await world.lines("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/t/'", **nowhere)
    assert (await world.table("t", "default"))["Name"] == "t"
    assert await world.lines("SHOW TABLES", **nowhere) == ["t"]


async def test_columns_are_added_and_replaced(orders):
    await orders.lines("ALTER TABLE orders ADD COLUMNS (tags array<string> COMMENT 'x', b boolean)")
    columns = (await orders.table("orders"))["StorageDescriptor"]["Columns"]
    assert [column["Name"] for column in columns] == ["id", "price", "tags", "b"]
    reason = await orders.reason("ALTER TABLE orders ADD COLUMNS (day int)")
    assert reason.endswith("Duplicate column name: day")
    await orders.lines("ALTER TABLE orders REPLACE COLUMNS (a map<string,int>)")
    columns = (await orders.table("orders"))["StorageDescriptor"]["Columns"]
    assert columns == [{"Name": "a", "Type": "map<string,int>"}]


async def test_properties_and_locations_are_set(orders):
    await orders.lines("ALTER TABLE orders SET TBLPROPERTIES ('b'='2', 'a'='1')")
    lines = await orders.lines("SHOW TBLPROPERTIES orders")
    assert {"a\t1", "b\t2", "EXTERNAL\tTRUE"} <= set(lines)
    assert await orders.lines("SHOW TBLPROPERTIES orders('a')") == ["1"]
    (missing,) = await orders.lines("SHOW TBLPROPERTIES orders('c')")
    assert missing == "Table shop.orders does not have property: c"
    await orders.lines("ALTER TABLE orders SET LOCATION 's3://lake/other/'")
    location = (await orders.table("orders"))["StorageDescriptor"]["Location"]
    assert location == "s3://lake/other/"


async def test_partitions_are_added_with_or_without_a_location(orders):
    await orders.lines(
        "ALTER TABLE orders ADD PARTITION (day='2024-01-01', n=1) "
        "PARTITION (n=2, day=DATE '2024-01-01') LOCATION 's3://lake/else/'"
    )
    assert await orders.partitions("orders") == {
        ("2024-01-01", "1"): "s3://lake/orders/day=2024-01-01/n=1",
        ("2024-01-01", "2"): "s3://lake/else/",
    }
    again = "ALTER TABLE orders ADD {} PARTITION (day='2024-01-01', n=1)"
    assert "AlreadyExistsException" in await orders.reason(again.format(""))
    await orders.lines(again.format("IF NOT EXISTS"))
    reason = await orders.reason("ALTER TABLE orders ADD PARTITION (day='2024-01-01')")
    assert "doesn't contain all (2) partition columns" in reason
    moved = "ALTER TABLE orders PARTITION (day='2024-01-01', n=1) SET LOCATION 's3://lake/new/'"
    await orders.lines(moved)
    assert (await orders.partitions("orders"))["2024-01-01", "1"] == "s3://lake/new/"
    assert "Partition not found" in await orders.reason(moved.replace("n=1", "n=7"))


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        ("(n = 9)", {10, 11, 12}),
        ("(n < 11)", {11, 12}),
        ("(n <= 11)", {12}),
        ("(n > 10)", {9, 10}),
        ("(n >= 10)", {9}),
        ("(n <> 10)", {10}),
        ("(n != 10)", {10}),
        ("(n > 9, n < 12)", {9, 12}),
        ("(n = 9), PARTITION (n = 12)", {10, 11}),
        ("(day = '2024-01-03', n >= 9)", {9, 10, 12}),
        ("(day < '2024-01-03')", {11, 12}),
    ],
)
async def test_partitions_are_dropped_by_comparison_as_their_types_compare(orders, spec, left):
    values = " ".join(f"PARTITION (day='2024-01-0{n - 8}', n={n})" for n in range(9, 13))
    await orders.lines(f"ALTER TABLE orders ADD {values}")
    await orders.lines(f"ALTER TABLE orders DROP PARTITION {spec}")
    assert {int(n) for _, n in await orders.partitions("orders")} == left


async def test_dropping_no_partition_fails_unless_asked_otherwise(orders):
    reason = await orders.reason("ALTER TABLE orders DROP PARTITION (n = 1)")
    assert reason == "FAILED: SemanticException [Error 10006]: Partition not found (n = '1')"
    await orders.lines("ALTER TABLE orders DROP IF EXISTS PARTITION (n = 1)")
    reason = await orders.reason("ALTER TABLE orders DROP PARTITION (x = 1)")
    assert "Partition column x not found" in reason


async def test_more_partitions_than_one_batch_are_added_and_dropped(orders):
    values = " ".join(f"PARTITION (day='2024-01-01', n={n})" for n in range(230))
    await orders.lines(f"ALTER TABLE orders ADD {values}")
    assert len(await orders.lines("SHOW PARTITIONS orders")) == 230
    await orders.lines("ALTER TABLE orders DROP PARTITION (n >= 1)")
    assert await orders.lines("SHOW PARTITIONS orders") == ["day=2024-01-01/n=0"]


async def test_repair_finds_folders_that_are_no_partitions_yet(orders):
    for key in (
        "day=2024-01-01/n=1/a.csv",
        "day=2024-01-01/n=2/a.csv",
        "DAY=2024-01-02/N=1/deep/a.csv",
        "day=2024-01-03/a.csv",
        "other=1/n=1/a.csv",
        "_tmp/n=1/a.csv",
        "day=2024-01-04/n=__HIVE_DEFAULT_PARTITION__/a.csv",
        "a.csv",
    ):
        await orders.put(f"orders/{key}")
    await orders.lines("ALTER TABLE orders ADD PARTITION (day='2024-01-01', n=2)")
    lines = await orders.lines("MSCK REPAIR TABLE orders")
    assert lines[0].startswith("Partitions not in metastore:\torders:")
    assert lines[0].count("orders:") == 3
    assert "Repair: Added partition to metastore orders:day=2024-01-01/n=1" in lines[1:]
    found = await orders.partitions("orders")
    assert found["2024-01-01", "1"] == "s3://lake/orders/day=2024-01-01/n=1/"
    assert found["2024-01-02", "1"] == "s3://lake/orders/DAY=2024-01-02/N=1/"
    assert ("2024-01-04", "__HIVE_DEFAULT_PARTITION__") in found
    assert len(found) == 4
    assert await orders.lines("MSCK REPAIR TABLE orders") == []


async def test_what_has_no_partitions_says_so(world):
    await world.lines("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/t/'")
    for text in ("SHOW PARTITIONS t", "MSCK REPAIR TABLE t"):
        assert (await world.reason(text)).endswith("Table t is not a partitioned table")


async def test_tables_and_columns_are_listed_and_described(orders):
    await orders.lines("CREATE EXTERNAL TABLE other (a int) LOCATION 's3://lake/t/'")
    assert await orders.lines("SHOW TABLES") == ["orders", "other"]
    assert await orders.lines("SHOW TABLES IN shop 'or*'") == ["orders"]
    assert (await orders.reason("SHOW TABLES IN d")).endswith("Database does not exist: d")
    names = [line.strip() for line in await orders.lines("SHOW COLUMNS IN orders")]
    assert names == ["id", "price", "day", "n"]
    described = [line.split("\t") for line in await orders.lines("DESCRIBE orders")]
    assert [part.strip() for part in described[0]] == ["id", "int", "key"]
    assert [part.strip() for part in described[-1]] == ["n", "int", ""]
    (line,) = await orders.lines("DESCRIBE orders price")
    assert line.split("\t")[1].strip() == "decimal(10,2)"
    assert "Invalid column x" in await orders.reason("DESCRIBE orders x")
    formatted = await orders.lines("DESCRIBE FORMATTED shop.orders")
    assert any(line.startswith("Location:") and "s3://lake/orders/" in line for line in formatted)
    assert (await orders.reason("DESCRIBE nothing")).endswith("Table not found shop.nothing")


async def test_views_are_kept_as_presto_keeps_them(world):
    await world.lines("CREATE VIEW v AS SELECT 1 AS a")
    table = await world.table("v")
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["ViewOriginalText"].startswith("/* Presto View: ")
    assert table["StorageDescriptor"]["Columns"] == [{"Name": "a", "Type": "int"}]
    assert await world.lines("SHOW CREATE VIEW v") == [
        "CREATE VIEW awsdatacatalog.shop.v AS",
        "SELECT 1 AS a",
    ]
    assert await world.lines("SHOW VIEWS") == ["v"]
    (column,) = await world.lines("DESCRIBE VIEW v")
    assert [part.strip() for part in column.split("\t")] == ["a", "int", ""]
    assert "View already exists" in await world.reason("CREATE VIEW v AS SELECT 2 AS a")
    await world.lines("CREATE OR REPLACE VIEW v AS SELECT 2 AS a")
    assert (await world.lines("SHOW CREATE VIEW v"))[1] == "SELECT 2 AS a"
    assert "Cannot drop a view" in await world.reason("DROP TABLE v")
    assert "Cannot alter a view" in await world.reason("ALTER TABLE v ADD COLUMNS (b int)")
    await world.lines("DROP VIEW v")
    await world.lines("DROP VIEW IF EXISTS v")
    assert "Table not found shop.v" in await world.reason("DROP VIEW v")


async def test_a_table_is_no_view(orders):
    assert "Table already exists" in await orders.reason(
        "CREATE OR REPLACE VIEW orders AS SELECT 1"
    )
    assert "does not exist" in await orders.reason("DROP VIEW orders")
    assert "is a table, not a view" in await orders.reason("SHOW CREATE VIEW orders")
    await orders.lines("DROP TABLE orders")
    assert await orders.lines("SHOW TABLES") == []


@pytest.mark.parametrize(
    "clauses",
    [
        "",
        "COMMENT 'it''s \\\\ a\\ttable' PARTITIONED BY (p string COMMENT 'x', `q` date)",
        "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\001' ESCAPED BY '\\\\' "
        "COLLECTION ITEMS TERMINATED BY '|' NULL DEFINED AS ''",
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' WITH SERDEPROPERTIES "
        "('separatorChar'='\\t', 'quoteChar'='\\'', 'escapeChar'='\\\\')",
        "STORED AS PARQUET",
        "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'",
    ],
)
async def test_a_shown_table_can_be_made_again(world, clauses):
    await world.lines(
        "CREATE EXTERNAL TABLE one (a struct<b:array<int>,c:decimal(4,1)> COMMENT 'd', e string) "
        f"{clauses} LOCATION 's3://lake/t/' TBLPROPERTIES ('k'='v''\\n')"
    )
    for name in ("one", "shop.one"):
        text = "\n".join(await world.lines(f"SHOW CREATE TABLE {name}"))
        assert text.startswith(f"CREATE EXTERNAL TABLE `{name}`(")
        await world.lines(text.replace("one", "two", 1))
        first, second = await world.table("one"), await world.table("two")
        for member in ("StorageDescriptor", "PartitionKeys", "Parameters", "TableType"):
            assert first.get(member) == second.get(member), text
        await world.lines("DROP TABLE two")
