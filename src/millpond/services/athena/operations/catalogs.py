"""Data catalogs, and what they say of databases and tables. The one catalog is Glue's."""

from collections.abc import Mapping
from typing import Any

from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.athena.errors import InvalidRequest, MetadataFailure
from millpond.services.athena.needs import Needs
from millpond.services.athena.shapes import (
    Column,
    Database,
    DataCatalog,
    DataCatalogSummary,
    GetDatabaseInput,
    GetDatabaseOutput,
    GetDataCatalogInput,
    GetDataCatalogOutput,
    GetTableMetadataInput,
    GetTableMetadataOutput,
    ListDatabasesInput,
    ListDatabasesOutput,
    ListDataCatalogsInput,
    ListDataCatalogsOutput,
    ListTableMetadataInput,
    ListTableMetadataOutput,
    TableMetadata,
)

CATALOG = "AwsDataCatalog"
PAGE_SIZE = 50


async def get_data_catalog(
    needs: Needs, call: Call, request: GetDataCatalogInput
) -> GetDataCatalogOutput:
    """The Glue Data Catalog of this account.

    Raises:
        InvalidRequest: another catalog is asked for.
    """
    check_catalog(request.name)
    catalog = DataCatalog(
        name=CATALOG,
        type="GLUE",
        description="The AWS Glue Data Catalog",
        parameters={"catalog-id": call.account},
        status="CREATE_COMPLETE",
    )
    return GetDataCatalogOutput(data_catalog=catalog)


async def list_data_catalogs(
    needs: Needs, call: Call, request: ListDataCatalogsInput
) -> ListDataCatalogsOutput:
    """The one catalog there is."""
    summary = DataCatalogSummary(catalog_name=CATALOG, type="GLUE", status="CREATE_COMPLETE")
    return ListDataCatalogsOutput(data_catalogs_summary=[summary])


async def get_database(needs: Needs, call: Call, request: GetDatabaseInput) -> GetDatabaseOutput:
    """One database of the catalog.

    Raises:
        InvalidRequest: another catalog is asked for.
        MetadataFailure: there is no such database.
    """
    check_catalog(request.catalog_name)
    found = await _ask_glue(needs, call, "GetDatabase", Name=request.database_name)
    return GetDatabaseOutput(database=_database(found["Database"]))


async def list_databases(
    needs: Needs, call: Call, request: ListDatabasesInput
) -> ListDatabasesOutput:
    """The databases of the catalog by name.

    Raises:
        InvalidRequest: another catalog is asked for.
        MetadataFailure: the token is not valid.
    """
    check_catalog(request.catalog_name)
    members: dict[str, Any] = {"MaxResults": request.max_results or PAGE_SIZE}
    if request.next_token:
        members["NextToken"] = request.next_token
    found = await _ask_glue(needs, call, "GetDatabases", **members)
    return ListDatabasesOutput(
        database_list=[_database(database) for database in found.get("DatabaseList", [])],
        next_token=found.get("NextToken"),
    )


async def get_table_metadata(
    needs: Needs, call: Call, request: GetTableMetadataInput
) -> GetTableMetadataOutput:
    """What the catalog says of a table.

    Raises:
        InvalidRequest: another catalog is asked for.
        MetadataFailure: there is no such database or table.
    """
    check_catalog(request.catalog_name)
    found = await _ask_glue(
        needs, call, "GetTable", DatabaseName=request.database_name, Name=request.table_name
    )
    return GetTableMetadataOutput(table_metadata=_table(found["Table"]))


async def list_table_metadata(
    needs: Needs, call: Call, request: ListTableMetadataInput
) -> ListTableMetadataOutput:
    """What the catalog says of the tables of a database, those whose name matches `Expression`.

    Raises:
        InvalidRequest: another catalog is asked for.
        MetadataFailure: there is no such database, or the expression or token is not valid.
    """
    check_catalog(request.catalog_name)
    members: dict[str, Any] = {
        "DatabaseName": request.database_name,
        "MaxResults": request.max_results or PAGE_SIZE,
    }
    if request.expression:
        members["Expression"] = request.expression
    if request.next_token:
        members["NextToken"] = request.next_token
    found = await _ask_glue(needs, call, "GetTables", **members)
    return ListTableMetadataOutput(
        table_metadata_list=[_table(table) for table in found.get("TableList", [])],
        next_token=found.get("NextToken"),
    )


def check_catalog(name: str) -> None:
    """Refuse every catalog but Glue's.

    Raises:
        InvalidRequest: `name` is another one.
    """
    if name.lower() != CATALOG.lower():
        raise InvalidRequest(
            f"Data catalog {name} was not found; this service has {CATALOG} alone."
        )


async def _ask_glue(needs: Needs, call: Call, operation: str, **members: Any) -> dict[str, Any]:
    try:
        return await needs.call_aws(call, "glue", operation, **members)
    except ServiceError as refusal:
        raise MetadataFailure(refusal.message) from refusal


def _database(found: Mapping[str, Any]) -> Database:
    return Database(
        name=found["Name"],
        description=found.get("Description"),
        parameters=found.get("Parameters"),
    )


def _table(found: Mapping[str, Any]) -> TableMetadata:
    storage: Mapping[str, Any] = found.get("StorageDescriptor", {})
    parameters = dict(found.get("Parameters", {}))
    serde: Mapping[str, Any] = storage.get("SerdeInfo", {})
    told = {
        "inputformat": storage.get("InputFormat"),
        "outputformat": storage.get("OutputFormat"),
        "location": storage.get("Location"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
    }
    parameters |= {name: value for name, value in told.items() if value}
    parameters |= {
        f"serde.param.{name}": value for name, value in serde.get("Parameters", {}).items()
    }
    return TableMetadata(
        name=found["Name"],
        create_time=found.get("CreateTime"),
        last_access_time=found.get("LastAccessTime"),
        table_type=found.get("TableType"),
        columns=[_column(column) for column in storage.get("Columns", [])],
        partition_keys=[_column(column) for column in found.get("PartitionKeys", [])],
        parameters=parameters,
    )


def _column(found: Mapping[str, Any]) -> Column:
    return Column(name=found["Name"], type=found.get("Type"), comment=found.get("Comment"))
