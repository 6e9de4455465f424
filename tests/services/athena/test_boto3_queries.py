"""Queries from end to end, as boto3 sees them: a real server, real files, the real engine."""

import gzip
import io
import json
import time

import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

RESULTS = "s3://athena-queries-results/here/"
ENDLESS = (
    "SELECT count(*) AS n FROM UNNEST(sequence(1, 10000)) a(x) "
    "CROSS JOIN UNNEST(sequence(1, 10000)) b(y) CROSS JOIN UNNEST(sequence(1, 10000)) c(z) "
    "WHERE sqrt(x * 1e0) > (y + z) % 7"
)
ORDERS = {
    "2024-01-01": "id,name,price\n1,anna,2.50\n2,,3.75\n",
    "2024-01-02": "id,name,price\n3,carl,1.00\n",
    "2024-02-01": "id,name,price\n4,dora,\n",
}


class Athena:
    """Runs queries in the database `athena_queries`."""

    def __init__(self, server):
        self.client, self.s3 = server.client("athena"), server.client("s3")
        self.glue = server.client("glue")

    def start(self, sql, **more):
        settings = {
            "ResultConfiguration": {"OutputLocation": RESULTS},
            "QueryExecutionContext": {"Database": "athena_queries"},
        } | more
        return self.client.start_query_execution(QueryString=sql, **settings)["QueryExecutionId"]

    def execution(self, query):
        return self.client.get_query_execution(QueryExecutionId=query)["QueryExecution"]

    def wait(self, query):
        for _ in range(600):
            execution = self.execution(query)
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return execution
            time.sleep(0.02)
        raise AssertionError(f"{query} does not end")

    def run(self, sql, **more):
        done = self.wait(self.start(sql, **more))
        assert done["Status"]["State"] == "SUCCEEDED", done["Status"]
        return done

    def results(self, done):
        return self.client.get_query_results(QueryExecutionId=done["QueryExecutionId"])

    def rows(self, sql, **more):
        """The rows without their header."""
        found = self.results(self.run(sql, **more))["ResultSet"]["Rows"][1:]
        return [[datum.get("VarCharValue") for datum in row["Data"]] for row in found]

    def lines(self, sql):
        found = self.results(self.run(sql))["ResultSet"]["Rows"]
        return [row["Data"][0]["VarCharValue"] for row in found]

    def failure(self, sql, **more):
        done = self.wait(self.start(sql, **more))
        assert done["Status"]["State"] == "FAILED"
        return done["Status"]["AthenaError"]

    def read(self, location):
        bucket, _, key = location.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def files(self, prefix):
        found = self.s3.list_objects_v2(Bucket="athena-queries-lake", Prefix=prefix)
        return [f"s3://athena-queries-lake/{one['Key']}" for one in found.get("Contents", [])]


@pytest.fixture(scope="module")
def athena(server):
    athena = Athena(server)
    for bucket in ("athena-queries-results", "athena-queries-lake"):
        athena.s3.create_bucket(Bucket=bucket)
    for day, text in ORDERS.items():
        key = f"orders/day={day}/part.csv"
        athena.s3.put_object(Bucket="athena-queries-lake", Key=key, Body=text.encode())
    athena.run("CREATE DATABASE athena_queries")
    athena.run(
        "CREATE EXTERNAL TABLE orders (id int, name string, price decimal(10,2)) "
        "PARTITIONED BY (day date) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        "LOCATION 's3://athena-queries-lake/orders/' "
        "TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    athena.run("MSCK REPAIR TABLE orders")
    return athena


def test_values_of_all_types_are_shown_as_athena_shows_them(athena):
    done = athena.run(
        "SELECT 1 AS i, BIGINT '7' AS l, 1.5e0 AS d, DECIMAL '1.50' AS dec, 'a\"b' AS s, true AS t,"
        " DATE '2024-02-29' AS day, TIMESTAMP '2024-01-02 03:04:05.678' AS ts, ARRAY[1, NULL] AS a,"
        " MAP(ARRAY['k'], ARRAY[2]) AS m, CAST(ROW(1, 'x') AS ROW(n integer, v varchar)) AS r,"
        " CAST(NULL AS varchar) AS nothing, '' AS empty"
    )
    found = athena.results(done)
    shown = {
        column["Name"]: (column["Type"], row.get("VarCharValue"))
        for column, row in zip(
            found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"],
            found["ResultSet"]["Rows"][1]["Data"],
            strict=True,
        )
    }
    assert shown == {
        "i": ("integer", "1"),
        "l": ("bigint", "7"),
        "d": ("double", "1.5"),
        "dec": ("decimal", "1.50"),
        "s": ("varchar", 'a"b'),
        "t": ("boolean", "true"),
        "day": ("date", "2024-02-29"),
        "ts": ("timestamp", "2024-01-02 03:04:05.678"),
        "a": ("array", "[1, null]"),
        "m": ("map", "{k=2}"),
        "r": ("row", "{n=1, v=x}"),
        "nothing": ("varchar", None),
        "empty": ("varchar", ""),
    }
    text = athena.read(done["ResultConfiguration"]["OutputLocation"]).decode()
    header, line, rest = text.split("\n")
    assert header.startswith('"i","l","d","dec"')
    assert line.endswith('"{n=1, v=x}",,""')
    assert rest == ""


def test_a_partitioned_table_is_read_and_pruned(athena):
    rows = athena.rows("SELECT id, name, price, day FROM orders ORDER BY id")
    assert rows == [
        ["1", "anna", "2.50", "2024-01-01"],
        ["2", "", "3.75", "2024-01-01"],
        ["3", "carl", "1.00", "2024-01-02"],
        ["4", "dora", None, "2024-02-01"],
    ]
    everything = athena.run("SELECT count(*) FROM orders")
    assert everything["Statistics"]["DataScannedInBytes"] == sum(map(len, ORDERS.values()))
    one = athena.run("SELECT sum(price) FROM orders WHERE day = DATE '2024-01-02'")
    assert one["Statistics"]["DataScannedInBytes"] == len(ORDERS["2024-01-02"])
    months = "SELECT count(*) FROM orders WHERE day BETWEEN DATE '2024-01-01' AND DATE '2024-01-31'"
    scanned = athena.run(months)["Statistics"]["DataScannedInBytes"]
    assert scanned == len(ORDERS["2024-01-01"]) + len(ORDERS["2024-01-02"])


def test_text_of_a_partition_with_other_columns_is_refused(athena):
    athena.run(
        "CREATE EXTERNAL TABLE moved (id bigint, z bigint, extra double) "
        "PARTITIONED BY (y string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        "LOCATION 's3://athena-queries-lake/moved/'"
    )
    named = {"DatabaseName": "athena_queries", "TableName": "moved"}
    storage = athena.glue.get_table(DatabaseName="athena_queries", Name="moved")["Table"][
        "StorageDescriptor"
    ]
    id_, z, extra = storage["Columns"]
    for year, columns, text in (("1", [id_, z], "1,7\n"), ("2", [id_, extra], "2,1.5\n")):
        key = f"moved/y={year}/part.csv"
        athena.s3.put_object(Bucket="athena-queries-lake", Key=key, Body=text.encode())
        location = f"s3://athena-queries-lake/moved/y={year}/"
        athena.glue.create_partition(
            **named,
            PartitionInput={
                "Values": [year],
                "StorageDescriptor": storage | {"Columns": columns, "Location": location},
            },
        )
    assert athena.failure("SELECT * FROM moved")["ErrorMessage"].startswith(
        "HIVE_PARTITION_SCHEMA_MISMATCH: "
    )
    assert athena.rows("SELECT id, z FROM moved WHERE y = '1'") == [["1", "7"]]


def test_projected_partitions_are_read_without_a_catalog(athena):
    athena.run(
        "CREATE EXTERNAL TABLE projected (id int, name string, price decimal(10,2)) "
        "PARTITIONED BY (day date) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        "LOCATION 's3://athena-queries-lake/orders/' TBLPROPERTIES ("
        "'skip.header.line.count'='1', 'projection.enabled'='true', 'projection.day.type'='date', "
        "'projection.day.range'='2023-12-01,2024-03-01', 'projection.day.format'='yyyy-MM-dd')"
    )
    assert athena.rows("SELECT id, day FROM projected WHERE id > 2 ORDER BY id") == [
        ["3", "2024-01-02"],
        ["4", "2024-02-01"],
    ]
    one = athena.run("SELECT count(*) FROM projected WHERE day = DATE '2024-01-02'")
    assert one["Statistics"]["DataScannedInBytes"] == len(ORDERS["2024-01-02"])


def test_results_come_in_pages(athena):
    done = athena.run("SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n) ORDER BY n")
    pages = athena.client.get_paginator("get_query_results").paginate(
        QueryExecutionId=done["QueryExecutionId"]
    )
    rows = [page["ResultSet"]["Rows"] for page in pages]
    assert [len(page) for page in rows] == [1000, 1000, 501]
    values = [row["Data"][0]["VarCharValue"] for page in rows for row in page]
    assert values == ["n", *map(str, range(1, 2501))]


def test_a_table_is_made_filled_and_read_again(athena):
    done = athena.run(
        "CREATE TABLE sums WITH (external_location = 's3://athena-queries-lake/sums/', "
        "format = 'PARQUET', write_compression = 'SNAPPY', partitioned_by = ARRAY['day']) AS "
        "SELECT id, price, day FROM orders"
    )
    manifest = athena.read(done["Statistics"]["DataManifestLocation"]).decode().split()
    assert manifest == athena.files("sums/")
    assert len(manifest) == 3
    written = pyarrow.parquet.ParquetFile(io.BytesIO(athena.read(manifest[0])))
    assert written.schema_arrow.names == ["id", "price"]
    assert written.metadata.row_group(0).column(0).compression == "SNAPPY"
    assert athena.results(done)["UpdateCount"] == 4
    athena.run("INSERT INTO sums VALUES (9, DECIMAL '7.25', DATE '2024-03-01')")
    assert athena.lines("SHOW PARTITIONS sums")[-1] == "day=2024-03-01"
    rows = athena.rows("SELECT day, sum(price) FROM sums GROUP BY 1 ORDER BY 1")
    assert rows == [
        ["2024-01-01", "6.25"],
        ["2024-01-02", "1.00"],
        ["2024-02-01", None],
        ["2024-03-01", "7.25"],
    ]
    athena.run("DROP TABLE sums")
    assert len(athena.files("sums/")) == 4


def test_rows_are_unloaded_as_json(athena):
    done = athena.run(
        "UNLOAD (SELECT id, name FROM orders ORDER BY id) TO 's3://athena-queries-lake/out/' "
        "WITH (format = 'JSON')"
    )
    (file,) = athena.files("out/")
    assert athena.read(done["Statistics"]["DataManifestLocation"]).decode().split() == [file]
    rows = [json.loads(line) for line in gzip.decompress(athena.read(file)).splitlines()]
    assert rows[0] == {"id": 1, "name": "anna"}
    assert len(rows) == 4


def test_a_view_is_a_query_over_others(athena):
    athena.run("CREATE OR REPLACE VIEW daily AS SELECT day, count(*) AS n FROM orders GROUP BY day")
    athena.run("CREATE OR REPLACE VIEW busy AS SELECT day FROM daily WHERE n > 1")
    assert athena.rows("SELECT * FROM busy") == [["2024-01-01"]]
    table = athena.glue.get_table(DatabaseName="athena_queries", Name="daily")["Table"]
    columns = [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]]
    assert columns == [("day", "date"), ("n", "bigint")]
    assert (
        "does not exist" in athena.failure("CREATE VIEW v AS SELECT * FROM nothing")["ErrorMessage"]
    )


def test_statements_are_prepared_and_parameters_given(athena):
    athena.run("PREPARE by_day FROM SELECT id FROM orders WHERE day = ? ORDER BY id")
    assert athena.rows("EXECUTE by_day USING DATE '2024-01-01'") == [["1"], ["2"]]
    given = {"ExecutionParameters": ["DATE '2024-01-02'"]}
    assert athena.rows("EXECUTE by_day", **given) == [["3"]]
    athena.run("DEALLOCATE PREPARE by_day")
    parameters = ["'anna'", "3"]
    rows = athena.rows(
        "SELECT id FROM orders WHERE name = ? OR id = ? ORDER BY id",
        ExecutionParameters=parameters,
    )
    assert rows == [["1"], ["3"]]


def test_a_plan_is_explained(athena):
    plan = "\n".join(athena.lines("EXPLAIN SELECT name, count(*) FROM orders GROUP BY name"))
    assert "group" in plan.lower()


@pytest.mark.parametrize(
    ("sql", "says", "kind"),
    [
        ("SELECT nothing FROM orders", "COLUMN_NOT_FOUND: line 1:8", 1006),
        ("SELECT * FROM missing", "TABLE_NOT_FOUND: line 1:15", 1110),
        ("SELECT 1 / 0", "DIVISION_BY_ZERO", 1001),
        ("SELECT CAST('x' AS integer)", "INVALID_CAST_ARGUMENT", 1001),
        ("SELECT FROM", "SYNTAX_ERROR", 1006),
    ],
)
def test_what_is_wrong_is_told(athena, sql, says, kind):
    try:
        error = athena.failure(sql)
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "InvalidRequestException"
        assert sql == "SELECT FROM"
        return
    assert says in error["ErrorMessage"]
    assert (error["ErrorCategory"], error["ErrorType"], error["Retryable"]) == (2, kind, False)


def test_a_query_that_would_scan_too_much_is_cancelled(athena):
    lines = b"".join(b"%08d\n" % n for n in range(1_250_000))
    athena.s3.put_object(Bucket="athena-queries-lake", Key="big/a.txt", Body=lines)
    athena.run("CREATE EXTERNAL TABLE big (n string) LOCATION 's3://athena-queries-lake/big/'")
    athena.client.create_work_group(
        Name="athena-queries-frugal",
        Configuration={
            "ResultConfiguration": {"OutputLocation": RESULTS},
            "BytesScannedCutoffPerQuery": 10_000_000,
        },
    )
    done = athena.wait(athena.start("SELECT max(n) FROM big", WorkGroup="athena-queries-frugal"))
    assert done["Status"]["State"] == "CANCELLED"
    assert done["Status"]["StateChangeReason"] == "Bytes scanned limit was exceeded"
    assert athena.rows("SELECT max(n) FROM big") == [["01249999"]]


def test_a_long_query_is_stopped(athena):
    query = athena.start(ENDLESS)
    for _ in range(500):
        if athena.execution(query)["Status"]["State"] == "RUNNING":
            break
        time.sleep(0.01)
    athena.client.stop_query_execution(QueryExecutionId=query)
    done = athena.wait(query)
    assert done["Status"]["State"] == "CANCELLED"
    assert done["Status"]["StateChangeReason"] == "Query cancelled by user"
    assert athena.rows("SELECT 1") == [["1"]]


def test_a_bucket_that_is_not_there_is_refused_at_once(athena):
    with pytest.raises(ClientError) as refused:
        athena.start("SELECT 1", ResultConfiguration={"OutputLocation": "s3://athena-nowhere/"})
    error = refused.value.response
    assert error["Error"]["Code"] == "InvalidRequestException"
    assert error["Error"]["Message"] == "Unable to verify/create output bucket athena-nowhere"
    assert error["AthenaErrorCode"] == "INVALID_INPUT"


def test_queries_outlive_a_killed_server(fresh_server):
    athena = Athena(fresh_server)
    for bucket in ("athena-queries-results", "athena-queries-lake"):
        athena.s3.create_bucket(Bucket=bucket)
    athena.run("CREATE DATABASE athena_queries")
    reading = athena.start(
        "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) "
        "CROSS JOIN UNNEST(sequence(1, 10000)) b(y) WHERE x % 7 = y % 11"
    )
    writing = athena.start(f"CREATE TABLE made AS {ENDLESS}")
    for query in (reading, writing):
        while athena.execution(query)["Status"]["State"] == "QUEUED":
            time.sleep(0.01)
    fresh_server.restart(kill=True)
    failed = athena.wait(writing)
    assert failed["Status"]["State"] == "FAILED"
    assert "The service ended while the query was running" in failed["Status"]["StateChangeReason"]
    assert athena.wait(reading)["Status"]["State"] == "SUCCEEDED"
    assert athena.lines("SHOW TABLES") == []
