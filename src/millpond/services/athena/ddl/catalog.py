"""The catalog as a statement sees it: Glue, page by page, with refusals in Hive's words."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.athena.failure import (
    database_not_found,
    execution_error,
    table_not_found,
)
from millpond.services.athena.needs import Needs
from millpond.services.athena.statements.model import Name

BATCH_SIZE_MAX = 100
BATCH_DELETE_SIZE_MAX = 25
_TABLE_INPUT_MEMBERS = (
    "Name",
    "Description",
    "Owner",
    "LastAccessTime",
    "LastAnalyzedTime",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "Parameters",
    "TargetTable",
)

DATABASE_DEFAULT = "default"
Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Catalog:
    """`database` is the one that names without a database are of."""

    needs: Needs
    call: Call
    database: str

    def place(self, name: Name) -> tuple[str, str]:
        """The database and the name of a table."""
        return name[0] or self.database, name[1]

    async def ask(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation of Glue.

        Raises:
            QueryFailed: Glue refuses.
        """
        try:
            return await self.needs.call_aws(self.call, "glue", operation, **members)
        except ServiceError as refusal:
            raise execution_error(f"{refusal.code}(message:{refusal.message})") from refusal

    async def maybe_ask(self, operation: str, **members: Any) -> dict[str, Any] | None:
        """Call an operation of Glue; None where what it names is not there."""
        try:
            return await self.needs.call_aws(self.call, "glue", operation, **members)
        except ServiceError as refusal:
            if refusal.code == "EntityNotFoundException":
                return None
            raise execution_error(f"{refusal.code}(message:{refusal.message})") from refusal

    async def ready_default(self) -> None:
        """Make the database `default` where names without a database are of it and it is not
        there: Athena does so on first need."""
        if self.database == DATABASE_DEFAULT and not await self.has_database(DATABASE_DEFAULT):
            described = {"Name": DATABASE_DEFAULT, "Description": "Default Hive database"}
            await self.ask("CreateDatabase", DatabaseInput=described)

    async def has_database(self, name: str) -> bool:
        return await self.maybe_ask("GetDatabase", Name=name) is not None

    async def maybe_table(self, name: Name) -> Members | None:
        """The table as GetTable gives it, or None."""
        database, table = self.place(name)
        found = await self.maybe_ask("GetTable", DatabaseName=database, Name=table)
        return None if found is None else found["Table"]

    async def table(self, name: Name) -> Members:
        """The table as GetTable gives it.

        Raises:
            QueryFailed: it is not there, or its database is not.
        """
        found = await self.maybe_table(name)
        if found is not None:
            return found
        database, table = self.place(name)
        if not await self.has_database(database):
            raise database_not_found(database)
        raise table_not_found(database, table)

    async def update_table(self, table: Members, **changed: Any) -> None:
        """Write `table` with `changed` members; refused if it was changed since it was read."""
        table_input = {name: table[name] for name in _TABLE_INPUT_MEMBERS if name in table}
        members = {"VersionId": table["VersionId"]} if "VersionId" in table else {}
        await self.ask(
            "UpdateTable",
            DatabaseName=table["DatabaseName"],
            TableInput=table_input | changed,
            **members,
        )

    async def databases(self) -> AsyncIterator[Members]:
        async for page in self._pages("GetDatabases"):
            for database in page.get("DatabaseList", []):
                yield database

    async def tables(self, database: str) -> AsyncIterator[Members]:
        """The tables and views of a database.

        Raises:
            QueryFailed: there is no such database.
        """
        if not await self.has_database(database):
            raise database_not_found(database)
        async for page in self._pages("GetTables", DatabaseName=database):
            for table in page.get("TableList", []):
                yield table

    async def partitions(
        self, table: Members, expression: str = "", *, with_columns: bool = False
    ) -> AsyncIterator[Members]:
        members: dict[str, Any] = {
            "DatabaseName": table["DatabaseName"],
            "TableName": table["Name"],
            "ExcludeColumnSchema": not with_columns,
        }
        if expression:
            members["Expression"] = expression
        async for page in self._pages("GetPartitions", **members):
            for partition in page.get("Partitions", []):
                yield partition

    async def add_partitions(
        self, table: Members, inputs: Sequence[Members], *, if_not_exists: bool
    ) -> None:
        """Create partitions.

        Raises:
            QueryFailed: one is there already (unless `if_not_exists`), or Glue refuses one.
        """
        for start in range(0, len(inputs), BATCH_SIZE_MAX):
            answer = await self.ask(
                "BatchCreatePartition",
                DatabaseName=table["DatabaseName"],
                TableName=table["Name"],
                PartitionInputList=list(inputs[start : start + BATCH_SIZE_MAX]),
            )
            for error in answer.get("Errors", []):
                detail = error["ErrorDetail"]
                if not (if_not_exists and detail["ErrorCode"] == "AlreadyExistsException"):
                    raise execution_error(
                        f"{detail['ErrorCode']}(message:{detail['ErrorMessage']})"
                    )

    async def drop_partitions(self, table: Members, values: Sequence[Sequence[str]]) -> None:
        for start in range(0, len(values), BATCH_DELETE_SIZE_MAX):
            batch = values[start : start + BATCH_DELETE_SIZE_MAX]
            await self.ask(
                "BatchDeletePartition",
                DatabaseName=table["DatabaseName"],
                TableName=table["Name"],
                PartitionsToDelete=[{"Values": list(one)} for one in batch],
            )

    async def _pages(self, operation: str, **members: Any) -> AsyncIterator[dict[str, Any]]:
        token: str | None = None
        while True:
            page = await self.ask(
                operation, **members, **({} if token is None else {"NextToken": token})
            )
            yield page
            token = page.get("NextToken")
            if token is None:
                return
