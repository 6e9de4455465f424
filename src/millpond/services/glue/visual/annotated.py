"""From the nodes and edges of CreateScript to a script with annotations.

The annotations are those of the scripts that Glue made before there was Glue Studio; they carry
the graph, so that GetDataflowGraph gives it back:

    ## @type: DataSource
    ## @args: [database = "legislators", table_name = "persons", transformation_ctx = "persons"]
    ## @return: persons
    ## @inputs: []
    persons = glueContext.create_dynamic_frame.from_catalog(database = "legislators", …)

Values of arguments are Python expressions, as AWS has them: a text has quotes. `Param` says that
the value is the name of an argument of the job.
"""

import ast
import graphlib
import keyword
from collections.abc import Mapping, Sequence

from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.shapes import CodeGenEdge, CodeGenNode, CodeGenNodeArg
from millpond.services.glue.visual.names import TAKEN

BEGINNING = """\
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

## @params: [{names}]
args = getResolvedOptions(sys.argv, [{quoted}])

sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
"""
ENDING = "job.commit()\n"
CODE_NAMES: Mapping[str, Mapping[str, str]] = {"ApplyMapping": {"mapping": "mappings"}}
"""Arguments that have another name in the call than in the annotation."""


def annotated_script(nodes: Sequence[CodeGenNode], edges: Sequence[CodeGenEdge]) -> str:
    """The script of a graph.

    Raises:
        InvalidInput: an identifier is there twice, an edge leads nowhere or in a circle, a value
            is not Python.
    """
    known: dict[str, CodeGenNode] = {}
    for node in nodes:
        if node.id in known:
            raise InvalidInput(f"Node '{node.id}' is there twice.")
        if keyword.iskeyword(node.id) or node.id in TAKEN:
            raise InvalidInput(f"Node '{node.id}': scripts use this name otherwise.")
        known[node.id] = node
    inputs: dict[str, list[CodeGenEdge]] = {name: [] for name in known}
    for edge in edges:
        for name in (edge.source, edge.target):
            if name not in known:
                raise InvalidInput(
                    f"The edge from '{edge.source}' to '{edge.target}': '{name}' is not a node."
                )
        inputs[edge.target].append(edge)
    blocks = [_block(known[name], inputs[name]) for name in _ordered(inputs)]
    parameters = dict.fromkeys(each.value for node in nodes for each in node.args if each.param)
    wanted = [*(name for name in parameters if name != "JOB_NAME"), "JOB_NAME"]
    for name in wanted:
        if not _is_name(name):
            raise InvalidInput(f"'{name}' is no name of an argument of a job.")
    quoted = ", ".join(f"'{name}'" for name in wanted)
    beginning = BEGINNING.format(names=", ".join(wanted), quoted=quoted)
    return "".join([beginning, *blocks, ENDING])


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _ordered(inputs: Mapping[str, Sequence[CodeGenEdge]]) -> list[str]:
    sorter = graphlib.TopologicalSorter(
        {name: [edge.source for edge in edges] for name, edges in inputs.items()}
    )
    try:
        return list(sorter.static_order())
    except graphlib.CycleError as error:
        raise InvalidInput(f"The edges lead in a circle: {' -> '.join(error.args[1])}.") from None


def _block(node: CodeGenNode, edges: Sequence[CodeGenEdge]) -> str:
    arguments = [(each.name, _expression(node, each)) for each in node.args]
    if not any(name == "transformation_ctx" for name, _ in arguments):
        arguments.append(("transformation_ctx", (f'"{node.id}"', f'"{node.id}"')))
    frames = [(edge.target_parameter or "frame", edge.source) for edge in edges]
    names = [name for name, _ in frames] + [name for name, _ in arguments]
    for name in names:
        if not _is_name(name):
            raise InvalidInput(f"Node '{node.id}': '{name}' is no name of an argument.")
        if names.count(name) > 1:
            raise InvalidInput(f"Node '{node.id}': '{name}' is set twice.")
    renamed = CODE_NAMES.get(node.node_type, {})
    in_call = [f"{name} = {source}" for name, source in frames]
    in_call += [f"{renamed.get(name, name)} = {code}" for name, (_, code) in arguments]
    noted = ", ".join(f"{name} = {note}" for name, (note, _) in arguments)
    return (
        f"## @type: {node.node_type}\n"
        f"## @args: [{noted}]\n"
        f"## @return: {node.id}\n"
        f"## @inputs: [{', '.join(f'{name} = {source}' for name, source in frames)}]\n"
        f"{node.id} = {_function(node, names)}({', '.join(in_call)})\n"
    )


def _expression(node: CodeGenNode, given: CodeGenNodeArg) -> tuple[str, str]:
    """An argument's value as the annotation has it, and as the call has it."""
    if given.param:
        return given.value, f"args['{given.value}']"
    try:
        tree = ast.parse(given.value.strip(), mode="eval")
        text = given.value.strip()
        text = text if text.isprintable() and "#" not in text else ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InvalidInput(
            f"Node '{node.id}': the value of '{given.name}' is not a Python expression: "
            f"{given.value}"
        ) from None
    return text, text


def _function(node: CodeGenNode, names: Sequence[str]) -> str:
    if node.node_type == "DataSource":
        how = "from_catalog" if "table_name" in names else "from_options"
        return f"glueContext.create_dynamic_frame.{how}"
    if node.node_type == "DataSink":
        how = "from_catalog" if "table_name" in names else "from_options"
        how = "from_jdbc_conf" if "catalog_connection" in names else how
        return f"glueContext.write_dynamic_frame.{how}"
    if not _is_name(node.node_type):
        raise InvalidInput(f"Node '{node.id}': '{node.node_type}' is no type of nodes.")
    return f"{node.node_type}.apply"
