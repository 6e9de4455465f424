"""Function calls: which function a call means, its arguments, aggregates and windows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from millpond.engines.sql.trino.convert import coerce, let, require, text_of
from millpond.engines.sql.trino.errors import Position, StatementError, not_supported
from millpond.engines.sql.trino.functions import find
from millpond.engines.sql.trino.functions.registry import Function, Kind, Overload
from millpond.engines.sql.trino.lambdas import Lambda
from millpond.engines.sql.trino.operators import compare, instant, refuse_maps
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import NULL, Context, Scope, Typed
from millpond.engines.sql.trino.signatures import (
    Bindings,
    Pattern,
    choose,
    concrete,
    result_type,
    target_type,
)
from millpond.engines.sql.trino.types import (
    AGGREGATE_END,
    AGGREGATE_START,
    BIGINT,
    BOOLEAN,
    UNKNOWN,
    Type,
    can_coerce,
    common_type,
)


@dataclass(slots=True)
class Call:
    """A call as it is written, with what stands around it."""

    name: str
    arguments: list[exp.Expr]
    node: exp.Expr
    is_distinct: bool = False
    order: list[exp.Expr] = field(default_factory=list)
    filter: exp.Expr | None = None
    ignores_nulls: bool = False


def read_call(node: exp.Expr) -> Call | None:
    """The call that a node is, through FILTER, WITHIN GROUP and IGNORE NULLS; None: it is none."""
    if isinstance(node, exp.Filter):
        call = read_call(node.this)
        if call is not None:
            call.filter = node.expression.this
        return call
    if isinstance(node, exp.WithinGroup):
        call = read_call(node.this)
        if call is not None:
            call.order = list(node.expression.expressions)
        return call
    if isinstance(node, exp.IgnoreNulls | exp.RespectNulls):
        call = read_call(node.this)
        if call is not None:
            call.ignores_nulls = isinstance(node, exp.IgnoreNulls)
        return call
    if not isinstance(node, exp.Anonymous):
        return None
    name = node.this.name if isinstance(node.this, exp.Expr) else str(node.this)
    call = Call(name.lower(), list(node.expressions), node)
    if call.arguments:
        _unwrap_last(call)
    return call


def _unwrap_last(call: Call) -> None:
    """DISTINCT and ORDER BY inside the parentheses."""
    last = call.arguments[-1]
    if isinstance(last, exp.Order):
        call.order = list(last.expressions)
        call.arguments[-1] = last.this
        last = last.this
    if isinstance(last, exp.Distinct):
        call.is_distinct = True
        call.arguments[-1:] = last.expressions


def is_aggregate(node: exp.Expr) -> bool:
    """Whether a node is itself an aggregate call (or GROUPING)."""
    call = read_call(node)
    if call is None:
        return False
    function = find(call.name)
    return call.name == "grouping" or (function is not None and function.kind is Kind.AGGREGATE)


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an aggregate of this query stands in an expression; those of subqueries do not count,
    and an aggregate OVER a window is none, though its arguments may hold some."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.Query):
            continue
        if isinstance(one, exp.Window):
            call = read_call(one.this)
            inside: list[exp.Expr] = list(call.arguments) + list(call.order) if call else [one.this]
            if call is not None and call.filter is not None:
                inside.append(call.filter)
            inside += [
                part
                for name in ("partition_by", "order", "spec")
                for part in _as_list(one.args.get(name))
            ]
            waiting += inside
            continue
        if is_aggregate(one):
            return True
        waiting += list(one.iter_expressions())
    return False


def _as_list(value: object) -> list[exp.Expr]:
    if isinstance(value, list):
        return [one for one in value if isinstance(one, exp.Expr)]
    return [value] if isinstance(value, exp.Expr) else []


def is_quantified(node: exp.Expr) -> bool:
    """`ANY (…)`, `ALL (…)` or `SOME (…)`, some of which are parsed as calls."""
    if isinstance(node, exp.Any | exp.All):
        return True
    call = read_call(node)
    return call is not None and call.name in ("any", "all", "some") and len(call.arguments) == 1


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
    return _scalar_call(context, scope, name, arguments, node)


def _scalar_call(
    context: Context, scope: Scope, name: str, arguments: Sequence[exp.Expr], node: exp.Expr
) -> Typed:
    function = find(name)
    if function is None:
        raise StatementError(
            "FUNCTION_NOT_FOUND", f"Function '{name}' not registered", position_of(node)
        )
    if function.kind is Kind.WINDOW:
        raise StatementError(
            "MISSING_OVER", f"Window function {name} requires an OVER clause", position_of(node)
        )
    values, overload, bindings = _bind(context, scope, function, arguments, node)
    return _emit(overload, values, bindings)


def _bind(
    context: Context,
    scope: Scope,
    function: Function,
    arguments: Sequence[exp.Expr],
    node: exp.Expr,
) -> tuple[list[Typed | Lambda], Overload, Bindings]:
    """Choose the overload, and bring the arguments into the types that it asks for."""
    compiled = [
        None if isinstance(one, exp.Lambda) else context.compiler.expression(context, scope, one)
        for one in arguments
    ]
    kinds = [None if value is None else value.type for value in compiled]
    chosen = choose([one.signature for one in function.overloads], kinds)
    if chosen is None:
        shown = ", ".join("function" if kind is None else str(kind) for kind in kinds)
        expected = ", ".join(one.text for one in function.overloads[:12])
        raise StatementError(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters ({shown}) for function {function.name}. Expected: {expected}",
            position_of(node),
        )
    overload, bindings = function.overloads[chosen[0]], dict(chosen[1])
    signature = overload.signature
    for _ in range(2):
        lambdas = {
            index: _bind_lambda(context, scope, one, signature.parameter(index), bindings)
            for index, one in enumerate(arguments)
            if isinstance(one, exp.Lambda)
        }
    values: list[Typed | Lambda] = []
    for index, value in enumerate(compiled):
        if value is None:
            values.append(lambdas[index])
        else:
            target = target_type(signature.parameter(index), value.type, bindings)
            values.append(coerce(value, target))
    return values, overload, bindings


def _bind_lambda(
    context: Context, scope: Scope, node: exp.Lambda, pattern: Pattern, bindings: Bindings
) -> Lambda:
    *parameters, result = pattern.arguments
    position = position_of(node)
    names = [one.name.lower() for one in node.expressions]
    if len(names) != len(parameters):
        raise StatementError(
            "INVALID_ARGUMENTS",
            f"Expected a lambda that takes {len(parameters)} argument(s) but got {len(names)}",
            position,
        )
    kinds = tuple(result_type(one, (), bindings) for one in parameters)

    def compile_body(values: Sequence[Typed]) -> Typed:
        inner = scope.with_variables(dict(zip(names, values, strict=True)))
        body = context.compiler.expression(context, inner, node.this)
        if result.is_variable:
            return coerce(
                body, common_type(bindings.get(result.name, UNKNOWN), body.type) or body.type
            )
        return require(body, concrete(result.name), "Lambda expression must be a", position)

    made = Lambda(kinds, compile_body, lambda: context.fresh("l"))
    if result.is_variable:
        merged = common_type(bindings.get(result.name, UNKNOWN), made.type)
        if merged is None:
            raise StatementError(
                "TYPE_MISMATCH",
                f"Lambda expression must be a {bindings[result.name]}, but is {made.type}",
                position,
            )
        bindings[result.name] = merged
    return made


def _emit(overload: Overload, values: Sequence[Typed | Lambda], bindings: Bindings) -> Typed:
    kinds = [value.type for value in values]
    kind = (
        overload.result(kinds)
        if overload.result is not None
        else result_type(overload.signature.result, kinds, bindings)
    )
    if isinstance(overload.emit, str):
        return Typed(_fill(overload.emit, [value.sql for value in values]), kind)
    return _with_named_queries(overload, list(values), kind)


def _with_named_queries(
    overload: Overload, values: list[Typed | Lambda], kind: Type, place: int = 0
) -> Typed:
    """A function's answer, its arguments that are subqueries named: DuckDB repeats none of them."""
    while place < len(values):
        value = values[place]
        if isinstance(value, Typed) and ("(SELECT " in value.sql or "(WITH " in value.sql):
            break
        place += 1
    else:
        assert not isinstance(overload.emit, str)
        made = overload.emit(*values)
        return made if isinstance(made, Typed) else Typed(made, kind)
    found: list[Typed] = []

    def rest(name: str) -> str:
        named = Typed(name, value.type)
        inner = [*values[:place], named, *values[place + 1 :]]
        found.append(_with_named_queries(overload, inner, kind, place + 1))
        return found[-1].sql

    sql = let(value.sql, rest)
    return Typed(sql, found[-1].type)


def _fill(template: str, arguments: list[str], place: int = 0) -> str:
    """A template over its arguments. Those that it or its macros may repeat are named first."""
    if place == len(arguments):
        return template.format(*arguments)
    argument = arguments[place]

    def rest(name: str) -> str:
        return _fill(template, [*arguments[:place], name, *arguments[place + 1 :]], place + 1)

    repeated = "t_" in template or template.count(f"{{{place}}}") > 1
    if repeated and not argument.startswith("lambda "):
        return let(argument, rest)
    return rest(argument)


def shown_text(value: Typed) -> str:
    """A value as an error message shows it: a VARCHAR expression, never NULL."""
    if value.type.name in ("array", "map", "row", "json", "varbinary", "unknown"):
        return "''"
    return f"coalesce({text_of(value.sql, value.type)}, '')"


# Calls that are more than functions.


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
    return _scalar_call(context, scope, "normalize", [text, *form], node)


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


# Aggregates.


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
    return grouping.add_aggregate(_aggregate(context, inner, call, over=""))


def _aggregate(context: Context, scope: Scope, call: Call, over: str) -> Typed:
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
    values, overload, bindings = _bind(context, scope, function, arguments, call.node)
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


# Windows.


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
    return _aggregate(context, inner, call, over=_over(context, inner, node) or " ")


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
