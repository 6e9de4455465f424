"""From the nodes of a job to its script."""

from collections.abc import Callable, Mapping

from millpond.services.glue.shapes import CodeGenConfigurationNode
from millpond.services.glue.visual.graph import Graph, Node, read_graph
from millpond.services.glue.visual.layout import Source, call, laid_out
from millpond.services.glue.visual.many import MANY_TRANSFORMS
from millpond.services.glue.visual.names import comment, variables
from millpond.services.glue.visual.snippets import SNIPPETS
from millpond.services.glue.visual.sources import SOURCES
from millpond.services.glue.visual.streaming import STREAMS, stream_of
from millpond.services.glue.visual.targets import TARGETS
from millpond.services.glue.visual.transforms import TRANSFORMS
from millpond.services.glue.visual.writing import Writing

WRITERS: Mapping[str, Callable[[Node, Writing], None]] = {
    **SOURCES,
    **STREAMS,
    **TRANSFORMS,
    **MANY_TRANSFORMS,
    **TARGETS,
}
STANDARD_LIBRARY = ("import sys",)
IMPORTS = (
    "from awsglue.context import GlueContext",
    "from awsglue.job import Job",
    "from awsglue.transforms import *",
    "from awsglue.utils import getResolvedOptions",
    "from pyspark.context import SparkContext",
)


def check(nodes: Mapping[str, CodeGenConfigurationNode]) -> None:
    """Refuse nodes of which no script can be made.

    Raises:
        InvalidInput: the graph or one of its nodes is wrong, or of a kind that is not
            implemented; the message names the node.
    """
    _written(read_graph(nodes))


def script(nodes: Mapping[str, CodeGenConfigurationNode], job_name: str) -> str:
    """The Python script of a visual job: the same for the same nodes, in whatever order.

    Raises:
        InvalidInput: as `check`.
    """
    writing = _written(read_graph(nodes))
    lines = [f"# The visual job {comment(job_name)}: made of its nodes, to be changed there."]
    lines += _imports(writing)
    for name, text in SNIPPETS.items():
        if name in writing.helpers:
            lines += ["", "", text.strip("\n")]
    for name, text in writing.functions.items():
        lines += ["", "", f"def {name}(glueContext, dfc) -> DynamicFrameCollection:", text]
    if lines[-1] and (writing.helpers or writing.functions):
        lines.append("")
    lines += _beginning(streams=bool(writing.after_batch))
    lines += writing.lines
    if writing.after_batch:
        lines += ["", "", "def processBatch(data_frame, batchId):"]
        lines += ["    if data_frame.count() == 0:", "        return", *writing.batch]
        lines += ["", "", *writing.after_batch.split("\n")]
    lines += ["", "job.commit()", ""]
    return "\n".join(lines)


def _written(graph: Graph) -> Writing:
    stream = stream_of(graph)
    writing = Writing(
        graph=graph,
        variables=variables(graph.nodes.values()),
        streamed=frozenset(graph.after(stream.id)) if stream else frozenset(),
    )
    for node in graph.nodes.values():
        if node.kind not in STREAMS:
            writing.begin(node)
        WRITERS[node.kind](node, writing)
    return writing


def _imports(writing: Writing) -> list[str]:
    """Python's own first, then others, each by the module's name."""
    own = sorted({*STANDARD_LIBRARY, *(each for each in writing.imports if "from" not in each)})
    others: dict[str, set[str]] = {}
    for line in (*IMPORTS, *(each for each in writing.imports if "from" in each)):
        module, _, names = line.removeprefix("from ").partition(" import ")
        others.setdefault(module, set()).add(names)
    merged = [f"from {name} import {', '.join(sorted(others[name]))}" for name in sorted(others)]
    return [*own, "", *merged]


def _beginning(*, streams: bool) -> list[str]:
    arguments = ["JOB_NAME", "TempDir"] if streams else ["JOB_NAME"]
    options = laid_out("args = ", call("getResolvedOptions", Source("sys.argv"), arguments))
    return [
        "",
        options,
        "sc = SparkContext()",
        "glueContext = GlueContext(sc)",
        "spark = glueContext.spark_session",
        "job = Job(glueContext)",
        'job.init(args["JOB_NAME"], args)',
    ]
