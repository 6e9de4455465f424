"""SHOW and DESCRIBE: what the catalog says, laid out as Hive and Athena do."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from millpond.services.athena.ddl.catalog import Catalog, Members
from millpond.services.athena.ddl.outcome import Outcome
from millpond.services.athena.ddl.patterns import like
from millpond.services.athena.ddl.tables import VIEW
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.statements import model

_WIDTH = 20
_VIEW_START, _VIEW_END = "/* Presto View: ", " */"
_HIDDEN_PARAMETERS = ("EXTERNAL", "comment")


async def tables(catalog: Catalog, statement: model.ShowTables) -> Outcome:
    database = catalog.place((statement.database, ""))[0]
    matches = like(statement.like)
    names = [table["Name"] async for table in catalog.tables(database)]
    return Outcome(["tab_name"], [name for name in names if matches(name)])


async def views(catalog: Catalog, statement: model.ShowViews) -> Outcome:
    database = catalog.place((statement.database, ""))[0]
    matches = like(statement.like)
    names = [
        table["Name"]
        async for table in catalog.tables(database)
        if table.get("TableType") == VIEW and matches(table["Name"])
    ]
    return Outcome(["views"], names)


async def columns(catalog: Catalog, statement: model.ShowColumns) -> Outcome:
    table = await catalog.table(statement.name)
    names = [column["Name"] for column in all_columns(table)]
    return Outcome(["field"], [name.ljust(_WIDTH) for name in names])


async def table_properties(catalog: Catalog, statement: model.ShowTableProperties) -> Outcome:
    table = await catalog.table(statement.name)
    parameters: Mapping[str, str] = table.get("Parameters", {})
    if statement.key is None:
        lines = [f"{name}\t{value}" for name, value in sorted(parameters.items())]
    elif statement.key in parameters:
        lines = [parameters[statement.key]]
    else:
        name = ".".join(catalog.place(statement.name))
        lines = [f"Table {name} does not have property: {statement.key}"]
    return Outcome(["prpt_name", "prpt_value"], lines)


async def describe(catalog: Catalog, statement: model.Describe) -> Outcome:
    table = await catalog.table(statement.name)
    names = ["col_name", "data_type", "comment"]
    shown = all_columns(table)
    if statement.column is not None:
        shown = [column for column in shown if column["Name"] == statement.column]
        if not shown:
            raise QueryFailed(
                f"FAILED: SemanticException [Error 10004]: Invalid column {statement.column}"
            )
        return Outcome(names, [_column_line(column) for column in shown])
    lines = [_column_line(column) for column in shown]
    if table.get("PartitionKeys"):
        lines += ["\t \t ", "# Partition Information\t \t "]
        lines += [_line("# col_name", "data_type", "comment"), "\t \t "]
        lines += [_column_line(column) for column in table["PartitionKeys"]]
    if statement.formatted:
        lines += list(_details(table))
    return Outcome(names, lines)


async def describe_view(catalog: Catalog, statement: model.DescribeView) -> Outcome:
    table = await _view(catalog, statement.name)
    return Outcome(
        ["col_name", "data_type", "comment"],
        [_column_line(column) for column in all_columns(table)],
    )


async def create_view(catalog: Catalog, statement: model.ShowCreateView) -> Outcome:
    table = await _view(catalog, statement.name)
    database, name = catalog.place(statement.name)
    text = (
        f"CREATE VIEW awsdatacatalog.{database}.{name} AS\n{view_definition(table)['originalSql']}"
    )
    return Outcome(["Create View"], text.split("\n"))


async def create_table(catalog: Catalog, statement: model.ShowCreateTable) -> Outcome:
    table = await catalog.table(statement.name)
    if table.get("TableType") == VIEW:
        raise QueryFailed("FAILED: SemanticException Cannot show a view; use SHOW CREATE VIEW")
    shown = table["Name"] if statement.name[0] is None else ".".join(catalog.place(statement.name))
    return Outcome(["createtab_stmt"], list(_ddl(table, shown)))


def all_columns(table: Members) -> list[Members]:
    """The columns of a table, its partition columns last."""
    storage = table.get("StorageDescriptor", {})
    return [*storage.get("Columns", []), *table.get("PartitionKeys", [])]


def view_definition(table: Members) -> dict[str, Any]:
    """What a view's stored text says: `originalSql`, `catalog`, `schema`, `columns`.

    Raises:
        QueryFailed: the text is not one that Athena or Presto wrote.
    """
    text: str = table.get("ViewOriginalText", "")
    if text.startswith(_VIEW_START) and text.endswith(_VIEW_END):
        try:
            decoded = base64.b64decode(text[len(_VIEW_START) : -len(_VIEW_END)], validate=True)
            definition = json.loads(decoded)
        except ValueError:
            definition = None
        if isinstance(definition, dict) and isinstance(definition.get("originalSql"), str):
            return definition
    raise QueryFailed(f"HIVE_INVALID_VIEW_DATA: View {table['Name']} was not made by Athena")


def view_text(definition: Mapping[str, Any]) -> str:
    """What the catalog keeps of a view."""
    encoded = base64.b64encode(json.dumps(definition).encode()).decode()
    return f"{_VIEW_START}{encoded}{_VIEW_END}"


async def _view(catalog: Catalog, name: model.Name) -> Members:
    table = await catalog.table(name)
    if table.get("TableType") != VIEW:
        place = ".".join(catalog.place(name))
        raise QueryFailed(f"SYNTAX_ERROR: Relation 'awsdatacatalog.{place}' is a table, not a view")
    return table


def _line(*values: str) -> str:
    return "\t".join(value.ljust(_WIDTH) for value in values)


def _column_line(column: Members) -> str:
    return _line(column["Name"], column.get("Type", ""), column.get("Comment", ""))


def _details(table: Members) -> Iterator[str]:
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    yield "\t \t "
    yield "# Detailed Table Information\t \t "
    yield _line("Database:", table["DatabaseName"], "")
    yield _line("Owner:", table.get("Owner", ""), "")
    yield _line("Location:", storage.get("Location", ""), "")
    yield _line("Table Type:", table.get("TableType", ""), "")
    yield "Table Parameters:\t \t "
    for name, value in sorted(table.get("Parameters", {}).items()):
        yield _line("", name, value)
    yield "\t \t "
    yield "# Storage Information\t \t "
    yield _line("SerDe Library:", serde.get("SerializationLibrary", ""), "")
    yield _line("InputFormat:", storage.get("InputFormat", ""), "")
    yield _line("OutputFormat:", storage.get("OutputFormat", ""), "")
    yield "Storage Desc Params:\t \t "
    for name, value in sorted(serde.get("Parameters", {}).items()):
        yield _line("", name, value)


def _ddl(table: Members, name: str) -> Iterator[str]:
    """CREATE EXTERNAL TABLE as Hive writes it, line by line."""
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    yield f"CREATE EXTERNAL TABLE `{name}`("
    yield from _column_lines(storage.get("Columns", []))
    comment = table.get("Parameters", {}).get("comment")
    if comment:
        yield f"COMMENT {_text(comment)}"
    if table.get("PartitionKeys"):
        yield "PARTITIONED BY ( "
        yield from _column_lines(table["PartitionKeys"])
    yield "ROW FORMAT SERDE "
    yield f"  {_text(serde.get('SerializationLibrary', ''))} "
    if serde.get("Parameters"):
        yield "WITH SERDEPROPERTIES ( "
        yield from _pair_lines(serde["Parameters"])
    yield "STORED AS INPUTFORMAT "
    yield f"  {_text(storage.get('InputFormat', ''))} "
    yield "OUTPUTFORMAT "
    yield f"  {_text(storage.get('OutputFormat', ''))}"
    yield "LOCATION"
    yield f"  {_text(storage.get('Location', ''))}"
    parameters = {
        name: value
        for name, value in table.get("Parameters", {}).items()
        if name not in _HIDDEN_PARAMETERS
    }
    if parameters:
        yield "TBLPROPERTIES ("
        yield from _pair_lines(parameters)


def _column_lines(columns: list[Members]) -> Iterator[str]:
    for index, column in enumerate(columns):
        comment = f" COMMENT {_text(column['Comment'])}" if column.get("Comment") else ""
        end = ")" if index == len(columns) - 1 else ", "
        yield f"  `{column['Name']}` {column.get('Type', 'string')}{comment}{end}"


def _pair_lines(pairs: Mapping[str, str]) -> Iterator[str]:
    for index, (name, value) in enumerate(sorted(pairs.items())):
        end = ") " if index == len(pairs) - 1 else ", "
        yield f"  {_text(name)}={_text(value)}{end}"


def _text(value: str) -> str:
    """A Hive string."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    for character, escape in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r"), ("\x01", "\\u0001")):
        escaped = escaped.replace(character, escape)
    return f"'{escaped}'"
