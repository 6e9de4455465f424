"""Targets: files in S3, tables of the catalog, databases.

Source: AWS Glue developer guide, "Creating tables, updating the schema, and adding new partitions
in the Data Catalog from AWS Glue ETL jobs".
"""

from collections.abc import Callable, Mapping

from millpond.services.glue.visual.graph import Node
from millpond.services.glue.visual.layout import Bracketed, Source, call
from millpond.services.glue.visual.sources import check_connector, check_s3, check_table
from millpond.services.glue.visual.transforms import some_paths
from millpond.services.glue.visual.writing import Writing

FORMATS = {"json": "json", "csv": "csv", "avro": "avro", "orc": "orc", "parquet": "glueparquet"}
COLUMNAR = frozenset({"glueparquet", "orc", "avro"})
COMPRESSIONS: Mapping[str, frozenset[str]] = {
    "glueparquet": frozenset({"snappy", "gzip", "lzo", "brotli", "lz4"}),
    "orc": frozenset({"snappy", "zlib", "lzo"}),
    "avro": frozenset({"snappy", "deflate"}),
    "json": frozenset({"gzip", "bzip2"}),
    "csv": frozenset({"gzip", "bzip2"}),
}
"""What each format is compressed with, beside not at all."""
_PARTITIONS_DIGITS_MAX = 9
NOT_COMPRESSED = frozenset({"", "none", "uncompressed"})


def _direct(node: Node, writing: Writing) -> None:
    chosen = node.body.format
    if chosen not in FORMATS:
        raise node.refusal(f"Format {chosen} is not implemented. There are {', '.join(FORMATS)}.")
    _files(node, writing, FORMATS[chosen])


def _glue_parquet(node: Node, writing: Writing) -> None:
    _files(node, writing, "glueparquet")


def _files(node: Node, writing: Writing, form: str) -> None:
    body = node.body
    check_s3(node, body.path)
    _refuse_quality(node)
    compression = (body.compression or "").lower()
    compression = "" if compression in NOT_COMPRESSED else compression
    if compression and compression not in COMPRESSIONS[form]:
        raise node.refusal(
            f"Compression {compression} is not one of {', '.join(sorted(COMPRESSIONS[form]))}."
        )
    frame = _partitioned(node, writing)
    keys = _partition_keys(node)
    policy = body.schema_change_policy
    if policy is not None and policy.enable_update_catalog:
        _sink(node, writing, frame, form, compression, keys)
        return
    options: dict[str, object] = {"path": body.path}
    form_options: dict[str, object] = {}
    if compression:
        (form_options if form in COLUMNAR else options)["compression"] = compression
    options["partitionKeys"] = keys
    named: dict[str, object] = {
        "frame": Source(frame),
        "connection_type": "s3",
        "format": form,
        "connection_options": options,
    }
    if form_options:
        named["format_options"] = form_options
    named["transformation_ctx"] = writing.variable(node)
    writing.assign(node, call("glueContext.write_dynamic_frame.from_options", **named))


def _sink(
    node: Node, writing: Writing, frame: str, form: str, compression: str, keys: list[str]
) -> None:
    body, variable = node.body, writing.variable(node)
    policy = body.schema_change_policy
    check_table(node, policy.database, policy.table)
    named: dict[str, object] = {
        "path": body.path,
        "connection_type": "s3",
        "updateBehavior": policy.update_behavior or "UPDATE_IN_DATABASE",
        "partitionKeys": keys,
    }
    if compression and form not in COLUMNAR:
        named["compression"] = compression
    named |= {"enableUpdateCatalog": True, "transformation_ctx": variable}
    writing.assign(node, call("glueContext.getSink", **named))
    table = {"catalogDatabase": policy.database, "catalogTableName": policy.table}
    writing.state(node, call(f"{variable}.setCatalogInfo", **table))
    settings = {"compression": compression} if compression and form in COLUMNAR else {}
    writing.state(node, call(f"{variable}.setFormat", form, **settings))
    writing.state(node, call(f"{variable}.writeFrame", Source(frame)))


def _refuse_quality(node: Node) -> None:
    quality = node.body.auto_data_quality
    if quality is not None and quality.is_enabled:
        raise node.refusal(
            "AutoDataQuality is not implemented: the rules of Glue Data Quality are not "
            "evaluated here."
        )


def _partition_keys(node: Node) -> list[str]:
    given = node.body.partition_keys
    return some_paths(node, "PartitionKeys", given) if given else []


def _partitioned(node: Node, writing: Writing) -> str:
    """The variable of the frame to write, in as many parts as the node asks for."""
    frame = writing.frame(node)
    wanted = (node.body.number_target_partitions or "").strip()
    if wanted in ("", "auto", "0"):
        return frame
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) <= _PARTITIONS_DIGITS_MAX):
        raise node.refusal(f"NumberTargetPartitions '{wanted}' is no number.")
    parts = writing.fresh(f"{writing.variable(node)}_input")
    writing.let(node, parts, call(f"{frame}.repartition", int(wanted)))
    return parts


def _catalog(node: Node, writing: Writing) -> None:
    body = node.body
    check_table(node, body.database, body.table)
    options: dict[str, object] = {}
    policy = getattr(body, "schema_change_policy", None)
    if policy is not None and policy.enable_update_catalog:
        options["enableUpdateCatalog"] = True
        options["updateBehavior"] = policy.update_behavior or "UPDATE_IN_DATABASE"
    if getattr(body, "partition_keys", None):
        options["partitionKeys"] = _partition_keys(node)
    if hasattr(body, "auto_data_quality"):
        _refuse_quality(node)
    named: dict[str, object] = {
        "frame": Source(writing.frame(node)),
        "database": body.database,
        "table_name": body.table,
    }
    if options:
        named["additional_options"] = options
    named["transformation_ctx"] = writing.variable(node)
    writing.assign(node, call("glueContext.write_dynamic_frame.from_catalog", **named))


def _connector(node: Node, writing: Writing) -> None:
    body = node.body
    check_connector(node)
    if not body.connection_table.strip():
        raise node.refusal("ConnectionTable is empty.")
    options = dict(body.additional_options or {})
    options |= {"connectionName": body.connection_name, "dbTable": body.connection_table}
    writing.assign(node, _written(node, writing, body.connection_type, options))


def _written(
    node: Node, writing: Writing, connection_type: str, options: Mapping[str, object]
) -> Bracketed:
    return call(
        "glueContext.write_dynamic_frame.from_options",
        frame=Source(writing.frame(node)),
        connection_type=connection_type,
        connection_options=options,
        transformation_ctx=writing.variable(node),
    )


TARGETS: Mapping[str, Callable[[Node, Writing], None]] = {
    "S3DirectTarget": _direct,
    "S3GlueParquetTarget": _glue_parquet,
    "S3CatalogTarget": _catalog,
    "CatalogTarget": _catalog,
    "MySQLCatalogTarget": _catalog,
    "PostgreSQLCatalogTarget": _catalog,
    "JDBCConnectorTarget": _connector,
}
