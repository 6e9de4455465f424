"""Function calls: which function a call means, its arguments, its answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from millpond.engines.sql.trino.convert import coerce, let, require, text_of
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.functions import find
from millpond.engines.sql.trino.functions.registry import Function, Kind, Overload
from millpond.engines.sql.trino.lambdas import Lambda
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.scope import (
    Context,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.signatures import (
    Bindings,
    Pattern,
    choose,
    concrete,
    result_type,
    target_type,
)
from millpond.engines.sql.trino.types import (
    UNKNOWN,
    Type,
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


def scalar_call(
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
    values, overload, bindings = bind(context, scope, function, arguments, node)
    return _emit(overload, values, bindings)


def bind(
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
