"""Names in a script: variables of nodes, paths to fields."""

import builtins
import keyword
import re
from collections.abc import Iterable, Sequence

from millpond.services.glue.visual.graph import Node

NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")
TAKEN = frozenset(
    {
        *keyword.kwlist,
        *dir(builtins),
        *("args", "glueContext", "job", "re", "row", "sc", "spark", "sys", "SqlFuncs", "Job"),
        *(
            "SparkContext",
            "GlueContext",
            "DynamicFrame",
            "DynamicFrameCollection",
            "StructType",
            "StringType",
            "IntegralType",
        ),
        *("getResolvedOptions", "processBatch", "data_frame", "batchId", "GroupFilter"),
        *("ApplyMapping", "SelectFields", "DropFields", "RenameField", "Filter", "Join", "Map"),
        *("SelectFromCollection", "Spigot", "SplitFields", "FillMissingValues"),
        *("sparkSqlQuery", "sparkUnion", "sparkAggregate", "drop_nulls", "_fields"),
        *("routeGroups",),
    }
)
"""Names that mean something in every script."""


def variables(nodes: Iterable[Node]) -> dict[str, str]:
    """The variable of each node, as Glue Studio makes it: its name and its identifier, without
    what Python does not take in names (`AmazonS3_node1700000000000`)."""
    found: dict[str, str] = {}
    taken = set(TAKEN)
    for node in nodes:
        wanted = NOT_IN_NAMES.sub("", node.name) + "_" + NOT_IN_NAMES.sub("", node.id)
        found[node.id] = free_name(wanted if not wanted[0].isdigit() else f"_{wanted}", taken)
        taken.add(found[node.id])
    return found


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name, with a number after it if it is taken."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def path(parts: Sequence[str]) -> str:
    """A path to a field as transforms write it: dots between names, back quotes around a name
    that has a dot itself."""
    if len(parts) == 1 and parts[0].startswith("`"):
        return parts[0]
    return ".".join(f"`{part}`" if "." in part and "`" not in part else part for part in parts)


def comment(text: str) -> str:
    """The text as it may stand in a comment: on one line, and nothing invisible in it."""
    return "".join(each if each.isprintable() else " " for each in text).strip()
