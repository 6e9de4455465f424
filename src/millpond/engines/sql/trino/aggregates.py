"""Aggregate calls: what is computed inside a GROUP BY, and how DuckDB is told."""

import re
from collections.abc import Sequence

from sqlglot import exp

from millpond.engines.sql.trino.calls import Call, bind, read_call
from millpond.engines.sql.trino.convert import require
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.functions import find
from millpond.engines.sql.trino.functions.registry import Kind, Overload
from millpond.engines.sql.trino.operators import (
    instant,
    refuse_maps,
)
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    Context,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.signatures import (
    Bindings,
    result_type,
)
from millpond.engines.sql.trino.types import (
    AGGREGATE_END,
    AGGREGATE_START,
    BIGINT,
    BOOLEAN,
    UNKNOWN,
)


def compile_grouped(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    """An aggregate call above its GROUP BY: computed inside, referred to outside."""
    grouping = scope.grouping
    call = read_call(node)
    assert grouping is not None and call is not None
    inner = Scope(
        grouping.source.fields,
        grouping.source.parent,
        scope.variables,
        in_aggregate=True,
    )
    if call.name == "grouping":
        columns = [context.compiler.expression(context, inner, one) for one in call.arguments]
        text = ", ".join(instant(column) for column in columns)
        return grouping.add_aggregate(Typed(f"CAST(grouping({text}) AS BIGINT)", BIGINT))
    return grouping.add_aggregate(aggregate(context, inner, call, over=""))


def aggregate(context: Context, scope: Scope, call: Call, over: str) -> Typed:
    function = find(call.name)
    assert function is not None
    arguments = call.arguments
    if call.name == "count" and len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        arguments = []
    if call.order and not function.takes_order:
        raise not_supported(f"ORDER BY in {call.name}", position_of(call.node))
    if call.ignores_nulls and not function.takes_nulls:
        raise not_supported(f"IGNORE NULLS in {call.name}", position_of(call.node))
    if function.kind is Kind.SCALAR or (function.kind is Kind.WINDOW and not over):
        raise StatementError(
            "FUNCTION_NOT_WINDOW" if over else "MISSING_OVER",
            f"Not a window function: {call.name}" if over
            else f"Window function {call.name} requires an OVER clause",
            position_of(call.node),
        )  # fmt: skip
    values, overload, bindings = bind(context, scope, function, arguments, call.node)
    if call.is_distinct:
        for value in values:
            refuse_maps(value.type, "DISTINCT", position_of(call.node))
    typed = [value for value in values if isinstance(value, Typed)]
    order = order_by(context, scope, call.order)
    made = _emit_aggregate(overload, typed, bindings, call, f" {order}" if order else "")
    return Typed(_decorate(made.sql, _filter_of(context, scope, call), over), made.type)


def _emit_aggregate(
    overload: Overload, values: Sequence[Typed], bindings: Bindings, call: Call, order: str
) -> Typed:
    slots = {
        "d": "DISTINCT " if call.is_distinct else "",
        "o": order,
        "i": " IGNORE NULLS" if call.ignores_nulls else "",
        "s0": values[0].type.scale if values else 0,
        "t0": values[0].type.duck if values else "",
    }
    kinds = [value.type for value in values]
    kind = (
        overload.result(kinds)
        if overload.result is not None
        else result_type(overload.signature.result, kinds, bindings)
    )
    shown = [_aggregated(value) for value in values]
    template = overload.emit
    if isinstance(template, str):
        return Typed(template.format(*shown, **slots), kind)
    made = template(*values, str(slots["d"]))
    assert isinstance(made, str)
    return Typed(made, kind)


def _aggregated(value: Typed) -> str:
    return f"CAST(NULL AS {value.type.duck})" if value.type == UNKNOWN else value.sql


_MARKED = re.compile(f"{AGGREGATE_START}(.*?){AGGREGATE_END}", re.DOTALL)


def _decorate(sql: str, test: str, over: str) -> str:
    """Put FILTER and OVER behind each aggregate call of a template."""

    def one(found: re.Match[str]) -> str:
        text = found[1]
        if test and " FILTER (WHERE " in text:
            text = text.replace(" FILTER (WHERE ", f" FILTER (WHERE {test} AND ")
        elif test:
            text += f" FILTER (WHERE {test})"
        return f"{text} OVER ({over})" if over else text

    return _MARKED.sub(one, sql)


def _filter_of(context: Context, scope: Scope, call: Call) -> str:
    if call.filter is None:
        return ""
    value = context.compiler.expression(context, scope, call.filter)
    return require(value, BOOLEAN, "FILTER clause must be a boolean: actual type",
                   position_of(call.filter)).sql  # fmt: skip


def order_by(context: Context, scope: Scope, items: Sequence[exp.Expr]) -> str:
    """`ORDER BY …` over expressions of one scope; empty without items."""
    if not items:
        return ""
    parts = []
    for item in items:
        assert isinstance(item, exp.Ordered)
        value = context.compiler.expression(context, scope, item.this)
        parts.append(ordered(value, item))
    return "ORDER BY " + ", ".join(parts)


def ordered(value: Typed, item: exp.Expr) -> str:
    """One item of an ORDER BY, with its direction and where NULLs go (last, unless told)."""
    only(item, "this", "desc", "nulls_first")
    if value.type.name in ("map", "json"):
        raise StatementError(
            "TYPE_MISMATCH",
            f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY",
            position_of(item),
        )
    direction = "DESC" if item.args.get("desc") else "ASC"
    nulls = "FIRST" if item.args.get("nulls_first") else "LAST"
    sql = "NULL::INTEGER" if value.type == UNKNOWN else instant(value)
    return f"{sql} {direction} NULLS {nulls}"
