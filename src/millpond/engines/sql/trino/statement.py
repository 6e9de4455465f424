"""One query from text to plan: which tables it names, then what DuckDB is to run.

`names_of` needs the text alone; `compile_statement` needs what the catalog says of those names.
Both are pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from millpond.engines.sql.trino import expressions, queries, subqueries
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.parse import parse_expression, parse_query, too_deep
from millpond.engines.sql.trino.scope import (
    Context,
    Missing,
    Query,
    Scan,
    Scope,
    Table,
    Typed,
    View,
)
from millpond.engines.sql.trino.types import Type

TableName = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Session:
    """Where names are looked up, who asks, and when."""

    catalog: str
    schema: str
    user: str = ""
    now_us: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What DuckDB is to run: `sql` selects `c0`, `c1`, … from the relations of `scans`."""

    sql: str
    columns: tuple[tuple[str, Type], ...]
    scans: tuple[Scan, ...] = field(default=())


class _Compiler:
    """The compiler's parts, for one another (see `scope.Compiler`)."""

    def expression(self, context: Context, scope: Scope, node: exp.Expr) -> Typed:
        return expressions.compile_expression(context, scope, node)

    def query(self, context: Context, node: exp.Expr, parent: Scope | None) -> Query:
        return queries.compile_query(context, node, parent)

    def scalar(self, context: Context, scope: Scope, node: exp.Expr) -> Typed:
        return subqueries.scalar(context, scope, node)

    def exists(self, context: Context, scope: Scope, node: exp.Expr) -> Typed:
        return subqueries.exists(context, scope, node)

    def contained(self, context: Context, scope: Scope, node: exp.Expr, value: Typed) -> Typed:
        return subqueries.contained(context, scope, node, value)

    def quantified(
        self, context: Context, scope: Scope, node: exp.Expr, value: Typed, operator: str
    ) -> Typed:
        return subqueries.quantified(context, scope, node, value, operator)


def names_of(text: str, session: Session) -> list[TableName]:
    """The tables and views that a query may name, with the session's defaults filled in.

    Names of WITH queries are among them where one might mean a table: looking up one too many does
    no harm.

    Raises:
        StatementError: SYNTAX_ERROR.
    """
    tree = parse_query(text)
    found: dict[TableName, None] = {}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        parts = [part.name.lower() for part in table.parts]
        if len(parts) > 3 or (len(parts) == 1 and _is_with_name(table, parts[0])):
            continue
        if len(parts) == 1 and not session.schema:
            continue
        defaults = (session.catalog.lower(), session.schema.lower())
        filled = (*defaults[: 3 - len(parts)], *parts)
        found[(filled[0], filled[1], filled[2])] = None
    return list(found)


def _is_with_name(table: exp.Expr, name: str) -> bool:
    """Whether a WITH query of this name is in reach of the table's place."""
    node = table.parent
    while node is not None:
        clause = node.args.get("with_")
        if clause is not None and any(one.alias.lower() == name for one in clause.expressions):
            return True
        node = node.parent
    return False


def compile_statement(
    text: str,
    session: Session,
    tables: Mapping[TableName, Table | View | Missing],
    parameters: Sequence[str] = (),
) -> Plan:
    """The plan of a query. `parameters` are SQL expressions for its `?`s, in order.

    Raises:
        StatementError: what is wrong with it.
    """
    try:
        tree = parse_query(text)
        placeholders = sorted(
            tree.find_all(exp.Placeholder), key=lambda node: int(node.meta["start"])
        )
        if len(placeholders) != len(parameters):
            raise StatementError(
                "INVALID_PARAMETER_USAGE",
                f"Incorrect number of parameters: expected {len(placeholders)} but found"
                f" {len(parameters)}",
                (1, 1),
            )
        context = Context(
            _Compiler(),
            session.catalog,
            session.schema,
            tables,
            parameters=[parse_expression(one) for one in parameters],
            parameter_places={
                int(node.meta["start"]): place for place, node in enumerate(placeholders)
            },
            now_us=session.now_us,
            user=session.user,
        )
        made = queries.compile_query(context, tree, None)
    except RecursionError as error:
        raise too_deep() from error
    columns = tuple(
        (f"_col{place}" if one.name is None else one.name, one.type)
        for place, one in enumerate(made.columns)
    )
    return Plan(made.sql, columns, tuple(context.scans))
