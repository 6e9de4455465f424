"""Tables as a query sees them: Glue says what they are, S3 holds their files.

Everything is asked by the services' own operations as the principal that runs the query: what it
may not read, the query cannot read.
"""

import datetime
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from millpond.engines.sql.interface import (
    Column,
    Condition,
    DelimitedText,
    InputFile,
    Missing,
    Partition,
    QuotedText,
    Table,
    TableName,
    View,
)
from millpond.kernel.errors import ServiceError
from millpond.services.athena.ddl.catalog import Catalog
from millpond.services.athena.ddl.show import view_definition
from millpond.services.athena.ddl.tables import VIEW
from millpond.services.athena.failure import S3_PERMISSION, QueryFailed
from millpond.services.athena.model.formats import compression_of, format_of
from millpond.services.athena.model.partition_columns import refuse_other_columns
from millpond.services.athena.model.projection import Key, Projected, is_projected, project
from millpond.services.athena.model.types import UnknownType, trino_of
from millpond.services.athena.operations.catalogs import CATALOG
from millpond.services.athena.statements import formats as serdes

HIVE_DEFAULT = "__HIVE_DEFAULT_PARTITION__"
_BARE = ("tinyint", "smallint", "int", "bigint", "decimal")
_QUOTED = ("string", "char", "varchar", "date")
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_PLACED = (DelimitedText, QuotedText)
EXPRESSION_SIZE_MAX = 2048
"""The longest expression that GetPartitions takes, in characters."""


class Lake:
    """`engines.sql.interface.Catalog` for one query: what it looks up once stays as it was."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tables: dict[TableName, Mapping[str, Any]] = {}
        self._partitions: dict[tuple[TableName, str], Mapping[str, Any]] = {}

    async def find(self, names: Sequence[TableName]) -> Sequence[Table | View | Missing]:
        return [await self._find(name) for name in names]

    async def _find(self, name: TableName) -> Table | View | Missing:
        if name.catalog != CATALOG.lower():
            raise QueryFailed(f"CATALOG_NOT_FOUND: Catalog '{name.catalog}' does not exist")
        if name.schema == "information_schema":
            raise QueryFailed(
                "NOT_SUPPORTED: information_schema is not supported by this service; SHOW and "
                "DESCRIBE tell what is there."
            )
        table = await self._catalog.maybe_table((name.schema, name.table))
        if table is None:
            return Missing(schema=not await self._catalog.has_database(name.schema))
        self._tables[name] = table
        if table.get("TableType") == VIEW:
            definition = view_definition(table)
            columns = [Column(one["name"], one["type"]) for one in definition.get("columns", [])]
            return View(
                sql=definition["originalSql"],
                columns=columns,
                catalog=definition.get("catalog", CATALOG).lower(),
                schema=definition.get("schema", name.schema).lower(),
            )
        _refuse_unreadable(table)
        storage = table.get("StorageDescriptor", {})
        return Table(
            columns=_columns(table, storage.get("Columns", [])),
            partition_columns=_columns(table, table.get("PartitionKeys", [])),
        )

    async def partitions(
        self, name: TableName, conditions: Sequence[Condition]
    ) -> Sequence[Partition]:
        table = self._tables[name]
        if not table.get("PartitionKeys"):
            self._partitions[name, ""] = table
            return [Partition("")]
        found: list[Partition] = []
        if is_projected(table.get("Parameters", {})):
            for projected in self._projected(table, conditions):
                storage = {"StorageDescriptor": {"Location": projected.location}}
                partition_id = str(len(found))
                self._partitions[name, partition_id] = storage
                found.append(Partition(partition_id, projected.values))
            return found
        expression = _expression(table, conditions)
        serde = table.get("StorageDescriptor", {}).get("SerdeInfo", {})
        placed = serde.get("SerializationLibrary") in (serdes.LAZY_SIMPLE, serdes.OPEN_CSV)
        async for partition in self._catalog.partitions(table, expression, with_columns=placed):
            partition_id = str(len(found))
            self._partitions[name, partition_id] = partition
            values = [None if value == HIVE_DEFAULT else value for value in partition["Values"]]
            found.append(Partition(partition_id, values))
        return found

    def _projected(
        self, table: Mapping[str, Any], conditions: Sequence[Condition]
    ) -> list[Projected]:
        now_ms = self._catalog.needs.clock.now_ms()
        now = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC).replace(tzinfo=None)
        keys = [
            Key(key["Name"].lower(), key.get("Type", "string").lower())
            for key in table["PartitionKeys"]
        ]
        location = table.get("StorageDescriptor", {}).get("Location", "")
        return project(table["Parameters"], location, keys, conditions, now)

    async def files(self, name: TableName, partitions: Sequence[Partition]) -> Sequence[InputFile]:
        table = self._tables[name]
        found: list[InputFile] = []
        for place, partition in enumerate(partitions):
            storage = self._partitions[name, partition.id].get("StorageDescriptor", {})
            described = storage if storage.get("SerdeInfo") else table["StorageDescriptor"]
            written_as = format_of(table, described)
            if isinstance(written_as, _PLACED):
                refuse_other_columns(table, self._partitions[name, partition.id])
            async for bucket, key, size in self._objects(storage.get("Location", "")):
                found.append(
                    InputFile(
                        uri=f"s3://{bucket}/{key}",
                        size_bytes=size,
                        body=await self._body(bucket, key),
                        partition=place,
                        format=written_as,
                        compression=compression_of(key, written_as),
                    )
                )
        return found

    async def _objects(self, location: str) -> AsyncIterator[tuple[str, str, int]]:
        """Bucket, key and size of what lies at a location: below it, or the one object it names.
        What has a name, or a folder below the location, that begins with `_` or `.` is hidden."""
        bucket, _, path = location.removeprefix("s3://").partition("/")
        if not bucket:
            return
        folder = f"{path.rstrip('/')}/" if path.strip("/") else ""
        empty = True
        async for key, size in self._listing(bucket, folder):
            empty = False
            parts = key[len(folder) :].split("/")
            if size and not any(part.startswith(("_", ".")) for part in parts):
                yield bucket, key, size
        if empty and path and not path.endswith("/"):
            async for key, size in self._listing(bucket, path):
                if key == path and size:
                    yield bucket, key, size

    async def _listing(self, bucket: str, prefix: str) -> AsyncIterator[tuple[str, int]]:
        members: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        while True:
            page = await self._ask_s3("ListObjectsV2", **members)
            for entry in page.get("Contents", []):
                yield entry["Key"], entry["Size"]
            if not page.get("IsTruncated"):
                return
            members["ContinuationToken"] = page["NextContinuationToken"]

    async def _body(self, bucket: str, key: str) -> Any:
        return (await self._ask_s3("GetObject", Bucket=bucket, Key=key))["Body"]

    async def _ask_s3(self, operation: str, **members: Any) -> dict[str, Any]:
        catalog = self._catalog
        try:
            return await catalog.needs.call_aws(catalog.call, "s3", operation, **members)
        except ServiceError as refusal:
            place = f"s3://{members['Bucket']}/{members.get('Key', members.get('Prefix', ''))}"
            if refusal.code == "AccessDenied":
                raise QueryFailed(
                    f"PERMISSION_DENIED: Access denied when reading {place}",
                    error_type=S3_PERMISSION,
                ) from refusal
            raise QueryFailed(
                f"HIVE_CANNOT_OPEN_SPLIT: Error opening {place}: {refusal.message}"
            ) from refusal


def _refuse_unreadable(table: Mapping[str, Any]) -> None:
    parameters: Mapping[str, str] = table.get("Parameters", {})
    name = f"{table['DatabaseName']}.{table['Name']}"
    kind = parameters.get("table_type", "").upper()
    if kind in ("ICEBERG", "DELTA", "HUDI"):
        raise QueryFailed(
            f"NOT_SUPPORTED: Table {name} is of type {kind}, which this service cannot read."
        )


def _columns(table: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> list[Column]:
    made: list[Column] = []
    for column in columns:
        try:
            made.append(Column(column["Name"].lower(), trino_of(column.get("Type", "string"))))
        except UnknownType as unknown:
            raise QueryFailed(
                f"HIVE_INVALID_METADATA: Table {table['DatabaseName']}.{table['Name']} has column "
                f"{column['Name']} of the unknown type {unknown}"
            ) from unknown
    return made


def _expression(table: Mapping[str, Any], conditions: Sequence[Condition]) -> str:
    """Those of the conditions that GetPartitions can be asked, in its language."""
    types = {
        key["Name"].lower(): key.get("Type", "string").partition("(")[0].lower()
        for key in table["PartitionKeys"]
    }
    expression = ""
    for condition in conditions:
        kind = types[condition.column]
        if kind not in _BARE + _QUOTED or not _PLAIN_NAME.fullmatch(condition.column):
            continue
        values = [
            value if kind in _BARE else "'" + value.replace("'", "''") + "'"
            for value in condition.values
        ]
        if condition.operator == "in":
            term = f"{condition.column} IN ({', '.join(values)})"
        else:
            term = f"{condition.column} {condition.operator} {values[0]}"
        longer = f"{expression} AND {term}" if expression else term
        if len(longer) <= EXPRESSION_SIZE_MAX:
            expression = longer
    return expression
