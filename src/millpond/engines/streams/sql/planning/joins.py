"""FROM with its joins: by interval of time, by window, on equal keys for good, and look-ups."""

from dataclasses import replace
from typing import Literal

from sqlglot import exp

from millpond.engines.streams.plan import Join, PerWindow
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.planning.calls import conjunction, conjuncts, named, names_in
from millpond.engines.streams.sql.planning.lookups import is_lookup, plan_lookup
from millpond.engines.streams.sql.planning.planner import Planner, Queries, refuse, where_of
from millpond.engines.streams.sql.planning.projection import keep_rows
from millpond.engines.streams.sql.planning.relation import Field, Relation
from millpond.engines.streams.sql.planning.relations import plan_relation, plan_unnest
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.planning.sides import Sides, reduced
from millpond.engines.streams.types import quoted

Kind = Literal["inner", "left", "right", "full"]
_KINDS: dict[str, Kind] = {"": "inner", "LEFT": "left", "RIGHT": "right", "FULL": "full"}


def plan_from(
    planner: Planner,
    tree: exp.Select,
    queries: Queries,
    conditions: list[exp.Expr],
    *,
    whole: bool = False,
) -> tuple[Relation, list[exp.Expr]]:
    """The rows of FROM, and the conditions of WHERE that its joins did not take. `whole`: with all
    columns, though the SELECT does not name them."""
    item = tree.args["from_"].this
    relation = plan_relation(planner, item, queries)
    joins = [*(item.args.get("joins") or ()), *(tree.args.get("joins") or ())]
    needed = None if whole else names_in(tree)
    names = [relation.fields[0].table] if relation.fields else []
    for join in joins:
        if isinstance(join.this, exp.Unnest):
            _require_plain(join, "UNNEST")
            relation = plan_unnest(planner, relation, join.this, join)
            continue
        if isinstance(join.this, exp.Lateral):
            refuse("LATERAL is not supported.", join.this, needs_flink=True)
        if is_lookup(join):
            relation = plan_lookup(planner, relation, join, needed)
            continue
        right = plan_relation(planner, join.this, queries)
        if right.fields and right.fields[0].table in names and right.fields[0].table is not None:
            refuse(f"Duplicate relation name '{right.fields[0].table}' in FROM clause", join.this)
        names += [right.fields[0].table] if right.fields else []
        relation, conditions = _joined(planner, relation, right, join, conditions, needed)
    return relation, conditions


def _require_plain(join: exp.Join, what: str) -> None:
    if join.args.get("on") or join.side or join.kind not in ("", "CROSS", "INNER"):
        true = isinstance(join.args.get("on"), exp.Boolean) and join.args["on"].this
        if not true or join.side:
            refuse(f"{what} is supported with CROSS JOIN or a comma.", join, needs_flink=True)


def _kind(join: exp.Join) -> Kind:
    if join.method or join.args.get("match_condition"):
        refuse(f"{join.method} JOIN is not supported.", join, needs_flink=True)
    if join.kind in ("SEMI", "ANTI"):
        refuse(f"{join.kind} JOIN is not supported.", join)
    return _KINDS[join.side]


def _joined(
    planner: Planner,
    left: Relation,
    right: Relation,
    join: exp.Join,
    conditions: list[exp.Expr],
    needed: set[str] | None,
) -> tuple[Relation, list[exp.Expr]]:
    kind = _kind(join)
    on = join.args.get("on")
    place = on if on is not None and position_of(on).line else join.this
    for side in (left, right):
        if side.changes:
            refuse(
                "A join of a result that changes is not supported; aggregate by window.",
                place,
                needs_flink=True,
            )
    left, right = settle(planner, left, place), settle(planner, right, place)
    sides = Sides(planner, left, right)
    trees = _on(sides, join)
    later: list[exp.Expr] = []
    if kind == "inner":
        own = [tree for tree in conditions if sides.resolves(tree)]
        later = [tree for tree in conditions if all(tree is not each for each in own)]
        trees = trees + own
    trees = sides.push_down(trees, left=kind in ("inner", "right"), right=kind in ("inner", "left"))
    if kind != "inner":
        later = conditions
    where = where_of(place)
    sides.left = reduced(sides.left, needed, (), where)
    sides.right = reduced(sides.right, needed, (), where)
    sides.sort(trees)
    sides.set_apart(where)
    if is_by_window(sides, place):
        relation = _window_join(sides, kind, place)
    elif sides.bounds.complete:
        relation = _interval_join(sides, kind, place)
    else:
        relation = _regular_join(sides, kind, place)
    fields = tuple(each for each in relation.fields if each.table != "$hidden")
    relation = replace(relation, fields=fields)
    if join.args.get("using"):
        relation = _merged(relation, sides, join)
    return relation, later


def _on(sides: Sides, join: exp.Join) -> list[exp.Expr]:
    trees = conjuncts(join.args.get("on"))
    for tree in trees:
        for node in tree.walk():
            if isinstance(node, exp.Query):
                refuse("A subquery in ON is not supported.", node, needs_flink=True)
    for name in join.args.get("using") or ():
        pair = []
        for relation in (sides.left, sides.right):
            each = next((each for each in relation.fields if each.name == name.name), None)
            if each is None:
                refuse(f"Column '{name.name}' not found in any table", name)
            pair.append(named(each.table, each.name, name))
        trees.append(exp.EQ(this=pair[0], expression=pair[1]))
    return trees


def _merged(relation: Relation, sides: Sides, join: exp.Join) -> Relation:
    """Of the columns of USING one is left."""
    names = {name.name for name in join.args["using"]}
    if join.side in ("RIGHT", "FULL"):
        refuse(f"USING with a {join.side} JOIN is not supported; write ON.", join.this)
    count = len([each for each in sides.left.fields if each.table != "$hidden"])
    fields = tuple(
        each
        for place, each in enumerate(relation.fields)
        if place < count or each.name not in names
    )
    fields = tuple(replace(each, table=None) if each.name in names else each for each in fields)
    return replace(relation, fields=fields)


def is_by_window(sides: Sides, place: exp.Expr) -> bool:
    """Whether rows of both sides meet in equal windows."""
    roles = {(left.window, right.window) for left, right in sides.keys}
    if not {("start", "start"), ("end", "end")} <= roles:
        return False
    if sides.left.windowed is None or sides.left.windowed != sides.right.windowed:
        if sides.left.windowed and sides.right.windowed:
            refuse(
                "Currently, window join doesn't support different window table function of left "
                "and right inputs.",
                place,
            )
        return False
    if sides.left.windowed.processing:
        refuse("Processing time Window Join is not supported yet.", place)
    return True


def condition_between(sides: Sides) -> tuple[str | None, frozenset[str]]:
    """What is left of the conditions, over `l.` and `r.`, and the functions that it calls."""
    whole = conjunction(sides.rest)
    if whole is None:
        return None, frozenset()
    names = {each.column: "l" for each in sides.left.fields}
    names.update({each.column: "r" for each in sides.right.fields})
    typed = sides.planner.translate(whole, sides.both, sides=names)
    if typed.type.name != "BOOLEAN":
        refuse("A join condition must be a BOOLEAN", whole)
    return typed.sql, typed.functions


def _window_join(sides: Sides, kind: Kind, place: exp.Expr) -> Relation:
    left, right = sides.left, sides.right
    condition, functions = condition_between(sides)
    after = None
    if functions:
        after, condition = _after(sides, kind, place), None
    pairs = [f"l.{quoted(one.column)} = r.{quoted(other.column)}" for one, other in sides.keys]
    if condition:
        pairs.append(condition)
    columns = left.node.columns + right.node.columns
    chosen = [f"l.{quoted(name)}" for name in left.node.names]
    chosen += [f"r.{quoted(name)}" for name in right.node.names]
    sql = (
        f"SELECT {', '.join(chosen)} FROM i0 AS l {kind.upper()} JOIN i1 AS r "
        f"ON {' AND '.join(pairs)}"
    )
    bounds = {(one.window, other.window): (one.column, other.column) for one, other in sides.keys}
    moments = [each for each in left.fields if each.time == "rowtime" and each.window == "time"]
    node = PerWindow(
        columns,
        (left.node, right.node),
        sql,
        bounds["start", "start"],
        bounds["end", "end"],
        rowtime=moments[0].column if moments and kind in ("inner", "left") else None,
        where=where_of(place),
    )
    fields = tuple(
        replace(each, time=None)
        if each.time == "rowtime"
        and (each.window != "time" or (each in left.fields) != (kind in ("inner", "left")))
        else each
        for each in left.fields + right.fields
    )
    relation = Relation(node, fields, left.windowed)
    return _filtered(sides, relation, after, place)


def _after(sides: Sides, kind: Kind, place: exp.Expr) -> exp.Expr | None:
    """Conditions that call Python functions come after an inner join."""
    if kind != "inner":
        refuse(
            "Python functions in the condition of an outer join are not supported.",
            place,
            needs_flink=True,
        )
    return conjunction(sides.rest)


def _filtered(
    sides: Sides, relation: Relation, after: exp.Expr | None, place: exp.Expr
) -> Relation:
    if after is None:
        return relation
    return keep_rows(relation, sides.planner.translate(after, relation), where_of(place))


def _interval_join(sides: Sides, kind: Kind, place: exp.Expr) -> Relation:
    bounds = sides.bounds
    assert bounds.left and bounds.right
    assert bounds.lower_ms is not None and bounds.upper_ms is not None
    left_time, right_time = sides.again(bounds.left, bounds.right)
    if (left_time.time, right_time.time) != ("rowtime", "rowtime"):
        refuse(
            "An interval join in processing time is not supported; join by event time.",
            place,
            needs_flink=True,
        )
    if not sides.keys:
        refuse(
            "An interval join without a condition of equality is not supported.",
            place,
            needs_flink=True,
        )
    kept = {"inner": "lr", "left": "l", "right": "r", "full": ""}[kind]
    rowtime = left_time.column if "l" in kept else right_time.column if "r" in kept else None
    fields = tuple(
        replace(each, time=None)
        if each.time == "rowtime"
        and (each != left_time or "l" not in kept)
        and (each != right_time or "r" not in kept)
        else each
        for each in sides.left.fields + sides.right.fields
    )
    return _join(
        sides,
        kind,
        place,
        tuple(replace(each, window=None) for each in fields),
        rowtime,
        (left_time.column, right_time.column, bounds.lower_ms, bounds.upper_ms),
    )


def _regular_join(sides: Sides, kind: Kind, place: exp.Expr) -> Relation:
    if kind != "inner":
        refuse(
            f"A {kind.upper()} JOIN without bounds of time is not supported: its result would "
            "change. Add a condition on the time attributes of both sides.",
            place,
            needs_flink=True,
        )
    if not sides.keys:
        refuse("A join without a condition of equality is not supported.", place, needs_flink=True)
    fields = tuple(
        replace(each, time=None if each.time == "rowtime" else each.time, window=None)
        for each in sides.left.fields + sides.right.fields
    )
    return _join(sides, kind, place, fields, None, None)


def _join(
    sides: Sides,
    kind: Kind,
    place: exp.Expr,
    fields: tuple[Field, ...],
    rowtime: str | None,
    times: tuple[str, str, int, int] | None,
) -> Relation:
    condition, functions = condition_between(sides)
    after = None
    if functions:
        after, condition = _after(sides, kind, place), None
    left_time, right_time, lower_ms, upper_ms = times or (None, None, None, None)
    node = Join(
        sides.left.node.columns + sides.right.node.columns,
        sides.left.node,
        sides.right.node,
        kind,
        tuple(left.column for left, _ in sides.keys),
        tuple(right.column for _, right in sides.keys),
        left_time,
        right_time,
        lower_ms,
        upper_ms,
        condition,
        rowtime=rowtime,
        where=where_of(place),
    )
    return _filtered(sides, Relation(node, fields), after, place)
