"""SQL-1_0's queries: what is its own is put into the planner's words, the rest is the planner's."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.plan import Join
from millpond.engines.streams.sql.kda.dialect import TableFunction
from millpond.engines.streams.sql.kda.statements import ROWTIME
from millpond.engines.streams.sql.kda.streams import NOW, reads_reference
from millpond.engines.streams.sql.kda.table_functions import plan_table_function
from millpond.engines.streams.sql.kda.windows import rewrite_windows
from millpond.engines.streams.sql.planning.calls import named, placeholder, replaced
from millpond.engines.streams.sql.planning.intervals import interval_ms
from millpond.engines.streams.sql.planning.planner import Planner, Queries, refuse
from millpond.engines.streams.sql.planning.queries import plan_query
from millpond.engines.streams.sql.planning.relation import Relation

_ROW_TIMES = ("CURRENT_ROW_TIMESTAMP",)


def plan_kda_query(planner: Planner, tree: exp.Expr, queries: Queries) -> Relation:
    """Any query; its relation has a ROWTIME, hidden where it was not selected."""
    if isinstance(tree, exp.Union):
        return _hidden(plan_query(planner, tree, queries), _all_hidden(tree))
    if not isinstance(tree, exp.Select):
        return plan_query(planner, tree, queries)
    select = _row_times(tree)
    found = dict(queries)
    _functions(planner, select, found)
    _joins(planner, select)
    is_hidden = rewrite_windows(planner, select)
    relation = plan_query(planner, select, found)
    if isinstance(relation.node, Join) and relation.node.lower_ms is None:
        refuse("A join of streams takes OVER (RANGE INTERVAL … PRECEDING) on its sides.", tree)
    return _hidden(relation, is_hidden)


def _hidden(relation: Relation, is_last_hidden: bool) -> Relation:
    last = len(relation.fields) - 1
    fields = tuple(
        replace(each, hidden=is_last_hidden and place == last)
        for place, each in enumerate(relation.fields)
    )
    if is_last_hidden and any(each.name == ROWTIME for each in fields[:-1]):
        fields = fields[:-1]
    return replace(relation, fields=fields)


def _all_hidden(tree: exp.Expr) -> bool:
    if isinstance(tree, exp.Union):
        return _all_hidden(tree.this) and _all_hidden(tree.expression)
    if isinstance(tree, exp.Subquery):
        return _all_hidden(tree.this)
    return isinstance(tree, exp.Select) and all(
        each.alias_or_name != ROWTIME for each in tree.expressions
    )


def _row_times(tree: exp.Select) -> exp.Select:
    """A copy in which CURRENT_ROW_TIMESTAMP is the row's time."""

    def row_time(node: exp.Expr) -> exp.Expr | None:
        plain = isinstance(node, exp.Column) and not node.table and not node.this.args.get("quoted")
        return placeholder(ROWTIME, node) if plain and node.name in _ROW_TIMES else None

    copy = replaced(tree, row_time)
    assert isinstance(copy, exp.Select)
    return copy


def _items(select: exp.Select) -> list[exp.Expr]:
    found = [select.args["from_"].this] if select.args.get("from_") else []
    return [*found, *(join.this for join in select.args.get("joins") or ())]


def _functions(planner: Planner, select: exp.Select, queries: dict[str, Relation]) -> None:
    """Table functions in FROM become queries by names of their own."""
    for item in _items(select):
        if not isinstance(item, TableFunction):
            continue
        name = f"$function {len(queries)}"
        queries[name] = plan_table_function(planner, item, queries).aliased(name)
        table = exp.Table(this=placeholder(name, item).this, alias=item.args.get("alias"))
        item.replace(table)


def _joins(planner: Planner, select: exp.Select) -> None:
    """Reference tables are looked up; streams meet within their windows."""
    items = _items(select)
    joins: Sequence[exp.Expr] = select.args.get("joins") or ()
    if joins and reads_reference(planner, items[0]):
        refuse("A reference table stands to the right of a JOIN.", items[0])
    first_ms = _over_ms(select, items[0]) if items else None
    for join in joins:
        item = join.this
        if reads_reference(planner, item):
            version = exp.Version(this="TIMESTAMP", kind="AS OF", expression=placeholder(NOW, item))
            item.set("version", version)
            _lookup(select, join)
            continue
        over_ms = _over_ms(select, item)
        if first_ms is None and over_ms is None:
            if not any(node.name == ROWTIME for node in join.find_all(exp.Column)):
                refuse(
                    "A join of streams takes OVER (RANGE INTERVAL … PRECEDING) on its sides.", item
                )
            continue
        left = named(items[0].alias_or_name, ROWTIME, item)
        right = named(item.alias_or_name, ROWTIME, item)
        bounds = exp.Between(
            this=left,
            low=exp.Sub(this=right.copy(), expression=_seconds(first_ms or 0)),
            high=exp.Add(this=right, expression=_seconds(over_ms or 0)),
        )
        on = join.args.get("on")
        join.set("on", exp.And(this=exp.Paren(this=on), expression=bounds) if on else bounds)
        if join.kind == "CROSS":
            join.set("kind", "INNER")


def _lookup(select: exp.Select, join: exp.Expr) -> None:
    """A comma's condition stands in WHERE."""
    where = select.args.get("where")
    if join.args.get("on") is None and not join.args.get("using") and where is not None:
        join.set("on", where.this.copy())
        select.set("where", None)
    if join.kind == "CROSS":
        join.set("kind", "")


def _seconds(length_ms: int) -> exp.Interval:
    text = f"{length_ms // 1000}.{length_ms % 1000:03d}"
    return exp.Interval(this=exp.Literal.string(text), unit=exp.Var(this="SECOND"))


def _over_ms(select: exp.Select, item: exp.Expr) -> int | None:
    """How far back the window of an item of FROM goes; None if it has none."""
    window = item.args.pop("over", None)
    if window is None:
        return None
    alias = window.args.get("alias")
    if alias is not None:
        names = {each.this.name: each for each in select.args.get("windows") or ()}
        if alias.name not in names:
            refuse(f"Window '{alias.name}' not found", item)
        window = names[alias.name]
    spec = window.args.get("spec")
    start = spec.args.get("start") if spec is not None else None
    if spec is None or window.args.get("partition_by") or str(spec.args.get("kind")) != "RANGE":
        refuse("The window of a join is a RANGE of time, without PARTITION BY.", item)
    if start == "CURRENT ROW":
        return 0
    is_past = spec.args.get("start_side") == "PRECEDING"
    if not is_past or spec.args.get("end") not in (None, "CURRENT ROW"):
        refuse("The window of a join reaches back from the row: INTERVAL … PRECEDING.", item)
    if not isinstance(start, exp.Expr):
        refuse("The window of a join has a length.", item)
    return interval_ms(start)
