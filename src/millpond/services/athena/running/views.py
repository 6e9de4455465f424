"""CREATE VIEW: the query's text and its columns, kept in the catalog as Athena and Presto do."""

from typing import Any

from millpond.services.athena.ddl.show import view_text
from millpond.services.athena.ddl.tables import VIEW
from millpond.services.athena.failure import QueryFailed, database_not_found
from millpond.services.athena.model.types import UnknownType, hive_of
from millpond.services.athena.operations.catalogs import CATALOG
from millpond.services.athena.running.state import Run
from millpond.services.athena.statements import model


async def create(running: Run, statement: model.CreateView) -> None:
    """Make or replace a view.

    Raises:
        QueryFailed: a table or view of that name is in the way, or a column cannot be kept.
        QueryRefused: the query is wrong.
    """
    catalog = running.catalog
    database, name = catalog.place(statement.name)
    if statement.name[0] is None:
        await catalog.ready_default()
    if not await catalog.has_database(database):
        raise database_not_found(database)
    columns = await running.needs.sql.describe(running.query(statement.sql), running.lake())
    definition = {
        "originalSql": statement.sql,
        "catalog": CATALOG.lower(),
        "schema": catalog.database,
        "columns": [{"name": column.name, "type": column.type} for column in columns],
    }
    table_input: dict[str, Any] = {
        "Name": name,
        "TableType": VIEW,
        "ViewOriginalText": view_text(definition),
        "ViewExpandedText": "/* Presto View */",
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [
                {"Name": column.name.lower(), "Type": _hive_type(column.type)} for column in columns
            ],
            "Location": "",
            "SerdeInfo": {},
        },
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
    }
    found = await catalog.maybe_table(statement.name)
    if found is None:
        await catalog.ask("CreateTable", DatabaseName=database, TableInput=table_input)
        return
    if found.get("TableType") != VIEW:
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table already exists: '{database}.{name}'")
    if not statement.or_replace:
        raise QueryFailed(f"ALREADY_EXISTS: View already exists: '{database}.{name}'")
    await catalog.ask("UpdateTable", DatabaseName=database, TableInput=table_input)


def _hive_type(trino: str) -> str:
    """How the catalog shows a view's column; what Hive has no type for is shown as text."""
    try:
        return hive_of(trino)
    except UnknownType:
        return "string"
