"""INSERT INTO: a query's columns become those of the sink, or the types are refused."""

from collections.abc import Sequence

from millpond.engines.streams.connectors.registry import check_table
from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import KIND, Project, Sink
from millpond.engines.streams.sql.casts import cast_to_fit
from millpond.engines.streams.sql.dialect import parse_query
from millpond.engines.streams.sql.planning.catalog import View
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.projection import KIND_COLUMN
from millpond.engines.streams.sql.planning.relation import Relation
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.planning.tables import DeclaredTable
from millpond.engines.streams.sql.statements.model import Insert
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.sql.types import assignable, same
from millpond.engines.streams.types import Column, quoted

_NODES = {
    "AggregateWindow": "GroupWindowAggregate",
    "GroupAggregate": "GroupAggregate",
    "Deduplicate": "Deduplicate",
}


def plan_insert(planner: Planner, statement: Insert) -> Sink:
    """The sink that an INSERT fills.

    Raises:
        Refused: the query is wrong, or its rows do not fit the table.
    """
    at = statement.at
    declared = planner.catalog.find(statement.name, at)
    if declared is None or isinstance(declared, View):
        refuse(f"'{'.'.join(statement.name)}' cannot be written to: it is no table.", at)
    tree = parse_query(statement.query.text, statement.query.at)
    relation = settle(planner, planner.query(tree, {}), tree)
    table = declared.written
    columns = (*table.columns, *(each.column for each in table.metadata))
    targets = _targets(declared, columns, statement)
    name = ".".join(planner.catalog.path(statement.name))
    if len(targets) != len(relation.fields):
        refuse(_mismatch(name, "Different number of columns.", relation, targets), at)
    _check(declared, at)
    values: dict[str, Typed] = {}
    for place, (field, target) in enumerate(zip(relation.fields, targets, strict=True)):
        if not assignable(field.type, target.type):
            cause = f"Incompatible types for sink column '{target.name}' at position {place}."
            refuse(_mismatch(name, cause, relation, targets), at)
        value = Typed(quoted(field.column), field.type)
        values[target.name] = (
            value if same(field.type, target.type) else cast_to_fit(value, target.type)
        )
    if relation.changes:
        _check_keys(declared, relation, targets, name, at)
    return _sink(declared, relation, columns, values, statement)


def _targets(declared: DeclaredTable, columns: Sequence[Column], statement: Insert) -> list[Column]:
    """The columns that the query's go to. Without a list: all that can be written, as declared."""
    known = {column.name: column for column in columns}
    if statement.columns is None:
        return [known[name] for name in declared.order if name in known]
    found: list[Column] = []
    for name in statement.columns:
        if name not in known:
            refuse(f"Unknown target column '{name}'", statement.at)
        if known[name] in found:
            refuse(f"Target column '{name}' is assigned more than once", statement.at)
        found.append(known[name])
    return found


def _mismatch(name: str, cause: str, relation: Relation, targets: Sequence[Column]) -> str:
    query = ", ".join(f"{each.name}: {each.type.flink()}" for each in relation.fields)
    sink = ", ".join(f"{each.name}: {each.type.flink()}" for each in targets)
    return (
        f"Column types of query result and sink for '{name}' do not match.\n"
        f"Cause: {cause}\n\nQuery schema: [{query}]\nSink schema:  [{sink}]"
    )


def _check(declared: DeclaredTable, at: Position) -> None:
    if declared.role not in ("", "sink"):
        refuse(f"Table '{declared.table.name}' is an input; it cannot be written to.", at)
    try:
        check_table(declared.written, "sink", False)
    except Refused as refused:
        raise Refused(
            refused.text,
            declared.at.line,
            declared.at.column,
            needs_flink=refused.needs_flink,
        ) from refused


def _check_keys(
    declared: DeclaredTable,
    relation: Relation,
    targets: Sequence[Column],
    name: str,
    at: Position,
) -> None:
    node = relation.node
    produced = type(node).__name__
    below = node
    while isinstance(below, Project):
        below = below.input
        produced = type(below).__name__
    produced = _NODES.get(produced, produced)
    refused = (
        f"Table sink '{name}' doesn't support consuming update changes which is produced by node "
        f"{produced}"
    )
    try:
        check_table(declared.written, "sink", True)
    except Refused:
        refuse(refused, at)
    placed = {
        field.column: target.name for field, target in zip(relation.fields, targets, strict=True)
    }
    upsert_keys = node.upsert_keys or ()
    if not upsert_keys:
        refuse(f"{refused}: the result is one row without a key", at)
    gone = [key for key in upsert_keys if key not in placed]
    if gone:
        refuse(f"{refused}: the result's key ({', '.join(gone)}) is not among its columns", at)
    keys = [placed[key] for key in upsert_keys]
    primary = declared.table.primary_key
    if not primary:
        refuse(
            f"{refused}: it has no PRIMARY KEY; declare PRIMARY KEY ({', '.join(keys)}) NOT "
            "ENFORCED",
            at,
        )
    if set(keys) != set(primary):
        refuse(
            f"{refused}: its PRIMARY KEY ({', '.join(primary)}) is not the key of the result "
            f"({', '.join(keys)})",
            at,
        )


def _sink(
    declared: DeclaredTable,
    relation: Relation,
    columns: Sequence[Column],
    values: dict[str, Typed],
    statement: Insert,
) -> Sink:
    node = relation.node
    table = declared.written
    where = where_of(statement.at)
    if not relation.changes and [
        (quoted(column.name), column.type.duckdb()) for column in node.columns
    ] == [
        (values[column.name].sql if column.name in values else "", column.type.duckdb())
        for column in columns
    ]:
        return Sink(tuple(columns), node, table, statement.text, where=where)
    expressions = [
        values[column.name].sql
        if column.name in values
        else f"CAST(NULL AS {column.type.duckdb()})"
        for column in columns
    ]
    given = list(columns)
    keys = None
    if relation.changes:
        given.append(KIND_COLUMN)
        expressions.append(quoted(KIND))
        keys = declared.table.primary_key
    rowtime = next(
        (
            column.name
            for column in columns
            if node.rowtime
            and values.get(column.name, Typed("", column.type)).sql == quoted(node.rowtime)
        ),
        None,
    )
    made = Project(
        tuple(given),
        node,
        tuple(expressions),
        rowtime=rowtime,
        upsert_keys=keys,
        where=where,
    )
    return Sink(tuple(columns), made, table, statement.text, upsert_keys=keys, where=where)
