"""Expressions: each node of the tree to DuckDB's SQL and a type of Flink's.

What a node is decides who reads it (`_READERS`); a node that has no reader is refused with its
place. Names are the scope's to resolve, calls are looked up among its functions, then in the table
(`functions.table`).
"""

from collections.abc import Callable

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import NO_ARGUMENTS
from millpond.engines.streams.sql import operators
from millpond.engines.streams.sql.casts import cast, cast_to_fit
from millpond.engines.streams.sql.dialect import TimeLiteral, TypeName, position_of
from millpond.engines.streams.sql.expressions import literals, patterns
from millpond.engines.streams.sql.functions import json
from millpond.engines.streams.sql.functions.aggregates import is_aggregate
from millpond.engines.streams.sql.functions.calls import Call
from millpond.engines.streams.sql.functions.table import FUNCTIONS, NEED_FLINK
from millpond.engines.streams.sql.json_calls import JsonCall
from millpond.engines.streams.sql.typed import Position, Scope, Typed
from millpond.engines.streams.sql.types import common_type
from millpond.engines.streams.sql.values import filled, made, text_literal
from millpond.engines.streams.types import BOOLEAN, STRING


def translate(tree: exp.Expr, scope: Scope) -> Typed:
    """DuckDB's SQL for an expression over the columns of `scope`. It stands for itself: nothing
    around it needs brackets. A literal NULL has the type `NULL`, a difference of times `INTERVAL`;
    neither can be a column as it is.

    Raises:
        Refused: it is wrong, or not supported; with its place in the program.
    """
    try:
        return _translate(tree, scope)
    except RecursionError as error:
        at = position_of(tree)
        raise Refused("An expression nests too deeply", at.line, at.column) from error


def _translate(node: exp.Expr, scope: Scope) -> Typed:
    reader = _READERS.get(type(node))
    if reader is None:
        at = position_of(node)
        raise Refused(
            f"{_described(node)} is not supported in an expression", at.line, at.column,
            needs_flink=isinstance(node, exp.Query | exp.Exists | exp.Subquery),
        )  # fmt: skip
    return reader(node, scope)


def _described(node: exp.Expr) -> str:
    if isinstance(node, exp.Query | exp.Exists):
        return "A subquery"
    if isinstance(node, exp.Window):
        return "An OVER window"
    return f"'{node.key.upper()}'"


def _column(node: exp.Expr, scope: Scope) -> Typed:
    if isinstance(node.this, exp.Star):
        at = position_of(node)
        raise Refused("'*' cannot stand in an expression", at.line, at.column)
    return scope.column(tuple(part.name for part in node.parts), position_of(node))


def _dot(node: exp.Expr, scope: Scope) -> Typed:
    names: list[str] = []
    inner = node
    while isinstance(inner, exp.Dot):
        if not isinstance(inner.expression, exp.Identifier):
            at = position_of(node)
            raise Refused("Functions of a catalog are not supported", at.line, at.column)
        names.insert(0, inner.expression.name)
        inner = inner.this
    if isinstance(inner, exp.Column):
        parts = [part.name for part in inner.parts]
        return scope.column((*parts, *names), position_of(node))
    value = _translate(inner, scope)
    for name in names:
        value = field_of(value, name, position_of(node))
    return value


def field_of(value: Typed, name: str, at: Position) -> Typed:
    """A field of a ROW.

    Raises:
        Refused: it is no ROW, or has no such field.
    """
    kind = dict(value.type.fields).get(name) if value.type.name == "ROW" else None
    if kind is None:
        raise Refused(f"Column '{name}' not found in {value.type.flink()}", at.line, at.column)
    return made(f"struct_extract({value.sql}, {text_literal(name)})", kind, [value])


def _boolean_operand(node: exp.Expr, scope: Scope, word: str) -> Typed:
    value = _translate(node, scope)
    if value.type.name == "NULL":
        return cast_to_fit(value, BOOLEAN)
    if value.type.name != "BOOLEAN":
        at = position_of(node)
        raise Refused(
            f"Cannot apply '{word}' to an argument of type <{value.type.flink()}>, it takes"
            " BOOLEANs",
            at.line,
            at.column,
        )
    return value


def _connective(node: exp.Expr, scope: Scope) -> Typed:
    word = "AND" if isinstance(node, exp.And) else "OR"
    operands: list[exp.Expr] = []
    inner = node
    while type(inner) is type(node):
        operands.insert(0, inner.expression)
        inner = inner.this
    operands.insert(0, inner)
    values = [_boolean_operand(operand, scope, word) for operand in operands]
    return made("(" + f" {word} ".join(value.sql for value in values) + ")", BOOLEAN, values)


def _not(node: exp.Expr, scope: Scope) -> Typed:
    return filled("(NOT $0)", BOOLEAN, _boolean_operand(node.this, scope, "NOT"))


def _arithmetic(node: exp.Expr, scope: Scope) -> Typed:
    left, right = _translate(node.this, scope), _translate(node.expression, scope)
    return operators.arithmetic(type(node), left, right, position_of(node))


def _negation(node: exp.Expr, scope: Scope) -> Typed:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return literals.number(f"-{node.this.name}", node)
    return operators.negated(_translate(node.this, scope), position_of(node))


def _comparison(node: exp.Expr, scope: Scope) -> Typed:
    left, right = _translate(node.this, scope), _translate(node.expression, scope)
    return operators.compared(type(node), left, right, position_of(node))


def _between(node: exp.Expr, scope: Scope) -> Typed:
    at = position_of(node)
    values = [_translate(part, scope) for part in (node.this, node.args["low"], node.args["high"])]
    value, low, high = operators.comparable(values, "BETWEEN", at)
    if node.args.get("symmetric"):
        either = "(($0 BETWEEN $1 AND $2) OR ($0 BETWEEN $2 AND $1))"
        return filled(either, BOOLEAN, value, low, high)
    return filled("($0 BETWEEN $1 AND $2)", BOOLEAN, value, low, high)


def _in(node: exp.Expr, scope: Scope) -> Typed:
    at = position_of(node)
    if node.args.get("query") or node.args.get("unnest") or node.args.get("field"):
        raise Refused("IN with a subquery is not supported", at.line, at.column, needs_flink=True)
    values = [_translate(part, scope) for part in (node.this, *node.expressions)]
    if len(values) < 2:
        raise Refused("SQL parse failed. IN has no values", at.line, at.column)
    value, *choices = operators.comparable(values, "IN", at)
    listed = ", ".join(choice.sql for choice in choices)
    return made(f"({value.sql} IN ({listed}))", BOOLEAN, [value, *choices])


def _is(node: exp.Expr, scope: Scope) -> Typed:
    test = node.expression
    if isinstance(test, exp.Null):
        return filled("($0 IS NULL)", BOOLEAN, _translate(node.this, scope))
    if isinstance(test, exp.Boolean):
        value = _boolean_operand(node.this, scope, "IS")
        wanted = "TRUE" if test.this else "FALSE"
        return filled(f"($0 IS NOT DISTINCT FROM {wanted})", BOOLEAN, value)
    if isinstance(test, exp.Column) and test.name.upper() == "UNKNOWN" and not test.this.quoted:
        return filled("($0 IS NULL)", BOOLEAN, _boolean_operand(node.this, scope, "IS"))
    at = position_of(node)
    if isinstance(test, exp.JSON) and not test.args.get("unique"):
        return json.is_json(_translate(node.this, scope), str(test.this or "VALUE"), at)
    raise Refused("IS takes NULL, TRUE, FALSE, UNKNOWN or JSON", at.line, at.column)


def _like(node: exp.Expr, scope: Scope) -> Typed:
    return _matched(node, scope, None)


def _escape(node: exp.Expr, scope: Scope) -> Typed:
    if not isinstance(node.this, exp.Like | exp.SimilarTo) or not node.expression.is_string:
        at = position_of(node)
        raise Refused("ESCAPE takes one character", at.line, at.column)
    return _matched(node.this, scope, node.expression.name)


def _matched(node: exp.Expr, scope: Scope, escape: str | None) -> Typed:
    at = position_of(node)
    value, pattern = _translate(node.this, scope), _translate(node.expression, scope)
    if isinstance(node, exp.Like):
        matched = patterns.like(value, pattern, escape, at)
    else:
        matched = patterns.similar(value, pattern, node.expression, escape, at)
    return filled("(NOT $0)", BOOLEAN, matched) if node.args.get("negate") else matched


def _concatenation(node: exp.Expr, scope: Scope) -> Typed:
    parts = [_translate(part, scope) for part in (node.this, node.expression)]
    return _call_of("||", parts, [node.this, node.expression], position_of(node))


def _case(node: exp.Expr, scope: Scope) -> Typed:
    at = position_of(node)
    subject = _translate(node.this, scope) if node.this else None
    conditions: list[Typed] = []
    values: list[Typed] = []
    for branch in node.args["ifs"]:
        if subject is None:
            conditions.append(_boolean_operand(branch.this, scope, "CASE"))
        else:
            choice = _translate(branch.this, scope)
            conditions.append(operators.compared(exp.EQ, subject, choice, at))
        values.append(_translate(branch.args["true"], scope))
    default = node.args.get("default")
    values.append(_translate(default, scope) if default else literals.null())
    return choose(conditions, values, at)


def choose(conditions: list[Typed], values: list[Typed], at: Position) -> Typed:
    """The value of the first true condition, else the last value, as their common type.

    Raises:
        Refused: they have none.
    """
    kind = common_type([value.type for value in values])
    if kind is None:
        shown = ", ".join(value.type.flink() for value in values)
        raise Refused(f"Illegal mixing of types in CASE: {shown}", at.line, at.column)
    values = [cast_to_fit(value, kind) for value in values]
    branches = " ".join(
        f"WHEN {condition.sql} THEN {value.sql}"
        for condition, value in zip(conditions, values, strict=False)
    )
    return made(f"(CASE {branches} ELSE {values[-1].sql} END)", kind, [*conditions, *values])


def _cast(node: exp.Expr, scope: Scope) -> Typed:
    target: TypeName = node.args["to"]
    value = _translate(node.this, scope)
    return cast(value, target.type_named, position_of(node), safe=isinstance(node, exp.TryCast))


def _element(node: exp.Expr, scope: Scope) -> Typed:
    parts = [node.this, *node.expressions]
    return _call_of("[]", [_translate(part, scope) for part in parts], parts, position_of(node))


def _trim(node: exp.Expr, scope: Scope) -> Typed:
    what = node.args.get("expression")
    parts = [part for part in (node.this, what) if part is not None]
    name = {"LEADING": "TRIM LEADING", "TRAILING": "TRIM TRAILING"}.get(
        str(node.args.get("position") or ""), "TRIM"
    )
    return _call_of(name, [_translate(part, scope) for part in parts], parts, position_of(node))


def _json_call(node: exp.Expr, scope: Scope) -> Typed:
    name = str(node.this)
    at = position_of(node)
    if is_aggregate(name):
        raise Refused(f"The aggregate function {name} is not supported", at.line, at.column,
                      needs_flink=True)  # fmt: skip
    arguments = [_translate(part, scope) for part in node.expressions]
    call = Call(name, tuple(arguments), tuple(node.expressions), at)
    return json.json_call(call, node, lambda part: _translate(part, scope))


def _call(node: exp.Expr, scope: Scope) -> Typed:
    written = node.this.name if isinstance(node.this, exp.Identifier) else str(node.this)
    at = position_of(node)
    nodes = [part for part in node.expressions if part is not None]
    name = written.upper()
    if function := scope.function(written):
        arguments = [_translate(part, scope) for part in nodes]
        if function.result is None:
            raise Refused(
                f"{written}: the function says nowhere what type it gives", at.line, at.column
            )
        listed = ", ".join(argument.sql for argument in arguments) or NO_ARGUMENTS
        value = made(f"{function.called}({listed})", function.result, arguments)
        return Typed(value.sql, value.type, value.functions | {function.name})
    if is_aggregate(name):
        raise Refused(f"The aggregate function {name} cannot stand here", at.line, at.column)
    units = [part.name if isinstance(part, exp.Var) else "" for part in nodes]
    arguments = [
        Typed(f"'{unit}'", STRING) if unit else _translate(part, scope)
        for part, unit in zip(nodes, units, strict=True)
    ]
    return _call_of(name, arguments, nodes, at)


def _call_of(name: str, arguments: list[Typed], nodes: list[exp.Expr], at: Position) -> Typed:
    known = FUNCTIONS.get(name)
    if known is None:
        if name in NEED_FLINK:
            raise Refused(
                f"The function {name} is not supported", at.line, at.column, needs_flink=True
            )
        shown = ", ".join(f"<{argument.type.flink()}>" for argument in arguments)
        raise Refused(f"No match found for function signature {name}({shown})", at.line, at.column)
    return known.translate(Call(name, tuple(arguments), tuple(nodes), at))


_READERS: dict[type[exp.Expr], Callable[..., Typed]] = {
    exp.Column: _column,
    exp.Dot: _dot,
    exp.Paren: lambda node, scope: _translate(node.this, scope),
    exp.Literal: lambda node, scope: literals.literal(node),
    exp.HexString: lambda node, scope: literals.hexadecimal(node),
    exp.UnicodeString: lambda node, scope: literals.unicode_string(node),
    exp.Boolean: lambda node, scope: literals.boolean(node),
    exp.Null: lambda node, scope: literals.null(),
    exp.Interval: lambda node, scope: literals.interval(node),
    TimeLiteral: lambda node, scope: literals.time_literal(node),
    exp.And: _connective,
    exp.Or: _connective,
    exp.Not: _not,
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.Mul: _arithmetic,
    exp.Div: _arithmetic,
    exp.Mod: _arithmetic,
    exp.Neg: _negation,
    **dict.fromkeys(operators.COMPARISONS, _comparison),
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Like: _like,
    exp.SimilarTo: _like,
    exp.Escape: _escape,
    exp.DPipe: _concatenation,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Bracket: _element,
    exp.Trim: _trim,
    exp.Anonymous: _call,
    JsonCall: _json_call,
}
