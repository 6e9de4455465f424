"""CREATE EXTERNAL TABLE, DROP TABLE and VIEW, and what ALTER TABLE changes in a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from millpond.services.athena.ddl.catalog import Catalog, Members
from millpond.services.athena.ddl.outcome import NOTHING, Outcome
from millpond.services.athena.failure import (
    QueryFailed,
    database_not_found,
    execution_error,
    table_not_found,
)
from millpond.services.athena.statements import model

VIEW = "VIRTUAL_VIEW"


async def create(catalog: Catalog, statement: model.CreateTable) -> Outcome:
    database, name = catalog.place(statement.name)
    if not await catalog.has_database(database):
        raise database_not_found(database)
    if await catalog.maybe_table(statement.name) is not None:
        if statement.if_not_exists:
            return NOTHING
        raise execution_error(f"AlreadyExistsException(message:Table {name} already exists.)")
    check_location(statement.location)
    table_input: dict[str, Any] = {
        "Name": name,
        "Owner": "hadoop",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": columns_of(statement.partition_columns),
        "StorageDescriptor": storage_descriptor(
            statement.columns, statement.storage, statement.location
        ),
        "Parameters": {"EXTERNAL": "TRUE"} | dict(statement.properties),
    }
    if statement.comment is not None:
        table_input["Parameters"]["comment"] = statement.comment
    await catalog.ask("CreateTable", DatabaseName=database, TableInput=table_input)
    return NOTHING


def storage_descriptor(
    columns: Sequence[model.Column], storage: model.Storage, location: str
) -> dict[str, Any]:
    """Glue's StorageDescriptor of a table."""
    return {
        "Columns": columns_of(columns),
        "Location": location,
        "InputFormat": storage.input_format,
        "OutputFormat": storage.output_format,
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SerdeInfo": {
            "SerializationLibrary": storage.serde,
            "Parameters": dict(storage.serde_properties),
        },
        "StoredAsSubDirectories": False,
    }


def columns_of(columns: Sequence[model.Column]) -> list[dict[str, str]]:
    """Glue's Columns."""
    return [
        {"Name": column.name, "Type": column.type}
        | ({} if column.comment is None else {"Comment": column.comment})
        for column in columns
    ]


def check_location(location: str) -> None:
    """Refuse what is no folder in S3.

    Raises:
        QueryFailed: it is none.
    """
    bucket, _, _ = location.removeprefix("s3://").partition("/")
    if not location.startswith("s3://") or not bucket:
        raise execution_error(f"MetaException(message:{location} is not a location in Amazon S3)")


async def drop(catalog: Catalog, statement: model.DropTable | model.DropView) -> Outcome:
    found = await catalog.maybe_table(statement.name)
    database, name = catalog.place(statement.name)
    if found is None:
        if statement.if_exists:
            return NOTHING
        raise table_not_found(database, name)
    is_view = found.get("TableType") == VIEW
    if is_view and isinstance(statement, model.DropTable):
        raise QueryFailed(
            "FAILED: SemanticException [Error 10001]: Cannot drop a view with DROP TABLE"
        )
    if not is_view and isinstance(statement, model.DropView):
        raise QueryFailed(
            f"TABLE_NOT_FOUND: View 'awsdatacatalog.{database}.{name}' does not exist"
        )
    await catalog.ask("DeleteTable", DatabaseName=database, Name=name)
    return NOTHING


async def add_columns(catalog: Catalog, statement: model.AddColumns) -> Outcome:
    table = await _changeable(catalog, statement.name)
    storage = dict(table["StorageDescriptor"])
    taken = {column["Name"] for column in [*storage["Columns"], *table.get("PartitionKeys", [])]}
    for column in statement.columns:
        if column.name in taken:
            raise execution_error(f"Duplicate column name: {column.name}")
        taken.add(column.name)
    storage["Columns"] = [*storage["Columns"], *columns_of(statement.columns)]
    await catalog.update_table(table, StorageDescriptor=storage)
    return NOTHING


async def replace_columns(catalog: Catalog, statement: model.ReplaceColumns) -> Outcome:
    table = await _changeable(catalog, statement.name)
    columns = columns_of(statement.columns)
    storage = dict(table["StorageDescriptor"]) | {"Columns": columns}
    await catalog.update_table(table, StorageDescriptor=storage)
    return NOTHING


async def set_properties(catalog: Catalog, statement: model.SetProperties) -> Outcome:
    table = await catalog.table(statement.name)
    parameters = dict(table.get("Parameters", {})) | dict(statement.properties)
    await catalog.update_table(table, Parameters=parameters)
    return NOTHING


async def set_location(catalog: Catalog, statement: model.SetLocation) -> Outcome:
    check_location(statement.location)
    table = await _changeable(catalog, statement.name)
    if statement.partition is None:
        storage = dict(table["StorageDescriptor"]) | {"Location": statement.location}
        await catalog.update_table(table, StorageDescriptor=storage)
        return NOTHING
    values = partition_values(table, statement.partition)
    place = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
    found = await catalog.maybe_ask("GetPartition", PartitionValues=values, **place)
    if found is None:
        raise QueryFailed("FAILED: SemanticException [Error 10006]: Partition not found")
    storage = dict(found["Partition"]["StorageDescriptor"]) | {"Location": statement.location}
    changed = {"Values": values, "StorageDescriptor": storage}
    if "Parameters" in found["Partition"]:
        changed["Parameters"] = found["Partition"]["Parameters"]
    await catalog.ask("UpdatePartition", PartitionValueList=values, PartitionInput=changed, **place)
    return NOTHING


def key_names(table: Members) -> list[str]:
    """The names of a table's partition columns in lower case, as statements are read."""
    return [key["Name"].lower() for key in table.get("PartitionKeys", [])]


def partition_values(table: Members, spec: Mapping[str, str]) -> list[str]:
    """The values of a partition in the order of the table's partition columns.

    Raises:
        QueryFailed: the spec does not name exactly these columns.
    """
    names = key_names(table)
    if set(names) != set(spec) or not names:
        raise QueryFailed(
            f"FAILED: SemanticException partition spec {dict(spec)} doesn't contain all "
            f"({len(names)}) partition columns"
        )
    return [spec[name] for name in names]


async def _changeable(catalog: Catalog, name: model.Name) -> Members:
    table = await catalog.table(name)
    if table.get("TableType") == VIEW:
        raise QueryFailed(
            "FAILED: SemanticException [Error 10134]: Cannot alter a view with ALTER TABLE"
        )
    return table
