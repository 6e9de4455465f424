"""Which function runs which statement."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from millpond.services.athena.ddl import databases, partitions, show, tables
from millpond.services.athena.ddl.catalog import Catalog
from millpond.services.athena.ddl.outcome import Outcome
from millpond.services.athena.statements import model

_RUNNERS: Mapping[type[model.Statement], Callable[[Catalog, Any], Awaitable[Outcome]]] = {
    model.CreateDatabase: databases.create,
    model.DropDatabase: databases.drop,
    model.ShowDatabases: databases.show,
    model.CreateTable: tables.create,
    model.DropTable: tables.drop,
    model.DropView: tables.drop,
    model.AddColumns: tables.add_columns,
    model.ReplaceColumns: tables.replace_columns,
    model.SetLocation: tables.set_location,
    model.SetProperties: tables.set_properties,
    model.AddPartitions: partitions.add,
    model.DropPartitions: partitions.drop,
    model.RepairTable: partitions.repair,
    model.ShowPartitions: partitions.show,
    model.ShowTables: show.tables,
    model.ShowViews: show.views,
    model.ShowColumns: show.columns,
    model.ShowCreateTable: show.create_table,
    model.ShowCreateView: show.create_view,
    model.ShowTableProperties: show.table_properties,
    model.Describe: show.describe,
    model.DescribeView: show.describe_view,
}


def runs(statement: model.Statement) -> bool:
    """Whether `run` knows the statement: it needs the catalog alone and no SQL engine."""
    return type(statement) in _RUNNERS


async def run(catalog: Catalog, statement: model.Statement) -> Outcome:
    """Run a statement on the catalog.

    Raises:
        QueryFailed: it cannot be done.
    """
    match statement:
        case model.CreateTable(name=(None, _)) | model.ShowTables(database=None):
            await catalog.ready_default()
    return await _RUNNERS[type(statement)](catalog, statement)
