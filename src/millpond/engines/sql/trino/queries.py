"""Queries: SELECT, set operations, VALUES and WITH, to DuckDB text with known columns.

Inside, every query's columns are `c0`, `c1`, …; names are kept beside the text. An aggregated query
becomes two: keys and aggregates inside (`k0`, `a0`, …), everything else over them outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from millpond.engines.sql.trino.calls import has_aggregate, is_quantified, ordered, read_call
from millpond.engines.sql.trino.convert import coerce
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.expressions import (
    compile_expression,
    compile_predicate,
    make_row,
)
from millpond.engines.sql.trino.operators import comparable, instant, refuse, refuse_maps
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.pruning import push_to_scans
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.relations import compile_from
from millpond.engines.sql.trino.scope import (
    Column,
    Context,
    Cte,
    Field,
    Grouping,
    Query,
    Scope,
    Typed,
    canonical,
)
from millpond.engines.sql.trino.types import BOOLEAN, UNKNOWN, Type, common_type


def compile_query(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    """Any query expression.

    Raises:
        StatementError: what is wrong with it.
    """
    context, prefix = _with(context, node, parent)
    match node:
        case exp.Select():
            made = _select(context, node, parent)
        case exp.Union() | exp.Except() | exp.Intersect():
            made = _set_operation(context, node, parent)
        case exp.Subquery():
            made = _wrapped(context, node, parent)
        case exp.Values():
            made = _values(context, node, parent)
        case _:
            raise not_supported(f"'{node.sql('trino')[:100]}'", position_of(node))
    return replace(made, sql=prefix + made.sql)


# WITH


def _with(context: Context, node: exp.Expr, parent: Scope | None) -> tuple[Context, str]:
    clause = node.args.get("with_")
    if clause is None:
        return context, ""
    only(clause, "expressions", "recursive")
    parts: list[str] = []
    names: set[str] = set()
    is_recursive = False
    for one in clause.expressions:
        only(one, "this", "alias")
        name = one.alias.lower()
        if name in names:
            raise StatementError(
                "DUPLICATE_NAMED_QUERY", f"WITH query name '{name}' specified more than once",
                position_of(one),
            )  # fmt: skip
        names.add(name)
        if clause.args.get("recursive") and _refers(one.this, name):
            cte, text = _recursive_cte(context, one, name)
            is_recursive = True
        else:
            cte, text = _plain_cte(context, one, name, _count_uses(node, name))
        if text:
            parts.append(text)
        context = replace(context, ctes=(*context.ctes, cte))
    if not parts:
        return context, ""
    return context, f"WITH {'RECURSIVE ' if is_recursive else ''}{', '.join(parts)} "


def _refers(node: exp.Expr, name: str) -> bool:
    return any(_is_use(one, name) for one in node.find_all(exp.Table))


def _is_use(table: exp.Expr, name: str) -> bool:
    return not table.args.get("db") and table.name.lower() == name


def _count_uses(node: exp.Expr, name: str) -> int:
    """How often a name is read; once too often where an inner WITH has the name too."""
    return sum(_is_use(one, name) for one in node.find_all(exp.Table))


def _renamed(columns: Sequence[Column], node: exp.Expr) -> tuple[Column, ...]:
    names = [one.name for one in (node.args["alias"].args.get("columns") or [])]
    if names and len(names) != len(columns):
        raise StatementError(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(names)} entries but '{node.alias}' has {len(columns)}"
            " columns available",
            position_of(node),
        )
    if not names:
        return tuple(columns)
    return tuple(replace(one, name=name) for one, name in zip(columns, names, strict=True))


def _plain_cte(context: Context, node: exp.Expr, name: str, uses: int) -> tuple[Cte, str]:
    """A query used once is compiled where it is used, so that filters reach its tables."""
    if uses == 1:

        def compile_here() -> Query:
            made = compile_query(context, node.this, None)
            return replace(made, columns=_renamed(made.columns, node))

        return Cte(name, None, compile=compile_here), ""
    scans = len(context.scans)
    made = compile_query(context, node.this, None)
    columns = _renamed(made.columns, node)
    relation = context.fresh("w")
    fields = tuple((one.name, one.type) for one in columns)
    if uses == 0:
        del context.scans[scans:]
        return Cte(name, relation, fields), ""
    return Cte(name, relation, fields), f"{relation} AS ({made.sql})"


def _recursive_cte(context: Context, node: exp.Expr, name: str) -> tuple[Cte, str]:
    union = node.this
    if not isinstance(union, exp.Union) or union.args.get("order") or union.args.get("limit"):
        raise StatementError(
            "INVALID_RECURSIVE_REFERENCE",
            f"WITH RECURSIVE query '{name}' must be a UNION of its start and its recursive step",
            position_of(node),
        )
    if not node.args["alias"].args.get("columns"):
        raise StatementError(
            "MISSING_COLUMN_ALIASES", "missing column aliases in recursive WITH query",
            position_of(node),
        )  # fmt: skip
    start = compile_query(context, union.this, None)
    columns = _renamed(start.columns, node)
    relation = context.fresh("w")
    fields = tuple((one.name, one.type) for one in columns)
    cte = Cte(name, relation, fields)
    step = compile_query(replace(context, ctes=(*context.ctes, cte)), union.expression, None)
    if len(step.columns) != len(columns):
        raise _column_counts("UNION", columns, step.columns, union)
    for one, other in zip(step.columns, columns, strict=True):
        if common_type(one.type, other.type) != other.type:
            raise StatementError(
                "TYPE_MISMATCH",
                f"recursion step relation output type ({one.type}) is not coercible to recursion"
                f" base relation output type ({other.type}) at column {other.name}",
                position_of(union),
            )
    word = "UNION" if union.args.get("distinct") else "UNION ALL"
    text = (
        f"{relation} AS ({_cast_columns(start, [c.type for c in columns])} {word}"
        f" {_cast_columns(step, [c.type for c in columns])})"
    )
    return cte, text


def _cast_columns(made: Query, kinds: Sequence[Type]) -> str:
    """A query with its columns in these types."""
    if [one.type for one in made.columns] == list(kinds):
        return f"(SELECT * FROM ({made.sql}))"
    items = ", ".join(
        f"{coerce(Typed(f'u.c{place}', one.type), kind).sql} AS c{place}"
        for place, (one, kind) in enumerate(zip(made.columns, kinds, strict=True))
    )
    return f"(SELECT {items} FROM ({made.sql}) u)"


# Set operations, VALUES, parentheses


def _column_counts(
    word: str, left: Sequence[Column], right: Sequence[Column], node: exp.Expr
) -> StatementError:
    return StatementError(
        "TYPE_MISMATCH",
        f"{word} query has different number of fields: {len(left)}, {len(right)}",
        position_of(node),
    )


def _set_operation(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    only(node, "this", "expression", "distinct", "order", "limit", "offset", "with_")
    word = type(node).__name__.upper()
    sides = [compile_query(context, one, parent) for one in _sides(node)]
    kinds = _common_kinds(word, sides, node)
    names = [one.name for one in sides[0].columns]
    columns = tuple(Column(name, kind) for name, kind in zip(names, kinds, strict=True))
    distinct = node.args.get("distinct")
    texts = [_cast_columns(one, kinds) for one in sides]
    zoned = any(kind.name == "timestamp with time zone" for kind in kinds)
    if distinct and zoned and word != "UNION":
        raise not_supported(f"{word} of timestamp with time zone", position_of(node))
    for kind in kinds if distinct or word != "UNION" else ():
        refuse_maps(kind, word, position_of(node))
    if distinct and zoned:
        sql = _distinct(" UNION ALL ".join(texts), columns, node)
    else:
        sql = f" {word if distinct else f'{word} ALL'} ".join(texts)
    return _finish(context, node, f"SELECT * FROM ({sql})", columns, None)


def _sides(node: exp.Expr) -> list[exp.Expr]:
    """The queries of a chain of equal UNIONs (chains may be long), or the two of another one."""
    sides = [node.expression]
    inner = node.this
    while (
        isinstance(node, exp.Union)
        and type(inner) is type(node)
        and bool(inner.args.get("distinct")) == bool(node.args.get("distinct"))
        and not any(inner.args.get(name) for name in ("order", "limit", "offset", "with_"))
    ):
        only(inner, "this", "expression", "distinct")
        sides.append(inner.expression)
        inner = inner.this
    return [inner, *reversed(sides)]


def _common_kinds(word: str, sides: Sequence[Query], node: exp.Expr) -> list[Type]:
    kinds = [one.type for one in sides[0].columns]
    for side in sides[1:]:
        if len(side.columns) != len(kinds):
            raise _column_counts(word, sides[0].columns, side.columns, node)
        for place, other in enumerate(side.columns):
            kind = common_type(kinds[place], other.type)
            if kind is None:
                raise StatementError(
                    "TYPE_MISMATCH",
                    f"column {place + 1} in {word} query has incompatible types:"
                    f" {kinds[place]}, {other.type}",
                    position_of(node),
                )
            kinds[place] = kind
    return kinds


def _distinct(sql: str, columns: Sequence[Column], node: exp.Expr) -> str:
    """Each row once; timestamps with a zone are one when their instants are."""
    for one in columns:
        refuse_maps(one.type, "DISTINCT", position_of(node))
    if not any(one.type.name == "timestamp with time zone" for one in columns):
        return f"SELECT DISTINCT * FROM ({sql})"
    items, keys = [], []
    for place, one in enumerate(columns):
        if one.type.name == "timestamp with time zone":
            items.append(f"first(c{place}) AS c{place}")
            keys.append(f"c{place}.t")
        else:
            items.append(f"c{place}")
            keys.append(f"c{place}")
    return f"SELECT {', '.join(items)} FROM ({sql}) GROUP BY {', '.join(keys)}"


def _wrapped(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    only(node, "this", "order", "limit", "offset", "with_", "alias")
    if node.args.get("alias"):
        raise StatementError("SYNTAX_ERROR", "An alias is not allowed here", position_of(node))
    made = compile_query(context, node.this, parent)
    if not any(node.args.get(name) for name in ("order", "limit", "offset")):
        return made
    plain = tuple(Column(one.name, one.type) for one in made.columns)
    return _finish(context, node, f"SELECT * FROM ({made.sql})", plain, None)


def _values(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    only(node, "expressions", "order", "limit", "offset", "with_", "alias")
    scope = Scope(parent=parent)
    rows = [
        [compile_expression(context, scope, one) for one in item.expressions]
        if isinstance(item, exp.Tuple)
        else [compile_expression(context, scope, item)]
        for item in node.expressions
    ]
    if len({len(one) for one in rows}) != 1:
        raise StatementError(
            "TYPE_MISMATCH", "Values rows have mismatched types", position_of(node)
        )
    kinds = []
    for column in zip(*rows, strict=True):
        kind = UNKNOWN
        for value in column:
            merged = common_type(kind, value.type)
            if merged is None:
                raise StatementError(
                    "TYPE_MISMATCH",
                    f"Values rows have mismatched types: {kind} vs {value.type}",
                    position_of(node),
                )
            kind = merged
        kinds.append(kind)
    text = ", ".join(
        "(" + ", ".join(coerce(v, k).sql for v, k in zip(one, kinds, strict=True)) + ")"
        for one in rows
    )
    names = ", ".join(f"c{place}" for place in range(len(kinds)))
    columns = tuple(Column(None, kind) for kind in kinds)
    return _finish(context, node, f"SELECT * FROM (VALUES {text}) AS t({names})", columns, None)


# ORDER BY, OFFSET, LIMIT over a finished query


def _finish(
    context: Context,
    node: exp.Expr,
    sql: str,
    columns: tuple[Column, ...],
    scope: Scope | None,
) -> Query:
    order = node.args.get("order")
    if order is not None:
        fields = [Field(one.name, one.type, f"q.c{place}") for place, one in enumerate(columns)]
        outer = Scope(fields, scope.parent if scope else None, allows_windows=False)
        items = [
            ordered(_by_place(item, columns, "q.c{}") or
                    compile_expression(context, outer, item.this), item)
            for item in order.expressions
        ]  # fmt: skip
        sql = f"SELECT * FROM ({sql}) q ORDER BY {', '.join(items)}"
    limits = _limits(context, node)
    if limits and order is None:
        sql = f"SELECT * FROM ({sql}) q"
    return Query(sql + limits, columns)


def _by_place(item: exp.Expr, columns: Sequence[Column], template: str) -> Typed | None:
    """`ORDER BY 2`: the second output column."""
    node = item.this
    if not isinstance(node, exp.Literal) or node.is_string or not node.this.isdigit():
        return None
    place = int(node.this)
    if not 1 <= place <= len(columns):
        raise StatementError(
            "INVALID_COLUMN_REFERENCE",
            f"ORDER BY position {place} is not in select list", position_of(item),
        )  # fmt: skip
    return Typed(template.format(place - 1), columns[place - 1].type)


def _limits(context: Context, node: exp.Expr) -> str:
    text = ""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if isinstance(limit, exp.Fetch):
        only(limit, "direction", "count", "limit_options")
        options = limit.args.get("limit_options")
        if options is not None and options.args.get("percent"):
            raise not_supported("FETCH PERCENT", position_of(limit))
        if options is not None and options.args.get("with_ties"):
            raise not_supported("FETCH WITH TIES", position_of(limit))
        count = limit.args.get("count")
        text += f" LIMIT {1 if count is None else _row_count(context, count, 'FETCH FIRST')}"
    elif limit is not None:
        only(limit, "expression")
        if limit.expression.name.upper() != "ALL" or isinstance(limit.expression, exp.Literal):
            text += f" LIMIT {_row_count(context, limit.expression, 'LIMIT')}"
    if offset is not None:
        only(offset, "expression")
        text += f" OFFSET {_row_count(context, offset.expression, 'OFFSET')}"
    return text


def _row_count(context: Context, node: exp.Expr, clause: str) -> int:
    value = compile_expression(context, Scope(), node)
    if not isinstance(value.value, int) or isinstance(value.value, bool):
        raise StatementError(
            "TYPE_MISMATCH", f"{clause} row count must be an integer", position_of(node)
        )
    if value.value < 0:
        raise StatementError(
            "INVALID_LIMIT_CLAUSE",
            f"{clause} row count must be greater or equal to 0 (actual value: {value.value})",
            position_of(node),
        )
    return value.value


# SELECT


@dataclass(slots=True)
class _Output:
    """An item of the SELECT list; `field` where it is a column of FROM, as it is."""

    name: str | None
    value: Typed
    node: exp.Expr | None = None
    field: Field | None = None


def _select(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    only(
        node, "expressions", "from_", "joins", "where", "group", "having", "distinct", "windows",
        "order", "limit", "offset", "with_", "kind",
    )  # fmt: skip
    if node.args.get("kind"):
        raise not_supported(f"SELECT AS {node.args['kind']}", position_of(node))
    if not node.expressions:
        raise StatementError("SYNTAX_ERROR", "mismatched input '<EOF>'. Expecting: <expression>")
    source = compile_from(context, node, parent)
    inner = Scope(source.fields, parent)
    where = ""
    if node.args.get("where"):
        condition = node.args["where"].this
        where = f" WHERE {compile_predicate(context, inner, condition, 'WHERE clause')}"
        push_to_scans(context, inner, condition)
    body = (f" FROM {source.sql}" if source.sql else "") + where
    windows = {one.this.name.lower(): one for one in node.args.get("windows") or []}
    if _is_grouped(node):
        return _grouped_select(context, node, inner, body, windows)
    scope = Scope(source.fields, parent, windows=windows, allows_windows=True)
    outputs = _outputs(context, scope, node)
    keep = not any(_has_window(one) for one in node.expressions)
    return _complete(context, node, scope, outputs, body, keep)


def _has_window(node: exp.Expr) -> bool:
    return node.find(exp.Window) is not None


def _is_grouped(node: exp.Expr) -> bool:
    if node.args.get("group") or node.args.get("having"):
        return True
    places = [*node.expressions]
    if node.args.get("order"):
        places += node.args["order"].expressions
    return any(has_aggregate(one) for one in places)


def _outputs(context: Context, scope: Scope, node: exp.Expr) -> list[_Output]:
    outputs: list[_Output] = []
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


def _single(context: Context, scope: Scope, item: exp.Expr) -> _Output:
    alias, inner = None, item
    if isinstance(item, exp.Alias):
        alias, inner = item.alias, item.this
    value = compile_expression(context, scope, inner)
    name = alias
    field = None
    if isinstance(inner, exp.Column | exp.Dot):
        name = alias or (inner.name if isinstance(inner, exp.Column) else inner.expression.name)
        source = scope.grouping.source if scope.grouping else scope
        field = next((one for one in source.fields if one.sql == value.sql), None)
    return _Output(name, value, inner, field)


def _star(scope: Scope, item: exp.Expr) -> list[_Output]:
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
        return [_Output(one.name, one.use(), None, one) for one in fields]
    found = []
    for one in fields:
        key = scope.grouping.keys.get(canonical(one.sql))
        if key is None:
            raise StatementError(
                "EXPRESSION_NOT_AGGREGATE",
                f"'{one.name}' must be an aggregate expression or appear in GROUP BY clause",
                position_of(item),
            )
        found.append(_Output(one.name, key))
    return found


def _row_star(context: Context, scope: Scope, item: exp.Expr) -> list[_Output]:
    value = compile_expression(context, scope, item.this)
    if value.type.name != "row":
        raise StatementError(
            "TYPE_MISMATCH", f"expected row expression, found {value.type}", position_of(item)
        )
    return [
        _Output(name, Typed(f'({value.sql})."{field}"', kind))
        for name, field, kind in zip(
            value.type.fields, value.type.field_names, value.type.arguments, strict=True
        )
    ]


def _complete(
    context: Context,
    node: exp.Expr,
    scope: Scope,
    outputs: list[_Output],
    body: str,
    keeps_lineage: bool,
) -> Query:
    """The text of a SELECT from its outputs and its FROM and WHERE."""
    items = ", ".join(f"{_typed(one.value)} AS c{place}" for place, one in enumerate(outputs))
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
        text = _distinct(f"SELECT {items}{body}", columns, node)
        return _finish(context, _renaming_order(node, outputs), text, columns, scope)
    text = f"SELECT {items}{body}"
    if order is not None:
        parts = [
            ordered(_order_value(context, scope, item, outputs, columns), item)
            for item in order.expressions
        ]
        text += " ORDER BY " + ", ".join(parts)
    return Query(text + _limits(context, node), columns)


def _typed(value: Typed) -> str:
    """An output in its type's own DuckDB type, whatever DuckDB made of the expression."""
    return f"CAST({value.sql} AS {value.type.duck})"


def _order_value(
    context: Context,
    scope: Scope,
    item: exp.Expr,
    outputs: Sequence[_Output],
    columns: Sequence[Column],
) -> Typed:
    """What an ORDER BY item sorts by: a place, an output's name, or any expression."""
    if _by_place(item, columns, "c{}") is not None:
        return outputs[int(item.this.this) - 1].value
    return compile_expression(context, _with_outputs(scope, outputs), item.this)


def _with_outputs(scope: Scope, outputs: Sequence[_Output]) -> Scope:
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
    order: exp.Expr | None, outputs: Sequence[_Output], columns: Sequence[Column]
) -> None:
    if order is None:
        return
    names = {one.name.lower() for one in outputs if one.name}
    texts = {one.node.sql("trino").lower() for one in outputs if one.node is not None}
    for item in order.expressions:
        known = (
            _by_place(item, columns, "c{}") is not None
            or item.this.sql("trino").lower() in texts
            or (isinstance(item.this, exp.Column) and item.this.name.lower() in names)
        )
        if not known:
            raise StatementError(
                "EXPRESSION_NOT_IN_DISTINCT",
                "For SELECT DISTINCT, ORDER BY expressions must appear in select list",
                position_of(item),
            )


def _renaming_order(node: exp.Expr, outputs: Sequence[_Output]) -> exp.Expr:
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


# GROUP BY


def _grouped_select(
    context: Context,
    node: exp.Expr,
    inner: Scope,
    body: str,
    windows: dict[str, exp.Expr],
) -> Query:
    grouping = Grouping(inner, alias=context.fresh("g"))
    group = node.args.get("group")
    sets = _group_keys(context, node, grouping, group) if group is not None else ""
    scope = Scope((), inner.parent, windows=windows, grouping=grouping, allows_windows=True)
    outputs = _outputs(context, scope, node)
    having = ""
    if node.args.get("having"):
        condition = node.args["having"].this
        having = " WHERE " + compile_predicate(
            context, replace(scope, allows_windows=False), condition, "HAVING clause"
        )
    text = _complete(context, node, scope, outputs, "\0", keeps_lineage=False)
    keys = [
        f"{_key_value(sql, key)} AS k{place}"
        for place, (sql, key) in enumerate(grouping.key_texts.items())
    ]
    aggregates = [
        f"{sql} AS a{place}" for place, (sql, _) in enumerate(grouping.aggregates.values())
    ]
    items = ", ".join(keys + aggregates) or "1 AS none"
    always_one = not sets and not grouping.keys and not grouping.aggregates
    inside = f"SELECT {items}{body}{sets}"
    if always_one:
        inside = f"SELECT count(*) AS none{body}"
    made = f" FROM ({inside}) {grouping.alias}{having}"
    return replace(text, sql=text.sql.replace("\0", made))


def _key_value(sql: str, key: Typed) -> str:
    if key.type.name == "timestamp with time zone":
        return f"first({sql})"
    return sql


def _group_keys(context: Context, node: exp.Expr, grouping: Grouping, group: exp.Expr) -> str:
    """Register the keys; the GROUP BY clause's text."""
    only(group, "expressions")
    parts: list[str] = []
    for item in group.expressions:
        match item:
            case exp.GroupingSets():
                sets = [_key_list(context, node, grouping, one) for one in item.expressions]
                parts.append(f"GROUPING SETS ({', '.join(sets)})")
            case exp.Rollup() | exp.Cube():
                word = "ROLLUP" if isinstance(item, exp.Rollup) else "CUBE"
                only(item, "expressions")
                sets = [_key_list(context, node, grouping, one) for one in item.expressions]
                parts.append(f"{word} ({', '.join(sets)})")
            case exp.Tuple() if not item.expressions:
                parts.append("GROUPING SETS (())")
            case exp.Tuple():
                parts += [_key(context, node, grouping, one) for one in item.expressions]
            case _:
                parts.append(_key(context, node, grouping, item))
    return " GROUP BY " + ", ".join(parts)


def _key_list(context: Context, node: exp.Expr, grouping: Grouping, item: exp.Expr) -> str:
    if isinstance(item, exp.Tuple):
        inner = ", ".join(_key(context, node, grouping, one) for one in item.expressions)
        return f"({inner})"
    if isinstance(item, exp.GroupingSets | exp.Rollup | exp.Cube):
        raise not_supported("Nested grouping sets", position_of(item))
    inside = item.this if isinstance(item, exp.Paren) else item
    return f"({_key(context, node, grouping, inside)})"


def _key(context: Context, node: exp.Expr, grouping: Grouping, item: exp.Expr) -> str:
    expression = item
    if isinstance(item, exp.Literal) and not item.is_string and item.this.isdigit():
        place = int(item.this)
        if not 1 <= place <= len(node.expressions):
            raise StatementError(
                "INVALID_COLUMN_REFERENCE",
                f"GROUP BY position {place} is not in select list", position_of(item),
            )  # fmt: skip
        expression = node.expressions[place - 1]
        if isinstance(expression, exp.Star) or isinstance(expression.this, exp.Star):
            raise not_supported("GROUP BY a position after *", position_of(item))
        expression = expression.this if isinstance(expression, exp.Alias) else expression
    if has_aggregate(expression) or _has_window(expression):
        raise StatementError(
            "EXPRESSION_NOT_SCALAR",
            "GROUP BY clause cannot contain aggregations, window functions or grouping operations:"
            f" [{expression.sql('trino')}]",
            position_of(expression),
        )
    value = compile_expression(context, grouping.source, expression)
    refuse_maps(value.type, "GROUP BY", position_of(item))
    return grouping.add_key(value)


# Subqueries in expressions


def scalar(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    """A subquery as a value: one row at most."""
    made = compile_query(context, node, scope)
    if len(made.columns) == 1:
        return Typed(f"({made.sql})", made.columns[0].type)
    values = [Typed(f"s.c{place}", one.type) for place, one in enumerate(made.columns)]
    packed = make_row(values)
    kind = replace(packed.type, fields=tuple(one.name for one in made.columns))
    named = replace(packed, type=kind)
    return Typed(f"(SELECT {packed.sql} FROM ({made.sql}) s)", named.type)


def exists(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    made = compile_query(context, node.this, scope)
    return Typed(f"EXISTS ({made.sql})", BOOLEAN)


def contained(context: Context, scope: Scope, node: exp.Expr, value: Typed) -> Typed:
    """`value IN (subquery)`; a row may be compared with several columns."""
    made = compile_query(context, node.args["query"], scope)
    return Typed(_matches(value, "=", "ANY", made, node), BOOLEAN)


def quantified(
    context: Context, scope: Scope, node: exp.Expr, value: Typed, operator: str
) -> Typed:
    """`value operator ANY | SOME | ALL (subquery)`."""
    side = node.expression
    assert is_quantified(side)
    call = read_call(side)
    is_all = isinstance(side, exp.All) or (call is not None and call.name == "all")
    word = "ALL" if is_all else "ANY"
    query = call.arguments[0] if call is not None else side.this
    made = compile_query(context, query, scope)
    return Typed(_matches(value, operator, word, made, node), BOOLEAN)


def _matches(value: Typed, operator: str, word: str, made: Query, node: exp.Expr) -> str:
    position = position_of(node)
    if len(made.columns) != 1:
        kinds = value.type.arguments if value.type.name == "row" else ()
        if len(kinds) != len(made.columns):
            raise StatementError(
                "TYPE_MISMATCH",
                f"Multiple columns returned by subquery are not yet supported. Found"
                f" {len(made.columns)}",
                position,
            )
        other = make_row([Typed(f"s.c{i}", c.type) for i, c in enumerate(made.columns)])
        kind = common_type(value.type, other.type)
        if kind is None:
            raise refuse(value.type, operator, other.type, position)
        left, right = coerce(value, kind), coerce(other, kind)
        return f"({left.sql} {operator} {word} (SELECT {right.sql} FROM ({made.sql}) s))"
    left, right = comparable(value, operator, Typed("s.c0", made.columns[0].type), position)
    text = f"(SELECT {instant(right)} FROM ({made.sql}) s)"
    return f"({instant(left)} {operator} {word} {text})"
