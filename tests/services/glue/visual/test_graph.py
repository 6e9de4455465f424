"""Which graphs are refused, and that the refusal names the node."""

from typing import Any

import botocore.session
import pytest

from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.visual import check
from millpond.services.glue.visual.generating import WRITERS
from millpond.services.glue.visual.graph import MEMBERS, natural
from millpond.services.glue.visual.kinds import KINDS, REFUSED
from tests.services.glue.visual.graphs import Nodes, compare, csv, parquet, read, table, transform


def refusal(nodes: Nodes) -> str:
    with pytest.raises(InvalidInput) as refused:
        check(read(nodes))
    return refused.value.message


def test_every_kind_of_node_that_aws_has_is_either_written_or_refused_with_a_reason() -> None:
    model = botocore.session.get_session().get_service_model("glue")
    kinds = set(model.shape_for("CodeGenConfigurationNode").members)
    assert kinds == set(MEMBERS.values())
    assert kinds == set(KINDS) | set(REFUSED)
    assert not set(KINDS) & set(REFUSED)
    assert set(WRITERS) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("PIIDetection", {"PiiType": "RowAudit", "EntityTypesToDetect": ["EMAIL"]}),
        ("EvaluateDataQuality", {"Ruleset": "Rules = [ColumnCount > 0]"}),
        ("DynamicTransform", {"TransformName": "t", "FunctionName": "f", "Path": "s3://a/b"}),
        ("S3DeltaDirectTarget", {"Path": "s3://a/b", "Compression": "snappy", "Format": "delta"}),
    ],
)
def test_a_kind_that_is_not_implemented_is_refused_by_its_name(
    kind: str, body: dict[str, Any]
) -> None:
    told = refusal({"a": csv(), "b-1": {kind: {"Name": "My node", "Inputs": ["a"], **body}}})
    assert told.startswith(f"Node 'b-1' (My node): {kind} is not implemented: ")
    assert told.endswith(REFUSED[kind])


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ({}, "CodeGenConfigurationNodes has no nodes."),
        (
            {"a": {}},
            "Node 'a': a node is of exactly one kind, this is of none.",
        ),
        (
            {"a": {**csv(), **table()}},
            "Node 'a': a node is of exactly one kind, this is of CatalogSource and S3CsvSource.",
        ),
        (
            {"a b": csv()},
            "Node 'a b': an identifier has letters, digits, underscores and hyphens alone.",
        ),
        ({"a": csv(), "t": parquet("b")}, "Node 't' (Result): its input 'b' is not a node."),
        ({"t": parquet("t")}, "Node 't' (Result): it is its own input."),
        (
            {"a": csv(), "t": parquet("a"), "u": parquet("t", name="Next")},
            "Node 'u' (Next): its input 't' is a target, which nothing can read.",
        ),
        (
            {"a": csv(), "u": transform("Union", "a", "a", UnionType="ALL")},
            "Node 'u' (Union): it has the same input twice.",
        ),
        (
            {
                "a": csv(),
                "j": transform("Union", "a", "x", UnionType="ALL", Name="Both"),
                "x": transform("DropDuplicates", "y", Name="X"),
                "y": transform("DropDuplicates", "j", Name="Y"),
            },
            "Node 'j' (Both): its inputs lead back to it: j <- x <- y <- j.",
        ),
    ],
)
def test_a_graph_that_is_none_is_refused(nodes: Nodes, told: str) -> None:
    assert refusal(nodes) == told


def keys(*pairs: tuple[str, list[list[str]]]) -> list[dict[str, Any]]:
    return [{"From": name, "Keys": paths} for name, paths in pairs]


JOIN: dict[str, Any] = {"Name": "Join orders", "JoinType": "left"}


DEEP = "(" * 3000
LONG = "a{9999999999999999999999}"


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (
            transform("Join", "a", "b", **JOIN, Columns=keys(("a", [["x"]]), ("c", [["y"]]))),
            "Columns has to have keys of both inputs, by their identifiers in From.",
        ),
        (
            transform(
                "Join", "a", "b", **JOIN, Columns=keys(("a", [["x"], ["z"]]), ("b", [["y"]]))
            ),
            "the keys do not pair up: 2 of 'a', 1 of 'b'.",
        ),
        (
            transform("Merge", "a", "b", Source="c", PrimaryKeys=[["id"]]),
            "Source 'c' is not one of its inputs.",
        ),
        (transform("SelectFields", "a", Paths=[]), "Paths has no path."),
        (transform("DropFields", "a", Paths=[["x", ""]]), "Paths has an empty path."),
        (
            transform("ApplyMapping", "a", Mapping=[{"FromPath": ["x"], "ToKey": "y"}]),
            "the mapping of 'x' has no FromType or no ToType.",
        ),
        (
            transform("Filter", "a", LogicalOperator="AND", Filters=[]),
            "Filters has no filter.",
        ),
        (
            transform("Filter", "a", LogicalOperator="AND", Filters=[compare("x", "EQ")]),
            "a filter EQ has two values, not 1.",
        ),
        (
            transform("Filter", "a", LogicalOperator="AND", Filters=[compare("x", "REGEX", "(")]),
            "the pattern '(' is not valid: missing ), unterminated subpattern at position 0.",
        ),
        (
            transform("Filter", "a", LogicalOperator="AND", Filters=[compare("x", "REGEX", DEEP)]),
            f"the pattern {DEEP!r} is nested too deeply.",
        ),
        (
            transform("Filter", "a", LogicalOperator="AND", Filters=[compare("x", "REGEX", LONG)]),
            f"the pattern {LONG!r} is not valid: the repetition number is too large.",
        ),
        (
            transform(
                "SparkSQL",
                *("a", "b"),
                SqlQuery="select 1",
                SqlAliases=[{"From": "a", "Alias": "t"}, {"From": "b", "Alias": "T"}],
            ),
            "SqlAliases: 'T' is the alias of two inputs.",
        ),
        (
            transform(
                "SparkSQL", "a", "b", SqlQuery="select 1", SqlAliases=[{"From": "a", "Alias": "t"}]
            ),
            "SqlAliases: its input 'b' has no alias.",
        ),
        (
            transform("CustomCode", "a", ClassName="My Transform", Code="return dfc"),
            "ClassName 'My Transform' is no name of a function.",
        ),
        (
            transform("CustomCode", "a", ClassName="MyTransform", Code="x = 1\nif x\n  return"),
            "Code is not Python: line 2: expected ':'.",
        ),
        (
            transform("SelectFromCollection", "a", Index=0),
            "its input 'a' is one frame; it chooses from the frames of SplitFields, Route or "
            "CustomCode.",
        ),
        (
            parquet("a", Format="iceberg"),
            "Format iceberg is not implemented. There are json, csv, avro, orc, parquet.",
        ),
        (
            parquet("a", Compression="gzp"),
            "Compression gzp is not one of brotli, gzip, lz4, lzo, snappy.",
        ),
        (
            parquet("a", Path="/tmp/x"),
            "'/tmp/x' is not a path in S3, such as s3://bucket/folder/.",
        ),
        (parquet("a", SchemaChangePolicy={"EnableUpdateCatalog": True}), "Database is empty."),
        (
            parquet("a", AutoDataQuality={"IsEnabled": True}),
            "AutoDataQuality is not implemented: the rules of Glue Data Quality are not "
            "evaluated here.",
        ),
        (
            {
                "DirectJDBCSource": {
                    **{"Name": "DirectJDBC", "Database": "d", "Table": "t"},
                    **{"ConnectionName": "c", "ConnectionType": "oracle"},
                }
            },
            "ConnectionType oracle is not implemented: jobs here reach PostgreSQL and MySQL alone.",
        ),
    ],
)
def test_a_node_that_is_wrong_is_refused_by_its_identifier_and_name(
    node: dict[str, Any], told: str
) -> None:
    name = next(iter(node.values()))["Name"]
    assert refusal({"a": csv(), "b": table(), "n-1": node}) == f"Node 'n-1' ({name}): {told}"


def test_a_collection_of_frames_is_read_by_what_chooses_from_it_alone() -> None:
    split = transform("SplitFields", "a", Paths=[["x"]])
    told = refusal({"a": csv(), "s": split, "t": parquet("s")})
    assert told == (
        "Node 't' (Result): its input 's' gives a collection of frames. "
        "Put a SelectFromCollection between the two."
    )
    chosen = transform("SelectFromCollection", "s", Index=2, Name="Choose")
    told = refusal({"a": csv(), "s": split, "c": chosen, "t": parquet("c")})
    assert told == "Node 'c' (Choose): Index 2 is too high: 's' gives 2 frames, from 0."


def test_a_job_reads_one_stream_alone() -> None:
    stream = {"StreamArn": "arn:aws:kinesis:eu-west-1:000000000000:stream/clicks"}
    source = {"DirectKinesisSource": {"Name": "Clicks", "StreamingOptions": stream}}
    told = refusal({"a": source, "b": source})
    assert told == "Node 'b' (Clicks): 'a' is a stream already, and a job reads one stream alone."


def test_identifiers_are_sorted_by_the_numbers_in_them_however_long() -> None:
    names = ["n-10", "n-" + "9" * 5000, "n-9", "n-009", "m", "n-" + "8" * 5000]
    assert sorted(names, key=natural) == ["m", "n-9", "n-009", "n-10", names[5], names[1]]


def test_a_number_of_partitions_that_is_none_is_refused() -> None:
    for number in ("x", "²", "9" * 5000):
        told = refusal({"a": csv(), "t": parquet("a", NumberTargetPartitions=number)})
        assert told.endswith(f"NumberTargetPartitions '{number}' is no number.")
