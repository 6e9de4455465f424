"""Tables of the Glue Data Catalog, read by name: all rows, the right types, or a refusal."""

import gzip
import io
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TEXT_IN = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON = "org.openx.data.jsonserde.JsonSerDe"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
COLUMNS = {"id": "bigint", "name": "string", "price": "double", "day": "date"}
LINES = b"id,name,price,day\n1,a,1.5,2024-01-01\n2,,,\n"
ROWS = "1\ta\t1.5\t2024-01-01\n2\tNULL\tNULL\tNULL\n"


class Warehouse:
    """A database of the test's own, and its bucket."""

    def __init__(self, lake, bucket):
        self.lake, self.bucket = lake, bucket
        self.glue = lake.client("glue")
        self.name = f"db_{uuid.uuid4().hex[:10]}"
        self.glue.create_database(DatabaseInput={"Name": self.name})

    def storage(self, folder, serde, settings=None, columns=COLUMNS):
        kind = "parquet.MapredParquet" if serde == PARQUET else None
        return {
            "Columns": [{"Name": n, "Type": t} for n, t in columns.items()],
            "Location": f"s3://{self.bucket}/{folder}/",
            "InputFormat": f"org.apache.hadoop.hive.ql.io.{kind}InputFormat" if kind else TEXT_IN,
            "OutputFormat": f"org.apache.hadoop.hive.ql.io.{kind}OutputFormat"
            if kind
            else TEXT_OUT,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": settings or {}},
        }

    def create(self, table, serde, settings=None, parameters=None, keys=None, **more):
        self.glue.create_table(
            DatabaseName=self.name,
            TableInput={
                "Name": table,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": parameters or {},
                "StorageDescriptor": self.storage(
                    more.pop("folder", table), serde, settings, **more
                ),
                "PartitionKeys": [{"Name": n, "Type": t} for n, t in (keys or {}).items()],
            },
        )

    def add_partition(self, table, values, folder, serde, settings=None):
        self.glue.create_partition(
            DatabaseName=self.name,
            TableName=table,
            PartitionInput={
                "Values": values,
                "StorageDescriptor": self.storage(folder, serde, settings),
            },
        )

    def put_parquet(self, key, **columns):
        file = io.BytesIO()
        pq.write_table(pa.table(columns), file)
        self.lake.put(self.bucket, **{key: file.getvalue()})


@pytest.fixture
def warehouse(lake, bucket):
    return Warehouse(lake, bucket)


async def select(shell, warehouse, sql):
    code, out, err = await shell.run("spark-sql", "-e", sql.format(db=warehouse.name))
    assert code == 0, err
    return out


async def test_text_of_every_layout_is_read_by_name(shell, warehouse, lake):
    lake.put(
        warehouse.bucket,
        **{
            "csv/a.csv": LINES,
            "gz/a.csv.gz": gzip.compress(LINES),
            "quoted/a.csv": b'1,"a",1.5,2024-01-01\n2,"",,\n',
            "pipes/a": b"1|a|1.5|2024-01-01\n2\n",
            "hive/a": b"1\x01a\x011.5\x012024-01-01\n2\x01\\N\x01many\x01\\N\n",
            "json/a.json": b'{"id":1,"name":"a","price":1.5,"day":"2024-01-01"}\n{"id":2}\n',
        },
    )
    header = {"skip.header.line.count": "1"}
    warehouse.create("csv", LAZY, {"field.delim": ","}, header)
    warehouse.create("gz", CSV, {}, {**header, "compressionType": "gzip"})
    warehouse.create("quoted", CSV, {"separatorChar": ",", "quoteChar": '"'})
    warehouse.create("pipes", LAZY, {"field.delim": "|", "serialization.format": "|"})
    warehouse.create("hive", LAZY, {"serialization.format": "1"})
    warehouse.create("json", JSON)
    names = ("csv", "gz", "quoted", "pipes", "hive", "json")
    sql = ";".join(f"SELECT * FROM {{db}}.{name} ORDER BY id" for name in names)
    assert await select(shell, warehouse, sql) == ROWS * len(names)
    sql = "USE {db}; SELECT sum(id), max(price) FROM csv WHERE day IS NOT NULL"
    assert await select(shell, warehouse, sql) == "1\t1.5\n"


async def test_a_program_reads_and_writes_tables_by_name(shell, warehouse, lake):
    lake.put(warehouse.bucket, **{"csv/a.csv": LINES})
    warehouse.create("csv", LAZY, {"field.delim": ","}, {"skip.header.line.count": "1"})
    program = f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
table = spark.table("{warehouse.name}.csv")
print(table.schema.simpleString(), table.count())
path = "s3://{warehouse.bucket}/copy/"
table.write.option("path", path).format("parquet").saveAsTable("{warehouse.name}.copy")
table.write.insertInto("{warehouse.name}.copy")
print(spark.sql("SELECT count(*), sum(id) FROM {warehouse.name}.copy").first())
print(sorted(t.name for t in spark.catalog.listTables("{warehouse.name}")))
"""
    code, out, err = await shell.python(program)
    assert code == 0, err
    assert out.splitlines() == [
        "struct<id:bigint,name:string,price:double,day:date> 2",
        "Row(count(1)=4, sum(id)=6)",
        "['copy', 'csv']",
    ]
    found = warehouse.glue.get_table(DatabaseName=warehouse.name, Name="copy")["Table"]
    types = {c["Name"]: c["Type"] for c in found["StorageDescriptor"]["Columns"]}
    assert types == COLUMNS


async def test_a_script_and_a_program_name_a_database_and_make_tables_in_it(shell, warehouse):
    name, lake = warehouse.name, f"s3://{warehouse.bucket}"
    script = (
        f"USE {name}; CREATE TABLE made USING parquet LOCATION '{lake}/made/'"
        f" AS SELECT 1 AS id UNION ALL SELECT 2; INSERT INTO made VALUES (3);"
        f" SELECT count(*) FROM made; DROP TABLE made"
    )
    code, out, err = await shell.run("spark-sql", "-e", script)
    assert (code, out) == (0, "3\n"), err
    program = f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.sql("USE {name}")
spark.sql("CREATE TABLE made USING parquet LOCATION '{lake}/again/' AS SELECT 1 AS id")
print(spark.catalog.currentDatabase(), spark.table("made").count())
print([row.col_name for row in spark.sql("DESCRIBE made").collect()])
print(spark.sql("SELECT :n AS n", {{"n": 5}}).first().n, spark.sql("SELECT {{x}} y", x=7).first().y)
"""
    code, out, err = await shell.python(program)
    assert code == 0, err
    assert out.splitlines() == [f"{name} 1", "['id']", "5 7"]


async def test_sql_sets_properties_and_what_would_replace_too_much_is_refused(shell, bucket):
    program = f"""
from pyspark.errors import UnsupportedOperationException
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(spark.sql("SET spark.sql.shuffle.partitions = 7").first().value)
print(spark.conf.get("spark.sql.shuffle.partitions"))
path = "s3://{bucket}/parts/"
rows = spark.createDataFrame([(1, "a"), (2, "b")], ["id", "p"])
rows.write.mode("overwrite").partitionBy("p").parquet(path)
some = rows.filter("p = 'a'")
for option in (True, False):
    writer = some.write.mode("overwrite").partitionBy("p")
    if option:
        writer = writer.option("partitionOverwriteMode", "dynamic")
    else:
        spark.sql("SET spark.sql.sources.partitionOverwriteMode=dynamic")
    try:
        writer.parquet(path)
    except UnsupportedOperationException as error:
        print("dynamic is not supported" in str(error), spark.read.parquet(path).count())
some.write.mode("append").partitionBy("p").parquet(path)
print(spark.read.parquet(path).count())
"""
    code, out, err = await shell.python(program)
    assert code == 0, err
    assert out.splitlines() == ["7", "7", "True 2", "True 2", "3"]


async def test_columns_have_the_catalog_s_names_however_files_spell_them(shell, warehouse, lake):
    warehouse.put_parquet("parquet/a.parquet", Id=[1, 2], Name=["a", "b"])
    lake.put(warehouse.bucket, **{
        "csv/a.csv": b"Id,Name\n1,a\n2,b\n",
        "json/a.json": b'{"Id":1,"Name":"a"}\n{"Id":2,"Name":"b"}\n',
    })  # fmt: skip
    columns = {"id": "bigint", "name": "string"}
    warehouse.create("parquet", PARQUET, columns=columns)
    warehouse.create("csv", CSV, {}, {"skip.header.line.count": "1"}, columns=columns)
    warehouse.create("json", JSON, columns=columns)
    program = f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
for name in ("parquet", "csv", "json"):
    table = spark.table("{warehouse.name}." + name)
    path = "s3://{warehouse.bucket}/out/" + name
    table.write.mode("overwrite").partitionBy("name").parquet(path)
    print(table.columns, spark.read.parquet(path).orderBy("id").collect()[1].name)
spark.read.parquet("s3://{warehouse.bucket}/parquet/").write.partitionBy("name").csv(path + "2")
"""
    code, out, err = await shell.python(program)
    assert code == 0, err
    assert out.splitlines() == ["['id', 'name'] b"] * 3
    listed = lake.client("s3").list_objects_v2(Bucket=warehouse.bucket, Prefix="out/json2/")
    assert {entry["Key"].split("/")[2] for entry in listed["Contents"]} == {"Name=a", "Name=b"}


async def test_partitions_are_read_where_the_catalog_says(shell, warehouse, lake):
    for folder in ("hive/year=2024", "hive/year=2025", "odd/2024", "odd/not-listed", "elsewhere"):
        warehouse.put_parquet(f"{folder}/a.parquet", id=[1, 2], name=["a", folder])
    columns = {"id": "bigint", "name": "string"}
    for name in ("hive", "odd"):
        warehouse.create(name, PARQUET, keys={"year": "int"}, columns=columns)
    for year in ("2024", "2025"):
        warehouse.add_partition("hive", [year], f"hive/year={year}", PARQUET)
    warehouse.add_partition("odd", ["2024"], "odd/2024", PARQUET)
    warehouse.add_partition("odd", ["2025"], "elsewhere", PARQUET)
    lake.put(warehouse.bucket, **{"old/a.csv": b"7,x\n"})
    warehouse.add_partition("odd", ["2026"], "old", CSV)
    out = await select(
        shell,
        warehouse,
        "SELECT year, count(*), max(name) FROM {db}.hive GROUP BY year ORDER BY year;"
        "SELECT year, count(*), max(name) FROM {db}.odd GROUP BY year ORDER BY year;"
        "SELECT id, year FROM {db}.odd WHERE year = 2026",
    )
    assert out.splitlines() == [
        "2024\t2\thive/year=2024",
        "2025\t2\thive/year=2025",
        "2024\t2\todd/2024",
        "2025\t2\telsewhere",
        "2026\t1\tx",
        "7\t2026",
    ]


async def test_what_cannot_be_read_rightly_is_refused(shell, warehouse, lake):
    lake.put(warehouse.bucket, **{"t/a.csv": LINES})
    cases = {
        "two": (CSV, {}, {"skip.header.line.count": "2"}, "one line at most can be skipped"),
        "long": (LAZY, {"field.delim": "||"}, {}, "delimiter of several characters"),
        "mapped": (JSON, {"mapping.a": "b"}, {}, "mapping.a is not supported"),
    }
    for name, (serde, settings, parameters, message) in cases.items():
        warehouse.create(name, serde, settings, parameters, folder="t")
        sql = f"SELECT * FROM {warehouse.name}.{name}"
        code, _, err = await shell.run("spark-sql", "-e", sql)
        assert code == 1
        assert f"Table {warehouse.name}.{name}" in err and message in err
    code, _, err = await shell.run("spark-sql", "-e", f"SELECT * FROM {warehouse.name}.missing")
    assert code == 1
    assert "TABLE_OR_VIEW_NOT_FOUND" in err


async def test_a_table_without_a_place_in_s3_is_refused(shell, warehouse):
    sql = f"CREATE TABLE {warehouse.name}.lost USING parquet AS SELECT 1 AS id"
    code, _, err = await shell.run("spark-sql", "-e", sql)
    assert code == 1
    assert f"Table {warehouse.name}.lost has no location in S3" in err
    assert warehouse.glue.get_tables(DatabaseName=warehouse.name)["TableList"] == []


async def test_reading_what_does_not_exist_is_an_error(shell, warehouse, lake):
    lake.put(warehouse.bucket, **{"there/a.csv": LINES, "there/b.csv": LINES})
    program = f"""
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
read = spark.read.option("header", True)
base = "s3://{warehouse.bucket}/"
for path in ("there", "there/", "there/a.csv", "there/*.csv", ["there/a.csv", "there/b.csv"]):
    given = [base + one for one in path] if isinstance(path, list) else base + path
    print(path, read.csv(given).count())
for path in ("her", "there/a", "none/", "none/*.csv"):
    try:
        print(path, read.csv(base + path).count())
    except AnalysisException as error:
        print(path, error)
"""
    code, out, err = await shell.python(program)
    assert code == 0, err
    lines = out.splitlines()
    assert [line.rpartition(" ")[2] for line in lines[:5]] == ["4", "4", "2", "4", "4"]
    for line, path in zip(lines[5:], ("her", "there/a", "none/", "none/*.csv"), strict=True):
        assert line.endswith(
            f"[PATH_NOT_FOUND] Path does not exist: s3://{warehouse.bucket}/{path}."
        )
