"""The node that groups rows: by a window, by a window that rows carry already, or for good."""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.operators.aggregates import ORDER, parts_of, whole
from millpond.engines.streams.plan import AggregateWindow, GroupAggregate, PerWindow
from millpond.engines.streams.runtime.settings import LATENESS, duration_ms
from millpond.engines.streams.sql.planning.grouping import Grouping
from millpond.engines.streams.sql.planning.planner import Planner, refuse
from millpond.engines.streams.sql.planning.projection import KIND_COLUMN
from millpond.engines.streams.sql.planning.relation import Field, Relation
from millpond.engines.streams.sql.planning.windows import (
    WINDOW_NAMES,
    spec,
    window_columns,
    window_fields,
)
from millpond.engines.streams.types import Column, quoted

IN_ORDER = f"(SELECT *, row_number() OVER () AS {quoted(ORDER)} FROM i0)"
"""The rows of a `PerWindow`'s input, with the order in which they came."""


def grouped(planner: Planner, grouping: Grouping, at: exp.Expr) -> Relation:
    """The node of the groups, with the keys as fields."""
    if grouping.window is not None:
        return _by_window(planner, grouping, at)
    if grouping.carried:
        return _by_carried_window(grouping, at)
    before = grouping.before
    below = before.node(grouping.where)
    columns = tuple(
        Column(name, next(each.type for each in before.columns if each.name == name))
        for name in grouping.keys
    ) + tuple(Column(each.name, each.type) for each in grouping.aggregates)
    node = GroupAggregate(
        (*columns, KIND_COLUMN),
        below,
        tuple(grouping.keys),
        tuple(grouping.aggregates),
        upsert_keys=tuple(grouping.keys),
        where=grouping.where,
    )
    fields = tuple(replace(each, window=None) for each in grouping.keys.values())
    return Relation(node, _named_keys(grouping, fields))


def _named_keys(grouping: Grouping, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Keys that were computed have no name that SQL could write."""
    hidden = {each.column for each in grouping.computed.values()}
    return tuple(each for each in fields if each.column not in hidden)


def _by_window(planner: Planner, grouping: Grouping, at: exp.Expr) -> Relation:
    window, time = grouping.window, grouping.time
    assert window and time
    before = grouping.before
    before.take(window.time)
    below = before.node(grouping.where)
    types = {column.name: column.type for column in before.columns}
    columns = tuple(Column(name, types[name]) for name in grouping.keys)
    columns += tuple(Column(each.name, each.type) for each in grouping.aggregates)
    columns += window_columns(time)
    lateness = 0
    if LATENESS in planner.settings and not window.processing:
        lateness = duration_ms(planner.settings[LATENESS], LATENESS)
    if lateness and window.kind == "session":
        refuse("Allowed lateness of session windows is not supported.", at, needs_flink=True)
    upsert_keys = None
    if lateness:
        upsert_keys = (*grouping.keys, *WINDOW_NAMES[:2])
        columns += (KIND_COLUMN,)
    node = AggregateWindow(
        columns,
        below,
        window,
        tuple(grouping.keys),
        tuple(grouping.aggregates),
        lateness,
        rowtime=None if window.processing else WINDOW_NAMES[2],
        upsert_keys=upsert_keys,
        where=grouping.where,
    )
    fields = _named_keys(grouping, tuple(grouping.keys.values()))
    if grouping.call is None:
        made = {each.window: each for each in window_fields(window, time)}
        fields += tuple(
            replace(made[each.window], name=each.name, table=each.table)
            for each in grouping.carried.values()
        )
    return Relation(node, fields, spec(window))


def _by_carried_window(grouping: Grouping, at: exp.Expr) -> Relation:
    """Groups of rows that carry their window already."""
    windowed = grouping.before.relation.windowed
    if windowed is not None and windowed.processing:
        refuse(
            "GROUP BY window_start, window_end over rows of a processing-time window is not "
            "supported.",
            at,
            needs_flink=True,
        )
    before = grouping.before
    for name in grouping.carried:
        before.take(name)
    below = before.node(grouping.where)
    types = {column.name: column.type for column in before.columns}
    keys = dict(grouping.keys)
    by = list(keys)
    chosen = [quoted(name) for name in by]
    chosen += [f"{whole(each, types)} AS {quoted(each.name)}" for each in grouping.aggregates]
    is_ordered = any(parts_of(each, types, "").ordered for each in grouping.aggregates)
    columns = [Column(name, types[name]) for name in by]
    columns += [Column(each.name, each.type) for each in grouping.aggregates]
    for name in grouping.carried:
        if name not in by:
            by.append(name)
            chosen.append(quoted(name))
            columns.append(Column(name, types[name]))
    rows = IN_ORDER if is_ordered else "i0"
    by_names = ", ".join(quoted(name) for name in by)
    sql = f"SELECT {', '.join(chosen)} FROM {rows} GROUP BY {by_names}"
    start = next(each for each in grouping.carried.values() if each.window == "start")
    end = next(each for each in grouping.carried.values() if each.window == "end")
    rowtime = next(
        (each.column for each in grouping.carried.values() if each.time == "rowtime"), None
    )
    node = PerWindow(
        tuple(columns),
        (below,),
        sql,
        (start.column,),
        (end.column,),
        rowtime=rowtime,
        where=grouping.where,
    )
    fields = _named_keys(
        grouping,
        tuple(grouping.carried.get(each.column, each) for each in keys.values()),
    )
    return Relation(node, fields, windowed)
