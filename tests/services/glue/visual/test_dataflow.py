"""Graphs of scripts, scripts of graphs, and the mappings between tables."""

import ast
import itertools
from typing import Any

import pytest

from millpond.services.glue.errors import EntityNotFound, InvalidInput

NODES: list[dict[str, Any]] = [
    {
        "Id": "persons",
        "NodeType": "DataSource",
        "Args": [
            {"Name": "database", "Value": '"legislators"'},
            {"Name": "table_name", "Value": "'persons_json'"},
        ],
    },
    {
        "Id": "mapped",
        "NodeType": "ApplyMapping",
        "Args": [{"Name": "mapping", "Value": '[("id", "string", "person", "string")]'}],
    },
    {
        "Id": "joined",
        "NodeType": "Join",
        "Args": [{"Name": "keys1", "Value": '["id"]'}, {"Name": "keys2", "Value": '["person"]'}],
    },
    {
        "Id": "stored",
        "NodeType": "DataSink",
        "Args": [
            {"Name": "connection_type", "Value": '"s3"'},
            {"Name": "connection_options", "Value": '{"path": "s3://lake/#1/"}'},
            {"Name": "format", "Value": '"json"'},
            {"Name": "redshift_tmp_dir", "Value": "TempDir", "Param": True},
        ],
    },
]
EDGES = [
    {"Source": "persons", "Target": "mapped", "TargetParameter": "frame"},
    {"Source": "persons", "Target": "joined", "TargetParameter": "frame1"},
    {"Source": "mapped", "Target": "joined", "TargetParameter": "frame2"},
    {"Source": "joined", "Target": "stored", "TargetParameter": "frame"},
]


async def test_a_graph_becomes_a_script_with_annotations_and_is_told_again(world: Any) -> None:
    made = await world.glue("CreateScript", DagNodes=NODES, DagEdges=EDGES, Language="PYTHON")
    script = made["PythonScript"]
    ast.parse(script)
    assert "## @params: [TempDir, JOB_NAME]\n" in script
    assert "args = getResolvedOptions(sys.argv, ['TempDir', 'JOB_NAME'])\n" in script
    assert (
        "## @type: Join\n"
        '## @args: [keys1 = ["id"], keys2 = ["person"], transformation_ctx = "joined"]\n'
        "## @return: joined\n"
        "## @inputs: [frame1 = persons, frame2 = mapped]\n"
        'joined = Join.apply(frame1 = persons, frame2 = mapped, keys1 = ["id"], '
        'keys2 = ["person"], transformation_ctx = "joined")\n'
    ) in script
    assert 'mapped = ApplyMapping.apply(frame = persons, mappings = [("id", ' in script
    assert "redshift_tmp_dir = args['TempDir']" in script

    told = await world.glue("GetDataflowGraph", PythonScript=script)
    assert told["DagEdges"] == EDGES
    assert [(node["Id"], node["NodeType"]) for node in told["DagNodes"]] == [
        (node["Id"], node["NodeType"]) for node in NODES
    ]
    assert told["DagNodes"][3]["Args"] == [
        {"Name": "connection_type", "Value": "'s3'", "Param": False},
        {"Name": "connection_options", "Value": "{'path': 's3://lake/#1/'}", "Param": False},
        {"Name": "format", "Value": "'json'", "Param": False},
        {"Name": "redshift_tmp_dir", "Value": "TempDir", "Param": True},
        {"Name": "transformation_ctx", "Value": "'stored'", "Param": False},
    ]
    assert script.split("\n")[told["DagNodes"][0]["LineNumber"] - 1] == "## @type: DataSource"
    again = await world.glue("CreateScript", DagNodes=told["DagNodes"], DagEdges=told["DagEdges"])
    last = await world.glue("GetDataflowGraph", PythonScript=again["PythonScript"])
    assert last == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"DagNodes": [*NODES, NODES[0]]}, "Node 'persons' is there twice."),
        (
            {"DagNodes": NODES[:1]},
            "The edge from 'persons' to 'mapped': 'mapped' is not a node.",
        ),
        (
            {"DagEdges": [*EDGES, {"Source": "stored", "Target": "mapped"}]},
            "The edges lead in a circle: mapped -> joined -> stored -> mapped.",
        ),
        (
            {"DagEdges": [*EDGES, {"Source": "mapped", "Target": "stored"}]},
            "Node 'stored': 'frame' is set twice.",
        ),
        ({"Language": "SCALA"}, "Language SCALA is not implemented; there is PYTHON."),
        (
            {"DagNodes": [{"Id": "a", "NodeType": "x.y", "Args": []}], "DagEdges": []},
            "Node 'a': 'x.y' is no type of nodes.",
        ),
        (
            {"DagNodes": [{"Id": "class", "NodeType": "Join", "Args": []}], "DagEdges": []},
            "Node 'class': scripts use this name otherwise.",
        ),
        (
            {
                "DagNodes": [
                    {
                        "Id": "a",
                        "NodeType": "Filter",
                        "Args": [{"Name": "f", "Value": "x)\nimport os"}],
                    }
                ],
                "DagEdges": [],
            },
            "Node 'a': the value of 'f' is not a Python expression: x)\nimport os",
        ),
    ],
)
async def test_a_graph_without_a_script_is_refused(
    world: Any, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.glue("CreateScript", **{"DagNodes": NODES, "DagEdges": EDGES, **change})
    assert refused.value.message == told


LEGISLATORS = """
import sys
from awsglue.transforms import Join
from awsglue.context import GlueContext

glueContext = GlueContext(SparkContext.getOrCreate())
persons = glueContext.create_dynamic_frame.from_catalog(database="legislators", table_name="p")
orgs = glueContext.create_dynamic_frame.from_catalog(
    database=args["DATABASE"], table_name="organizations_json"
)
orgs = orgs.drop_fields(["other_names"]).rename_field("id", "org_id")
both = Join.apply(orgs, Join.apply(persons, orgs, "id", "person_id"), "org_id", "organization_id")
df = both.toDF()
for name in names:
    parts = df.repartition(1)
parts.write.parquet("s3://lake/history/")
glueContext.write_dynamic_frame.from_options(
    frame=both, connection_type="s3", format="json", transformation_ctx="as_json"
)
"""


async def test_the_statements_of_a_script_without_annotations_are_read(world: Any) -> None:
    told = await world.glue("GetDataflowGraph", PythonScript=LEGISLATORS)
    assert [(node["Id"], node["NodeType"]) for node in told["DagNodes"]] == [
        ("persons", "DataSource"),
        ("orgs", "DataSource"),
        ("orgs_2", "RenameField"),
        ("both", "Join"),
        ("parts", "Repartition"),
        ("datasink5", "DataSink"),
        ("as_json", "DataSink"),
    ]
    assert [(edge["Source"], edge["Target"]) for edge in told["DagEdges"]] == [
        ("orgs", "orgs_2"),
        ("orgs_2", "both"),
        ("persons", "both"),
        ("both", "parts"),
        ("parts", "datasink5"),
        ("both", "as_json"),
    ]
    assert told["DagNodes"][1]["Args"] == [
        {"Name": "database", "Value": "DATABASE", "Param": True},
        {"Name": "table_name", "Value": "'organizations_json'", "Param": False},
    ]
    assert told["DagNodes"][1]["LineNumber"] == 8
    assert told["DagEdges"][-1]["TargetParameter"] == "frame"


async def test_what_is_not_python_has_no_graph(world: Any) -> None:
    with pytest.raises(InvalidInput, match="PythonScript is not Python: "):
        await world.glue("GetDataflowGraph", PythonScript="object GlueApp { def main() }")
    assert await world.glue("GetDataflowGraph", PythonScript="") == {"DagNodes": [], "DagEdges": []}


async def _tables(shop: Any) -> None:
    columns = [
        {"Name": "id", "Type": "bigint"},
        {"Name": "home", "Type": "struct<town:string,at:struct<x:double,y:decimal(3,1)>>"},
        {"Name": "tags", "Type": "array<struct<a:int>>"},
        {"Name": "code", "Type": "varchar(3)"},
    ]
    described = {"Columns": columns, "Location": "s3://lake/people/"}
    await shop.make_table("people", [("year", "int")], StorageDescriptor=described)
    target = [{"Name": "ID", "Type": "string"}, {"Name": "year", "Type": "int"}]
    described = {"Columns": target, "Location": "s3://lake/short/"}
    await shop.make_table("short", StorageDescriptor=described)


PEOPLE = {"DatabaseName": "shop", "TableName": "people"}
SHORT = {"DatabaseName": "shop", "TableName": "short"}


async def test_a_mapping_has_the_fields_of_structures_and_the_types_of_both_tables(
    shop: Any,
) -> None:
    await _tables(shop)
    found = (await shop.glue("GetMapping", Source=PEOPLE))["Mapping"]
    assert [(each["SourcePath"], each["SourceType"]) for each in found] == [
        ("id", "long"),
        ("home.town", "string"),
        ("home.at.x", "double"),
        ("home.at.y", "decimal"),
        ("tags", "array"),
        ("code", "string"),
        ("year", "int"),
    ]
    assert all(each["TargetPath"] == each["SourcePath"] for each in found)
    assert {each["TargetTable"] for each in found} == {"people"}

    found = (await shop.glue("GetMapping", Source=PEOPLE, Sinks=[SHORT]))["Mapping"]
    assert [
        (each["SourcePath"], each["SourceType"], each["TargetPath"], each["TargetType"])
        for each in found
    ] == [("id", "long", "ID", "string"), ("year", "int", "year", "int")]
    with pytest.raises(EntityNotFound):
        await shop.glue("GetMapping", Source={**SHORT, "TableName": "gone"})


@pytest.mark.parametrize(
    ("target", "kinds"),
    [
        (
            {"Location": {"S3": [{"Name": "path", "Value": "s3://lake/out/"}]}},
            ["DataSource", "ApplyMapping", "ResolveChoice", "DropNullFields", "DataSink"],
        ),
        (
            {
                "Location": {
                    "S3": [
                        {"Name": "path", "Value": '"s3://lake/out/"'},
                        {"Name": "format", "Value": "json"},
                    ]
                }
            },
            ["DataSource", "ApplyMapping", "DataSink"],
        ),
        (
            {
                "Location": {
                    "Jdbc": [
                        {"Name": "catalog_connection", "Value": "shop-db"},
                        {"Name": "dbtable", "Value": "people"},
                    ]
                }
            },
            ["DataSource", "ApplyMapping", "ResolveChoice", "DropNullFields", "DataSink"],
        ),
        (
            {"Sinks": [SHORT]},
            [
                *("DataSource", "ApplyMapping", "SelectFields", "ResolveChoice", "ResolveChoice"),
                "DataSink",
            ],
        ),
        ({}, ["DataSource", "ApplyMapping"]),
    ],
)
async def test_a_plan_is_the_script_of_a_mapping(
    shop: Any, target: dict[str, Any], kinds: list[str]
) -> None:
    await _tables(shop)
    mapping = await shop.glue("GetMapping", Source=PEOPLE, Sinks=target.get("Sinks", []))
    made = await shop.glue("GetPlan", Source=PEOPLE, Mapping=mapping["Mapping"], **target)
    told = await shop.glue("GetDataflowGraph", PythonScript=made["PythonScript"])
    assert [node["NodeType"] for node in told["DagNodes"]] == kinds
    ids = [node["Id"] for node in told["DagNodes"]]
    assert ids[0] == "datasource0"
    assert [(edge["Source"], edge["Target"]) for edge in told["DagEdges"]] == list(
        itertools.pairwise(ids)
    )
    name = "ID" if "Sinks" in target else "id"
    assert f'("id", "long", "{name}", "' in made["PythonScript"]


async def test_a_plan_without_a_mapping_or_with_an_unknown_option_is_refused(shop: Any) -> None:
    with pytest.raises(InvalidInput, match="Mapping maps nothing to the target"):
        await shop.glue("GetPlan", Source=PEOPLE, Mapping=[])
    with pytest.raises(InvalidInput, match="AdditionalPlanOptionsMap: x = y is not known"):
        await shop.glue("GetPlan", Source=PEOPLE, Mapping=[], AdditionalPlanOptionsMap={"x": "y"})
