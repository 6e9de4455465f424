"""Transforms that take any number of frames, or give several: SQL, code, routes, parts."""

import ast
import keyword
import re
from collections.abc import Callable, Mapping

from millpond.services.glue.visual.filters import condition, uses_patterns
from millpond.services.glue.visual.graph import Node
from millpond.services.glue.visual.kinds import kind_of
from millpond.services.glue.visual.layout import INDENT, Condition, Source, call, literal
from millpond.services.glue.visual.transforms import DYNAMIC_FRAME, some_paths
from millpond.services.glue.visual.writing import Writing

COLLECTION = "from awsglue.dynamicframe import DynamicFrameCollection"
ALIAS = re.compile(r"[A-Za-z0-9_]+\Z")
DEFAULT_GROUP = "default_group"
"""Of the rows that no group takes. Glue Studio makes it for every route."""


def _spark_sql(node: Node, writing: Writing) -> None:
    body = node.body
    if not body.sql_query.strip():
        raise node.refusal("SqlQuery is empty.")
    aliases: dict[str, str] = {}
    for each in body.sql_aliases:
        if each.from_ not in node.inputs:
            raise node.refusal(f"SqlAliases: '{each.from_}' is not one of its inputs.")
        if not ALIAS.match(each.alias):
            raise node.refusal(
                f"SqlAliases: '{each.alias}' is no name of a view: "
                "one has letters, digits and underscores alone."
            )
        if each.alias.lower() in {name.lower() for name in aliases}:
            raise node.refusal(f"SqlAliases: '{each.alias}' is the alias of two inputs.")
        aliases[each.alias] = each.from_
    without = [name for name in node.inputs if name not in aliases.values()]
    if without:
        raise node.refusal(f"SqlAliases: its input '{without[0]}' has no alias.")
    writing.imports.add(DYNAMIC_FRAME)
    writing.helpers.add("sparkSqlQuery")
    variable = writing.variable(node)
    query = writing.fresh(f"{variable}_query")
    writing.put(node, f"{query} = {_block(body.sql_query)}")
    mapping = {
        alias: Source(writing.frame(node, node.inputs.index(name)))
        for alias, name in aliases.items()
    }
    writing.assign(
        node,
        call(
            "sparkSqlQuery",
            Source("glueContext"),
            query=Source(query),
            mapping=mapping,
            transformation_ctx=variable,
        ),
    )


def _block(text: str) -> str:
    """A text of several lines as a literal: as it is, between triple quotes, if it can be."""
    plain = all(each.isprintable() or each == "\n" for each in text)
    if not plain or "\\" in text or '"""' in text:
        return literal(text)
    return '"""\n' + text.strip("\n") + '\n"""'


def _custom_code(node: Node, writing: Writing) -> None:
    body = node.body
    name = body.class_name
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        raise node.refusal(f"ClassName '{name}' is no name of a function.")
    body_of_function = _indented(node, body.code)
    sources = [writing.graph.nodes[each] for each in node.inputs]
    collections = [each for each in sources if kind_of(each.kind).collects]
    if collections and len(sources) > 1:
        raise node.refusal(
            f"its input '{collections[0].id}' gives a collection of frames, "
            "and can only be its single input."
        )
    writing.imports |= {DYNAMIC_FRAME, COLLECTION}
    same = [each for each, text in writing.functions.items() if text == body_of_function]
    if name not in same:
        name = writing.fresh(name)
        writing.functions[name] = body_of_function
    if collections:
        given: object = Source(writing.variable(collections[0]))
    else:
        frames = {writing.variable(each): Source(writing.variable(each)) for each in sources}
        given = call("DynamicFrameCollection", frames, Source("glueContext"))
    writing.assign(node, call(name, Source("glueContext"), given))


def _indented(node: Node, code: str) -> str:
    """The code as a function's body. Lines within a text keep their beginnings.

    Raises:
        InvalidInput: it is not Python, or more than a function's body.
    """
    code = code.replace("\r\n", "\n").replace("\r", "\n").strip("\n").rstrip()
    if not code:
        raise node.refusal("Code is empty.")
    if "\x00" in code or "\x0c" in code:
        raise node.refusal("Code has characters that Python does not take.")
    try:
        text = code if code[0] in " \t" else _moved_in(code)
        tree = ast.parse(f"def body(glueContext, dfc):\n{text}\n")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        moved = 1 if code[0] in " \t" else 0
        place = f"line {line - moved}: " if line else ""
        reason = getattr(error, "msg", None) or str(error)
        raise node.refusal(f"Code is not Python: {place}{reason}.") from None
    except (RecursionError, MemoryError):
        raise node.refusal("Code is nested too deeply.") from None
    if len(tree.body) != 1:
        raise node.refusal("Code is more than the body of a function.")
    return text


def _moved_in(code: str) -> str:
    """The code, indented. Lines that begin within a text of several lines stay."""
    within: set[int] = set()
    for each in ast.walk(ast.parse(code)):
        if isinstance(each, (ast.Constant, ast.JoinedStr)) and each.end_lineno is not None:
            within.update(range(each.lineno + 1, each.end_lineno + 1))
    return "\n".join(
        line if number in within or not line.strip() else INDENT + line
        for number, line in enumerate(code.split("\n"), 1)
    )


def _split_fields(node: Node, writing: Writing) -> None:
    variable = writing.variable(node)
    writing.assign(
        node,
        call(
            "SplitFields.apply",
            frame=Source(writing.frame(node)),
            paths=some_paths(node, "Paths", node.body.paths),
            name1=f"{variable}1",
            name2=f"{variable}2",
            transformation_ctx=variable,
        ),
    )


def _route(node: Node, writing: Writing) -> None:
    groups: dict[str, Condition] = {}
    for each in node.body.group_filters_list:
        if not each.group_name or each.group_name in (*groups, DEFAULT_GROUP):
            raise node.refusal(
                f"GroupFiltersList: '{each.group_name}' is not a name of its own for a group."
            )
        if uses_patterns(each.filters):
            writing.imports.add("import re")
        groups[each.group_name] = condition(
            writing.graph, node, each.filters, each.logical_operator
        )
    if not groups:
        raise node.refusal("GroupFiltersList has no group.")
    writing.imports.add(COLLECTION)
    writing.helpers.add("routeGroups")
    writing.assign(
        node,
        call(
            "routeGroups",
            Source("glueContext"),
            frame=Source(writing.frame(node)),
            groups=groups,
        ),
    )


def _select_from_collection(node: Node, writing: Writing) -> None:
    source = writing.graph.nodes[node.inputs[0]]
    if not kind_of(source.kind).collects:
        raise node.refusal(
            f"its input '{source.id}' is one frame; it chooses from the frames of "
            "SplitFields, Route or CustomCode."
        )
    known = {"SplitFields": 2}.get(source.kind)
    if source.kind == "Route":
        known = len(source.body.group_filters_list) + 1
    if known is not None and node.body.index >= known:
        raise node.refusal(
            f"Index {node.body.index} is too high: '{source.id}' gives {known} frames, from 0."
        )
    frames = writing.variable(source)
    writing.assign(
        node,
        call(
            "SelectFromCollection.apply",
            dfc=Source(frames),
            key=Source(f"list({frames}.keys())[{node.body.index}]"),
            transformation_ctx=writing.variable(node),
        ),
    )


MANY_TRANSFORMS: Mapping[str, Callable[[Node, Writing], None]] = {
    "SparkSQL": _spark_sql,
    "CustomCode": _custom_code,
    "SplitFields": _split_fields,
    "Route": _route,
    "SelectFromCollection": _select_from_collection,
}
