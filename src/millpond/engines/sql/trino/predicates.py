"""Conditions and choices: comparisons, AND and OR, IN, LIKE, CASE, IF."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from millpond.engines.sql.trino.calls import is_quantified
from millpond.engines.sql.trino.convert import coerce, let, require
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.operators import (
    comparable,
    compare,
    instant,
)
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    NULL,
    Context,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.types import (
    BOOLEAN,
    UNKNOWN,
    VARCHAR,
    Type,
    common_type,
)

Reader = Callable[[Context, Scope, exp.Expr], Typed]


def predicate(context: Context, scope: Scope, node: exp.Expr, clause: str) -> str:
    """A condition: a boolean, or refused as `clause` asks for one."""
    value = context.compiler.expression(context, scope, node)
    what = f"{clause} must evaluate to a boolean: actual type"
    return require(value, BOOLEAN, what, position_of(node)).sql


def unify(values: Sequence[Typed], what: str, node: exp.Expr) -> tuple[list[Typed], Type]:
    """The values in their common type.

    Raises:
        StatementError: TYPE_MISMATCH, beginning with `what`.
    """
    kind = UNKNOWN
    for value in values:
        merged = common_type(kind, value.type)
        if merged is None:
            raise StatementError(
                "TYPE_MISMATCH", f"{what}: {kind} vs {value.type}", position_of(node)
            )
        kind = merged
    return [coerce(value, kind) for value in values], kind


def flattened(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    """The operands of a chain `a AND b AND c`, without recursion: chains may be long."""
    operands: list[exp.Expr] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if type(one) is kind:
            waiting += [one.expression, one.this]
        else:
            operands.append(one)
    return operands


def comparison(operator: str) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        left = context.compiler.expression(context, scope, node.this)
        if is_quantified(node.expression):
            return context.compiler.quantified(context, scope, node, left, operator)
        right = context.compiler.expression(context, scope, node.expression)
        return Typed(compare(left, operator, right, position_of(node)), BOOLEAN)

    return read


def distinct_from(negated: bool) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        left = context.compiler.expression(context, scope, node.this)
        right = context.compiler.expression(context, scope, node.expression)
        one, other = comparable(left, "=", right, position_of(node))
        word = "IS NOT DISTINCT FROM" if negated else "IS DISTINCT FROM"
        return Typed(f"({instant(one)} {word} {instant(other)})", BOOLEAN)

    return read


def logical(word: str) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        parts = [
            predicate(context, scope, one, "Logical expression term")
            for one in flattened(node, type(node))
        ]
        return Typed("(" + f" {word} ".join(parts) + ")", BOOLEAN)

    return read


def negation(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    inner = predicate(context, scope, node.this, "Value of logical NOT expression")
    return Typed(f"(NOT {inner})", BOOLEAN)


def between(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "low", "high")
    value = context.compiler.expression(context, scope, node.this)
    low = context.compiler.expression(context, scope, node.args["low"])
    high = context.compiler.expression(context, scope, node.args["high"])
    position = position_of(node)

    def within(sql: str) -> str:
        x = replace(value, sql=sql)
        return f"({compare(x, '>=', low, position)} AND {compare(x, '<=', high, position)})"

    return Typed(let(value.sql, within), BOOLEAN)


def membership(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "expressions", "query")
    value = context.compiler.expression(context, scope, node.this)
    if node.args.get("query"):
        return context.compiler.contained(context, scope, node, value)
    options = [context.compiler.expression(context, scope, one) for one in node.expressions]
    pairs = [comparable(value, "=", option, position_of(node)) for option in options]
    if len({one.type for one, _ in pairs}) == 1 and pairs[0][0].type.name not in ("row", "array"):
        inner = ", ".join(instant(other) for _, other in pairs)
        return Typed(f"({instant(pairs[0][0])} IN ({inner}))", BOOLEAN)

    def among(sql: str) -> str:
        x = replace(value, sql=sql)
        tests = [compare(x, "=", option, position_of(node)) for option in options]
        return "(" + " OR ".join(tests) + ")"

    return Typed(let(value.sql, among), BOOLEAN)


def is_null(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    if not isinstance(node.expression, exp.Null):
        raise not_supported(f"IS {node.expression.sql('trino')}", position_of(node))
    value = context.compiler.expression(context, scope, node.this)
    return Typed(f"({value.sql} IS NULL)", BOOLEAN)


def like(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "expression", "negate")
    pattern, escape = node.expression, None
    if isinstance(pattern, exp.Escape):
        pattern, escape = pattern.this, pattern.expression
    return _like_of(context, scope, node, (node.this, pattern, escape))


def escape(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    like = node.this
    if not isinstance(like, exp.Like):
        raise not_supported("ESCAPE here", position_of(node))
    only(like, "this", "expression", "negate")
    return _like_of(context, scope, like, (like.this, like.expression, node.expression))


def _like_of(
    context: Context,
    scope: Scope,
    node: exp.Expr,
    parts: tuple[exp.Expr, exp.Expr, exp.Expr | None],
) -> Typed:
    compiled = [
        require(
            context.compiler.expression(context, scope, one), VARCHAR,
            "LIKE expression must evaluate to a varchar: actual type", position_of(one),
        )
        for one in parts
        if one is not None
    ]  # fmt: skip
    sql = f"{compiled[0].sql} LIKE {compiled[1].sql}"
    if len(compiled) == 3:
        if isinstance(compiled[2].value, str) and len(compiled[2].value) != 1:
            raise StatementError(
                "INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character",
                position_of(node),
            )  # fmt: skip
        sql += f" ESCAPE {compiled[2].sql}"
    return Typed(f"(NOT ({sql}))" if node.args.get("negate") else f"({sql})", BOOLEAN)


def case_when(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "ifs", "default")
    operand = node.args.get("this")
    subject = context.compiler.expression(context, scope, operand) if operand else None
    tests: list[str] = []
    options: list[Typed] = []
    for branch in node.args["ifs"]:
        if subject is None:
            tests.append(predicate(context, scope, branch.this, "CASE WHEN clause"))
        else:
            options.append(context.compiler.expression(context, scope, branch.this))
    values = [
        context.compiler.expression(context, scope, one.args["true"]) for one in node.args["ifs"]
    ]
    default = node.args.get("default")
    values.append(context.compiler.expression(context, scope, default) if default else NULL)
    results, kind = unify(
        values, "All CASE results must be the same type or coercible to a common type", node
    )

    def cases(tests: Sequence[str]) -> str:
        branches = " ".join(
            f"WHEN {test} THEN {result.sql}" for test, result in zip(tests, results, strict=False)
        )
        return f"CASE {branches} ELSE {results[-1].sql} END"

    def of_subject(sql: str) -> str:
        assert subject is not None
        x = replace(subject, sql=sql)
        return cases([compare(x, "=", option, position_of(node)) for option in options])

    return Typed(cases(tests) if subject is None else let(subject.sql, of_subject), kind)


def if_else(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "true", "false")
    test = predicate(context, scope, node.this, "IF condition")
    when = context.compiler.expression(context, scope, node.args["true"])
    otherwise = node.args.get("false")
    other = context.compiler.expression(context, scope, otherwise) if otherwise else NULL
    (one, two), kind = unify([when, other], "Result types for IF must be the same", node)
    return Typed(f"CASE WHEN {test} THEN {one.sql} ELSE {two.sql} END", kind)
