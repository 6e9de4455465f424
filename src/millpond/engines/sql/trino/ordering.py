"""ORDER BY, OFFSET and LIMIT."""

from collections.abc import Sequence

from sqlglot import exp

from millpond.engines.sql.trino.aggregates import ordered
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    Column,
    Context,
    Field,
    Query,
    Scope,
    Typed,
)


def finish(
    context: Context,
    node: exp.Expr,
    sql: str,
    columns: tuple[Column, ...],
    scope: Scope | None,
) -> Query:
    order = node.args.get("order")
    if order is not None:
        fields = [Field(one.name, one.type, f"q.c{place}") for place, one in enumerate(columns)]
        outer = Scope(fields, scope.parent if scope else None, allows_windows=False)
        items = [
            ordered(by_place(item, columns, "q.c{}") or
                    context.compiler.expression(context, outer, item.this), item)
            for item in order.expressions
        ]  # fmt: skip
        sql = f"SELECT * FROM ({sql}) q ORDER BY {', '.join(items)}"
    bounds = limits(context, node)
    if bounds and order is None:
        sql = f"SELECT * FROM ({sql}) q"
    return Query(sql + bounds, columns)


def by_place(item: exp.Expr, columns: Sequence[Column], template: str) -> Typed | None:
    """`ORDER BY 2`: the second output column."""
    node = item.this
    if not isinstance(node, exp.Literal) or node.is_string or not node.this.isdigit():
        return None
    place = int(node.this)
    if not 1 <= place <= len(columns):
        raise StatementError(
            "INVALID_COLUMN_REFERENCE",
            f"ORDER BY position {place} is not in select list", position_of(item),
        )  # fmt: skip
    return Typed(template.format(place - 1), columns[place - 1].type)


def limits(context: Context, node: exp.Expr) -> str:
    text = ""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if isinstance(limit, exp.Fetch):
        only(limit, "direction", "count", "limit_options")
        options = limit.args.get("limit_options")
        if options is not None and options.args.get("percent"):
            raise not_supported("FETCH PERCENT", position_of(limit))
        if options is not None and options.args.get("with_ties"):
            raise not_supported("FETCH WITH TIES", position_of(limit))
        count = limit.args.get("count")
        text += f" LIMIT {1 if count is None else _row_count(context, count, 'FETCH FIRST')}"
    elif limit is not None:
        only(limit, "expression")
        if limit.expression.name.upper() != "ALL" or isinstance(limit.expression, exp.Literal):
            text += f" LIMIT {_row_count(context, limit.expression, 'LIMIT')}"
    if offset is not None:
        only(offset, "expression")
        text += f" OFFSET {_row_count(context, offset.expression, 'OFFSET')}"
    return text


def _row_count(context: Context, node: exp.Expr, clause: str) -> int:
    value = context.compiler.expression(context, Scope(), node)
    if not isinstance(value.value, int) or isinstance(value.value, bool):
        raise StatementError(
            "TYPE_MISMATCH", f"{clause} row count must be an integer", position_of(node)
        )
    if value.value < 0:
        raise StatementError(
            "INVALID_LIMIT_CLAUSE",
            f"{clause} row count must be greater or equal to 0 (actual value: {value.value})",
            position_of(node),
        )
    return value.value
