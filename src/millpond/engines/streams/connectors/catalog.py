"""Finds tables of the Glue Data Catalog, so that programs need not declare them.

Tables of Parquet, JSON and delimited text files become `filesystem` tables, Iceberg tables
`iceberg` ones. Names of columns are as Glue has them, in lower case.
"""

from collections.abc import Callable, Mapping
from typing import Any

import botocore.session
import pyarrow as pa
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from millpond.engines.streams.connectors.hive_types import hive_type
from millpond.engines.streams.interface import Access, Refused
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import Column, DataType

_JSON_SERDES = (
    "org.openx.data.jsonserde.JsonSerDe",
    "org.apache.hive.hcatalog.data.JsonSerDe",
    "org.apache.hadoop.hive.serde2.JsonSerDe",
)
_TEXT_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_QUOTED_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_SIMPLE = {
    "bool": "BOOLEAN",
    "int32": "INT",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "STRING",
    "large_string": "STRING",
    "binary": "BYTES",
    "large_binary": "BYTES",
    "date32[day]": "DATE",
    "time64[us]": "TIME",
}
"""Types by Arrow's names for them."""

LookUp = Callable[[Mapping[str, str], str, str], Table | None]


def look_up_with(access: Access) -> LookUp:
    """What finds a table by its catalog's options, its database and its name, with this access.

    Raises (when it is called):
        Refused: the table is there, but of no kind that can be read; or Glue cannot be asked.
    """
    glue: BaseClient = botocore.session.get_session().create_client(
        "glue",
        region_name=access.region,
        endpoint_url=access.endpoint,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        aws_session_token=access.session_token,
    )

    def look_up(options: Mapping[str, str], database: str, name: str) -> Table | None:
        try:
            found = glue.get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return None
            raise Refused(f"Table {database}.{name} cannot be looked up: {error}") from error
        except BotoCoreError as error:
            raise Refused(f"Table {database}.{name} cannot be looked up: {error}") from error
        if found.get("Parameters", {}).get("table_type", "").upper() == "ICEBERG":
            return _iceberg_table(database, name, access)
        return _table_of_files(database, found)

    return look_up


def _iceberg_table(database: str, name: str, access: Access) -> Table:
    from millpond.engines.streams.connectors import iceberg_tables  # noqa: PLC0415

    options = {
        "connector": "iceberg",
        "catalog-database": database,
        "catalog-table": name,
    }
    table = Table(name, (), options=tuple(options.items()))
    schema = iceberg_tables.open_table(table, access).schema()
    columns = tuple(
        Column(field.name, _of_arrow(field.type, f"{database}.{name}, column {field.name}"))
        for field in schema.as_arrow()
    )
    keys = tuple(sorted(schema.identifier_field_names()))
    return Table(name, columns, options=tuple(options.items()), primary_key=keys)


def _table_of_files(database: str, found: Mapping[str, Any]) -> Table:
    name = f"{database}.{found['Name']}"
    stored = found.get("StorageDescriptor", {})
    keys = found.get("PartitionKeys", [])
    columns = []
    for each in (*stored.get("Columns", []), *keys):
        kind = hive_type(each.get("Type", "string"))
        if kind is None:
            raise Refused(f"Table {name}: the type of column {each['Name']} is {each.get('Type')}.")
        columns.append(Column(each["Name"], kind))
    options = {"connector": "filesystem", "path": stored.get("Location", "")}
    options |= _format_of(name, stored, found.get("Parameters", {}))
    return Table(
        found["Name"],
        tuple(columns),
        options=tuple(options.items()),
        partitioned_by=tuple(key["Name"] for key in keys),
    )


def _format_of(
    name: str, stored: Mapping[str, Any], parameters: Mapping[str, str]
) -> Mapping[str, str]:
    serde = stored.get("SerdeInfo", {})
    library, given = serde.get("SerializationLibrary", ""), serde.get("Parameters", {})
    if library == _PARQUET_SERDE:
        return {"format": "parquet"}
    if library in _JSON_SERDES:
        return {"format": "json"}
    if library in (_TEXT_SERDE, _QUOTED_SERDE):
        headers = parameters.get("skip.header.line.count", given.get("skip.header.line.count", "0"))
        if headers != "0":
            raise Refused(
                f"Table {name}: its files begin with header lines, which cannot be passed over."
            )
        if library == _QUOTED_SERDE:
            return {
                "format": "csv",
                "csv.field-delimiter": given.get("separatorChar", ","),
                "csv.quote-character": given.get("quoteChar", '"'),
            }
        delimiter = given.get("field.delim", given.get("serialization.format", "\x01"))
        return {
            "format": "csv",
            "csv.field-delimiter": "\x01" if delimiter == "1" else delimiter,
            "csv.disable-quote-character": "true",
            "csv.null-literal": given.get("serialization.null.format", "\\N"),
        }
    raise Refused(f"Table {name}: files of the SerDe {library or 'none'} cannot be read.")


def _of_arrow(kind: pa.DataType, where: str) -> DataType:
    if (simple := _SIMPLE.get(str(kind))) is not None:
        return DataType(simple)
    if isinstance(kind, pa.TimestampType):
        return DataType("TIMESTAMP_LTZ" if kind.tz else "TIMESTAMP", (6,))
    if isinstance(kind, pa.Decimal128Type):
        return DataType("DECIMAL", (kind.precision, kind.scale))
    if isinstance(kind, pa.StructType):
        inner = tuple((field.name, _of_arrow(field.type, where)) for field in kind)
        return DataType("ROW", fields=inner)
    if isinstance(kind, pa.ListType | pa.LargeListType):
        return DataType("ARRAY", fields=(("", _of_arrow(kind.value_type, where)),))
    if isinstance(kind, pa.MapType):
        inner = (("", _of_arrow(kind.key_type, where)), ("", _of_arrow(kind.item_type, where)))
        return DataType("MAP", fields=inner)
    raise Refused(f"Table {where}: the type {kind} cannot be read.")
