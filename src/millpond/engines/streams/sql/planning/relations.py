"""FROM: tables, views, subqueries, window table functions, UNNEST, and what joins them."""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.plan import KIND, Project
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.planning.planner import Planner, Queries, refuse, where_of
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.planning.windows import plan_window_table
from millpond.engines.streams.sql.window_tables import WindowTable
from millpond.engines.streams.types import Column, DataType, quoted

_REFUSED_TABLE_PARTS = {
    "pivots": "PIVOT",
    "sample": "TABLESAMPLE",
    "ordinality": "WITH ORDINALITY",
}


def plan_relation(planner: Planner, tree: exp.Expr, queries: Queries) -> Relation:
    """One item of FROM, with its alias."""
    for part, name in _REFUSED_TABLE_PARTS.items():
        if tree.args.get(part):
            refuse(f"{name} is not supported.", tree, needs_flink=True)
    is_table = isinstance(tree, exp.Subquery) and not isinstance(tree.this, exp.Query)
    if is_table and tree.this.args.get("joins"):
        refuse("A join in brackets is not supported.", tree, needs_flink=True)
    match tree:
        case WindowTable():
            data = plan_relation(planner, tree.args["data"], queries).aliased(None)
            relation = plan_window_table(planner, tree, settle(planner, data, tree))
        case exp.Table():
            relation = _table(planner, tree, queries)
        case exp.Subquery() if isinstance(tree.this, exp.Table | exp.Subquery | exp.Values):
            relation = plan_relation(planner, tree.this, queries)
        case exp.Subquery():
            relation = planner.query(tree.this, queries)
        case exp.Values():
            relation = planner.query(tree, queries)
        case _:
            refuse(f"{tree.key.upper()} in FROM is not supported.", tree, needs_flink=True)
    return _aliased(relation, tree)


def _aliased(relation: Relation, tree: exp.Expr) -> Relation:
    alias = tree.args.get("alias")
    if alias is None or isinstance(tree, exp.Values):
        return relation if not isinstance(tree, exp.Subquery) else relation.aliased(None)
    names = [column.name for column in alias.args.get("columns") or ()]
    if names and len(names) != len(relation.fields):
        refuse(
            f"List of column aliases must have same degree as table; table has "
            f"{len(relation.fields)} columns, whereas alias list has {len(names)} columns",
            alias,
        )
    return relation.aliased(alias.name or None, names)


def _table(planner: Planner, tree: exp.Table, queries: Queries) -> Relation:
    if not isinstance(tree.this, exp.Identifier):
        name = str(getattr(tree.this, "this", "")) or tree.this.key
        refuse(f"The table function {name} is not supported.", tree, needs_flink=True)
    parts = tuple(part.name for part in tree.parts)
    if tree.args.get("version"):
        refuse(
            "FOR SYSTEM_TIME AS OF is supported for the right side of a lookup join only.",
            tree,
            needs_flink=True,
        )
    if len(parts) == 1 and parts[0] in queries:
        return queries[parts[0]]
    return planner.table(parts, position_of(tree))


def plan_unnest(planner: Planner, left: Relation, tree: exp.Unnest, at: exp.Expr) -> Relation:
    """`CROSS JOIN UNNEST(list) AS t (a, b)`: a row for each element."""
    if len(tree.expressions) != 1 or tree.args.get("offset"):
        refuse("UNNEST takes one list, without ordinality.", at, needs_flink=True)
    left = settle(planner, left, at)
    if left.changes:
        refuse("UNNEST of changes is not supported.", at, needs_flink=True)
    elements = planner.translate(tree.expressions[0], left)
    if elements.type.name not in ("ARRAY", "MULTISET"):
        refuse(
            f"UNNEST of {elements.type.flink()} is not supported; it takes an ARRAY.",
            tree.expressions[0],
            needs_flink=elements.type.name == "MAP",
        )
    element = elements.type.fields[0][1]
    alias = tree.args.get("alias")
    names = [column.name for column in (alias.args.get("columns") or ())] if alias else []
    table = alias.name if alias and alias.name else None
    node = left.node
    item = free_name("$item", node.names)
    given = _elements(element, names, item, at)
    columns = [column for column in node.columns if column.name != KIND]
    expressions = [quoted(column.name) for column in columns]
    fields: list[Field] = []
    for name, kind, sql in given:
        column = free_name(name, [each.name for each in columns])
        columns.append(Column(column, kind))
        expressions.append(sql)
        fields.append(Field(name, column, kind, table))
    made = Project(
        tuple(columns),
        node,
        tuple(expressions),
        unnest=(item, elements.sql),
        functions=tuple(sorted(elements.functions)),
        rowtime=node.rowtime,
        where=where_of(at),
    )
    return replace(left, node=made, fields=left.fields + tuple(fields))


def _elements(
    element: DataType, names: list[str], item: str, at: exp.Expr
) -> list[tuple[str, DataType, str]]:
    """Name, type and expression of each column that an element gives."""
    if element.name != "ROW":
        if len(names) > 1:
            refuse(f"An element of the list is one column, not {len(names)}.", at)
        return [(names[0] if names else "EXPR$0", element, quoted(item))]
    if names and len(names) != len(element.fields):
        refuse(f"An element of the list is {len(element.fields)} columns, not {len(names)}.", at)
    found = []
    for place, (name, kind) in enumerate(element.fields):
        text = name.replace("'", "''")
        sql = f"struct_extract({quoted(item)}, '{text}')"
        found.append((names[place] if names else name, kind, sql))
    return found
