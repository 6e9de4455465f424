"""CREATE TABLE AS, INSERT INTO and UNLOAD: rows become files in S3, then a table or partitions.

The names of the files are written down before the first is put, and the table before it is made. A
query that does not come to a good end takes them away again (`take_back`), at the next start if
need be.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from millpond.engines.sql.interface import (
    Column,
    Outcome,
)
from millpond.kernel.errors import ServiceError
from millpond.services.athena.ddl.tables import VIEW, check_location, columns_of, storage_descriptor
from millpond.services.athena.failure import QueryFailed, database_not_found
from millpond.services.athena.lake import HIVE_DEFAULT
from millpond.services.athena.model.executions import Execution, result_location
from millpond.services.athena.model.types import UnknownType, hive_of, trino_of
from millpond.services.athena.running.layout import (
    CTAS_PROPERTIES,
    ENDINGS,
    UNLOAD_PROPERTIES,
    Layout,
    compression_parameter,
    layout_of,
    read_layout,
    storage_of,
    text_property,
)
from millpond.services.athena.running.results import CSV
from millpond.services.athena.running.state import Run
from millpond.services.athena.statements import model

_UNESCAPED = "-_.~ !$&()+,;@"
_MADE_BY = "trino_query_id"
"""The table parameter that tells which query made the table."""
PARTITIONS_MAX = 100
"""The most partitions that one query writes. Source: Athena User Guide, "Considerations and
limitations for CTAS queries"."""
_LOCATION_ENFORCED = (
    "The Create Table As Select query failed because it was submitted with an 'external_location' "
    "property to an Athena Workgroup that enforces a centralized output location for all queries. "
    "Please remove the 'external_location' property and resubmit the query."
)
Homes = dict[tuple[str | None, ...], str]
"""The S3 location, with a slash at its end, of each partition by its values."""


async def create_table_as(running: Run, statement: model.CreateTableAs) -> None:
    """Write the rows of a query as a new table.

    Raises:
        QueryFailed: the table is there, its location is not empty, or a property is refused.
    """
    catalog, folder = running.catalog, running.folder
    database, name = catalog.place(statement.name)
    if statement.name[0] is None:
        await catalog.ready_default()
    layout = read_layout(statement.properties, CTAS_PROPERTIES, "write_compression")
    if not await catalog.has_database(database):
        raise database_not_found(database)
    if await catalog.maybe_table(statement.name) is not None:
        if statement.if_not_exists:
            running.note(update_count=0)
            return
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table '{database}.{name}' already exists")
    base = result_location(statement, running.execution.location)
    asked = text_property(statement.properties, "external_location")
    if asked is not None and running.execution.enforced:
        raise QueryFailed(_LOCATION_ENFORCED)
    location = (asked or base).rstrip("/") + "/"
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
        homes = _new_homes(outcome, location, layout)
        targets = await _put_files(running, outcome, homes, layout)
    running.note_outcome(outcome)
    await _put_manifest(running, f"{base}-manifest.csv", targets)
    split = len(columns) - len(layout.partitioned_by)
    storage = storage_descriptor(columns[:split], storage_of(layout), location)
    table_input: dict[str, Any] = {
        "Name": name,
        "Owner": "hadoop",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": columns_of(columns[split:]),
        "StorageDescriptor": storage,
        "Parameters": {
            "EXTERNAL": "TRUE",
            "has_encrypted_data": "false",
            _MADE_BY: running.execution.id,
        }
        | compression_parameter(layout),
    }
    running.note(created=(database, name))
    await running.save(running.execution)
    await catalog.ask("CreateTable", DatabaseName=database, TableInput=table_input)
    if layout.partitioned_by:
        await _add_partitions(running, await catalog.table(statement.name), homes)
    running.note(output_location=base, update_count=outcome.rows)


async def insert_into(running: Run, statement: model.InsertInto) -> None:
    """Append the rows of a query to a table; partitions that are new are added.

    Raises:
        QueryFailed: the table cannot be written, or the columns do not fit.
    """
    table = await running.catalog.table(statement.name)
    if table.get("TableType") == VIEW:
        raise QueryFailed("NOT_SUPPORTED: Inserting into views is not supported")
    layout = layout_of(table)
    columns = _table_columns(table)
    sql = _with_all_columns(statement, columns)
    location = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    output = layout.output(columns)
    async with running.needs.sql.run(running.query(sql), running.lake(), output) as outcome:
        homes = _new_homes(outcome, location, layout)
        present = await _present_homes(running, table, homes)
        targets = await _put_files(running, outcome, homes | present, layout)
    running.note_outcome(outcome)
    manifest = f"{running.execution.location}-manifest.csv"
    await _put_manifest(running, manifest, targets)
    if layout.partitioned_by:
        added = {values: home for values, home in homes.items() if values not in present}
        await _add_partitions(running, table, added)
    running.note(output_location=running.execution.location, update_count=outcome.rows)


async def unload(running: Run, statement: model.Unload) -> None:
    """Write the rows of a query as files below a location.

    Raises:
        QueryFailed: the location is not empty, or a property is refused.
    """
    layout = read_layout(statement.properties, UNLOAD_PROPERTIES, "compression", needs_format=True)
    location = statement.location.rstrip("/") + "/"
    check_location(location)
    if not await running.folder.is_empty(location):
        raise QueryFailed(
            f"HIVE_PATH_ALREADY_EXISTS: Target directory already exists: {location}. UNLOAD writes "
            "to an empty location only."
        )
    output = layout.output()
    async with running.needs.sql.run(running.query(statement.sql), running.lake(), output) as done:
        targets = await _put_files(running, done, _new_homes(done, location, layout), layout)
    running.note_outcome(done)
    await _put_manifest(running, f"{running.execution.location}-manifest.csv", targets)
    running.note(output_location=running.execution.location, update_count=done.rows)


async def take_back(running: Run, execution: Execution) -> None:
    """Remove the table and the files that a query made; what is not there is no error.

    Raises:
        ServiceError: Glue or S3 refuses.
    """
    ask, call = running.needs.call_aws, running.catalog.call
    if execution.created is not None:
        database, name = execution.created
        try:
            found = await ask(call, "glue", "GetTable", DatabaseName=database, Name=name)
            if found["Table"].get("Parameters", {}).get(_MADE_BY) == execution.id:
                await ask(call, "glue", "DeleteTable", DatabaseName=database, Name=name)
        except ServiceError as refusal:
            if refusal.code != "EntityNotFoundException":
                raise
    await running.folder.remove(execution.written)


def _new_homes(outcome: Outcome, location: str, layout: Layout) -> Homes:
    """Where each partition of an outcome lies below a location.

    Raises:
        QueryFailed: it has more partitions than Athena writes in one query.
    """
    distinct = dict.fromkeys(tuple(file.partition) for file in outcome.files)
    if len(distinct) > PARTITIONS_MAX:
        raise QueryFailed(
            "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of "
            f"{PARTITIONS_MAX} open writers for partitions/buckets"
        )
    return {
        values: location + _partition_path(layout.partitioned_by, values) for values in distinct
    }


async def _present_homes(running: Run, table: Mapping[str, Any], homes: Homes) -> Homes:
    """Where those of the partitions lie that the table has already."""
    present: Homes = {}
    for values in homes:
        if not values:
            continue
        found = await running.catalog.maybe_ask(
            "GetPartition",
            DatabaseName=table["DatabaseName"],
            TableName=table["Name"],
            PartitionValues=_kept(values),
        )
        if found is not None:
            home = found["Partition"].get("StorageDescriptor", {}).get("Location", homes[values])
            present[values] = home.rstrip("/") + "/"
    return present


async def _put_files(running: Run, outcome: Outcome, homes: Homes, layout: Layout) -> list[str]:
    """Put the files of an outcome where their partitions lie; their S3 locations, noted first."""
    ending = ENDINGS[layout.compression] if layout.format != "parquet" else ""
    targets = [
        f"{homes[tuple(file.partition)]}{running.execution.id}_{number:05d}{ending}"
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


async def _add_partitions(running: Run, table: Mapping[str, Any], homes: Homes) -> None:
    inputs = [
        {
            "Values": _kept(values),
            "StorageDescriptor": dict(table["StorageDescriptor"]) | {"Location": home},
        }
        for values, home in homes.items()
    ]
    await running.catalog.add_partitions(table, inputs, if_not_exists=True)


def _kept(values: Sequence[str | None]) -> list[str]:
    """Partition values as the catalog keeps them."""
    return [HIVE_DEFAULT if value is None else value for value in values]


def _partition_path(names: Sequence[str], values: Sequence[str | None]) -> str:
    return "".join(
        f"{name}={quote(value, safe=_UNESCAPED)}/"
        for name, value in zip(names, _kept(values), strict=True)
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
