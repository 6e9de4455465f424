"""CREATE TABLE AS, INSERT INTO and UNLOAD: rows become files in S3, then a table or partitions.

The names of the files are written down before the first is put. A query that does not come to a
good end takes them away again, at the next start if need be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from millpond.engines.sql.interface import (
    Column,
    DelimitedText,
    JsonLines,
    Outcome,
    OutputFile,
    Parquet,
    TableOutput,
)
from millpond.services.athena.ddl.tables import VIEW, check_location, columns_of, storage_descriptor
from millpond.services.athena.failure import QueryFailed, database_not_found
from millpond.services.athena.lake import HIVE_DEFAULT
from millpond.services.athena.model.formats import format_of
from millpond.services.athena.model.types import UnknownType, hive_of, trino_of
from millpond.services.athena.running.results import CSV
from millpond.services.athena.running.state import Run
from millpond.services.athena.statements import formats, model

_UNESCAPED = "-_.~ !$&()+,;@"
_ENDINGS = {"gzip": ".gz", "zstd": ".zst", "none": "", "snappy": ""}
_CTAS_PROPERTIES = (
    "external_location",
    "field_delimiter",
    "format",
    "is_external",
    "parquet_compression",
    "partitioned_by",
    "table_type",
    "write_compression",
)
_UNLOAD_PROPERTIES = ("compression", "field_delimiter", "format", "partitioned_by")
_FORMATS = {"PARQUET": "parquet", "JSON": "json", "TEXTFILE": "delimited"}
_COMPRESSIONS = ("GZIP", "SNAPPY", "ZSTD", "NONE")


@dataclass(frozen=True, slots=True)
class Layout:
    """How files are written, as a statement's WITH properties say."""

    format: str
    compression: str
    delimiter: str
    partitioned_by: Sequence[str]

    def output(self, columns: Sequence[Column] | None = None) -> TableOutput:
        return TableOutput(
            columns=columns,
            partitioned_by=len(self.partitioned_by),
            format=self.format,
            compression=self.compression,
            delimiter=self.delimiter,
        )


async def create_table_as(running: Run, statement: model.CreateTableAs) -> None:
    """Write the rows of a query as a new table.

    Raises:
        QueryFailed: the table is there, its location is not empty, or a property is refused.
    """
    catalog, folder = running.catalog, running.folder
    database, name = catalog.place(statement.name)
    layout = _layout(statement.properties, _CTAS_PROPERTIES, "write_compression")
    if not await catalog.has_database(database):
        raise database_not_found(database)
    if await catalog.maybe_table(statement.name) is not None:
        if statement.if_not_exists:
            running.note(output_location=running.execution.location, update_count=0)
            return
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table '{database}.{name}' already exists")
    home = running.execution.location.rpartition("/")[0]
    base = f"{home}/tables/{running.execution.id}"
    location = _text(statement.properties, "external_location") or base
    location = location.rstrip("/") + "/"
    check_location(location)
    if not await folder.is_empty(location):
        raise QueryFailed(
            f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{database}.{name}' already "
            f"exists: {location}. You may need to manually clean the data at location '{base}' "
            "before retrying. Athena will not delete data in your account."
        )
    sql = statement.sql
    if not statement.with_data:
        sql = f"SELECT * FROM ({sql}) LIMIT 0"  # noqa: S608 - the user's own query
    output = layout.output()
    async with running.needs.sql.run(running.query(sql), running.lake(), output) as outcome:
        columns = _new_columns(outcome.columns, layout.partitioned_by)
        targets = await _put_files(running, outcome, location, layout.partitioned_by, layout)
    running.note_outcome(outcome)
    split = len(columns) - len(layout.partitioned_by)
    storage = storage_descriptor(columns[:split], _storage(layout), location)
    table_input: dict[str, Any] = {
        "Name": name,
        "Owner": "hadoop",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": columns_of(columns[split:]),
        "StorageDescriptor": storage,
        "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false"}
        | _compression_parameter(layout),
    }
    await catalog.ask("CreateTable", DatabaseName=database, TableInput=table_input)
    if layout.partitioned_by:
        table = await catalog.table(statement.name)
        await _add_partitions(running, table, outcome, layout.partitioned_by)
    await _put_manifest(running, f"{base}-manifest.csv", targets)
    running.note(output_location=base, update_count=outcome.rows)


async def insert_into(running: Run, statement: model.InsertInto) -> None:
    """Append the rows of a query to a table; partitions that are new are added.

    Raises:
        QueryFailed: the table cannot be written, or the columns do not fit.
    """
    table = await running.catalog.table(statement.name)
    if table.get("TableType") == VIEW:
        raise QueryFailed("NOT_SUPPORTED: Inserting into views is not supported")
    layout = _layout_of(table)
    columns = _table_columns(table)
    sql = _with_all_columns(statement, columns)
    location = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    output = layout.output(columns)
    async with running.needs.sql.run(running.query(sql), running.lake(), output) as outcome:
        targets = await _put_files(running, outcome, location, layout.partitioned_by, layout)
    running.note_outcome(outcome)
    if layout.partitioned_by:
        await _add_partitions(running, table, outcome, layout.partitioned_by)
    manifest = f"{running.execution.location}-manifest.csv"
    await _put_manifest(running, manifest, targets)
    running.note(output_location=running.execution.location, update_count=outcome.rows)


async def unload(running: Run, statement: model.Unload) -> None:
    """Write the rows of a query as files below a location.

    Raises:
        QueryFailed: the location is not empty, or a property is refused.
    """
    layout = _layout(statement.properties, _UNLOAD_PROPERTIES, "compression", needs_format=True)
    location = statement.location.rstrip("/") + "/"
    check_location(location)
    if not await running.folder.is_empty(location):
        raise QueryFailed(
            f"HIVE_PATH_ALREADY_EXISTS: Target directory already exists: {location}. UNLOAD writes "
            "to an empty location only."
        )
    output = layout.output()
    async with running.needs.sql.run(running.query(statement.sql), running.lake(), output) as done:
        targets = await _put_files(running, done, location, layout.partitioned_by, layout)
    running.note_outcome(done)
    await _put_manifest(running, f"{running.execution.location}-manifest.csv", targets)
    running.note(output_location=running.execution.location, update_count=done.rows)


async def _put_files(
    running: Run, outcome: Outcome, location: str, partitioned_by: Sequence[str], layout: Layout
) -> list[str]:
    """Put the files of an outcome below `location`; their S3 locations, noted first."""
    ending = _ENDINGS[layout.compression] if layout.format != "parquet" else ""
    targets = [
        f"{location}{_partition_path(partitioned_by, file.partition)}"
        f"{running.execution.id}_{number:05d}{ending}"
        for number, file in enumerate(outcome.files)
    ]
    running.note(written=targets)
    await running.save(running.execution)
    for target, file in zip(targets, outcome.files, strict=True):
        await running.folder.put_file(target, file.path, file.size_bytes)
    return targets


async def _put_manifest(running: Run, location: str, targets: Sequence[str]) -> None:
    await running.folder.put_text(location, "".join(f"{target}\n" for target in targets), CSV)
    running.note(manifest_location=location)


async def _add_partitions(
    running: Run, table: Mapping[str, Any], outcome: Outcome, names: Sequence[str]
) -> None:
    location = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    distinct: dict[tuple[str | None, ...], OutputFile] = {
        tuple(file.partition): file for file in outcome.files
    }
    inputs = [
        {
            "Values": [HIVE_DEFAULT if value is None else value for value in values],
            "StorageDescriptor": dict(table["StorageDescriptor"])
            | {"Location": location + _partition_path(names, values)},
        }
        for values in distinct
    ]
    await running.catalog.add_partitions(table, inputs, if_not_exists=True)


def _partition_path(names: Sequence[str], values: Sequence[str | None]) -> str:
    return "".join(
        f"{name}={quote(HIVE_DEFAULT if value is None else value, safe=_UNESCAPED)}/"
        for name, value in zip(names, values, strict=True)
    )


def _layout(
    properties: Mapping[str, str | Sequence[str]],
    known: Sequence[str],
    compression_name: str,
    *,
    needs_format: bool = False,
) -> Layout:
    for name in properties:
        if name not in known:
            raise QueryFailed(f"NOT_SUPPORTED: The property {name} is not supported.")
    kind = _text(properties, "table_type") or "HIVE"
    if kind.upper() != "HIVE":
        raise QueryFailed(f"NOT_SUPPORTED: Tables of type {kind} are not supported.")
    asked = _text(properties, "format")
    if asked is None and needs_format:
        raise QueryFailed("INVALID_TABLE_PROPERTY: UNLOAD needs the property format.")
    written_as = (asked or "PARQUET").upper()
    if written_as not in _FORMATS:
        raise QueryFailed(
            f"NOT_SUPPORTED: Writing {written_as} is not supported; {', '.join(_FORMATS)} are."
        )
    given = _text(properties, compression_name) or _text(properties, "parquet_compression")
    compression = (given or "GZIP").upper()
    if compression not in _COMPRESSIONS or (compression == "SNAPPY" and written_as != "PARQUET"):
        raise QueryFailed(f"NOT_SUPPORTED: {written_as} with {compression} is not supported.")
    partitioned_by = properties.get("partitioned_by", ())
    if isinstance(partitioned_by, str):
        raise QueryFailed("INVALID_TABLE_PROPERTY: partitioned_by takes an ARRAY of names.")
    return Layout(
        format=_FORMATS[written_as],
        compression=compression.lower(),
        delimiter=_text(properties, "field_delimiter") or "\x01",
        partitioned_by=[name.lower() for name in partitioned_by],
    )


def _layout_of(table: Mapping[str, Any]) -> Layout:
    """How a table's own files are written, for more of them."""
    names = [key["Name"].lower() for key in table.get("PartitionKeys", [])]
    parameters: Mapping[str, str] = table.get("Parameters", {})
    asked = parameters.get("write.compression", parameters.get("parquet.compression", "GZIP"))
    compression = asked.lower() if asked.upper() in _COMPRESSIONS else "gzip"
    match format_of(table, table["StorageDescriptor"]):
        case Parquet():
            return Layout("parquet", compression, "\x01", names)
        case JsonLines():
            return Layout("json", "gzip", "\x01", names)
        case DelimitedText() as text if not text.skip_lines:
            return Layout("delimited", "gzip", text.field, names)
    raise QueryFailed(
        f"NOT_SUPPORTED: INSERT INTO {table['DatabaseName']}.{table['Name']} is not supported: "
        "its files have header lines, or its SerDe cannot be written."
    )


def _table_columns(table: Mapping[str, Any]) -> list[Column]:
    stored = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
    try:
        return [Column(one["Name"].lower(), trino_of(one.get("Type", "string"))) for one in stored]
    except UnknownType as unknown:
        raise QueryFailed(
            f"HIVE_INVALID_METADATA: Table {table['Name']} has the unknown type {unknown}"
        ) from unknown


def _with_all_columns(statement: model.InsertInto, columns: Sequence[Column]) -> str:
    """The query with every column of the table, NULL where the statement names it not."""
    if statement.columns is None:
        return statement.sql
    known = {column.name for column in columns}
    for name in statement.columns:
        if name not in known:
            raise QueryFailed(
                f"COLUMN_NOT_FOUND: Insert column name does not exist in target table: {name}"
            )
    if len(set(statement.columns)) != len(statement.columns):
        raise QueryFailed("SYNTAX_ERROR: Insert column name is specified more than once")
    names = ", ".join(f'"{name}"' for name in statement.columns)
    chosen = ", ".join(
        f'"{column.name}"'
        if column.name in statement.columns
        else f'CAST(NULL AS {column.type}) AS "{column.name}"'
        for column in columns
    )
    return f"SELECT {chosen} FROM ({statement.sql}) AS q({names})"  # noqa: S608 - the user's own query


def _new_columns(columns: Sequence[Column], partitioned_by: Sequence[str]) -> list[model.Column]:
    """A new table's columns in Hive's types; the partition columns must be its last."""
    names = [column.name.lower() for column in columns]
    if len(set(names)) != len(names):
        raise QueryFailed("DUPLICATE_COLUMN_NAME: Column names of the query are not unique")
    last = names[len(names) - len(partitioned_by) :] if partitioned_by else []
    if last != list(partitioned_by) or len(partitioned_by) >= len(names):
        raise QueryFailed(
            "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and "
            "in the same order as the table properties: "
            f"[{', '.join(partitioned_by)}]"
        )
    try:
        return [
            model.Column(name, hive_of(column.type))
            for name, column in zip(names, columns, strict=True)
        ]
    except UnknownType as unknown:
        raise QueryFailed(f"NOT_SUPPORTED: Unsupported Hive type: {unknown}") from unknown


def _storage(layout: Layout) -> model.Storage:
    if layout.format == "parquet":
        return formats.PARQUET_STORAGE
    serde = formats.JSON_OPENX if layout.format == "json" else formats.LAZY_SIMPLE
    properties = {"serialization.format": "1"}
    if layout.format == "delimited":
        properties = {"serialization.format": layout.delimiter, "field.delim": layout.delimiter}
    return model.Storage(serde, properties, formats.TEXT_INPUT, formats.TEXT_OUTPUT)


def _compression_parameter(layout: Layout) -> dict[str, str]:
    name = "parquet.compression" if layout.format == "parquet" else "write.compression"
    return {name: layout.compression.upper()}


def _text(properties: Mapping[str, str | Sequence[str]], name: str) -> str | None:
    value = properties.get(name)
    if value is None or isinstance(value, str):
        return value
    raise QueryFailed(f"INVALID_TABLE_PROPERTY: The property {name} takes one value.")
