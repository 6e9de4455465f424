"""Visual jobs run: tables and files have the values that their graphs say."""

import csv
import io
import json
import time
from typing import Any

import pyarrow.parquet
import pytest

from tests.services.glue.visual.graphs import compare, transform

ROLE = "arn:aws:iam::000000000000:role/jobs"
ORDERS = [
    ("id", "customer", "item", "price", "note"),
    ("1", "7", "pear", "3.50", ""),
    ("2", "8", "plum", "20.00", ""),
    ("3", "7", "plum", "30.25", ""),
    ("4", "9", "apple", "12.00", ""),
    ("5", "99", "apple", "50.00", ""),
]
CUSTOMERS = [("customer_id", "town"), ("7", "Bath"), ("8", "Bath"), ("9", "York")]
CSV = {"Separator": "comma", "QuoteChar": "quote", "WithHeader": True}


class Jobs:
    """The service, with two buckets and a database of these tests."""

    def __init__(self, server: Any) -> None:
        self.s3, self.glue = server.client("s3"), server.client("glue")
        self.s3.create_bucket(Bucket="visual-raw")
        self.s3.create_bucket(Bucket="visual-lake")
        self.glue.create_database(DatabaseInput={"Name": "visual"})
        self.put("orders/part.csv", ORDERS)
        self.put("customers/part.csv", CUSTOMERS)
        described = {
            "Columns": [
                {"Name": "customer_id", "Type": "bigint"},
                {"Name": "town", "Type": "string"},
            ],
            "Location": "s3://visual-raw/customers/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"field.delim": ","},
            },
        }
        told = {"classification": "csv", "skip.header.line.count": "1"}
        table = {"Name": "customers", "StorageDescriptor": described, "Parameters": told}
        self.glue.create_table(DatabaseName="visual", TableInput=table)

    def put(self, key: str, rows: list[tuple[str, ...]]) -> None:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        self.s3.put_object(Bucket="visual-raw", Key=key, Body=text.getvalue().encode())

    def run(self, name: str, nodes: dict[str, Any]) -> None:
        self.glue.create_job(
            Name=name,
            Role=ROLE,
            Command={"Name": "glueetl", "ScriptLocation": f"s3://visual-lake/jobs/{name}.py"},
            GlueVersion="5.0",
            CodeGenConfigurationNodes=nodes,
        )
        run_id = self.glue.start_job_run(JobName=name)["JobRunId"]
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            run = self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
            if run["JobRunState"] not in ("STARTING", "RUNNING", "WAITING", "STOPPING"):
                break
            time.sleep(0.2)
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")

    def objects(self, prefix: str) -> list[tuple[str, bytes]]:
        listed = self.s3.list_objects_v2(Bucket="visual-lake", Prefix=prefix).get("Contents", [])
        return [
            (each["Key"], self.s3.get_object(Bucket="visual-lake", Key=each["Key"])["Body"].read())
            for each in listed
        ]

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """The rows of files of JSON, in order of their text."""
        lines = [line for _, data in self.objects(prefix) for line in data.decode().splitlines()]
        return [json.loads(line) for line in sorted(lines)]


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


def mapped(*fields: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [
        {"FromPath": [name], "FromType": "string", "ToKey": key, "ToType": kind}
        for name, key, kind in fields
    ]


def orders(name: str = "Orders") -> dict[str, Any]:
    return {"S3CsvSource": {"Name": name, "Paths": ["s3://visual-raw/orders/"], **CSV}}


def as_json(source: str, prefix: str) -> dict[str, Any]:
    path = f"s3://visual-lake/{prefix}/"
    return transform("S3DirectTarget", source, Path=path, Format="json", Name=prefix)


TYPED = mapped(
    ("id", "id", "long"), ("customer", "customer", "long"), ("item", "item", "string"),
    ("price", "price", "double"), ("note", "note", "string"),
)  # fmt: skip


def test_files_and_a_table_are_joined_summed_and_written_with_the_table_kept(jobs: Jobs) -> None:
    jobs.run(
        "visual-sums",
        {
            "node-1": orders(),
            "node-2": transform("ApplyMapping", "node-1", Name="Change Schema", Mapping=TYPED),
            "node-3": transform(
                "Filter", "node-2", LogicalOperator="AND", Filters=[compare("price", "GT", "10")]
            ),
            "node-4": {
                "CatalogSource": {"Name": "Customers", "Database": "visual", "Table": "customers"}
            },
            "node-5": transform(
                "Join",
                *("node-3", "node-4"),
                JoinType="equijoin",
                Columns=[
                    {"From": "node-3", "Keys": [["customer"]]},
                    {"From": "node-4", "Keys": [["customer_id"]]},
                ],
            ),
            "node-6": transform(
                "Aggregate",
                "node-5",
                Groups=[["town"]],
                Aggs=[
                    {"Column": ["price"], "AggFunc": "sum"},
                    {"Column": ["customer"], "AggFunc": "countDistinct"},
                ],
            ),
            "node-7": transform(
                "RenameField", "node-6", SourcePath=["sum(price)"], TargetPath=["revenue"]
            ),
            "node-8": transform(
                "S3DirectTarget",
                "node-7",
                Path="s3://visual-lake/sums/",
                Format="parquet",
                Compression="snappy",
                PartitionKeys=[["town"]],
                SchemaChangePolicy={
                    "EnableUpdateCatalog": True,
                    "UpdateBehavior": "UPDATE_IN_DATABASE",
                    "Database": "visual",
                    "Table": "sums",
                },
            ),
        },
    )
    found = {}
    for key, data in jobs.objects("sums/"):
        town = key.split("town=")[1].split("/")[0]
        found[town] = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    assert {town: [list(row.values()) for row in rows] for town, rows in found.items()} == {
        "Bath": [[50.25, 2]],
        "York": [[12.0, 1]],
    }
    table = jobs.glue.get_table(DatabaseName="visual", Name="sums")["Table"]
    kinds = {each["Name"]: each["Type"] for each in table["StorageDescriptor"]["Columns"]}
    assert kinds["revenue"] == "double"
    assert [each["Name"] for each in table["PartitionKeys"]] == ["town"]
    parts = jobs.glue.get_partitions(DatabaseName="visual", TableName="sums")["Partitions"]
    assert sorted(each["Values"][0] for each in parts) == ["Bath", "York"]


CODE = """\
from awsglue.dynamicframe import DynamicFrame

frame = dfc.select(list(dfc.keys())[0])
rows = frame.toDF().filter("price > 20")
made = DynamicFrame.fromDF(rows, glueContext, "made")
return DynamicFrameCollection({"made": made}, glueContext)
"""


def test_each_transform_does_what_its_node_says(jobs: Jobs) -> None:
    sql = "select item, sum(price) as total from t group by item"
    groups = [
        {
            "GroupName": "fruit",
            "LogicalOperator": "OR",
            "Filters": [compare("item", "REGEX", "p[el]"), compare("id", "EQ", "4")],
        }
    ]
    jobs.run(
        "visual-each",
        {
            "a": orders(),
            "m": transform("ApplyMapping", "a", Mapping=TYPED),
            "nulls": transform("DropNullFields", "m", NullCheckBoxList={"IsEmpty": True}),
            "nulls-t": as_json("nulls", "nulls"),
            "sql-1": transform(
                "SparkSQL", "m", SqlQuery=sql, SqlAliases=[{"From": "m", "Alias": "t"}]
            ),
            "sql-2": transform(
                "SparkSQL",
                "sql-1",
                SqlQuery="select item from t where total > 40",
                SqlAliases=[{"From": "sql-1", "Alias": "t"}],
            ),
            "sql-t": as_json("sql-1", "sql1"),
            "sql-u": as_json("sql-2", "sql2"),
            "route": transform("Route", "m", GroupFiltersList=groups),
            "fruit": transform("SelectFromCollection", "route", Index=0),
            "other": transform("SelectFromCollection", "route", Index=1),
            "fruit-i": transform("SelectFields", "fruit", Paths=[["id"]]),
            "other-i": transform("SelectFields", "other", Paths=[["id"]]),
            "fruit-t": as_json("fruit-i", "fruit"),
            "other-t": as_json("other-i", "other"),
            "both": transform("Union", "fruit-i", "other-i", UnionType="ALL"),
            "once": transform("Union", "both", "fruit-i", UnionType="DISTINCT"),
            "both-t": as_json("both", "both"),
            "once-t": as_json("once", "once"),
            "items": transform("DropDuplicates", "m", Columns=[["item"]]),
            "items-i": transform("DropFields", "items", Paths=[[n] for n in DROPPED]),
            "items-t": as_json("items-i", "items"),
            "split": transform("SplitFields", "m", Paths=[["id"], ["item"]]),
            "first": transform("SelectFromCollection", "split", Index=0),
            "first-t": as_json("first", "first"),
            "code": transform("CustomCode", "m", ClassName="MyTransform", Code=CODE),
            "made": transform("SelectFromCollection", "code", Index=0),
            "made-i": transform("SelectFields", "made", Paths=[["id"]]),
            "made-t": as_json("made-i", "made"),
            "c": {
                "CatalogSource": {"Name": "Customers", "Database": "visual", "Table": "customers"}
            },
            "anti": transform(
                "Join",
                *("m", "c"),
                JoinType="leftanti",
                Columns=[
                    {"From": "m", "Keys": [["customer"]]},
                    {"From": "c", "Keys": [["customer_id"]]},
                ],
            ),
            "anti-i": transform("SelectFields", "anti", Paths=[["id"]]),
            "anti-t": as_json("anti-i", "anti"),
            "merge": transform("Merge", "other-i", "fruit-i", Source="fruit-i", PrimaryKeys=KEY),
            "merge-t": as_json("merge", "merge"),
            "gaps": transform(
                "SparkSQL", "m", SqlQuery=GAPS, SqlAliases=[{"From": "m", "Alias": "t"}]
            ),
            "fill": transform("FillMissingValues", "gaps", ImputedPath="twice"),
            "fill-t": as_json("fill", "fill"),
        },
    )
    assert all("note" not in row and row["item"] for row in jobs.rows("nulls/"))
    assert jobs.rows("sql1/") == [
        {"item": "apple", "total": 62.0},
        {"item": "pear", "total": 3.5},
        {"item": "plum", "total": 50.25},
    ]
    assert jobs.rows("sql2/") == [{"item": "apple"}, {"item": "plum"}]
    assert [row["id"] for row in jobs.rows("fruit/")] == [1, 2, 3, 4]
    assert [row["id"] for row in jobs.rows("other/")] == [5]
    assert [row["id"] for row in jobs.rows("both/")] == [1, 2, 3, 4, 5]
    assert [row["id"] for row in jobs.rows("once/")] == [1, 2, 3, 4, 5]
    assert jobs.rows("items/") == [{"item": "apple"}, {"item": "pear"}, {"item": "plum"}]
    assert jobs.rows("first/")[0] == {"id": 1, "item": "pear"}
    assert [row["id"] for row in jobs.rows("made/")] == [3, 5]
    assert [row["id"] for row in jobs.rows("anti/")] == [5]
    assert [row["id"] for row in jobs.rows("merge/")] == [1, 2, 3, 4, 5]
    filled = [row["twice_filled"] for row in jobs.rows("fill/")]
    assert filled == pytest.approx([2.0, 4.0, 6.0, 8.0, 10.0])


KEY = [["id"]]
GAPS = "select id, if(id = 3, null, id * 2.0D) as twice from t"
DROPPED = ("id", "customer", "price", "note")
