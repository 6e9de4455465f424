"""What scripts say for each kind of node."""

import ast
import subprocess
import sys
from typing import Any

import pytest

from millpond.services.glue.visual import script
from tests.services.glue.visual.graphs import (
    Nodes,
    compare,
    csv,
    parquet,
    read,
    statement,
    table,
    transform,
)


def written(nodes: Nodes) -> str:
    text = script(read(nodes), "my job")
    ast.parse(text)
    return text


def test_a_script_begins_and_ends_as_those_of_glue_studio() -> None:
    text = written({"node-1700000000000": csv(), "t": parquet("node-1700000000000")})
    assert text == SMALLEST


SMALLEST = """\
# The visual job my job: made of its nodes, to be changed there.
import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

# Script generated for node Amazon S3
AmazonS3_node1700000000000 = glueContext.create_dynamic_frame.from_options(
    format_options={
        "quoteChar": '"',
        "withHeader": True,
        "separator": ",",
        "optimizePerformance": False,
    },
    connection_type="s3",
    format="csv",
    connection_options={"paths": ["s3://raw/orders/"]},
    transformation_ctx="AmazonS3_node1700000000000",
)

# Script generated for node Result
Result_t = glueContext.write_dynamic_frame.from_options(
    frame=AmazonS3_node1700000000000,
    connection_type="s3",
    format="glueparquet",
    connection_options={"path": "s3://lake/result/", "partitionKeys": []},
    transformation_ctx="Result_t",
)

job.commit()
"""

JDBC = {"ConnectionName": "shop-db", "ConnectorName": "c", "ConnectionType": "custom.jdbc"}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            {
                "S3JsonSource": {
                    **{"Name": "S", "Paths": ["s3://a/b"], "JsonPath": "$.x", "Multiline": True},
                    **{"Recurse": True, "Exclusions": ["**.pdf"], "GroupFiles": "inPartition"},
                    **{"GroupSize": "1048576", "CompressionType": "gzip", "MaxBand": 5},
                    "AdditionalOptions": {"BoundedFiles": 10, "BoundedSize": 1000},
                }
            },
            """\
S_a = glueContext.create_dynamic_frame.from_options(
    format_options={"multiLine": "true", "jsonPath": "$.x"},
    connection_type="s3",
    format="json",
    connection_options={
        "paths": ["s3://a/b"],
        "recurse": True,
        "exclusions": '["**.pdf"]',
        "compressionType": "gzip",
        "groupFiles": "inPartition",
        "groupSize": "1048576",
        "maxBand": 5,
        "boundedSize": "1000",
        "boundedFiles": "10",
    },
    transformation_ctx="S_a",
)""",
        ),
        (
            {
                "S3CsvSource": {
                    **{"Name": "S", "Paths": ["s3://a/b"], "Separator": "ctrla"},
                    **{"QuoteChar": "disabled", "Escaper": "\\", "SkipFirst": True},
                }
            },
            """\
S_a = glueContext.create_dynamic_frame.from_options(
    format_options={
        "quoteChar": -1,
        "withHeader": False,
        "separator": "\\x01",
        "escaper": "\\\\",
        "skipFirst": True,
        "optimizePerformance": False,
    },
    connection_type="s3",
    format="csv",
    connection_options={"paths": ["s3://a/b"]},
    transformation_ctx="S_a",
)""",
        ),
        (
            {
                "S3CatalogSource": {
                    **{"Name": "S", "Database": "shop", "Table": "orders"},
                    **{"PartitionPredicate": "year = '2024'"},
                    "AdditionalOptions": {"BoundedFiles": 3},
                }
            },
            """\
S_a = glueContext.create_dynamic_frame.from_catalog(
    database="shop",
    table_name="orders",
    push_down_predicate="year = '2024'",
    additional_options={"boundedFiles": "3"},
    transformation_ctx="S_a",
)""",
        ),
        (
            {
                "DirectJDBCSource": {
                    **{"Name": "S", "Database": "shop", "Table": "public.orders"},
                    **{"ConnectionName": "shop-db", "ConnectionType": "postgresql"},
                }
            },
            """\
S_a = glueContext.create_dynamic_frame.from_options(
    connection_type="postgresql",
    connection_options={
        "useConnectionProperties": "true",
        "dbtable": "public.orders",
        "connectionName": "shop-db",
    },
    transformation_ctx="S_a",
)""",
        ),
        (
            {
                "JDBCConnectorSource": {
                    **{"Name": "S", "ConnectionTable": "orders", **JDBC},
                    "AdditionalOptions": {
                        **{"FilterPredicate": "price > 3", "PartitionColumn": "id"},
                        **{"LowerBound": 0, "UpperBound": 100, "NumPartitions": 4},
                        **{"JobBookmarkKeys": ["id"], "JobBookmarkKeysSortOrder": "DESC"},
                        "DataTypeMapping": {"FLOAT": "STRING"},
                    },
                }
            },
            """\
S_a = glueContext.create_dynamic_frame.from_options(
    connection_type="custom.jdbc",
    connection_options={
        "connectionName": "shop-db",
        "dbTable": "orders",
        "filterPredicate": "price > 3",
        "partitionColumn": "id",
        "lowerBound": "0",
        "upperBound": "100",
        "numPartitions": "4",
        "jobBookmarkKeys": ["id"],
        "jobBookmarkKeysSortOrder": "desc",
        "dataTypeMapping": {"FLOAT": "STRING"},
    },
    transformation_ctx="S_a",
)""",
        ),
    ],
)
def test_a_source_says_all_of_its_options(source: dict[str, Any], told: str) -> None:
    assert statement(written({"a": source}), "S_a") == told


def nested_mapping() -> list[dict[str, Any]]:
    def entry(path: list[str], kind: str, key: str, **others: Any) -> dict[str, Any]:
        return {"FromPath": path, "FromType": kind, "ToKey": key, "ToType": kind, **others}

    return [
        entry(["id"], "string", "id", ToType="long"),
        entry(["gone"], "string", "gone", Dropped=True),
        entry(["a.b"], "string", "c.d"),
        entry(
            ["home"],
            "struct",
            "address",
            Children=[
                entry(["home", "town"], "string", "city"),
                entry(["home", "gone"], "string", "gone", Dropped=True),
            ],
        ),
        entry(["tags"], "array", "tags", Children=[]),
    ]


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (
            transform("ApplyMapping", "a", Mapping=nested_mapping()),
            """\
N_n = ApplyMapping.apply(
    frame=A_a,
    mappings=[
        ("id", "string", "id", "long"),
        ("`a.b`", "string", "`c.d`", "string"),
        ("home.town", "string", "address.city", "string"),
        ("tags", "array", "tags", "array"),
    ],
    transformation_ctx="N_n",
)""",
        ),
        (
            transform("SelectFields", "a", Paths=[["id"], ["home", "town"]]),
            """\
N_n = SelectFields.apply(frame=A_a, paths=["id", "home.town"], transformation_ctx="N_n")""",
        ),
        (
            transform("RenameField", "a", SourcePath=["sum(price)"], TargetPath=["revenue"]),
            """\
N_n = RenameField.apply(
    frame=A_a, old_name="sum(price)", new_name="revenue", transformation_ctx="N_n"
)""",
        ),
        (
            transform(
                "Filter",
                "a",
                LogicalOperator="OR",
                Filters=[
                    compare("price", "GTE", "1.50"),
                    compare("region", "EQ", "North", negated=True),
                    compare("gone", "ISNULL"),
                ],
            ),
            """\
N_n = Filter.apply(
    frame=A_a,
    f=lambda row: (
        row["price"] >= 1.50 or (not (row["region"] == "North")) or row["gone"] is None
    ),
    transformation_ctx="N_n",
)""",
        ),
        (
            transform(
                "Join",
                *("a", "b"),
                JoinType="equijoin",
                Columns=[
                    {"From": "b", "Keys": [["id"], ["year"]]},
                    {"From": "a", "Keys": [["customer"], ["y"]]},
                ],
            ),
            """\
N_n = Join.apply(
    frame1=A_a,
    frame2=B_b,
    keys1=["customer", "y"],
    keys2=["id", "year"],
    transformation_ctx="N_n",
)""",
        ),
        (
            transform(
                "Join",
                *("a", "b"),
                JoinType="leftanti",
                Columns=[
                    {"From": "a", "Keys": [["customer"], ["year"]]},
                    {"From": "b", "Keys": [["id"], ["y"]]},
                ],
            ),
            """\
A_aDF = A_a.toDF()
B_bDF = B_b.toDF()
N_n = DynamicFrame.fromDF(
    A_aDF.join(
        B_bDF,
        [A_aDF["customer"] == B_bDF["id"], A_aDF["year"] == B_bDF["y"]],
        "leftanti",
    ),
    glueContext,
    "N_n",
)""",
        ),
        (
            transform(
                "Aggregate",
                "a",
                Groups=[["region"], ["year"]],
                Aggs=[
                    {"Column": ["price"], "AggFunc": "sum"},
                    {"Column": ["customer"], "AggFunc": "countDistinct"},
                ],
            ),
            """\
N_n = sparkAggregate(
    glueContext,
    parentFrame=A_a,
    groups=["region", "year"],
    aggs=[["price", "sum"], ["customer", "countDistinct"]],
    transformation_ctx="N_n",
)""",
        ),
        (
            transform("DropDuplicates", "a", Columns=[["id"]]),
            'N_n = DynamicFrame.fromDF(A_a.toDF().dropDuplicates(["id"]), glueContext, "N_n")',
        ),
        (
            transform("DropDuplicates", "a"),
            'N_n = DynamicFrame.fromDF(A_a.toDF().dropDuplicates(), glueContext, "N_n")',
        ),
        (
            transform("Merge", "a", "b", Source="b", PrimaryKeys=[["id"]]),
            """\
N_n = B_b.mergeDynamicFrame(
    stage_dynamic_frame=A_a, primary_keys=["id"], transformation_ctx="N_n"
)""",
        ),
        (
            transform("Union", "b", "a", UnionType="ALL"),
            """\
N_n = sparkUnion(
    glueContext,
    unionType="ALL",
    mapping={"source1": B_b, "source2": A_a},
    transformation_ctx="N_n",
)""",
        ),
        (
            transform("FillMissingValues", "a", ImputedPath="price", FilledPath="price_filled"),
            """\
N_n = FillMissingValues.apply(
    frame=A_a,
    missing_values_column="price",
    output_column="price_filled",
    transformation_ctx="N_n",
)""",
        ),
        (
            transform("Spigot", "a", Path="s3://a/sample/", Topk=10, Prob=0.5),
            """\
N_n = Spigot.apply(
    frame=A_a,
    path="s3://a/sample/",
    options={"topk": 10, "prob": 0.5},
    transformation_ctx="N_n",
)""",
        ),
        (
            transform(
                "DropNullFields",
                "a",
                NullCheckBoxList={"IsEmpty": True, "IsNullString": True},
                NullTextList=[{"Value": "-9", "Datatype": {"Id": "integer", "Label": "Integer"}}],
            ),
            """\
N_n = drop_nulls(
    glueContext,
    frame=A_a,
    nullStringSet={"", "null"},
    nullIntegerSet={-9},
    transformation_ctx="N_n",
)""",
        ),
    ],
)
def test_a_transform_says_what_it_does(node: dict[str, Any], told: str) -> None:
    next(iter(node.values()))["Name"] = "N"
    text = written({"a": csv("A"), "b": table("B"), "n": node})
    begin = text.index("# Script generated for node N\n") + len("# Script generated for node N\n")
    assert text[begin:].split("\n\njob.commit()")[0] == told


CATALOG = {
    "EnableUpdateCatalog": True,
    "UpdateBehavior": "LOG",
    "Database": "shop",
    "Table": "result",
}


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (
            parquet(
                "a", Compression="snappy", PartitionKeys=[["year"]], SchemaChangePolicy=CATALOG
            ),
            """\
N_n = glueContext.getSink(
    path="s3://lake/result/",
    connection_type="s3",
    updateBehavior="LOG",
    partitionKeys=["year"],
    enableUpdateCatalog=True,
    transformation_ctx="N_n",
)
N_n.setCatalogInfo(catalogDatabase="shop", catalogTableName="result")
N_n.setFormat("glueparquet", compression="snappy")
N_n.writeFrame(A_a)""",
        ),
        (
            parquet("a", Format="csv", Compression="gzip", SchemaChangePolicy=CATALOG),
            """\
N_n = glueContext.getSink(
    path="s3://lake/result/",
    connection_type="s3",
    updateBehavior="LOG",
    partitionKeys=[],
    compression="gzip",
    enableUpdateCatalog=True,
    transformation_ctx="N_n",
)
N_n.setCatalogInfo(catalogDatabase="shop", catalogTableName="result")
N_n.setFormat("csv")
N_n.writeFrame(A_a)""",
        ),
        (
            parquet("a", Format="json", Compression="gzip", NumberTargetPartitions="2"),
            """\
N_n_input = A_a.repartition(2)
N_n = glueContext.write_dynamic_frame.from_options(
    frame=N_n_input,
    connection_type="s3",
    format="json",
    connection_options={
        "path": "s3://lake/result/",
        "compression": "gzip",
        "partitionKeys": [],
    },
    transformation_ctx="N_n",
)""",
        ),
        (
            {
                "S3GlueParquetTarget": {
                    **{"Name": "N", "Inputs": ["a"], "Path": "s3://lake/result/"},
                    **{"Compression": "gzip", "PartitionKeys": [["year"], ["region"]]},
                }
            },
            """\
N_n = glueContext.write_dynamic_frame.from_options(
    frame=A_a,
    connection_type="s3",
    format="glueparquet",
    connection_options={
        "path": "s3://lake/result/",
        "partitionKeys": ["year", "region"],
    },
    format_options={"compression": "gzip"},
    transformation_ctx="N_n",
)""",
        ),
        (
            {
                "S3CatalogTarget": {
                    **{"Name": "N", "Inputs": ["a"], "Database": "shop", "Table": "result"},
                    "PartitionKeys": [["year"]],
                    "SchemaChangePolicy": {"EnableUpdateCatalog": True},
                }
            },
            """\
N_n = glueContext.write_dynamic_frame.from_catalog(
    frame=A_a,
    database="shop",
    table_name="result",
    additional_options={
        "enableUpdateCatalog": True,
        "updateBehavior": "UPDATE_IN_DATABASE",
        "partitionKeys": ["year"],
    },
    transformation_ctx="N_n",
)""",
        ),
        (
            {
                "JDBCConnectorTarget": {
                    **{"Name": "N", "Inputs": ["a"], "ConnectionTable": "orders", **JDBC},
                }
            },
            """\
N_n = glueContext.write_dynamic_frame.from_options(
    frame=A_a,
    connection_type="custom.jdbc",
    connection_options={"connectionName": "shop-db", "dbTable": "orders"},
    transformation_ctx="N_n",
)""",
        ),
    ],
)
def test_a_target_says_all_of_its_options(node: dict[str, Any], told: str) -> None:
    next(iter(node.values()))["Name"] = "N"
    text = written({"a": csv("A"), "n": node})
    begin = text.index("# Script generated for node N\n") + len("# Script generated for node N\n")
    assert text[begin:].split("\n\njob.commit()")[0] == told


def test_code_of_a_user_is_the_body_of_a_function_of_its_own() -> None:
    code = 'text = """\nas it\n  is"""\nreturn dfc'
    text = written(
        {
            "a": csv("A"),
            "c": transform("CustomCode", "a", ClassName="MyTransform", Code=code),
            "d": transform("CustomCode", "c", ClassName="MyTransform", Code="return dfc"),
            "e": transform("CustomCode", "a", ClassName="MyTransform", Code="return dfc"),
            "s": transform("SelectFromCollection", "d", Index=0, Name="S"),
        }
    )
    assert (
        "def MyTransform(glueContext, dfc) -> DynamicFrameCollection:\n"
        '    text = """\nas it\n  is"""\n    return dfc\n\n\n'
        "def MyTransform_2(glueContext, dfc) -> DynamicFrameCollection:\n    return dfc\n"
    ) in text
    assert statement(text, "CustomCode_c") == (
        "CustomCode_c = MyTransform(\n"
        '    glueContext, DynamicFrameCollection({"A_a": A_a}, glueContext)\n)'
    )
    assert statement(text, "CustomCode_d") == (
        "CustomCode_d = MyTransform_2(glueContext, CustomCode_c)"
    )
    assert statement(text, "S_s") == (
        "S_s = SelectFromCollection.apply(\n"
        '    dfc=CustomCode_d, key=list(CustomCode_d.keys())[0], transformation_ctx="S_s"\n)'
    )


def test_a_route_has_a_group_for_what_no_other_takes() -> None:
    groups = [
        {"GroupName": name, "LogicalOperator": "AND", "Filters": [compare("x", "EQ", name)]}
        for name in ("north", "south")
    ]
    text = written({"a": csv("A"), "r": transform("Route", "a", GroupFiltersList=groups, Name="R")})
    assert statement(text, "R_r") == (
        "R_r = routeGroups(\n"
        "    glueContext,\n"
        "    frame=A_a,\n"
        "    groups={\n"
        '        "north": lambda row: row["x"] == "north",\n'
        '        "south": lambda row: row["x"] == "south",\n'
        "    },\n"
        ")"
    )


def test_a_constant_is_text_where_the_column_is_known_to_hold_text() -> None:
    mapping = [
        {"FromPath": [name], "FromType": "string", "ToKey": name, "ToType": kind}
        for name, kind in (("code", "string"), ("flag", "boolean"), ("size", "int"))
    ]
    schema = [{"Columns": [{"Name": "zip", "Type": "varchar(5)"}]}]

    def tested(column: str, constant: str, source: str) -> str:
        filters = [compare(column, "EQ", constant)]
        text = written(
            {
                "a": csv("A", OutputSchemas=schema),
                "m": transform("ApplyMapping", "a", Mapping=mapping),
                "d": transform("DropDuplicates", "m"),
                "f": transform("Filter", source, LogicalOperator="AND", Filters=filters),
            }
        )
        return text.split(f'row["{column}"] == ')[1].split(",\n")[0].split(", trans")[0]

    assert tested("code", "007", "d") == '"007"'
    assert tested("code", "7", "d") == '"7"'
    assert tested("size", "7", "d") == "7"
    assert tested("flag", "TRUE", "d") == "True"
    assert tested("zip", "1234", "a") == '"1234"'
    assert tested("other", "1234", "a") == "1234"
    assert tested("other", "true", "a") == "True"
    assert tested("other", "__import__('os')", "a") == "\"__import__('os')\""


def test_a_stream_is_read_and_what_follows_runs_for_each_batch() -> None:
    stream = {
        "StreamArn": "arn:aws:kinesis:eu-west-1:000000000000:stream/clicks",
        "StartingPosition": "timestamp",
        "StartingTimestamp": 1700000000.0,
        "Classification": "json",
    }
    text = written(
        {
            "k": {
                "DirectKinesisSource": {
                    **{"Name": "Clicks", "WindowSize": 30, "DetectSchema": False},
                    "StreamingOptions": stream,
                }
            },
            "c": table("Customers"),
            "q": transform(
                "SparkSQL",
                *("k", "c"),
                SqlQuery="select *\nfrom clicks join customers",
                SqlAliases=[
                    {"From": "k", "Alias": "clicks"},
                    {"From": "c", "Alias": "customers"},
                ],
            ),
            "t": parquet("q"),
        }
    )
    assert 'args = getResolvedOptions(sys.argv, ["JOB_NAME", "TempDir"])' in text
    assert text[text.index("\n# Script generated for node Customers") :] == STREAMED


STREAMED = '''
# Script generated for node Customers
Customers_c = glueContext.create_dynamic_frame.from_catalog(
    database="shop", table_name="customers", transformation_ctx="Customers_c"
)

# Script generated for node Clicks
dataframe_Clicks_k = glueContext.create_data_frame.from_options(
    connection_type="kinesis",
    connection_options={
        "typeOfData": "kinesis",
        "streamARN": "arn:aws:kinesis:eu-west-1:000000000000:stream/clicks",
        "classification": "json",
        "startingPosition": "2023-11-14T22:13:20Z",
        "inferSchema": "false",
    },
    transformation_ctx="dataframe_Clicks_k",
)


def processBatch(data_frame, batchId):
    if data_frame.count() == 0:
        return
    Clicks_k = DynamicFrame.fromDF(data_frame, glueContext, "from_data_frame")

    # Script generated for node SparkSQL
    SparkSQL_q_query = """
select *
from clicks join customers
"""
    SparkSQL_q = sparkSqlQuery(
        glueContext,
        query=SparkSQL_q_query,
        mapping={"clicks": Clicks_k, "customers": Customers_c},
        transformation_ctx="SparkSQL_q",
    )

    # Script generated for node Result
    Result_t = glueContext.write_dynamic_frame.from_options(
        frame=SparkSQL_q,
        connection_type="s3",
        format="glueparquet",
        connection_options={"path": "s3://lake/result/", "partitionKeys": []},
        transformation_ctx="Result_t",
    )


glueContext.forEachBatch(
    frame=dataframe_Clicks_k,
    batch_function=processBatch,
    options={
        "windowSize": "30 seconds",
        "checkpointLocation": args["TempDir"] + "/" + args["JOB_NAME"] + "/checkpoint/",
    },
)

job.commit()
'''


def test_a_script_looks_as_the_formatter_leaves_it() -> None:
    groups = [
        {
            "GroupName": "long",
            "LogicalOperator": "OR",
            "Filters": [compare(f"column_{i}", "REGEX", "^[\"']" + "x" * i) for i in range(7)],
        }
    ]
    text = written(
        {
            "a": csv("A"),
            "b": table("B"),
            "j": transform(
                "Join",
                *("a", "b"),
                JoinType="right",
                Columns=[
                    {"From": "a", "Keys": [[f"left_key_{i}"] for i in range(4)]},
                    {"From": "b", "Keys": [[f"right_key_{i}"] for i in range(4)]},
                ],
            ),
            "r": transform("Route", "j", GroupFiltersList=groups),
            "s": transform("SelectFromCollection", "r", Index=1),
            "n": transform("DropNullFields", "s", NullCheckBoxList={"IsEmpty": True}),
            "u": transform("Union", "n", "a", UnionType="DISTINCT"),
            "g": transform("Aggregate", "u", Groups=[], Aggs=[{"Column": ["x"], "AggFunc": "max"}]),
            "q": transform(
                "SparkSQL", "g", SqlQuery="select 1", SqlAliases=[{"From": "g", "Alias": "t"}]
            ),
            "t": parquet("q", SchemaChangePolicy=CATALOG),
        }
    )
    options = ["format", "--isolated", "--line-length", "88", "-"]
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", *options], input=text, capture_output=True, text=True
    )
    assert formatted.stdout == text


def test_the_same_graph_has_the_same_script_in_whatever_order_it_is_sent() -> None:
    nodes = {
        "node-10": transform("Union", "node-9", "node-2", UnionType="ALL"),
        "node-9": csv("Nine"),
        "node-2": table("Two"),
        "node-11": parquet("node-10"),
    }
    text = written(nodes)
    assert text == written(dict(reversed(nodes.items())))
    places = [text.index(f"# Script generated for node {n}") for n in ("Two", "Nine", "Union")]
    assert places == sorted(places)
