"""Any graph that is accepted has a script that parses, says every node once and in order, and
tells the same graph when it is read again; whatever its nodes are called."""

import ast
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.services.glue.visual import script
from millpond.services.glue.visual.dataflow import dataflow
from millpond.services.glue.visual.graph import read_graph
from millpond.services.glue.visual.kinds import kind_of
from millpond.services.glue.visual.names import variables
from tests.services.glue.visual.graphs import Nodes, read

HOSTILE = (
    "",
    "Amazon S3",
    "1st",
    "x'); import os; os.system('true')  #",
    "quote \" and \\ and '",
    '"""',
    "glueContext",
    "job",
    "a\u2028b\u202ec",
    "naïve \U0001f600 名前",
    "\x0b\x00\x1b[2J",
    "{args}{0}%s",
)
anything = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))
names = anything.map(lambda text: text.replace("\n", " ").replace("\r", " "))
texts = anything.map(
    lambda text: "".join(c if c >= " " or c in "\t\x0b\x0c" else " " for c in text)
)
texts = texts.map(lambda text: text.replace("\ufffe", " ").replace("\uffff", " "))
words = texts.filter(bool)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
some_words = st.lists(words, min_size=1, max_size=3, unique=True)
paths = some_words.map(lambda found: [[each] for each in found])
filters = st.lists(
    st.tuples(words, st.sampled_from(["EQ", "LT", "GT", "LTE", "GTE"]), texts, st.booleans()).map(
        lambda t: {
            "Operation": t[1],
            "Negated": t[3],
            "Values": [
                {"Type": "COLUMNEXTRACTED", "Value": [t[0]]},
                {"Type": "CONSTANT", "Value": [t[2]]},
            ],
        }
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def sources(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    if draw(st.booleans()):
        return "CatalogSource", {"Database": draw(words) + "x", "Table": draw(words) + "x"}
    options = {"Separator": "comma", "QuoteChar": "quote", "Escaper": draw(texts)}
    return "S3CsvSource", {"Paths": ["s3://b/" + draw(texts)], **options}


@st.composite
def transforms(draw: st.DrawFn, before: list[str]) -> tuple[str, dict[str, Any]]:
    two = len(before) > 1 and draw(st.booleans())
    inputs = draw(st.permutations(before))[: 2 if two else 1]
    if two:
        kind = draw(st.sampled_from(["Join", "Union", "Merge", "SparkSQL"]))
    else:
        kind = draw(st.sampled_from(["Filter", "SelectFields", "Aggregate", "SparkSQL", "Rename"]))
    keys = draw(paths)
    body: dict[str, Any] = {
        "Join": lambda: {
            "JoinType": draw(st.sampled_from(["equijoin", "left", "outer", "leftsemi"])),
            "Columns": [{"From": name, "Keys": keys} for name in inputs],
        },
        "Union": lambda: {"UnionType": draw(st.sampled_from(["ALL", "DISTINCT"]))},
        "Merge": lambda: {"Source": inputs[0], "PrimaryKeys": keys},
        "SparkSQL": lambda: {
            "SqlQuery": draw(words) + "\nselect 1",
            "SqlAliases": [{"From": n, "Alias": f"t{i}"} for i, n in enumerate(inputs)],
        },
        "Filter": lambda: {
            "LogicalOperator": draw(st.sampled_from(["AND", "OR"])),
            "Filters": draw(filters),
        },
        "SelectFields": lambda: {"Paths": keys},
        "Aggregate": lambda: {
            "Groups": keys,
            "Aggs": [{"Column": [draw(words)], "AggFunc": "sum"}],
        },
        "Rename": lambda: {"SourcePath": keys[0], "TargetPath": [draw(words)]},
    }[kind]()
    return {"Rename": "RenameField"}.get(kind, kind), {**body, "Inputs": list(inputs)}


@st.composite
def graphs(draw: st.DrawFn) -> Nodes:
    identifiers = draw(st.lists(ids, min_size=2, max_size=9, unique=True))
    nodes: Nodes = {}
    for place, name in enumerate(identifiers):
        readable = [each for each in nodes if "S3DirectTarget" not in nodes[each]]
        if place == 0 or draw(st.integers(0, 3)) == 0:
            kind, body = draw(sources())
        elif draw(st.integers(0, 3)) == 0:
            kind = "S3DirectTarget"
            body = {"Path": "s3://b/" + draw(texts), "Format": "json"}
            body["Inputs"] = [draw(st.sampled_from(readable))]
        else:
            kind, body = draw(transforms(readable))
        nodes[name] = {kind: {"Name": draw(names), **body}}
    return dict(draw(st.permutations(list(nodes.items()))))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs(), names)
def test_the_script_of_a_graph_tells_the_graph(nodes: Nodes, job_name: str) -> None:
    given_nodes = read(nodes)
    text = script(given_nodes, job_name)
    tree = ast.parse(text)
    graph = read_graph(given_nodes)
    variable = variables(graph.nodes.values())
    assert len(set(variable.values())) == len(nodes)

    told, edges = dataflow(text)
    assert [node.id for node in told] == list(variable.values())
    assert {(edge.source, edge.target) for edge in edges} == {
        (variable[name], variable[node.id]) for node in graph.nodes.values() for name in node.inputs
    }
    placed = {node.id: place for place, node in enumerate(told)}
    assert all(placed[edge.source] < placed[edge.target] for edge in edges)
    roles = {"DataSource": "source", "DataSink": "target"}
    for node, read_again in zip(graph.nodes.values(), told, strict=True):
        assert roles.get(read_again.node_type, "transform") == kind_of(node.kind).role

    called = {each.func.id for each in ast.walk(tree) if _calls_a_name(each)}
    assert called <= CALLED
    imported = [each for each in ast.walk(tree) if isinstance(each, (ast.Import, ast.ImportFrom))]
    assert imported == [each for each in tree.body if each in imported]


CALLED = {
    *("getResolvedOptions", "SparkContext", "GlueContext", "Job", "getattr"),
    *("sparkSqlQuery", "sparkUnion", "sparkAggregate"),
}


def _calls_a_name(each: ast.AST) -> bool:
    return isinstance(each, ast.Call) and isinstance(each.func, ast.Name)


@settings(max_examples=100, deadline=None)
@given(words, texts, texts)
def test_a_text_in_a_script_is_the_text_that_was_sent(path: str, sql: str, constant: str) -> None:
    nodes: Nodes = {
        "a": {"CatalogSource": {"Name": "A", "Database": path + "x", "Table": "t"}},
        "q": {
            "SparkSQL": {
                **{"Name": "Q", "Inputs": ["a"], "SqlQuery": "select 1 --" + sql},
                "SqlAliases": [{"From": "a", "Alias": "t"}],
            }
        },
        "f": {
            "Filter": {
                **{"Name": "F", "Inputs": ["q"], "LogicalOperator": "AND"},
                "Filters": [
                    {
                        "Operation": "EQ",
                        "Values": [
                            {"Type": "COLUMNEXTRACTED", "Value": [path]},
                            {"Type": "CONSTANT", "Value": ["text " + constant]},
                        ],
                    }
                ],
            }
        },
    }
    tree = ast.parse(script(read(nodes), ""))
    found = {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant)}
    assert {path, path + "x", "text " + constant} <= found
    query = next(
        each.value.value
        for each in tree.body
        if isinstance(each, ast.Assign)
        and isinstance(each.targets[0], ast.Name)
        and each.targets[0].id == "Q_q_query"
        and isinstance(each.value, ast.Constant)
    )
    sent = "select 1 --" + sql
    assert query in (sent, "\n" + sent.strip("\n") + "\n")
