"""ROW_NUMBER() … WHERE rownum <= N: deduplication, and Top-N by window."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.operators.aggregates import ORDER
from millpond.engines.streams.plan import AssignWindows, Deduplicate, Node, PerWindow, Project
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.planning.calls import call_name
from millpond.engines.streams.sql.planning.groups import IN_ORDER
from millpond.engines.streams.sql.planning.over import clause_of, is_over
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.projection import (
    KIND_COLUMN,
    Output,
    project,
    renamed,
)
from millpond.engines.streams.sql.planning.relation import (
    Field,
    Order,
    Ranking,
    Relation,
    free_name,
)
from millpond.engines.streams.sql.planning.settling import place_of, settle, settled_for
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.types import BIGINT, Column, quoted

_RANKS = ("ROW_NUMBER", "RANK", "DENSE_RANK")
_MIRRORED = {exp.EQ: exp.EQ, exp.LTE: exp.GTE, exp.LT: exp.GT, exp.GTE: exp.LTE, exp.GT: exp.LT}


def lazy_ranking(
    planner: Planner,
    relation: Relation,
    items: Sequence[tuple[str, exp.Expr]],
    select: exp.Select,
) -> tuple[Relation, int] | None:
    """The relation with a rank that waits (its last field) and the place of it in the list, if the
    list has one rank and no other OVER."""
    places = [place for place, (_, tree) in enumerate(items) if is_over(tree)]
    if len(places) != 1:
        return None
    name, tree = items[places[0]]
    if not isinstance(tree, exp.Window) or call_name(tree.this) not in _RANKS:
        return None
    if relation.ranking:
        relation = settle(planner, relation, select)
    clause = clause_of(tree, select)
    if not clause.order:
        refuse("OVER windows require an ORDER BY clause on a time attribute.", tree)
    if clause.spec is not None:
        refuse("ROW/RANGE not allowed with RANK, DENSE_RANK or ROW_NUMBER functions", tree)
    relation, keys = _columns(planner, relation, clause.partition)
    relation, ordered = _columns(planner, relation, [each.this for each in clause.order])
    order = tuple(
        Order(
            field.column,
            bool(each.args.get("desc")),
            bool(each.args.get("nulls_first")),
        )
        for field, each in zip(ordered, clause.order, strict=True)
    )
    at = position_of(tree)
    column = free_name(name, relation.node.names)
    ranking = Ranking(call_name(tree.this) or "", column, tuple(keys), order, tuple(ordered), at)
    rank = Field(name, column, BIGINT)
    made = replace(relation, fields=(*relation.fields, rank), ranking=ranking)
    return made, places[0]


def _columns(
    planner: Planner, relation: Relation, trees: Sequence[exp.Expr]
) -> tuple[Relation, list[Field]]:
    """Fields for expressions; those that compute something become hidden columns."""
    found: list[Field | None] = [planner.field_of(tree, relation) for tree in trees]
    computed = [tree for tree, each in zip(trees, found, strict=True) if each is None]
    if computed:
        relation = settled_for(planner, relation, computed)
        outputs = [Output(each.name, each) for each in relation.fields]
        count = len(outputs)
        outputs += [Output("$value", planner.translate(tree, relation)) for tree in computed]
        made = project(relation, outputs, where_of(computed[0]))
        more = iter(made.fields[count:])
        fields = tuple(
            replace(new, table=old.table)
            for new, old in zip(made.fields, relation.fields, strict=False)
        )
        relation = replace(made, fields=fields)
        found = [each if each is not None else next(more) for each in found]
    return relation, [each for each in found if each is not None]


def keep_ranks(
    planner: Planner, relation: Relation, conditions: list[exp.Expr], needed: set[str] | None
) -> tuple[Relation, list[exp.Expr]]:
    """The rows whose rank is low enough, and the conditions that are left. Of the columns those by
    names that are `needed` stay (None: all)."""
    ranking = relation.ranking
    if ranking is None:
        return relation, conditions
    rest: list[exp.Expr] = []
    bounds: list[int] = []
    for condition in conditions:
        bound = _bound(planner, relation, ranking, condition)
        if bound is None:
            rest.append(condition)
        else:
            bounds.append(bound)
    if not bounds:
        return relation, conditions
    count = min(bounds)
    keys = {each.window for each in ranking.keys}
    if {"start", "end"} <= keys:
        return _top_of_window(planner, relation, ranking, count, needed), rest
    if count == 1 and ranking.function == "ROW_NUMBER" and _is_time(ranking):
        return _deduplicated(planner, relation, ranking), rest
    return refuse(
        "Top-N without a window is not supported; PARTITION BY window_start, window_end, or ORDER "
        "BY a time attribute WHERE the row number is 1.",
        ranking.at,
        needs_flink=True,
    )


def _is_window_time(node: Node, ranking: Ranking) -> bool:
    """Whether rows are ranked by the time that put them into their windows."""
    while isinstance(node, Project):
        node = node.input
    return (
        len(ranking.order) == 1
        and isinstance(node, AssignWindows)
        and node.window.time == ranking.order[0].column
    )


def _is_time(ranking: Ranking) -> bool:
    return len(ranking.order) == 1 and ranking.ordered[0].time is not None


def _bound(
    planner: Planner, relation: Relation, ranking: Ranking, condition: exp.Expr
) -> int | None:
    """The highest rank that a condition lets pass, if it is one on the rank."""
    if isinstance(condition, exp.Between):
        low, high = condition.args["low"], condition.args["high"]
        if _is_rank(planner, relation, ranking, condition.this) and _number(low) == 1:
            return _number(high)
        return None
    kind = type(condition)
    if kind not in _MIRRORED:
        return None
    left, right = condition.this, condition.expression
    if _is_rank(planner, relation, ranking, right):
        left, right, kind = right, left, _MIRRORED[kind]
    number = _number(right)
    if number is None or not _is_rank(planner, relation, ranking, left):
        return None
    if kind is exp.EQ:
        return 1 if number == 1 else None
    if kind is exp.LTE:
        return number
    return number - 1 if kind is exp.LT else None


def _is_rank(planner: Planner, relation: Relation, ranking: Ranking, tree: exp.Expr) -> bool:
    found = planner.field_of(tree, relation)
    return found is not None and found.column == ranking.name


def _number(tree: exp.Expr) -> int | None:
    if isinstance(tree, exp.Literal) and not tree.is_string and tree.name.isdigit():
        return int(tree.name)
    return None


def _top_of_window(
    planner: Planner,
    relation: Relation,
    ranking: Ranking,
    count: int,
    needed: set[str] | None,
) -> Relation:
    if ranking.function != "ROW_NUMBER":
        refuse(
            f"{ranking.function}() on streaming table is not supported currently.",
            ranking.at,
        )
    if relation.windowed is None or relation.windowed.processing:
        refuse("Processing time Window TopN is not supported yet.", ranking.at)
    if relation.changes:
        refuse("Top-N of changes is not supported.", ranking.at, needs_flink=True)
    where = where_of(ranking.at)
    relation = settle(planner, replace(relation, ranking=None), place_of(ranking))
    node = relation.node
    fields = tuple(each for each in relation.fields if needed is None or each.name in needed)
    kept = {each.column for each in (*fields, *ranking.keys)}
    kept |= {each.column for each in ranking.order}
    columns = tuple(column for column in node.columns if column.name in kept)
    if len(columns) < len(node.columns):
        node = renamed(node, [(column.name, column.name) for column in columns], where)
    rank = Column(ranking.name, BIGINT)
    by = ", ".join(quoted(each.column) for each in ranking.keys)
    order = ", ".join(each.sql() for each in ranking.order)
    chosen = ", ".join(quoted(column.name) for column in columns)
    is_last = count == 1 and ranking.order[0].descending and _is_window_time(node, ranking)
    arrival = f"{quoted(ORDER)} DESC" if is_last else quoted(ORDER)
    sql = (
        f"SELECT {chosen}, row_number() OVER (PARTITION BY {by} ORDER BY {order}, {arrival}) "
        f"AS {quoted(rank.name)} FROM {IN_ORDER} QUALIFY {quoted(rank.name)} <= {count}"
    )
    start = next(each for each in ranking.keys if each.window == "start")
    end = next(each for each in ranking.keys if each.window == "end")
    made = PerWindow(
        (*columns, rank),
        (node,),
        sql,
        (start.column,),
        (end.column,),
        rowtime=node.rowtime,
        where=where,
    )
    return replace(relation, node=made, fields=fields)


def _deduplicated(planner: Planner, relation: Relation, ranking: Ranking) -> Relation:
    if relation.changes:
        refuse("Deduplication of changes is not supported.", ranking.at, needs_flink=True)
    relation = settle(planner, replace(relation, ranking=None), place_of(ranking))
    node = relation.node
    time = ranking.ordered[0]
    keys = tuple(each.column for each in ranking.keys)
    last = ranking.order[0].descending
    made = Deduplicate(
        (*node.columns, KIND_COLUMN) if last else node.columns,
        node,
        keys,
        time.column,
        "last" if last else "first",
        time.time == "processing",
        rowtime=None if last else node.rowtime,
        upsert_keys=keys if last else None,
        where=where_of(ranking.at),
    )
    fields = relation.fields
    if last:
        fields = tuple(
            replace(each, time=None) if each.time == "rowtime" else each for each in fields
        )
    relation = replace(relation, node=made, fields=fields)
    outputs = [
        Output(each.name, Typed("CAST(1 AS BIGINT)", BIGINT))
        if each.column == ranking.name
        else Output(each.name, each)
        for each in relation.fields
    ]
    found = project(relation, outputs, where_of(ranking.at))
    return replace(
        found,
        fields=tuple(
            replace(new, table=old.table)
            for new, old in zip(found.fields, relation.fields, strict=True)
        ),
    )
