"""Expressions: each node of the syntax tree to a typed DuckDB expression.

What a node is decides which function here reads it (`_READERS`); a node that has none is refused.
Function calls are in `calls`, subqueries come from `queries` through `Context`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from sqlglot import exp

from millpond.engines.sql.trino import calls
from millpond.engines.sql.trino.convert import cast, coerce, let, require
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.functions import find
from millpond.engines.sql.trino.operators import arithmetic, comparable, compare, instant
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import interval_value, only, type_of
from millpond.engines.sql.trino.scope import (
    NULL,
    Context,
    Scope,
    Typed,
    canonical,
    resolve,
)
from millpond.engines.sql.trino.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TIMESTAMP,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    Type,
    array,
    common_type,
    decimal,
    quote_name,
    quote_text,
    row,
    varchar,
)

Reader = Callable[[Context, Scope, exp.Expr], Typed]


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


def compile_predicate(context: Context, scope: Scope, node: exp.Expr, clause: str) -> str:
    """A condition: a boolean, or refused as `clause` asks for one."""
    value = compile_expression(context, scope, node)
    what = f"{clause} must evaluate to a boolean: actual type"
    return require(value, BOOLEAN, what, position_of(node)).sql


def _of_group(context: Context, scope: Scope, node: exp.Expr) -> Typed | None:
    """What a node means above a GROUP BY, where it is a key or holds one; None: look inside."""
    grouping = scope.grouping
    assert grouping is not None
    if isinstance(node, exp.Literal | exp.Boolean | exp.Null):
        return None
    if calls.is_aggregate(node):
        return calls.compile_grouped(context, scope, node)
    if not grouping.keys or calls.has_aggregate(node) or _has_query(node):
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


def _literal(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    assert isinstance(node, exp.Literal)
    text = node.this
    if node.is_string:
        return Typed(quote_text(text), varchar(len(text)), text)
    if re.fullmatch(r"\d+", text):
        value = int(text)
        if value >= 1 << 63:
            raise StatementError(
                "INVALID_LITERAL", f"Invalid numeric literal: {text}", position_of(node)
            )
        kind = INTEGER if value < 1 << 31 else BIGINT
        return Typed(f"CAST({value} AS {kind.duck})", kind, value)
    if re.fullmatch(r"\d*\.\d*", text):
        return decimal_literal(text)
    if re.fullmatch(r"(\d+\.?\d*|\.\d+)[eE][+-]?\d+", text):
        return Typed(f"CAST('{text}' AS DOUBLE)", DOUBLE, float(text))
    raise StatementError("INVALID_LITERAL", f"Invalid numeric literal: {text}", position_of(node))


def decimal_literal(text: str) -> Typed:
    """`10.25` as the smallest decimal that holds it."""
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("+-").partition(".")
    whole = whole.lstrip("0")
    precision = max(1, len(whole) + len(fraction))
    if precision > 38:
        raise StatementError("INVALID_LITERAL", f"Decimal literal is too long: {text}")
    kind = decimal(precision, len(fraction))
    number = f"{sign}{whole or '0'}.{fraction}".rstrip(".")
    return Typed(f"CAST('{number}' AS {kind.duck})", kind, Decimal(number))


def _boolean(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return Typed("true" if node.this else "false", BOOLEAN, bool(node.this))


def _null(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return NULL


def _hex(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    digits = re.sub(r"\s", "", str(node.this))
    if len(digits) % 2 or not re.fullmatch("[0-9A-Fa-f]*", digits):
        raise StatementError(
            "INVALID_LITERAL", "Binary literal must contain an even number of digits",
            position_of(node),
        )  # fmt: skip
    return Typed(f"unhex('{digits}')", VARBINARY)


def _unicode(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    escape = node.args.get("escape")
    mark = re.escape(escape.this if isinstance(escape, exp.Expr) else "\\")
    pattern = rf"{mark}(?:({mark})|\+([0-9A-Fa-f]{{6}})|([0-9A-Fa-f]{{4}}))"
    text = re.sub(pattern, lambda m: m[1] or chr(int(m[2] or m[3], 16)), str(node.this))
    return Typed(quote_text(text), varchar(len(text)), text)


def _interval(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    assert isinstance(node, exp.Interval)
    value, name = interval_value(node)
    kind = Type(name)
    return Typed(f"CAST({value} AS {kind.duck})", kind, value)


def _parameter(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    if node.this:
        raise not_supported("A named parameter", position_of(node))
    place = context.parameter_places.get(id(node))
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
    if len(names) == 1 and not node.this.quoted and names[0].lower() in _SESSION:
        try:
            return resolve(scope, names, node)[0]
        except StatementError as error:
            if error.name != "COLUMN_NOT_FOUND":
                raise
            return session_value(context, names[0].lower())
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
            shown = calls.shown_text(key)
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
            return decimal_literal(literal)
    return cast(value, target, isinstance(node, exp.TryCast), position_of(node))


def _json_literal(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "is_literal")
    return calls.compile_call(context, scope, "json_parse", [node.this], node)


def _binary(operator: str) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        left = compile_expression(context, scope, node.this)
        right = compile_expression(context, scope, node.expression)
        return arithmetic(left, operator, right, position_of(node))

    return read


def _comparison(operator: str) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        left = compile_expression(context, scope, node.this)
        if calls.is_quantified(node.expression):
            return context.compiler.quantified(context, scope, node, left, operator)
        right = compile_expression(context, scope, node.expression)
        return Typed(compare(left, operator, right, position_of(node)), BOOLEAN)

    return read


def _distinct_from(negated: bool) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        left = compile_expression(context, scope, node.this)
        right = compile_expression(context, scope, node.expression)
        one, other = comparable(left, "=", right, position_of(node))
        word = "IS NOT DISTINCT FROM" if negated else "IS DISTINCT FROM"
        return Typed(f"({instant(one)} {word} {instant(other)})", BOOLEAN)

    return read


def _logical(word: str) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        parts = [
            compile_predicate(context, scope, one, "Logical expression term")
            for one in _flattened(node, type(node))
        ]
        return Typed("(" + f" {word} ".join(parts) + ")", BOOLEAN)

    return read


def _flattened(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
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


def _not(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    inner = compile_predicate(context, scope, node.this, "Value of logical NOT expression")
    return Typed(f"(NOT {inner})", BOOLEAN)


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
    operands = _flattened(node, exp.DPipe)
    if len(operands) > 2:
        kinds = [compile_expression(context, scope, one).type.name for one in operands]
        if all(kind in ("varchar", "unknown") for kind in kinds):
            return calls.compile_call(context, scope, "concat", operands, node)
    return calls.compile_call(context, scope, "concat", [node.this, node.expression], node)


def _between(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "low", "high")
    value = compile_expression(context, scope, node.this)
    low = compile_expression(context, scope, node.args["low"])
    high = compile_expression(context, scope, node.args["high"])
    position = position_of(node)

    def within(sql: str) -> str:
        x = replace(value, sql=sql)
        return f"({compare(x, '>=', low, position)} AND {compare(x, '<=', high, position)})"

    return Typed(let(value.sql, within), BOOLEAN)


def _in(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "expressions", "query")
    value = compile_expression(context, scope, node.this)
    if node.args.get("query"):
        return context.compiler.contained(context, scope, node, value)
    options = [compile_expression(context, scope, one) for one in node.expressions]
    pairs = [comparable(value, "=", option, position_of(node)) for option in options]
    if len({one.type for one, _ in pairs}) == 1 and pairs[0][0].type.name not in ("row", "array"):
        inner = ", ".join(instant(other) for _, other in pairs)
        return Typed(f"({instant(pairs[0][0])} IN ({inner}))", BOOLEAN)

    def among(sql: str) -> str:
        x = replace(value, sql=sql)
        tests = [compare(x, "=", option, position_of(node)) for option in options]
        return "(" + " OR ".join(tests) + ")"

    return Typed(let(value.sql, among), BOOLEAN)


def _is(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    if not isinstance(node.expression, exp.Null):
        raise not_supported(f"IS {node.expression.sql('trino')}", position_of(node))
    value = compile_expression(context, scope, node.this)
    return Typed(f"({value.sql} IS NULL)", BOOLEAN)


def _like(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "expression", "negate")
    pattern, escape = node.expression, None
    if isinstance(pattern, exp.Escape):
        pattern, escape = pattern.this, pattern.expression
    return _like_of(context, scope, node, (node.this, pattern, escape))


def _escape(context: Context, scope: Scope, node: exp.Expr) -> Typed:
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
            compile_expression(context, scope, one), VARCHAR,
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


def _case(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "ifs", "default")
    operand = node.args.get("this")
    subject = compile_expression(context, scope, operand) if operand else None
    tests: list[str] = []
    options: list[Typed] = []
    for branch in node.args["ifs"]:
        if subject is None:
            tests.append(compile_predicate(context, scope, branch.this, "CASE WHEN clause"))
        else:
            options.append(compile_expression(context, scope, branch.this))
    values = [compile_expression(context, scope, one.args["true"]) for one in node.args["ifs"]]
    default = node.args.get("default")
    values.append(compile_expression(context, scope, default) if default else NULL)
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


def _if(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "true", "false")
    test = compile_predicate(context, scope, node.this, "IF condition")
    when = compile_expression(context, scope, node.args["true"])
    otherwise = node.args.get("false")
    other = compile_expression(context, scope, otherwise) if otherwise else NULL
    (one, two), kind = unify([when, other], "Result types for IF must be the same", node)
    return Typed(f"CASE WHEN {test} THEN {one.sql} ELSE {two.sql} END", kind)


def _extract(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    name = node.this.name.lower()
    if find(name) is None:
        raise StatementError("SYNTAX_ERROR", f"Invalid EXTRACT field: {name}", position_of(node))
    return calls.compile_call(context, scope, name, [node.expression], node)


def _position(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "substr")
    return calls.compile_call(context, scope, "strpos", [node.this, node.args["substr"]], node)


def _trim(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    only(node, "this", "position", "expression")
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.args.get("position") or "", "trim")
    characters = node.args.get("expression")
    arguments = [node.this, characters] if characters else [node.this]
    return calls.compile_call(context, scope, name, arguments, node)


def _at_time_zone(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return calls.compile_call(context, scope, "at_timezone", [node.this, node.args["zone"]], node)


_SESSION = ("current_schema", "current_catalog", "current_user", "localtime")


def session_value(context: Context, name: str) -> Typed:
    """`current_date` and its kin: the same all through one statement."""
    micros = f"make_timestamp(CAST({context.now_us // 1000 * 1000} AS BIGINT))"
    match name:
        case "current_date":
            return Typed(f"CAST({micros} AS DATE)", DATE)
        case "localtimestamp":
            return Typed(micros, TIMESTAMP)
        case "localtime":
            return Typed(f"CAST({micros} AS TIME)", Type("time", 3))
        case "current_catalog":
            return Typed(quote_text(context.catalog), VARCHAR, context.catalog)
        case "current_schema":
            return Typed(quote_text(context.schema), VARCHAR, context.schema)
        case "current_user":
            return Typed(quote_text(context.user), VARCHAR, context.user)
    return Typed(f"struct_pack(t := {micros}, z := 'UTC')", TIMESTAMP_TZ)


def _session_reader(name: str) -> Reader:
    def read(context: Context, scope: Scope, node: exp.Expr) -> Typed:
        return session_value(context, name)

    return read


def _anonymous(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return calls.compile_node(context, scope, node)


def _subquery(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return context.compiler.scalar(context, scope, node)


def _exists(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return context.compiler.exists(context, scope, node)


def _window(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return calls.compile_window(context, scope, node)


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
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.HexString: _hex,
    exp.UnicodeString: _unicode,
    exp.Interval: _interval,
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
    exp.EQ: _comparison("="),
    exp.NEQ: _comparison("<>"),
    exp.LT: _comparison("<"),
    exp.LTE: _comparison("<="),
    exp.GT: _comparison(">"),
    exp.GTE: _comparison(">="),
    exp.NullSafeNEQ: _distinct_from(negated=False),
    exp.NullSafeEQ: _distinct_from(negated=True),
    exp.And: _logical("AND"),
    exp.Or: _logical("OR"),
    exp.Not: _not,
    exp.Neg: _negative,
    exp.DPipe: _concat,
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Case: _case,
    exp.If: _if,
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
