"""Expressions: each node of the syntax tree to a typed DuckDB expression.

What a node is decides which function reads it (`_READERS`); a node that has none is refused.
Subqueries and what is inside other nodes are reached through the context.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from sqlglot import exp

from millpond.engines.sql.trino import literals, predicates
from millpond.engines.sql.trino.aggregates import compile_grouped
from millpond.engines.sql.trino.calls import has_aggregate, is_aggregate, shown_text
from millpond.engines.sql.trino.convert import cast, require
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.functions import find
from millpond.engines.sql.trino.operators import (
    arithmetic,
)
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.predicates import Reader, flattened, unify
from millpond.engines.sql.trino.reading import only, type_of
from millpond.engines.sql.trino.scope import (
    Context,
    Scope,
    Typed,
    canonical,
    resolve,
)
from millpond.engines.sql.trino.special_calls import compile_call, compile_node
from millpond.engines.sql.trino.types import (
    array,
    quote_name,
    row,
)
from millpond.engines.sql.trino.windows import compile_window


def compile_expression(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    """The typed DuckDB expression of a node.

    Raises:
        StatementError: what Trino would say of it, or NOT_SUPPORTED.
    """
    if scope.grouping is not None:
        found = _of_group(context, scope, node)
        if found is not None:
            return found
    reader = _READERS.get(type(node))
    if reader is None:
        raise not_supported(f"'{node.sql('trino')[:100]}'", position_of(node))
    return reader(context, scope, node)


def _of_group(context: Context, scope: Scope, node: exp.Expr) -> Typed | None:
    """What a node means above a GROUP BY, where it is a key or holds one; None: look inside."""
    grouping = scope.grouping
    assert grouping is not None
    if isinstance(node, exp.Literal | exp.Boolean | exp.Null):
        return None
    if is_aggregate(node):
        return compile_grouped(context, scope, node)
    if not grouping.keys or has_aggregate(node) or _has_query(node):
        return None
    if isinstance(node, exp.Identifier) and node.name.lower() in scope.variables:
        return None
    inner = Scope(
        grouping.source.fields, grouping.source.parent, scope.variables, windows=scope.windows
    )
    try:
        compiled = compile_expression(context, inner, node)
    except StatementError as error:
        if error.name in ("COLUMN_NOT_FOUND", "EXPRESSION_NOT_AGGREGATE"):
            return None
        raise
    return grouping.keys.get(canonical(compiled.sql))


def _has_query(node: exp.Expr) -> bool:
    return any(isinstance(one, exp.Query | exp.Window) for one in node.walk())


def _parameter(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    if node.this:
        raise not_supported("A named parameter", position_of(node))
    place = context.parameter_places.get(int(node.meta["start"]))
    if place is None or place >= len(context.parameters):
        raise StatementError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(context.parameter_places)}"
            f" but found {len(context.parameters)}",
            position_of(node),
        )
    return compile_expression(context, Scope(), context.parameters[place])


def _column(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    names = [part.name for part in node.parts]
    if isinstance(node.this, exp.Star):
        raise StatementError("SYNTAX_ERROR", "'*' is not allowed here", position_of(node))
    if len(names) == 1 and not node.this.quoted and names[0].lower() in literals.SESSION_NAMES:
        try:
            return resolve(scope, names, node)[0]
        except StatementError as error:
            if error.name != "COLUMN_NOT_FOUND":
                raise
            return literals.session_value(context, names[0].lower())
    value, taken = resolve(scope, names, node)
    for name in names[taken:]:
        value = _field(value, name, node)
    return value


def _identifier(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return resolve(scope, [node.name], node)[0]


def _dot(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    value = compile_expression(context, scope, node.this)
    if not isinstance(node.expression, exp.Identifier):
        raise not_supported(f"'{node.sql('trino')[:100]}'", position_of(node))
    return _field(value, node.expression.name, node)


def _field(value: Typed, name: str, node: exp.Expr) -> Typed:
    if value.type.name != "row":
        raise StatementError(
            "TYPE_MISMATCH", f"Expression {node.sql('trino')} is not of type ROW",
            position_of(node),
        )  # fmt: skip
    places = [
        index
        for index, field in enumerate(value.type.fields)
        if field is not None and field.lower() == name.lower()
    ]
    if not places and re.fullmatch(r"field\d+", name.lower()):
        places = [int(name[5:])] if int(name[5:]) < len(value.type.fields) else []
        places = [place for place in places if value.type.fields[place] is None]
    if len(places) != 1:
        problem = "is ambiguous" if places else "cannot be resolved"
        raise StatementError(
            "COLUMN_NOT_FOUND" if not places else "AMBIGUOUS_NAME",
            f"Column '{name}' {problem} or requester is not authorized to access requested"
            " resources",
            position_of(node),
        )
    return _take(value, places[0])


def _take(value: Typed, place: int) -> Typed:
    name = quote_name(value.type.field_names[place])
    return Typed(f"({value.sql}).{name}", value.type.arguments[place])


def _paren(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return compile_expression(context, scope, node.this)


def _tuple(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    if not node.expressions:
        raise StatementError("SYNTAX_ERROR", "mismatched input ')'", position_of(node))
    return make_row([compile_expression(context, scope, one) for one in node.expressions])


def make_row(values: Sequence[Typed]) -> Typed:
    kind = row([(None, value.type) for value in values])
    inner = ", ".join(
        f"{quote_name(name)} := CAST({value.sql} AS {value.type.duck})"
        for name, value in zip(kind.field_names, values, strict=True)
    )
    return Typed(f"struct_pack({inner})", kind)


def _array(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    values = [compile_expression(context, scope, one) for one in node.expressions]
    items, kind = unify(values, "All ARRAY elements must be the same type", node)
    inner = ", ".join(item.sql for item in items)
    return Typed(f"CAST([{inner}] AS {kind.duck}[])", array(kind))


def _bracket(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    base = compile_expression(context, scope, node.this)
    position = position_of(node)
    if len(node.expressions) != 1:
        raise StatementError("SYNTAX_ERROR", "A subscript is one expression", position)
    index = compile_expression(context, scope, node.expressions[0])
    match base.type.name:
        case "array" if index.type.name in ("tinyint", "smallint", "integer", "bigint"):
            return Typed(f"t_subscript({base.sql}, {index.sql})", base.type.element)
        case "map":
            key = require(index, base.type.arguments[0], "Map key", position)
            shown = shown_text(key)
            return Typed(f"t_map_value({base.sql}, {key.sql}, {shown})", base.type.arguments[1])
        case "row" if isinstance(index.value, int):
            if not 1 <= index.value <= len(base.type.arguments):
                raise StatementError(
                    "INVALID_FUNCTION_ARGUMENT",
                    f"ROW index out of bounds: {index.value}", position,
                )  # fmt: skip
            return _take(base, index.value - 1)
    raise StatementError(
        "TYPE_MISMATCH", f"Cannot use {index.type} for subscript of {base.type}", position
    )


def _cast(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "to", "safe")
    target = type_of(node.args["to"])
    value = compile_expression(context, scope, node.this)
    if (
        target.name == "decimal"
        and not node.args["to"].expressions
        and isinstance(value.value, str)
    ):
        literal = value.value.strip()
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", literal) and isinstance(node.this, exp.Literal):
            return literals.decimal_literal(literal)
    return cast(value, target, isinstance(node, exp.TryCast), position_of(node))


def _json_literal(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "is_literal")
    return compile_call(context, scope, "json_parse", [node.this], node)


def _binary(operator: str) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        left = compile_expression(context, scope, node.this)
        right = compile_expression(context, scope, node.expression)
        return arithmetic(left, operator, right, position_of(node))

    return read


def _negative(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    value = compile_expression(context, scope, node.this)
    if value.type.name in ("interval day to second", "interval year to month") or (
        value.type.name in ("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double")
    ):
        constant = -value.value if isinstance(value.value, int | float | Decimal) else None
        sql = f"(-{value.sql})"
        return Typed(sql, value.type) if constant is None else Typed(sql, value.type, constant)
    raise StatementError("TYPE_MISMATCH", f"Cannot negate {value.type}", position_of(node))


def _concat(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    """`a || b || …`: texts all at once, since such chains may be long; others two by two."""
    operands = flattened(node, exp.DPipe)
    if len(operands) > 2:
        kinds = [compile_expression(context, scope, one).type.name for one in operands]
        if all(kind in ("varchar", "unknown") for kind in kinds):
            return compile_call(context, scope, "concat", operands, node)
    return compile_call(context, scope, "concat", [node.this, node.expression], node)


def _extract(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    name = node.this.name.lower()
    if find(name) is None:
        raise StatementError("SYNTAX_ERROR", f"Invalid EXTRACT field: {name}", position_of(node))
    return compile_call(context, scope, name, [node.expression], node)


def _position(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "substr")
    return compile_call(context, scope, "strpos", [node.this, node.args["substr"]], node)


def _trim(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "position", "expression")
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.args.get("position") or "", "trim")
    characters = node.args.get("expression")
    arguments = [node.this, characters] if characters else [node.this]
    return compile_call(context, scope, name, arguments, node)


def _at_time_zone(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return compile_call(context, scope, "at_timezone", [node.this, node.args["zone"]], node)


def _session_reader(name: str) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        return literals.session_value(context, name)

    return read


def _anonymous(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return compile_node(context, scope, node)


def _subquery(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return context.compiler.scalar(context, scope, node)


def _exists(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return context.compiler.exists(context, scope, node)


def _window(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return compile_window(context, scope, node)


def _lambda(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    raise StatementError(
        "SYNTAX_ERROR", "Lambda expression should always be used inside a function",
        position_of(node),
    )  # fmt: skip


def _star(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    raise StatementError("SYNTAX_ERROR", "'*' is not allowed here", position_of(node))


def _alias(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    raise StatementError("SYNTAX_ERROR", "An alias is not allowed here", position_of(node))


_READERS: dict[type[exp.Expr], Reader] = {
    exp.Literal: literals.literal,
    exp.Boolean: literals.boolean,
    exp.Null: literals.null,
    exp.HexString: literals.hexadecimal,
    exp.UnicodeString: literals.unicode_text,
    exp.Interval: literals.interval,
    exp.Placeholder: _parameter,
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Dot: _dot,
    exp.Paren: _paren,
    exp.Tuple: _tuple,
    exp.Array: _array,
    exp.Bracket: _bracket,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.ParseJSON: _json_literal,
    exp.Add: _binary("+"),
    exp.Sub: _binary("-"),
    exp.Mul: _binary("*"),
    exp.Div: _binary("/"),
    exp.Mod: _binary("%"),
    exp.EQ: predicates.comparison("="),
    exp.NEQ: predicates.comparison("<>"),
    exp.LT: predicates.comparison("<"),
    exp.LTE: predicates.comparison("<="),
    exp.GT: predicates.comparison(">"),
    exp.GTE: predicates.comparison(">="),
    exp.NullSafeNEQ: predicates.distinct_from(negated=False),
    exp.NullSafeEQ: predicates.distinct_from(negated=True),
    exp.And: predicates.logical("AND"),
    exp.Or: predicates.logical("OR"),
    exp.Not: predicates.negation,
    exp.Neg: _negative,
    exp.DPipe: _concat,
    exp.Between: predicates.between,
    exp.In: predicates.membership,
    exp.Is: predicates.is_null,
    exp.Like: predicates.like,
    exp.Escape: predicates.escape,
    exp.Case: predicates.case_when,
    exp.If: predicates.if_else,
    exp.Extract: _extract,
    exp.StrPosition: _position,
    exp.Trim: _trim,
    exp.AtTimeZone: _at_time_zone,
    exp.CurrentDate: _session_reader("current_date"),
    exp.CurrentTimestamp: _session_reader("current_timestamp"),
    exp.CurrentTime: _session_reader("localtime"),
    exp.Localtime: _session_reader("localtime"),
    exp.Localtimestamp: _session_reader("localtimestamp"),
    exp.CurrentCatalog: _session_reader("current_catalog"),
    exp.CurrentUser: _session_reader("current_user"),
    exp.Anonymous: _anonymous,
    exp.Filter: _anonymous,
    exp.WithinGroup: _anonymous,
    exp.Subquery: _subquery,
    exp.Select: _subquery,
    exp.Union: _subquery,
    exp.Exists: _exists,
    exp.Window: _window,
    exp.Lambda: _lambda,
    exp.Star: _star,
    exp.Alias: _alias,
}
