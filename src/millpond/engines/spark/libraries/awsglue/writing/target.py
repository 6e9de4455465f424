"""Where a sink writes: a format, a path, and a table of the Data Catalog that follows.

Source: "Updating the schema, and adding new partitions in the Data Catalog using AWS Glue ETL
jobs" (developer guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import places
from ..plan import Rows
from ..refusals import NotSupported, is_true, refuse_others
from ..tables import Table
from .catalog import follow
from .parts import write_parts

_OPTIONS = (
    "path", "partitionKeys", "compression", "enableUpdateCatalog", "updateBehavior",
    "groupFiles", "groupSize", "useFrameName",
)  # fmt: skip
_BEHAVIORS = ("UPDATE_IN_DATABASE", "LOG")


@dataclass
class Target:
    format: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    database: str | None = None
    table: str | None = None
    catalog_id: str | None = None


def write_files(rows: Rows, name: str, given: Mapping[str, Any], target: Target) -> None:
    """Write rows below a path, and let the sink's table follow.

    Raises:
        NotSupported: the format, or an option, is not.
        ValueError: an option is missing, or has no such value.
    """
    refuse_others("connection_options of s3", given, _OPTIONS)
    path, format_name = given.get("path"), target.format
    if not path:
        raise ValueError("The connection option path is missing.")
    if not format_name:
        raise ValueError("Parameter format is missing.")
    if is_true(given.get("useFrameName")):
        path = places.join(str(path), name)
    update = is_true(given.get("enableUpdateCatalog"))
    behavior = str(given.get("updateBehavior") or "UPDATE_IN_DATABASE").upper()
    if behavior not in _BEHAVIORS:
        raise ValueError(f"updateBehavior is UPDATE_IN_DATABASE or LOG, not {behavior}.")
    if update and not (target.database and target.table):
        raise ValueError("enableUpdateCatalog needs a table: setCatalogInfo names it.")
    keys = [str(key) for key in given.get("partitionKeys") or ()]
    if rows.is_empty:
        return
    parts = write_parts(
        rows, str(path), format_name, target.options, keys, _word(given.get("compression"))
    )
    if update:
        follow(target, rows.schema, keys, str(path), format_name, parts, behavior)


def write_to_table(rows: Rows, table: Table, given: Mapping[str, Any]) -> None:
    """Write rows where a table of the catalog is, as it is stored; its partitions follow if
    `enableUpdateCatalog` says so."""
    refuse_others("additional_options", given, _OPTIONS)
    layout = table.layout()
    if not layout.location:
        raise NotSupported(f"The table {table.database}.{table.name} has no location.")
    keys = [key.name for key in table.partition_keys]
    asked = [str(key).lower() for key in given.get("partitionKeys") or ()]
    if asked and asked != [key.lower() for key in keys]:
        raise ValueError(f"The partition keys of {table.name} are {', '.join(keys) or 'none'}.")
    options = dict(layout.options) if layout.format == "csv" else {}
    if layout.format == "csv":
        options["writeHeader"] = options.pop("withHeader", False)
    if rows.is_empty:
        return
    target = Target(layout.format, options, table.database, table.name, table.catalog_id)
    parts = write_parts(
        rows, layout.location, layout.format, options, keys, _word(given.get("compression"))
    )
    if is_true(given.get("enableUpdateCatalog")):
        behavior = str(given.get("updateBehavior") or "UPDATE_IN_DATABASE").upper()
        follow(target, rows.schema, keys, layout.location, layout.format, parts, behavior)


def _word(given: Any) -> str | None:
    return str(given) if given else None
