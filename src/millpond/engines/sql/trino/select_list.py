"""The SELECT list: its items, `*`, and the query that they make with what is below them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from millpond.engines.sql.trino.aggregates import ordered
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.ordering import by_place, finish, limits
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    Column,
    Context,
    Field,
    Query,
    Scope,
    Typed,
    canonical,
)
from millpond.engines.sql.trino.set_operations import distinct


def has_window(node: exp.Expr) -> bool:
    return node.find(exp.Window) is not None


@dataclass(slots=True)
class Output:
    """An item of the SELECT list; `field` where it is a column of FROM, as it is."""

    name: str | None
    value: Typed
    node: exp.Expr | None = None
    field: Field | None = None


def outputs(context: Context, scope: Scope, node: exp.Expr) -> list[Output]:
    outputs: list[Output] = []
    for item in node.expressions:
        if isinstance(item, exp.Star) or (
            isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
        ):
            outputs += _star(scope, item)
        elif isinstance(item, exp.Dot) and isinstance(item.expression, exp.Star):
            outputs += _row_star(context, scope, item)
        else:
            outputs.append(_single(context, scope, item))
    return outputs


def _single(context: Context, scope: Scope, item: exp.Expr) -> Output:
    alias, inner = None, item
    if isinstance(item, exp.Alias):
        alias, inner = item.alias, item.this
    value = context.compiler.expression(context, scope, inner)
    name = alias
    field = None
    if isinstance(inner, exp.Column | exp.Dot):
        name = alias or (inner.name if isinstance(inner, exp.Column) else inner.expression.name)
        source = scope.grouping.source if scope.grouping else scope
        field = next((one for one in source.fields if one.sql == value.sql), None)
    return Output(name, value, inner, field)


def _star(scope: Scope, item: exp.Expr) -> list[Output]:
    source = scope.grouping.source if scope.grouping else scope
    if isinstance(item, exp.Star):
        only(item)
        qualifier: tuple[str, ...] = ()
    else:
        qualifier = tuple(part.name.lower() for part in item.parts[:-1])
    fields = [
        one
        for one in source.fields
        if not one.hidden and (not qualifier or one.qualifiers[-len(qualifier) :] == qualifier)
    ]
    if not fields:
        if qualifier:
            raise StatementError(
                "TABLE_NOT_FOUND",
                f"Unable to resolve reference {'.'.join(qualifier)}", position_of(item),
            )  # fmt: skip
        raise StatementError(
            "COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause",
            position_of(item),
        )  # fmt: skip
    if scope.grouping is None:
        return [Output(one.name, one.use(), None, one) for one in fields]
    found = []
    for one in fields:
        key = scope.grouping.keys.get(canonical(one.sql))
        if key is None:
            raise StatementError(
                "EXPRESSION_NOT_AGGREGATE",
                f"'{one.name}' must be an aggregate expression or appear in GROUP BY clause",
                position_of(item),
            )
        found.append(Output(one.name, key))
    return found


def _row_star(context: Context, scope: Scope, item: exp.Expr) -> list[Output]:
    value = context.compiler.expression(context, scope, item.this)
    if value.type.name != "row":
        raise StatementError(
            "TYPE_MISMATCH", f"expected row expression, found {value.type}", position_of(item)
        )
    return [
        Output(name, Typed(f'({value.sql})."{field}"', kind))
        for name, field, kind in zip(
            value.type.fields, value.type.field_names, value.type.arguments, strict=True
        )
    ]


def complete(
    context: Context,
    node: exp.Expr,
    scope: Scope,
    outputs: list[Output],
    body: str,
    keeps_lineage: bool,
) -> Query:
    """The text of a SELECT from its outputs and its FROM and WHERE."""
    items = ", ".join(f"{typed(one.value)} AS c{place}" for place, one in enumerate(outputs))
    limited = any(node.args.get(name) for name in ("limit", "offset"))
    columns = tuple(
        Column(
            one.name,
            one.value.type,
            one.field.scan
            if one.field and one.field.is_partition and keeps_lineage and not limited
            else None,
            one.field.column if one.field else "",
        )
        for one in outputs
    )
    order = node.args.get("order")
    if node.args.get("distinct"):
        only(node.args["distinct"])
        _check_distinct_order(order, outputs, columns)
        text = distinct(f"SELECT {items}{body}", columns, node)
        return finish(context, _renaming_order(node, outputs), text, columns, scope)
    text = f"SELECT {items}{body}"
    if order is not None:
        parts = [
            ordered(_order_value(context, scope, item, outputs, columns), item)
            for item in order.expressions
        ]
        text += " ORDER BY " + ", ".join(parts)
    return Query(text + limits(context, node), columns)


def typed(value: Typed) -> str:
    """An output in its type's own DuckDB type, whatever DuckDB made of the expression."""
    return f"CAST({value.sql} AS {value.type.duck})"


def _order_value(
    context: Context,
    scope: Scope,
    item: exp.Expr,
    outputs: Sequence[Output],
    columns: Sequence[Column],
) -> Typed:
    """What an ORDER BY item sorts by: a place, an output's name, or any expression."""
    if by_place(item, columns, "c{}") is not None:
        return outputs[int(item.this.this) - 1].value
    return context.compiler.expression(context, _with_outputs(scope, outputs), item.this)


def _with_outputs(scope: Scope, outputs: Sequence[Output]) -> Scope:
    """Names of outputs stand before columns of FROM; one name for two values is ambiguous."""
    names: dict[str, Typed] = {}
    for one in outputs:
        if one.name is not None and isinstance(one.node, exp.Expr):
            name = one.name.lower()
            if name in names and names[name].sql != one.value.sql:
                raise StatementError(
                    "AMBIGUOUS_NAME", f"Column '{one.name}' is ambiguous", position_of(one.node)
                )
            names[name] = one.value
    return scope.with_variables(names)


def _check_distinct_order(
    order: exp.Expr | None, outputs: Sequence[Output], columns: Sequence[Column]
) -> None:
    if order is None:
        return
    names = {one.name.lower() for one in outputs if one.name}
    texts = {one.node.sql("trino").lower() for one in outputs if one.node is not None}
    for item in order.expressions:
        known = (
            by_place(item, columns, "c{}") is not None
            or item.this.sql("trino").lower() in texts
            or (isinstance(item.this, exp.Column) and item.this.name.lower() in names)
        )
        if not known:
            raise StatementError(
                "EXPRESSION_NOT_IN_DISTINCT",
                "For SELECT DISTINCT, ORDER BY expressions must appear in select list",
                position_of(item),
            )


def _renaming_order(node: exp.Expr, outputs: Sequence[Output]) -> exp.Expr:
    """The node with its ORDER BY items as places, for a query that is already wrapped."""
    order = node.args.get("order")
    if order is None:
        return node
    made = node.copy()
    for item in made.args["order"].expressions:
        text = item.this.sql("trino").lower()
        for place, one in enumerate(outputs, 1):
            same = one.node is not None and one.node.sql("trino").lower() == text
            if same or (isinstance(item.this, exp.Column) and one.name is not None
                        and one.name.lower() == item.this.name.lower()):  # fmt: skip
                item.set("this", exp.Literal.number(place))
                break
    return made
