"""GROUP BY, aggregates, HAVING and DISTINCT: by window where the keys hold one, else for good.

What an aggregate reads is computed before, by a `Project` that keeps keys and arguments alone; what
is computed of keys and results comes after, by the list of SELECT.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.planning.calls import (
    call_name,
    column_parts,
    placeholder,
    replaced,
)
from millpond.engines.streams.sql.planning.grouping import Before, Grouping, is_aggregate
from millpond.engines.streams.sql.planning.groups import grouped
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.projection import (
    Output,
    apart,
    keep_rows,
)
from millpond.engines.streams.sql.planning.relation import Field, Relation
from millpond.engines.streams.sql.planning.settling import settle, settled_for
from millpond.engines.streams.sql.planning.windows import (
    WINDOW_NAMES,
    group_window,
    window_fields,
)
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.types import quoted

_SETS = {exp.GroupingSets: "GROUPING SETS", exp.Cube: "CUBE", exp.Rollup: "ROLLUP"}
STAGGER = "WINDOWED BY STAGGER"
"""SQL-1_0's staggered window as a call in GROUP BY; Flink SQL cannot write it."""
_GROUP_WINDOWS = ("TUMBLE", "HOP", "SESSION", STAGGER)
_AUXILIARY = {
    "START": "start",
    "END": "end",
    "ROWTIME": "time",
    "PROCTIME": "time",
}


def plan_aggregation(
    planner: Planner,
    relation: Relation,
    group: exp.Group | None,
    items: Sequence[tuple[str, exp.Expr]],
    having: exp.Having | None,
    at: exp.Expr,
) -> tuple[Relation, list[Output]]:
    """The groups' rows, and the columns of SELECT over them."""
    keys = _keys(group)
    where = where_of(group if group is not None else at)
    conditions = [having.this] if having is not None else []
    trees = [tree for _, tree in items] + conditions
    relation = _prepared(planner, relation, keys, trees, at)
    grouping = _grouping(planner, relation, keys, where)
    names = {id(tree): name for name, tree in items}
    new = [_rewritten(grouping, tree, names.get(id(tree), "$result")) for tree in trees]
    before = relation
    relation = grouped(planner, grouping, at)
    extra_fields = _extra(grouping, relation)
    extra = {
        name: Typed(quoted(each.column), each.type, processing=each.time == "processing")
        for name, each in extra_fields.items()
    }
    if having is not None:
        condition = planner.translate(new[-1], relation, extra=extra, ungrouped=before)
        if condition.type.name != "BOOLEAN":
            refuse("HAVING clause must be a condition", having)
        relation = keep_rows(_with_hidden(relation, extra_fields), condition, where_of(having))
    outputs = []
    for (name, _), tree in zip(items, new, strict=False):
        parts = column_parts(tree)
        direct = extra_fields.get(parts[0]) if parts else None
        direct = direct or planner.field_of(tree, relation)
        outputs.append(
            Output(name, direct)
            if direct is not None
            else Output(name, planner.translate(tree, relation, extra=extra, ungrouped=before))
        )
    return relation, outputs


def _with_hidden(relation: Relation, extra: dict[str, Field]) -> Relation:
    """The relation with results as fields too, so that a filter keeps their columns."""
    known = {each.column for each in relation.fields}
    more = {each.column: each for each in extra.values() if each.column not in known}
    hidden = tuple(
        replace(each, name=f"$hidden {each.column}", table="$hidden") for each in more.values()
    )
    return replace(relation, fields=relation.fields + hidden)


def _keys(group: exp.Group | None) -> list[exp.Expr]:
    if group is None:
        return []
    for part, name in (
        ("grouping_sets", "GROUPING SETS"),
        ("cube", "CUBE"),
        ("rollup", "ROLLUP"),
        ("totals", "WITH TOTALS"),
        ("all", "GROUP BY ALL"),
    ):
        if group.args.get(part):
            refuse(f"{name} is not supported.", group, needs_flink=name != "GROUP BY ALL")
    found: list[exp.Expr] = []
    for key in group.expressions:
        if isinstance(key, exp.GroupingSets | exp.Cube | exp.Rollup):
            refuse(f"{_SETS[type(key)]} is not supported.", key, needs_flink=True)
        found += key.expressions if isinstance(key, exp.Tuple) else [key]
    return found


def _prepared(
    planner: Planner,
    relation: Relation,
    keys: list[exp.Expr],
    trees: list[exp.Expr],
    at: exp.Expr,
) -> Relation:
    """Settled, unless the window that waits is what is grouped by and nothing else reads it."""
    if relation.ranking:
        relation = settle(planner, relation, at)
    if any(call_name(key) in _GROUP_WINDOWS for key in keys):
        relation = apart(settle(planner, relation, at), WINDOW_NAMES, where_of(at))
    if relation.changes:
        refuse(
            "GROUP BY over a result that changes is not supported.",
            keys[0] if keys else at,
            needs_flink=True,
        )
    if relation.assigned is None:
        return relation
    found = [planner.field_of(key, relation) for key in keys]
    roles = {each.window for each in found if each}
    if not {"start", "end"} <= roles:
        return settle(planner, relation, at)
    if relation.assigned.window.kind == "session":
        columns = {each.column for each in found if each and not each.window}
        if None in found or columns != set(relation.assigned.keys):
            return settle(planner, relation, at)
    computed = [key for key, each in zip(keys, found, strict=True) if each is None]
    for tree in trees:
        for node in tree.walk():
            if is_aggregate(planner, node):
                computed.append(node)
    return settled_for(planner, relation, computed) if computed else relation


def _grouping(planner: Planner, relation: Relation, keys: list[exp.Expr], where: str) -> Grouping:
    grouping = Grouping(planner, Before(planner, relation), where)
    calls = [key for key in keys if call_name(key) in _GROUP_WINDOWS]
    fields = [planner.field_of(key, relation) for key in keys]
    roles = {each.window for each in fields if each}
    if len(calls) > 1:
        refuse("Multiple window functions in GROUP BY are not supported", calls[1])
    if calls:
        grouping.call = calls[0]
        grouping.window, grouping.time = group_window(planner, calls[0], relation)
    elif relation.assigned is not None:
        window = relation.assigned.window
        grouping.window = window
        grouping.time = Field("", window.time, relation.column(window.time).type)
    elif relation.windowed is not None and {"start", "end"} <= roles:
        for each in fields:
            if each and each.window:
                grouping.carried[each.column] = each
    for key in keys:
        if key not in calls:
            grouping.add_key(key)
    return grouping


def _rewritten(grouping: Grouping, tree: exp.Expr, wanted: str) -> exp.Expr:
    """A tree with the names of results and keys in their place."""
    planner = grouping.planner

    def replace_part(node: exp.Expr) -> exp.Expr | None:
        if is_aggregate(planner, node):
            name = wanted if node is tree else "$result"
            return placeholder(grouping.aggregate(node, name), node)
        name = call_name(node) or ""
        window, _, part = name.partition("_")
        if window in _GROUP_WINDOWS and part in _AUXILIARY:
            return placeholder(_auxiliary(grouping, node, part), node)
        if grouping.computed and not isinstance(node, exp.Column | exp.Literal | exp.Query):
            sql = _sql(planner, node, grouping.before.relation)
            key = grouping.computed.get(sql) if sql else None
            if key is not None:
                return placeholder(f"$key {key.column}", node)
        return None

    return replaced(tree, replace_part)


def _sql(planner: Planner, node: exp.Expr, relation: Relation) -> str | None:
    try:
        return planner.translate(node, relation).sql
    except Refused:
        return None


def _auxiliary(grouping: Grouping, node: exp.Expr, part: str) -> str:
    name = call_name(node) or ""
    relation = grouping.before.relation
    window = grouping.window
    if grouping.call is None or window is None or (call_name(grouping.call) != name.split("_")[0]):
        refuse(f"Group window function '{name}' is not in GROUP BY", node)
    asked, _ = group_window(
        grouping.planner,
        exp.Anonymous(this=name.split("_")[0], expressions=node.expressions),
        relation,
    )
    if asked != window:
        refuse(
            f"Call to auxiliary group function '{name}' must have matching call to group function "
            f"'{name.split('_')[0]}' in GROUP BY clause",
            node,
        )
    if part == "ROWTIME" and window.processing:
        refuse("A proctime window cannot provide a rowtime attribute.", node)
    if part == "PROCTIME" and not window.processing:
        refuse("A rowtime window cannot provide a proctime attribute.", node)
    return f"$window {_AUXILIARY[part]}"


def _extra(grouping: Grouping, relation: Relation) -> dict[str, Field]:
    found = dict(grouping.results)
    found.update((f"$key {each.column}", each) for each in grouping.computed.values())
    if grouping.window and grouping.time:
        for each in window_fields(grouping.window, grouping.time):
            found[f"$window {each.window}"] = each
    return found


def plan_distinct(planner: Planner, relation: Relation, at: exp.Expr) -> Relation:
    """SELECT DISTINCT: a group for each row's values."""
    fields = relation.fields
    keys: list[exp.Expr] = []
    names: list[str] = []
    numbered = replace(
        relation,
        fields=tuple(
            replace(each, name=f"$column {place}", table=None) for place, each in enumerate(fields)
        ),
    )
    for each in numbered.fields:
        keys.append(placeholder(each.name, at))
        names.append(each.name)
    group = exp.Group(expressions=keys)
    grouped, outputs = plan_aggregation(
        planner, numbered, group, list(zip(names, keys, strict=True)), None, at
    )
    made = tuple(
        replace(output.value, name=each.name, table=None)
        for output, each in zip(outputs, fields, strict=True)
        if isinstance(output.value, Field)
    )
    return replace(grouped, fields=made)
