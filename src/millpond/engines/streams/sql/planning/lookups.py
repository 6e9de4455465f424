"""Look-up joins: `JOIN t FOR SYSTEM_TIME AS OF s.proctime AS d ON s.k = d.k`."""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.plan import LookupJoin, Node
from millpond.engines.streams.runtime.settings import duration_ms
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.planning.calls import conjunction, conjuncts
from millpond.engines.streams.sql.planning.catalog import View
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.planning.sides import Sides, reduced
from millpond.engines.streams.types import Column

_REFRESH = (
    "lookup.full-cache.periodic-reload.interval",
    "lookup.join.cache.ttl",
    "lookup.partial-cache.expire-after-write",
)
REFRESH_DEFAULT_MS = 3_600_000
"""How long a reference table is kept where its options say nothing: as Flink's Hive connector."""


def is_lookup(join: exp.Join) -> bool:
    """Whether a join looks up a table at a moment."""
    return isinstance(join.this, exp.Table) and bool(join.this.args.get("version"))


def plan_lookup(
    planner: Planner, left: Relation, join: exp.Join, needed: set[str] | None
) -> Relation:
    """Each row of `left` with the reference table's rows that fit."""
    tree = join.this
    at = position_of(tree)
    if join.side not in ("", "LEFT") or join.method or join.kind in ("CROSS", "SEMI", "ANTI"):
        refuse("A lookup join is an inner or a LEFT join.", tree, needs_flink=True)
    left = settle(planner, left, tree)
    if left.changes:
        refuse("A lookup join of a result that changes is not supported.", tree, needs_flink=True)
    moment = tree.args["version"].expression
    time = planner.field_of(moment, left)
    if time is None:
        planner.translate(moment, left)
    if time is None or time.time != "processing":
        refuse(
            "FOR SYSTEM_TIME AS OF takes a processing-time attribute of the left side; temporal "
            "joins in event time are not supported.",
            moment,
            needs_flink=True,
        )
    declared = planner.catalog.find(tuple(part.name for part in tree.parts), at)
    if declared is None or isinstance(declared, View):
        refuse("A lookup join reads a table, not a view.", tree, needs_flink=True)
    table = declared.table
    planner.looked_up[table.name] = declared
    where = where_of(tree)
    left = reduced(left, needed, (), where)
    alias = tree.alias or tree.name
    names: list[str] = []
    for column in table.columns:
        names.append(free_name(column.name, {*left.node.names, *names}))
    fields = tuple(
        Field(column.name, name, column.type, alias)
        for column, name in zip(table.columns, names, strict=True)
    )
    below = Node(tuple(Column(each.column, each.type) for each in fields))
    sides = Sides(planner, left, Relation(below, fields))
    trees = conjuncts(join.args.get("on"))
    if join.args.get("using"):
        refuse("A lookup join is written with ON.", tree)
    kept = []
    for each in trees:
        before = sides.right
        count = len(sides.keys)
        sides.sort([each])
        if sides.right is not before:
            sides.right = before
            sides.keys = sides.keys[:count]
            kept.append(each)
    rest = [*sides.rest, *kept]
    if not sides.keys:
        refuse(
            "Temporal table join requires an equality condition on fields of table "
            f"[{table.name}].",
            join.args.get("on") or tree,
        )
    condition = None
    whole = conjunction(rest)
    if whole is not None:
        aliases = {each.column: "l" for each in sides.left.fields}
        aliases.update({each.column: "r" for each in fields})
        typed = planner.translate(whole, sides.both, sides=aliases)
        if typed.functions:
            refuse("Python functions in a lookup join's condition are not supported.", whole)
        condition = typed.sql
    own = {each.column: column.name for each, column in zip(fields, table.columns, strict=True)}
    node = LookupJoin(
        sides.left.node.columns + below.columns,
        sides.left.node,
        table,
        tuple(one.column for one, _ in sides.keys),
        tuple(own[other.column] for _, other in sides.keys),
        tuple(names),
        "left" if join.side == "LEFT" else "inner",
        condition,
        _refresh_ms(table.option(*_REFRESH)),
        rowtime=sides.left.node.rowtime,
        where=where,
    )
    visible = tuple(each for each in sides.left.fields if each.table != "$hidden")
    return replace(sides.left, node=node, fields=visible + fields)


def _refresh_ms(text: str | None) -> int:
    return REFRESH_DEFAULT_MS if text is None else duration_ms(text, _REFRESH[0])
