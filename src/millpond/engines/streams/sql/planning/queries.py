"""Queries: WITH and UNION ALL; SELECT and VALUES have their modules."""

from collections.abc import Sequence

from sqlglot import exp

from millpond.engines.streams.plan import Node, Project, Union
from millpond.engines.streams.sql.planning.planner import Planner, Queries, refuse, where_of
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.planning.select import plan_select
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.planning.values import plan_values
from millpond.engines.streams.sql.types import common_type, same
from millpond.engines.streams.types import Column, quoted


def plan_query(planner: Planner, tree: exp.Expr, queries: Queries) -> Relation:
    """Any query."""
    queries = _with(planner, tree, queries)
    match tree:
        case exp.Subquery():
            _refuse_order(tree)
            return planner.query(tree.this, queries)
        case exp.SetOperation():
            _refuse_order(tree)
            return _union(planner, tree, queries)
        case exp.Values():
            return plan_values(planner, tree)
        case exp.Select():
            return plan_select(planner, tree, queries)
    return refuse(
        f"A query of this kind is not supported: {tree.key.upper()}", tree, needs_flink=True
    )


def _with(planner: Planner, tree: exp.Expr, queries: Queries) -> Queries:
    clause = tree.args.get("with_")
    if clause is None:
        return queries
    if clause.args.get("recursive"):
        refuse("WITH RECURSIVE is not supported.", clause, needs_flink=True)
    found = dict(queries)
    for each in clause.expressions:
        relation = planner.query(each.this, found)
        names = [column.name for column in each.args["alias"].args.get("columns") or ()]
        if names and len(names) != len(relation.fields):
            refuse("Number of columns must match number of query columns", each.args["alias"])
        found[each.alias] = relation.aliased(each.alias, names)
    return found


def _refuse_order(tree: exp.Expr) -> None:
    for part, name in (("order", "ORDER BY"), ("limit", "LIMIT"), ("offset", "OFFSET")):
        if tree.args.get(part):
            refuse(
                f"{name} over a stream without end is not supported.",
                tree.args[part],
                needs_flink=True,
            )


def _union(planner: Planner, tree: exp.SetOperation, queries: Queries) -> Relation:
    if not isinstance(tree, exp.Union):
        refuse(f"{tree.key.upper()} is not supported.", tree.expression, needs_flink=True)
    if tree.args.get("distinct"):
        refuse("UNION is not supported; UNION ALL is.", tree.expression, needs_flink=True)
    parts = [settle(planner, planner.query(each, queries), each) for each in _members(tree)]
    widths = {len(part.fields) for part in parts}
    if len(widths) > 1:
        refuse("Column count mismatch in UNION ALL", tree.expression)
    if any(part.changes for part in parts):
        refuse("UNION ALL of changes is not supported.", tree.expression, needs_flink=True)
    merged: list[Field] = []
    taken: list[str] = []
    for place, each in enumerate(parts[0].fields):
        kinds = [part.fields[place].type for part in parts]
        kind = common_type(kinds)
        if kind is None:
            refuse(
                f"Type mismatch in column {place + 1} of UNION ALL: "
                f"{', '.join(one.flink() for one in kinds)}",
                tree.expression,
            )
        if all(one == kinds[0] for one in kinds):
            kind = kinds[0]
        column = free_name(each.name, taken)
        taken.append(column)
        times = {part.fields[place].time for part in parts}
        roles = {part.fields[place].window for part in parts}
        merged.append(
            Field(
                each.name,
                column,
                kind,
                time=times.pop() if len(times) == 1 else None,
                window=roles.pop() if len(roles) == 1 else None,
            )
        )
    windows = {part.windowed for part in parts}
    rowtime = next((each.column for each in merged if each.time == "rowtime"), None)
    columns = tuple(Column(each.column, each.type) for each in merged)
    nodes = tuple(_cast_to(part, merged, rowtime, where_of(tree)) for part in parts)
    node = Union(columns, nodes, rowtime=rowtime, where=where_of(tree))
    return Relation(node, tuple(merged), windows.pop() if len(windows) == 1 else None)


def _members(tree: exp.Expr) -> list[exp.Expr]:
    """The queries of a chain of UNION ALL; of another kind each stays one."""
    if isinstance(tree, exp.Union) and not tree.args.get("distinct") and not tree.args.get("with_"):
        return [*_members(tree.this), *_members(tree.expression)]
    return [tree]


def _cast_to(part: Relation, merged: Sequence[Field], rowtime: str | None, where: str) -> Node:
    expressions = tuple(
        quoted(have.column)
        if same(have.type, want.type)
        else f"CAST({quoted(have.column)} AS {want.type.duckdb()})"
        for have, want in zip(part.fields, merged, strict=True)
    )
    columns = tuple(Column(each.column, each.type) for each in merged)
    if part.node.columns == columns and part.node.rowtime == rowtime:
        return part.node
    return Project(columns, part.node, expressions, rowtime=rowtime, where=where)
