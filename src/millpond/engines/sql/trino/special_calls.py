"""Calls as they are written: those with rules of their own (TRY, COALESCE, …), and all others."""

from collections.abc import Sequence

from sqlglot import exp

from millpond.engines.sql.trino.calls import Call, is_aggregate, read_call, scalar_call
from millpond.engines.sql.trino.convert import coerce, let
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.operators import (
    compare,
)
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.scope import (
    NULL,
    Context,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.types import (
    UNKNOWN,
    common_type,
)


def compile_node(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    """A call where no GROUP BY stands around it."""
    call = read_call(node)
    if call is None:
        raise not_supported(f"'{node.sql('trino')[:100]}'", position_of(node))
    if is_aggregate(node):
        if scope.in_aggregate:
            raise StatementError(
                "NESTED_AGGREGATION",
                f"Cannot nest aggregations inside aggregation: {node.sql('trino')}",
                position_of(node),
            )
        raise StatementError(
            "EXPRESSION_NOT_SCALAR",
            "The clause cannot contain aggregations, window functions or grouping operations:"
            f" [{node.sql('trino')}]",
            position_of(node),
        )
    _refuse_decoration(call)
    return compile_call(context, scope, call.name, call.arguments, node)


def _refuse_decoration(call: Call) -> None:
    for present, what in (
        (call.is_distinct, "DISTINCT"),
        (call.order, "ORDER BY"),
        (call.filter is not None, "FILTER"),
        (call.ignores_nulls, "IGNORE NULLS"),
    ):
        if present:
            raise StatementError(
                "FUNCTION_NOT_AGGREGATE",
                f"{what} is not supported for the function '{call.name}'",
                position_of(call.node),
            )


def compile_call(
    context: Context, scope: Scope, name: str, arguments: Sequence[exp.Expr], node: exp.Expr
) -> Typed:
    """A scalar function of its arguments' nodes."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(context, scope, arguments, node)
    return scalar_call(context, scope, name, arguments, node)


def _try(context: Context, scope: Scope, arguments: Sequence[exp.Expr], node: exp.Expr) -> Typed:
    (value,) = _exactly(arguments, 1, "try", node)
    inner = context.compiler.expression(context, scope, value)
    return Typed(f"TRY({inner.sql})", inner.type) if inner.type != UNKNOWN else inner


def _coalesce(
    context: Context, scope: Scope, arguments: Sequence[exp.Expr], node: exp.Expr
) -> Typed:
    if len(arguments) < 2:
        raise StatementError(
            "INVALID_FUNCTION_ARGUMENT", "The 'coalesce' function must have at least two arguments",
            position_of(node),
        )  # fmt: skip
    values = [context.compiler.expression(context, scope, one) for one in arguments]
    kind = UNKNOWN
    for value in values:
        merged = common_type(kind, value.type)
        if merged is None:
            raise StatementError(
                "TYPE_MISMATCH",
                f"All COALESCE operands must be the same type or coercible to a common type. Cannot"
                f" find common type between {kind} and {value.type}",
                position_of(node),
            )
        kind = merged
    inner = ", ".join(coerce(value, kind).sql for value in values)
    return Typed(f"coalesce({inner})", kind)


def _nullif(context: Context, scope: Scope, arguments: Sequence[exp.Expr], node: exp.Expr) -> Typed:
    one, other = (
        context.compiler.expression(context, scope, each)
        for each in _exactly(arguments, 2, "nullif", node)
    )
    if one.type == UNKNOWN:
        return NULL

    def unless_equal(value: str) -> str:
        test = compare(Typed(value, one.type), "=", other, position_of(node))
        return f"CASE WHEN {test} THEN NULL ELSE {value} END"

    return Typed(let(one.sql, unless_equal), one.type)


def _row(context: Context, scope: Scope, arguments: Sequence[exp.Expr], node: exp.Expr) -> Typed:
    return context.compiler.expression(context, scope, exp.Tuple(expressions=list(arguments)))


def _now(context: Context, scope: Scope, arguments: Sequence[exp.Expr], node: exp.Expr) -> Typed:
    return context.compiler.expression(context, scope, exp.CurrentTimestamp())


def _localtimestamp(
    context: Context, scope: Scope, arguments: Sequence[exp.Expr], node: exp.Expr
) -> Typed:
    return context.compiler.expression(context, scope, exp.Localtimestamp())


def _exactly(
    arguments: Sequence[exp.Expr], count: int, name: str, node: exp.Expr
) -> Sequence[exp.Expr]:
    if len(arguments) != count:
        raise StatementError(
            "INVALID_FUNCTION_ARGUMENT",
            f"The '{name}' function must have exactly {count} argument{'s' * (count > 1)}",
            position_of(node),
        )
    return arguments


def _normalize(
    context: Context, scope: Scope, arguments: Sequence[exp.Expr], node: exp.Expr
) -> Typed:
    """`normalize(text, NFD)`: the form is a keyword."""
    text, *form = arguments
    if len(form) == 1 and isinstance(form[0], exp.Column) and not form[0].table:
        form = [exp.Literal.string(form[0].name.upper())]
    return scalar_call(context, scope, "normalize", [text, *form], node)


_SPECIAL = {
    "normalize": _normalize,
    "try": _try,
    "coalesce": _coalesce,
    "nullif": _nullif,
    "row": _row,
    "now": _now,
    "current_timestamp": _now,
    "localtimestamp": _localtimestamp,
}

SPECIAL_NAMES = (*_SPECIAL, "if", "cast", "try_cast", "extract", "position", "grouping")
"""Calls that have a grammar or rules of their own, for the documentation."""
