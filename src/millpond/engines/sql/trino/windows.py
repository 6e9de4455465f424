"""Window functions: `function(…) OVER (…)`."""

from sqlglot import exp

from millpond.engines.sql.trino.aggregates import aggregate, order_by
from millpond.engines.sql.trino.calls import read_call
from millpond.engines.sql.trino.errors import Position, StatementError
from millpond.engines.sql.trino.functions import find
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
from millpond.engines.sql.trino.types import (
    Type,
    can_coerce,
)


def compile_window(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    """`function(…) OVER (…)`."""
    position = position_of(node)
    call = read_call(node.this)
    if call is None or find(call.name) is None:
        name = call.name if call else node.this.sql("trino")
        raise StatementError("FUNCTION_NOT_FOUND", f"Function '{name}' not registered", position)
    if not scope.allows_windows:
        raise StatementError(
            "EXPRESSION_NOT_SCALAR",
            "The clause cannot contain aggregations, window functions or grouping operations:"
            f" [{node.sql('trino')}]",
            position,
        )
    inner = Scope(scope.fields, scope.parent, scope.variables, scope.grouping, scope.windows, False)
    return aggregate(context, inner, call, over=_over(context, inner, node) or " ")


def _over(context: Context, scope: Scope, node: exp.Expr) -> str:
    only(node, "this", "partition_by", "order", "spec", "alias", "over")
    partition, order, spec = _merged(scope, node)
    parts = []
    if partition:
        values = [context.compiler.expression(context, scope, one) for one in partition]
        for value in values:
            refuse_maps(value.type, "PARTITION BY", position_of(node))
        parts.append("PARTITION BY " + ", ".join(map(instant, values)))
    if order is not None:
        parts.append(order_by(context, scope, order.expressions))
    if spec is not None:
        parts.append(_frame(context, scope, spec))
    return " ".join(parts)


def _merged(
    scope: Scope, node: exp.Expr
) -> tuple[list[exp.Expr], exp.Expr | None, exp.Expr | None]:
    """A window's parts, with those of the named window that it builds on."""
    partition = node.args.get("partition_by") or []
    order, spec = node.args.get("order"), node.args.get("spec")
    alias = node.args.get("alias")
    if alias is not None:
        base = scope.windows.get(alias.name.lower())
        if base is None:
            raise StatementError(
                "INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {alias.name}",
                position_of(node),
            )  # fmt: skip
        below = _merged(scope, base)
        partition, order, spec = partition or below[0], order or below[1], spec or below[2]
    return partition, order, spec


def _frame(context: Context, scope: Scope, spec: exp.Expr) -> str:
    only(spec, "kind", "start", "start_side", "end", "end_side")
    position = position_of(spec)
    start = _bound(context, scope, spec.args["start"], spec.args.get("start_side"), position)
    if not spec.args.get("end"):
        return f"{spec.args['kind']} {start}"
    end = _bound(context, scope, spec.args["end"], spec.args.get("end_side"), position)
    return f"{spec.args['kind']} BETWEEN {start} AND {end}"


def _bound(context: Context, scope: Scope, value: object, side: object, position: Position) -> str:
    if value == "CURRENT ROW":
        return "CURRENT ROW"
    if side not in ("PRECEDING", "FOLLOWING"):
        raise StatementError(
            "SYNTAX_ERROR", "A window frame's bound needs PRECEDING or FOLLOWING", position
        )
    if isinstance(value, str):
        return f"{value} {side}"
    assert isinstance(value, exp.Expr)
    made = context.compiler.expression(context, scope, value)
    sql = made.sql
    if made.type.name == "interval day to second":
        sql = f"to_milliseconds({sql})"
    elif made.type.name == "interval year to month":
        sql = f"to_months({sql})"
    elif not can_coerce(made.type, Type("double")):
        raise StatementError(
            "TYPE_MISMATCH", f"Window frame value type must be numeric or interval: {made.type}",
            position_of(value),
        )  # fmt: skip
    return f"{sql} {side}"
