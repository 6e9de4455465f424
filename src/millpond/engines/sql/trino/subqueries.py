"""Subqueries as values and in conditions."""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.sql.trino.calls import is_quantified, read_call
from millpond.engines.sql.trino.convert import coerce
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.expressions import make_row
from millpond.engines.sql.trino.operators import (
    comparable,
    instant,
    refuse,
)
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.scope import (
    Context,
    Query,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.types import (
    BOOLEAN,
    common_type,
)


def scalar(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    """A subquery as a value: one row at most."""
    made = context.compiler.query(context, node, scope)
    if len(made.columns) == 1:
        return Typed(f"({made.sql})", made.columns[0].type)
    values = [Typed(f"s.c{place}", one.type) for place, one in enumerate(made.columns)]
    packed = make_row(values)
    kind = replace(packed.type, fields=tuple(one.name for one in made.columns))
    named = replace(packed, type=kind)
    return Typed(f"(SELECT {packed.sql} FROM ({made.sql}) s)", named.type)


def exists(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    made = context.compiler.query(context, node.this, scope)
    return Typed(f"EXISTS ({made.sql})", BOOLEAN)


def contained(context: Context, scope: Scope, node: exp.Expr, value: Typed) -> Typed:
    """`value IN (subquery)`; a row may be compared with several columns."""
    made = context.compiler.query(context, node.args["query"], scope)
    return Typed(_matches(value, "=", "ANY", made, node), BOOLEAN)


def quantified(
    context: Context, scope: Scope, node: exp.Expr, value: Typed, operator: str
) -> Typed:
    """`value operator ANY | SOME | ALL (subquery)`."""
    side = node.expression
    assert is_quantified(side)
    call = read_call(side)
    is_all = isinstance(side, exp.All) or (call is not None and call.name == "all")
    word = "ALL" if is_all else "ANY"
    query = call.arguments[0] if call is not None else side.this
    made = context.compiler.query(context, query, scope)
    return Typed(_matches(value, operator, word, made, node), BOOLEAN)


def _matches(value: Typed, operator: str, word: str, made: Query, node: exp.Expr) -> str:
    position = position_of(node)
    if len(made.columns) != 1:
        kinds = value.type.arguments if value.type.name == "row" else ()
        if len(kinds) != len(made.columns):
            raise StatementError(
                "TYPE_MISMATCH",
                f"Multiple columns returned by subquery are not yet supported. Found"
                f" {len(made.columns)}",
                position,
            )
        other = make_row([Typed(f"s.c{i}", c.type) for i, c in enumerate(made.columns)])
        kind = common_type(value.type, other.type)
        if kind is None:
            raise refuse(value.type, operator, other.type, position)
        left, right = coerce(value, kind), coerce(other, kind)
        return f"({left.sql} {operator} {word} (SELECT {right.sql} FROM ({made.sql}) s))"
    left, right = comparable(value, operator, Typed("s.c0", made.columns[0].type), position)
    text = f"(SELECT {instant(right)} FROM ({made.sql}) s)"
    return f"({instant(left)} {operator} {word} {text})"
