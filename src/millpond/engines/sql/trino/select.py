"""SELECT: FROM, WHERE, GROUP BY and HAVING under a list of items.

An aggregated query becomes two: keys and aggregates inside (`k0`, `a0`, …), everything else over
them outside.
"""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.sql.trino.calls import has_aggregate
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.operators import (
    refuse_maps,
)
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.predicates import predicate
from millpond.engines.sql.trino.pruning import push_to_scans
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.relations import compile_from
from millpond.engines.sql.trino.scope import (
    Context,
    Grouping,
    Query,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.select_list import complete, has_window, outputs


def select(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
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
        where = f" WHERE {predicate(context, inner, condition, 'WHERE clause')}"
        push_to_scans(context, inner, condition)
    body = (f" FROM {source.sql}" if source.sql else "") + where
    windows = {one.this.name.lower(): one for one in node.args.get("windows") or []}
    if _is_grouped(node):
        return _grouped_select(context, node, inner, body, windows)
    scope = Scope(source.fields, parent, windows=windows, allows_windows=True)
    items = outputs(context, scope, node)
    keep = not any(has_window(one) for one in node.expressions)
    return complete(context, node, scope, items, body, keep)


def _is_grouped(node: exp.Expr) -> bool:
    if node.args.get("group") or node.args.get("having"):
        return True
    places = [*node.expressions]
    if node.args.get("order"):
        places += node.args["order"].expressions
    return any(has_aggregate(one) for one in places)


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
    listed = outputs(context, scope, node)
    having = ""
    if node.args.get("having"):
        condition = node.args["having"].this
        having = " WHERE " + predicate(
            context, replace(scope, allows_windows=False), condition, "HAVING clause"
        )
    text = complete(context, node, scope, listed, "\0", keeps_lineage=False)
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
    if has_aggregate(expression) or has_window(expression):
        raise StatementError(
            "EXPRESSION_NOT_SCALAR",
            "GROUP BY clause cannot contain aggregations, window functions or grouping operations:"
            f" [{expression.sql('trino')}]",
            position_of(expression),
        )
    value = context.compiler.expression(context, grouping.source, expression)
    refuse_maps(value.type, "GROUP BY", position_of(item))
    return grouping.add_key(value)
