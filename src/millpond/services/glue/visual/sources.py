"""Sources: files in S3, tables of the catalog, databases, Kinesis.

Source: AWS Glue developer guide, "Connection types and options for ETL in AWS Glue".
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from millpond.services.glue.visual.graph import Node
from millpond.services.glue.visual.layout import call
from millpond.services.glue.visual.writing import Writing

SEPARATORS = {"comma": ",", "ctrla": "\x01", "pipe": "|", "semicolon": ";", "tab": "\t"}
QUOTES: Mapping[str, str | int] = {
    "quote": '"',
    "quillemet": "«",
    "single_quote": "'",
    "disabled": -1,
}
DATABASES = ("mysql", "postgresql")


def _csv(node: Node, writing: Writing) -> None:
    body = node.body
    form: dict[str, object] = {
        "quoteChar": QUOTES[body.quote_char],
        "withHeader": bool(body.with_header),
        "separator": SEPARATORS[body.separator],
    }
    if body.escaper:
        form["escaper"] = body.escaper
    if body.multiline:
        form["multiLine"] = "true"
    if body.skip_first:
        form["skipFirst"] = True
    form["optimizePerformance"] = bool(body.optimize_performance)
    _files(node, writing, "csv", form)


def _json(node: Node, writing: Writing) -> None:
    form: dict[str, object] = {"multiLine": "true" if node.body.multiline else "false"}
    if node.body.json_path:
        form["jsonPath"] = node.body.json_path
    _files(node, writing, "json", form)


def _parquet(node: Node, writing: Writing) -> None:
    _files(node, writing, "parquet", {})


def _files(node: Node, writing: Writing, format_name: str, form: dict[str, object]) -> None:
    body = node.body
    if not body.paths:
        raise node.refusal("Paths has no path.")
    for path in body.paths:
        check_s3(node, path)
    options: dict[str, object] = {"paths": list(body.paths)}
    if body.recurse is not None:
        options["recurse"] = body.recurse
    if body.exclusions:
        options["exclusions"] = _exclusions(node, body.exclusions)
    if body.compression_type and body.compression_type not in ("none", "uncompressed"):
        options["compressionType"] = body.compression_type
    for name, given in (
        ("groupFiles", body.group_files),
        ("groupSize", body.group_size),
        ("maxBand", body.max_band),
        ("maxFilesInBand", body.max_files_in_band),
    ):
        if given is not None and given != "":
            options[name] = given
    options.update(bounds(body.additional_options))
    writing.assign(
        node,
        call(
            "glueContext.create_dynamic_frame.from_options",
            format_options=form,
            connection_type="s3",
            format=format_name,
            connection_options=options,
            transformation_ctx=writing.variable(node),
        ),
    )


def check_s3(node: Node, path: str) -> None:
    """Refuse what is not an address in S3."""
    scheme, _, rest = path.partition("://")
    if scheme not in ("s3", "s3a", "s3n") or not rest.strip("/"):
        raise node.refusal(f"'{path}' is not a path in S3, such as s3://bucket/folder/.")


def _exclusions(node: Node, given: list[str]) -> str:
    if len(given) == 1 and given[0].lstrip().startswith("["):
        try:
            json.loads(given[0])
        except (ValueError, RecursionError):
            raise node.refusal(f"Exclusions is not a JSON list: {given[0]}") from None
        return given[0]
    return json.dumps(given)


def bounds(given: Any) -> dict[str, object]:
    """What bounds a run's share of the files. Source: "Workload partitioning with bounded
    execution in AWS Glue"."""
    found: dict[str, object] = {}
    if given is not None and given.bounded_size is not None:
        found["boundedSize"] = str(given.bounded_size)
    if given is not None and given.bounded_files is not None:
        found["boundedFiles"] = str(given.bounded_files)
    return found


def _table(node: Node, writing: Writing) -> None:
    body = node.body
    check_table(node, body.database, body.table)
    named: dict[str, object] = {"database": body.database, "table_name": body.table}
    if predicate := getattr(body, "partition_predicate", None):
        named["push_down_predicate"] = predicate
    if options := bounds(getattr(body, "additional_options", None)):
        named["additional_options"] = options
    named["transformation_ctx"] = writing.variable(node)
    writing.assign(node, call("glueContext.create_dynamic_frame.from_catalog", **named))


def check_table(node: Node, database: str | None, table: str | None) -> None:
    """Refuse a table without a name."""
    for name, given in (("Database", database), ("Table", table)):
        if not given or not given.strip():
            raise node.refusal(f"{name} is empty.")


def _database(node: Node, writing: Writing) -> None:
    body = node.body
    check_table(node, body.database, body.table)
    check_connection(node)
    if body.connection_type not in DATABASES:
        raise node.refusal(
            f"ConnectionType {body.connection_type} is not implemented: "
            "jobs here reach PostgreSQL and MySQL alone."
        )
    options = {
        "useConnectionProperties": "true",
        "dbtable": body.table,
        "connectionName": body.connection_name,
    }
    _read(node, writing, body.connection_type, options)


def check_connection(node: Node) -> None:
    """Refuse a connection without a name."""
    if not node.body.connection_name.strip():
        raise node.refusal("ConnectionName is empty.")


def check_connector(node: Node) -> None:
    """Refuse connectors that bring JARs of their own."""
    check_connection(node)
    if node.body.connection_type != "custom.jdbc":
        raise node.refusal(
            f"ConnectionType {node.body.connection_type} is not implemented: "
            "of connectors, jobs here take custom.jdbc alone."
        )


def _connector(node: Node, writing: Writing) -> None:
    body = node.body
    check_connector(node)
    if bool(body.connection_table) == bool(body.query):
        raise node.refusal("it has to have either ConnectionTable or Query.")
    options: dict[str, object] = {"connectionName": body.connection_name}
    options |= {"query": body.query} if body.query else {"dbTable": body.connection_table}
    if body.additional_options is not None:
        options.update(_connector_options(node, body.additional_options))
    _read(node, writing, body.connection_type, options)


def _connector_options(node: Node, given: Any) -> dict[str, object]:
    together = {
        "partitionColumn": given.partition_column,
        "lowerBound": given.lower_bound,
        "upperBound": given.upper_bound,
        "numPartitions": given.num_partitions,
    }
    missing = [name for name, each in together.items() if each in (None, "")]
    if 0 < len(missing) < len(together):
        raise node.refusal(
            f"{', '.join(together)} go together; {' and '.join(missing)} is not set."
        )
    options: dict[str, object] = {}
    if given.filter_predicate:
        options["filterPredicate"] = given.filter_predicate
    if not missing:
        if given.lower_bound >= given.upper_bound or given.num_partitions < 1:
            raise node.refusal("LowerBound has to be below UpperBound, NumPartitions at least 1.")
        options |= {name: str(each) for name, each in together.items()}
    if given.job_bookmark_keys:
        options["jobBookmarkKeys"] = list(given.job_bookmark_keys)
        order = given.job_bookmark_keys_sort_order or "asc"
        if order.lower() not in ("asc", "desc"):
            raise node.refusal("JobBookmarkKeysSortOrder is neither asc nor desc.")
        options["jobBookmarkKeysSortOrder"] = order.lower()
    if given.data_type_mapping:
        options["dataTypeMapping"] = dict(given.data_type_mapping)
    return options


def _read(
    node: Node, writing: Writing, connection_type: str, options: Mapping[str, object]
) -> None:
    writing.assign(
        node,
        call(
            "glueContext.create_dynamic_frame.from_options",
            connection_type=connection_type,
            connection_options=options,
            transformation_ctx=writing.variable(node),
        ),
    )


SOURCES: Mapping[str, Callable[[Node, Writing], None]] = {
    "S3CsvSource": _csv,
    "S3JsonSource": _json,
    "S3ParquetSource": _parquet,
    "CatalogSource": _table,
    "S3CatalogSource": _table,
    "RelationalCatalogSource": _table,
    "MySQLCatalogSource": _table,
    "PostgreSQLCatalogSource": _table,
    "DirectJDBCSource": _database,
    "JDBCConnectorSource": _connector,
}
