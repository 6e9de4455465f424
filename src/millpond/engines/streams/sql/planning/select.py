"""SELECT, clause by clause: FROM and its joins, WHERE, GROUP BY and aggregates, OVER, the list."""

from dataclasses import dataclass

from sqlglot import exp

from millpond.engines.streams.sql.planning.aggregation import plan_aggregation, plan_distinct
from millpond.engines.streams.sql.planning.calls import (
    column_parts,
    conjunction,
    conjuncts,
    named,
    names_in,
)
from millpond.engines.streams.sql.planning.grouping import is_aggregate
from millpond.engines.streams.sql.planning.joins import plan_from
from millpond.engines.streams.sql.planning.over import is_over, plan_over
from millpond.engines.streams.sql.planning.planner import Planner, Queries, refuse, where_of
from millpond.engines.streams.sql.planning.projection import Output, keep_rows, project
from millpond.engines.streams.sql.planning.ranking import keep_ranks, lazy_ranking
from millpond.engines.streams.sql.planning.relation import Field, Relation
from millpond.engines.streams.sql.planning.semi import plan_subqueries
from millpond.engines.streams.sql.planning.settling import settled_for
from millpond.engines.streams.sql.planning.values import numbered
from millpond.engines.streams.sql.typed import Typed

_REFUSED = {
    "order": "ORDER BY",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "fetch": "FETCH",
    "qualify": "QUALIFY",
    "laterals": "LATERAL TABLE",
    "match": "MATCH_RECOGNIZE",
    "connect": "CONNECT BY",
    "pivots": "PIVOT",
    "sort": "SORT BY",
    "cluster": "CLUSTER BY",
    "distribute": "DISTRIBUTE BY",
    "into": "SELECT INTO",
    "sample": "TABLESAMPLE",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One column of SELECT's list."""

    name: str
    tree: exp.Expr


def plan_select(planner: Planner, tree: exp.Select, queries: Queries) -> Relation:
    """A SELECT's rows."""
    for part, name in _REFUSED.items():
        found = tree.args.get(part)
        if found:
            node = found[0] if isinstance(found, list) else found
            refuse(
                f"{name} over a stream without end is not supported."
                if part in ("order", "limit", "offset", "fetch")
                else f"{name} is not supported.",
                node if isinstance(node, exp.Expr) else tree,
                needs_flink=True,
            )
    where = tree.args.get("where")
    conditions = conjuncts(where.this) if where else []
    if tree.args.get("from_"):
        relation, conditions = plan_from(planner, tree, queries, conditions)
    else:
        relation = numbered(1)
    relation = plan_where(planner, relation, conditions, queries, names_in(tree))
    items = _items(planner, tree, relation)
    trees = [item.tree for item in items]
    having = tree.args.get("having")
    group = tree.args.get("group")
    aggregates = group is not None or any(_has_aggregate(planner, each) for each in trees)
    if aggregates or having is not None:
        _refuse_over(trees)
        relation, outputs = plan_aggregation(
            planner, relation, group, [(item.name, item.tree) for item in items], having, tree
        )
        relation = project(relation, outputs, where_of(tree))
    else:
        relation = _plain(planner, tree, relation, items)
    if tree.args.get("distinct"):
        if tree.args["distinct"].args.get("on"):
            refuse("SELECT DISTINCT ON is not supported.", tree)
        relation = plan_distinct(planner, relation, tree)
    return relation


def _refuse_over(trees: list[exp.Expr]) -> None:
    for each in trees:
        if is_over(each):
            refuse(
                "OVER over the result of GROUP BY in one SELECT is not supported; put the GROUP BY "
                "into a subquery.",
                each,
                needs_flink=True,
            )


def _plain(planner: Planner, tree: exp.Select, relation: Relation, items: list[Item]) -> Relation:
    """A list without aggregates."""
    trees = [item.tree for item in items]
    extra: dict[str, Typed] = {}
    ranked = lazy_ranking(planner, relation, [(item.name, item.tree) for item in items], tree)
    if ranked is not None:
        relation, place = ranked
        rank = relation.fields[-1]
        rest = [item for index, item in enumerate(items) if index != place]
        relation = settled_for_list(planner, relation, rest)
        outputs = [_output(planner, relation, item, extra) for item in rest]
        outputs.insert(place, Output(rank.name, rank))
        return project(relation, outputs, where_of(tree))
    if any(is_over(each) for each in trees):
        relation, trees, extra = plan_over(planner, relation, trees, tree)
        items = [Item(item.name, each) for item, each in zip(items, trees, strict=True)]
    relation = settled_for_list(planner, relation, items)
    outputs = [_output(planner, relation, item, extra) for item in items]
    return project(relation, outputs, where_of(tree))


def settled_for_list(planner: Planner, relation: Relation, items: list[Item]) -> Relation:
    """Settled if the list computes with columns that wait to be made."""
    computed = [item.tree for item in items if planner.field_of(item.tree, relation) is None]
    return settled_for(planner, relation, computed) if computed else relation


def _output(planner: Planner, relation: Relation, item: Item, extra: dict[str, Typed]) -> Output:
    parts = column_parts(item.tree)
    if parts is None or parts[0] not in extra:
        field = planner.field_of(item.tree, relation)
        if field is not None:
            return Output(item.name, field)
    return Output(item.name, planner.translate(item.tree, relation, extra=extra))


def plan_where(
    planner: Planner,
    relation: Relation,
    conditions: list[exp.Expr],
    queries: Queries,
    needed: set[str] | None,
) -> Relation:
    """The rows that fulfil all conditions; those on a waiting rank make it a Top-N, of the columns
    that are `needed` (None: all)."""
    if not conditions:
        return relation
    relation, conditions = plan_subqueries(planner, relation, conditions, queries)
    for condition in conditions:
        _refuse_in_condition(planner, condition)
    relation, conditions = keep_ranks(planner, relation, conditions, needed)
    whole = conjunction(conditions)
    if whole is None:
        return relation
    relation = settled_for(planner, relation, conditions)
    typed = planner.translate(whole, relation)
    if typed.type.name not in ("BOOLEAN", "NULL"):
        refuse("WHERE clause must be a condition", whole)
    return keep_rows(relation, typed, where_of(whole))


def _refuse_in_condition(planner: Planner, condition: exp.Expr) -> None:
    for node in condition.walk():
        if isinstance(node, exp.Query | exp.Exists):
            refuse(
                "A subquery in a condition is not supported; write a join.", node, needs_flink=True
            )
        if isinstance(node, exp.Window):
            refuse("Windowed aggregate expression is illegal in WHERE clause", node)
        if is_aggregate(planner, node):
            refuse("Aggregate expression is illegal in WHERE clause", node)


def _has_aggregate(planner: Planner, tree: exp.Expr) -> bool:
    if isinstance(tree, exp.Window):
        return any(_has_aggregate(planner, each) for each in tree.this.iter_expressions())
    if isinstance(tree, exp.Query):
        return False
    if is_aggregate(planner, tree):
        return True
    return any(_has_aggregate(planner, child) for child in tree.iter_expressions())


def _items(planner: Planner, tree: exp.Select, relation: Relation) -> list[Item]:
    """The list with `*` written out and every column named."""
    items: list[Item] = []
    for place, each in enumerate(tree.expressions):
        if isinstance(each, exp.Star):
            _refuse_star(each)
            items += [_item_of(field, each) for field in relation.fields if not field.hidden]
        elif isinstance(each, exp.Column) and isinstance(each.this, exp.Star):
            _refuse_star(each.this)
            table = each.table
            fields = [field for field in relation.fields if field.table == table]
            if not fields:
                refuse(f"Unknown identifier '{table}'", each)
            items += [_item_of(field, each) for field in fields if not field.hidden]
        elif isinstance(each, exp.Alias):
            items.append(Item(each.alias, each.this))
        else:
            parts = column_parts(each)
            items.append(Item(parts[-1] if parts else f"EXPR${place}", each))
    if not items:
        refuse("SELECT has no columns", tree)
    for item in items:
        for node in item.tree.walk():
            if isinstance(node, exp.Query):
                refuse(
                    "A subquery in the list of SELECT is not supported; write a join.",
                    node,
                    needs_flink=True,
                )
    return items


def _refuse_star(star: exp.Expr) -> None:
    for part in ("except_", "replace", "rename"):
        if star.args.get(part):
            refuse("SELECT * with exceptions is not supported; name the columns.", star)


def _item_of(field: Field, like: exp.Expr) -> Item:
    return Item(field.name, named(field.table, field.name, like))
