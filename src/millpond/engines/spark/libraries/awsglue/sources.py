"""What a script reads: files in S3, tables of the Data Catalog, databases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import bookmarks
from .columns import make_batch
from .gluetypes import Field, StringType, StructType
from .jdbc import read_table
from .jdbc_options import Database
from .joining import union
from .plan import Rows
from .predicates import read_predicate
from .reading import Listed, list_paths, read_files
from .refusals import NotSupported, is_true, refuse_others
from .tables import Table

_OF_FILES = (
    "paths", "path", "recurse", "exclusions", "compressionType", "groupFiles", "groupSize",
    "maxBand", "maxFilesInBand", "isFailFast", "useS3ListImplementation",
    "partitionPredicate", "jobBookmarkKeys", "jobBookmarkKeysSortOrder",
)  # fmt: skip
JDBC_TYPES = ("mysql", "postgresql", "jdbc")


def read_options(
    session: Any,
    connection_type: str,
    options: Mapping[str, Any],
    format_name: str | None,
    format_options: Mapping[str, Any],
    ctx: str,
    predicate: str,
) -> Rows:
    """What `from_options` names.

    Raises:
        NotSupported: by its name, whatever is not.
    """
    kind = connection_type.lower()
    if kind in JDBC_TYPES:
        return read_table(session, Database.of(kind, options), ctx)
    if kind in ("parquet", "orc") and format_name is None:
        kind, format_name = "s3", kind
    if kind not in ("s3", "file", "parquet", "orc"):
        raise NotSupported(f"The connection type {connection_type} is not supported.")
    refuse_others(f"connection_options of {connection_type}", options, _OF_FILES)
    if not format_name:
        raise ValueError("Parameter format is missing.")
    paths = options.get("paths", options.get("path"))
    if not paths:
        raise ValueError("The connection option paths is missing.")
    paths = [paths] if isinstance(paths, str) else list(paths)
    names, files = list_paths(paths, is_true(options.get("recurse")), _exclusions(options))
    if predicate or options.get("partitionPredicate"):
        files = _where(files, names, predicate or str(options["partitionPredicate"]))
    files = _unread(files, ctx)
    partition = [Field(name, StringType()) for name in names]
    return read_files(session, files, partition, format_name, format_options)


def _exclusions(options: Mapping[str, Any]) -> list[str]:
    given = options.get("exclusions") or ()
    return list(json.loads(given)) if isinstance(given, str) else list(given)


def _where(files: Listed, names: list[str], predicate: str) -> Listed:
    check = read_predicate(predicate)
    lower = [name.lower() for name in names]
    return [one for one in files if check(dict(zip(lower, one[1], strict=False)))]


def _unread(files: Listed, ctx: str) -> Listed:
    """Those that no earlier run has read, if the job has a bookmark."""
    new, state = bookmarks.new_files(ctx, [file for file, _ in files])
    if state is None:
        return files
    bookmarks.keep(ctx, state)
    kept = {file.uri for file in new}
    return [one for one in files if one[0].uri in kept]


def read_catalog(
    session: Any,
    database: str,
    name: str,
    ctx: str,
    predicate: str,
    options: Mapping[str, Any],
    catalog_id: str | None,
) -> Rows:
    """What a table of the catalog holds.

    Raises:
        NotSupported: the table is of a kind that is not, or an option is.
    """
    table = Table.get(database, name, catalog_id)
    if table.connection:
        return read_table(session, Database.of_table(table, options), ctx)
    if table.raw.get("TableType") == "VIRTUAL_VIEW":
        raise NotSupported(f"{database}.{name} is a view.")
    if table.parameters.get("table_type", "").upper() == "ICEBERG":
        raise NotSupported(f"{database}.{name} is an Iceberg table: read it with spark.table.")
    refuse_others(
        "additional_options", options, (*_OF_FILES, "catalogPartitionPredicate", "useCatalogSchema")
    )
    return _read_table_files(session, table, ctx, predicate, options)


def _read_table_files(
    session: Any, table: Table, ctx: str, predicate: str, options: Mapping[str, Any]
) -> Rows:
    keys = table.partition_keys
    exclusions = [*_exclusions(options), *table.exclusions]
    by_layout: dict[str, tuple[Any, Listed]] = {}
    if keys:
        expression = str(options.get("catalogPartitionPredicate") or "")
        for values, layout in table.partitions(predicate, expression):
            _, files = list_paths([layout.location], True, exclusions)
            mark = json.dumps([layout.format, layout.options], sort_keys=True)
            held = by_layout.setdefault(mark, (layout, []))
            held[1].extend((file, values) for file, _ in files)
    else:
        layout = table.layout()
        _, files = list_paths([layout.location], True, exclusions)
        by_layout[""] = (layout, [(file, ()) for file, _ in files])
    every = [one for _, files in by_layout.values() for one in files]
    wanted = {file.uri for file, _ in _unread(every, ctx)}
    made: Rows | None = None
    layouts = list(by_layout.values()) or [(table.layout(), [])]
    for layout, files in layouts:
        some = [one for one in files if one[0].uri in wanted]
        if not some and (made is not None or len(layouts) > 1):
            continue
        rows = _read_layout(session, table, layout, some, keys)
        made = rows if made is None else union(made, rows)
    return made if made is not None else _read_layout(session, table, layouts[0][0], [], keys)


def _read_layout(session: Any, table: Table, layout: Any, files: Listed, keys: list[Field]) -> Rows:
    declared = StructType(table.columns) if layout.format == "csv" else None
    rows = read_files(session, files, keys, layout.format, layout.options, declared)
    if rows.schema.fields and files:
        return _named_by_catalog(rows, table)
    schema = StructType([*table.columns, *keys])
    return Rows(session, schema, source=_no_rows, tasks=0)


def _named_by_catalog(rows: Rows, table: Table) -> Rows:
    """Columns under the catalog's names, where files spell them otherwise."""
    spelled = {field.name.lower(): field.name for field in table.schema}
    have = rows.schema
    names = [spelled.get(f.name.lower(), f.name) for f in have]
    if names == [f.name for f in have] or len(set(names)) < len(names):
        return rows
    made = StructType([Field(name, f.dataType) for name, f in zip(names, have, strict=False)])
    return rows.then(lambda batch, e: make_batch(batch.columns, made, batch.num_rows), made)


def _no_rows(task: int, errors: Any) -> Any:
    return iter(())
