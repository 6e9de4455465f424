"""Reads the columns that records are converted to from a table of the Glue Data Catalog."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from millpond.kernel.call import Caller
from millpond.kernel.errors import ServiceError
from millpond.services.firehose.convert.types import BadType, Column, parse_type
from millpond.services.firehose.delivery.interface import Delivery, NotNow
from millpond.services.firehose.shapes import SchemaConfiguration

INVALID_SCHEMA = "DataFormatConversion.InvalidSchema"
LATEST = "LATEST"


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns, and what an error record says of the table they are of."""

    columns: tuple[Column, ...]
    table: Mapping[str, str]


async def read_schema(
    call_aws: Caller, delivery: Delivery, configured: SchemaConfiguration
) -> Schema:
    """The columns of the configured version of the table, partition keys left out.

    Raises:
        NotNow: there is no such table or version, or a column has a type that is not implemented.
    """
    region = configured.region or delivery.region
    call = replace(delivery.call_as(configured.role_arn), region=region)
    asked: dict[str, Any] = {"DatabaseName": configured.database_name}
    if configured.catalog_id:
        asked["CatalogId"] = configured.catalog_id
    version = configured.version_id or LATEST
    try:
        if version == LATEST:
            answer = await call_aws(call, "glue", "GetTable", Name=configured.table_name, **asked)
            table = answer["Table"]
        else:
            answer = await call_aws(
                call,
                "glue",
                "GetTableVersion",
                TableName=configured.table_name,
                VersionId=version,
                **asked,
            )
            table = answer["TableVersion"]["Table"]
    except ServiceError as error:
        raise NotNow(INVALID_SCHEMA, f"{error.code}: {error.message}") from error
    described = table.get("StorageDescriptor", {}).get("Columns", [])
    try:
        columns = tuple(
            Column(column["Name"].lower(), parse_type(column.get("Type") or "string"))
            for column in described
        )
    except BadType as error:
        raise NotNow(INVALID_SCHEMA, str(error)) from error
    if not columns:
        raise NotNow(INVALID_SCHEMA, f"The table {configured.table_name} has no columns.")
    catalog = configured.catalog_id or delivery.account
    return Schema(
        columns,
        {
            "catalogId": catalog,
            "databaseName": configured.database_name or "",
            "tableName": configured.table_name or "",
            "region": region,
            "versionId": version,
            "catalogArn": f"arn:aws:glue:{region}:{catalog}:catalog",
        },
    )
