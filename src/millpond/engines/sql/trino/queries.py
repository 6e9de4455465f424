"""Queries: SELECT, set operations, VALUES and WITH, to DuckDB text with known columns.

Inside, every query's columns are `c0`, `c1`, …; names are kept beside the text.
"""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.ordering import finish
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    Column,
    Context,
    Query,
    Scope,
)
from millpond.engines.sql.trino.select import select
from millpond.engines.sql.trino.set_operations import set_operation, value_rows
from millpond.engines.sql.trino.with_queries import apply_with


def compile_query(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    """Any query expression.

    Raises:
        StatementError: what is wrong with it.
    """
    context, prefix = apply_with(context, node, parent)
    match node:
        case exp.Select():
            made = select(context, node, parent)
        case exp.Union() | exp.Except() | exp.Intersect():
            made = set_operation(context, node, parent)
        case exp.Subquery():
            made = _wrapped(context, node, parent)
        case exp.Values():
            made = value_rows(context, node, parent)
        case _:
            raise not_supported(f"'{node.sql('trino')[:100]}'", position_of(node))
    return replace(made, sql=prefix + made.sql)


def _wrapped(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    only(node, "this", "order", "limit", "offset", "with_", "alias")
    if node.args.get("alias"):
        raise StatementError("SYNTAX_ERROR", "An alias is not allowed here", position_of(node))
    made = context.compiler.query(context, node.this, parent)
    if not any(node.args.get(name) for name in ("order", "limit", "offset")):
        return made
    plain = tuple(Column(one.name, one.type) for one in made.columns)
    return finish(context, node, f"SELECT * FROM ({made.sql})", plain, None)
