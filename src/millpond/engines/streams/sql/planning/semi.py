"""EXISTS and IN with a query over the same windows: rows with a partner in their window, or with
none."""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.plan import PerWindow
from millpond.engines.streams.sql.planning.calls import column_parts, conjuncts
from millpond.engines.streams.sql.planning.joins import (
    condition_between,
    is_by_window,
    plan_from,
)
from millpond.engines.streams.sql.planning.planner import Planner, Queries, refuse, where_of
from millpond.engines.streams.sql.planning.relation import Relation
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.planning.sides import Sides, reduced
from millpond.engines.streams.types import quoted

_REFUSED = (
    "A subquery in a condition is supported for the same windows only (its WHERE compares "
    "window_start and window_end with the outer ones); write a join."
)


def plan_subqueries(
    planner: Planner, relation: Relation, conditions: list[exp.Expr], queries: Queries
) -> tuple[Relation, list[exp.Expr]]:
    """The rows that fulfil the conditions that are subqueries, and the other conditions."""
    rest: list[exp.Expr] = []
    for condition in conditions:
        tree, is_negated = condition, False
        while isinstance(tree, exp.Not | exp.Paren):
            is_negated ^= isinstance(tree, exp.Not)
            tree = tree.this
        if isinstance(tree, exp.Exists):
            relation = _joined(planner, relation, tree.this, None, is_negated, queries)
        elif isinstance(tree, exp.In) and tree.args.get("query"):
            relation = _joined(
                planner, relation, tree.args["query"], tree.this, is_negated, queries
            )
        else:
            rest.append(condition)
    return relation, rest


def _joined(
    planner: Planner,
    left: Relation,
    query: exp.Expr,
    value: exp.Expr | None,
    is_negated: bool,
    queries: Queries,
) -> Relation:
    select = query.this if isinstance(query, exp.Subquery) else query
    parts = ("group", "having", "distinct", "order", "limit", "windows", "with_")
    is_plain = isinstance(select, exp.Select) and select.args.get("from_")
    if not is_plain or any(select.args.get(part) for part in parts):
        refuse(_REFUSED, query, needs_flink=True)
    where = select.args.get("where")
    right, conditions = plan_from(
        planner, select, queries, conjuncts(where.this) if where else [], whole=True
    )
    left, right = settle(planner, left, query), settle(planner, right, query)
    for side in (left, right):
        if side.changes:
            refuse(_REFUSED, query, needs_flink=True)
    trees = [_qualified(tree, right) for tree in conditions]
    sides = Sides(planner, left, right)
    trees = sides.push_down(trees, left=False, right=True)
    item = _item(select, value)
    needed = {node.name for tree in [*trees, *item] for node in tree.find_all(exp.Identifier)}
    place = where_of(query)
    sides.right = reduced(sides.right, needed, (), place)
    sides.sort(trees)
    sides.set_apart(place)
    if not is_by_window(sides, query):
        refuse(_REFUSED, query, needs_flink=True)
    if value is not None:
        right_value = item[0].this if isinstance(item[0], exp.Alias) else item[0]
        sides.rest.append(_equal(value, _qualified(right_value, right), is_negated))
    return _semi(sides, "ANTI" if is_negated else "SEMI", query)


def _item(select: exp.Select, value: exp.Expr | None) -> list[exp.Expr]:
    if value is None:
        return []
    items = list(select.expressions)
    if len(items) != 1 or isinstance(items[0], exp.Star):
        refuse("The query of IN has one column", select)
    return items


def _equal(value: exp.Expr, other: exp.Expr, is_negated: bool) -> exp.Expr:
    equal = exp.EQ(this=value.copy(), expression=other.copy())
    if not is_negated:
        return equal
    found: exp.Expr = equal
    for each in (value, other):
        empty = exp.Is(this=each.copy(), expression=exp.Null())
        found = exp.Or(this=found, expression=empty)
    return exp.Paren(this=found)


def _qualified(tree: exp.Expr, inner: Relation) -> exp.Expr:
    """A tree in which plain names are the inner query's, where it has them."""
    copy = tree.copy()
    for node in list(copy.find_all(exp.Column)):
        parts = column_parts(node)
        found = [each for each in inner.fields if parts and each.name == parts[0]]
        if parts and len(parts) == 1 and len(found) == 1 and found[0].table:
            node.set("table", exp.Identifier(this=found[0].table, quoted=True))
    return copy


def _semi(sides: Sides, word: str, query: exp.Expr) -> Relation:
    condition, functions = condition_between(sides)
    if functions:
        refuse("Python functions in a subquery's condition are not supported.", query)
    pairs = [f"l.{quoted(one.column)} = r.{quoted(other.column)}" for one, other in sides.keys]
    pairs += [condition] if condition else []
    left = sides.left
    chosen = ", ".join(f"l.{quoted(name)}" for name in left.node.names)
    bounds = {(one.window, other.window): (one.column, other.column) for one, other in sides.keys}
    node = PerWindow(
        left.node.columns,
        (left.node, sides.right.node),
        f"SELECT {chosen} FROM i0 AS l {word} JOIN i1 AS r ON {' AND '.join(pairs)}",
        bounds["start", "start"],
        bounds["end", "end"],
        rowtime=left.node.rowtime,
        where=where_of(query),
    )
    fields = tuple(each for each in left.fields if each.table != "$hidden")
    return replace(left, node=node, fields=fields)
