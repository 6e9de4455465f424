"""GROUP BY, aggregates, HAVING and DISTINCT: by window where the keys hold one, else for good.

What an aggregate reads is computed before, by a `Project` that keeps keys and arguments alone; what
is computed of keys and results comes after, by the list of SELECT.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.operators.aggregates import ORDER, parts_of, whole
from millpond.engines.streams.plan import (
    KIND,
    Aggregate,
    AggregateWindow,
    GroupAggregate,
    Node,
    PerWindow,
    Project,
    Window,
)
from millpond.engines.streams.runtime.settings import duration_ms
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.functions.aggregates import AGGREGATES, ALIASES, aggregate_type
from millpond.engines.streams.sql.functions.aggregates import is_aggregate as is_aggregate_name
from millpond.engines.streams.sql.planning.calls import (
    call_name,
    column_parts,
    placeholder,
    replaced,
)
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.projection import (
    KIND_COLUMN,
    Output,
    apart,
    keep_rows,
)
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.planning.settling import settle, settled_for
from millpond.engines.streams.sql.planning.windows import (
    WINDOW_NAMES,
    group_window,
    spec,
    window_columns,
    window_fields,
)
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.types import Column, DataType, quoted

LATENESS = "table.exec.emit.allow-lateness"
IN_ORDER = f"(SELECT *, row_number() OVER () AS {quoted(ORDER)} FROM i0)"
"""The rows of a `PerWindow`'s input, with the order in which they came."""
_SETS = {exp.GroupingSets: "GROUPING SETS", exp.Cube: "CUBE", exp.Rollup: "ROLLUP"}
_GROUP_WINDOWS = ("TUMBLE", "HOP", "SESSION")
_AUXILIARY = {
    "START": "start",
    "END": "end",
    "ROWTIME": "time",
    "PROCTIME": "time",
}


def is_aggregate(planner: Planner, node: exp.Expr) -> bool:
    """Whether a node is the call of an aggregate (with its FILTER, without OVER)."""
    if isinstance(node, exp.Filter | exp.WithinGroup):
        return is_aggregate(planner, node.this)
    name = call_name(node)
    return name is not None and is_aggregate_name(name) and name not in planner.catalog.functions


@dataclass
class _Before:
    """The columns that aggregates read, computed."""

    planner: Planner
    relation: Relation
    names: list[str] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    expressions: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    made: dict[str, str] = field(default_factory=dict)

    def take(self, name: str) -> None:
        """A column of the node as it is."""
        if name not in self.names:
            column = self.relation.column(name)
            self._add(column, quoted(name))

    def column(self, tree: exp.Expr) -> tuple[str, DataType]:
        """The column that an expression is, computed if it has to be."""
        found = self.planner.field_of(tree, self.relation)
        if found is not None:
            self.take(found.column)
            return found.column, found.type
        typed = self.planner.translate(tree, self.relation)
        if typed.sql not in self.made:
            taken = {*self.relation.node.names, *self.names, *WINDOW_NAMES}
            name = free_name("$value", taken)
            self._add(Column(name, typed.type), typed.sql)
            self.functions |= typed.functions
            self.made[typed.sql] = name
        return self.made[typed.sql], typed.type

    def _add(self, column: Column, sql: str) -> None:
        self.names.append(column.name)
        self.columns.append(column)
        self.expressions.append(sql)

    def node(self, where: str) -> Node:
        below = self.relation.node
        if self.names == list(below.names):
            return below
        if not self.columns:
            self._add(Column("$one", DataType("INT")), "1")
        return Project(
            tuple(self.columns),
            below,
            tuple(self.expressions),
            functions=tuple(sorted(self.functions)),
            rowtime=below.rowtime if below.rowtime in self.names else None,
            where=where,
        )


@dataclass
class _Grouping:
    """What is grouped by: `keys` as columns of the prepared input with the fields that they become,
    `computed` the expressions (as SQL) that some of them are."""

    planner: Planner
    before: _Before
    where: str
    keys: dict[str, Field] = field(default_factory=dict)
    computed: dict[str, Field] = field(default_factory=dict)
    window: Window | None = None
    time: Field | None = None
    carried: dict[str, Field] = field(default_factory=dict)
    call: exp.Expr | None = None
    aggregates: list[Aggregate] = field(default_factory=list)
    results: dict[str, Field] = field(default_factory=dict)

    def add_key(self, tree: exp.Expr) -> None:
        found = self.planner.field_of(tree, self.before.relation)
        if found is not None and found.window and self.window is not None:
            self.carried[found.column] = found
            return
        column, kind = self.before.column(tree)
        if found is not None:
            self.keys.setdefault(column, replace(found, time=None))
        else:
            sql = self.planner.translate(tree, self.before.relation).sql
            made = Field(column, column, kind)
            self.keys[column] = made
            self.computed[sql] = made

    def aggregate(self, tree: exp.Expr, wanted: str) -> str:
        """The name of the placeholder for an aggregate's result."""
        made = self._read(tree)
        for known in self.aggregates:
            if replace(made, name=known.name) == known:
                return f"$result {known.name}"
        taken = {*self.keys, *WINDOW_NAMES, *(each.name for each in self.aggregates), KIND}
        taken |= set(self.carried)
        made = replace(made, name=free_name(wanted, taken))
        self.aggregates.append(made)
        self.results[f"$result {made.name}"] = Field(made.name, made.name, made.type)
        return f"$result {made.name}"

    def _read(self, tree: exp.Expr) -> Aggregate:
        condition = None
        call = tree
        if isinstance(call, exp.WithinGroup):
            refuse("WITHIN GROUP is not supported.", call, needs_flink=True)
        if isinstance(call, exp.Filter):
            kept, kind = self.before.column(call.expression.this)
            if kind.name != "BOOLEAN":
                refuse("FILTER clause must be a condition", call.expression)
            condition, call = kept, call.this
        name = call_name(call) or ""
        arguments, distinct = call_arguments(call)
        for argument in arguments:
            for node in argument.walk():
                if is_aggregate(self.planner, node):
                    refuse("Aggregate expressions cannot be nested", node)
        options: tuple[str, ...] = ()
        if name == "LISTAGG" and len(arguments) > 1:
            options = (constant(self.planner, arguments[1], self.before.relation),)
            types = [self.planner.translate(arguments[1], self.before.relation).type]
            columns = [self.before.column(arguments[0])]
            types.insert(0, columns[0][1])
        else:
            columns = [self.before.column(each) for each in arguments]
            types = [kind for _, kind in columns]
        kind = aggregate_type(name, types, position_of(call))
        if name not in AGGREGATES:
            refuse(f"{name} stands only before OVER.", call)
        if name == "COUNT" and len(columns) > 1:
            refuse("COUNT of several columns is not supported.", call, needs_flink=True)
        return Aggregate(
            "",
            ALIASES.get(name, name),
            tuple(column for column, _ in columns),
            kind,
            distinct,
            condition,
            options,
        )


def call_arguments(call: exp.Expr) -> tuple[list[exp.Expr], bool]:
    """A call's arguments, none of `*`, and whether they are DISTINCT."""
    arguments = list(call.expressions)
    if len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        return [], False
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
        return list(arguments[0].expressions), True
    return arguments, False


def constant(planner: Planner, tree: exp.Expr, relation: Relation) -> str:
    """The SQL of an expression that reads no column."""
    if planner.fields_in([tree], relation):
        refuse("This argument has to be constant.", tree, needs_flink=True)
    return planner.translate(tree, relation).sql


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
    relation = _grouped(planner, grouping, at)
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


def _grouping(planner: Planner, relation: Relation, keys: list[exp.Expr], where: str) -> _Grouping:
    grouping = _Grouping(planner, _Before(planner, relation), where)
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


def _rewritten(grouping: _Grouping, tree: exp.Expr, wanted: str) -> exp.Expr:
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


def _auxiliary(grouping: _Grouping, node: exp.Expr, part: str) -> str:
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


def _extra(grouping: _Grouping, relation: Relation) -> dict[str, Field]:
    found = dict(grouping.results)
    found.update((f"$key {each.column}", each) for each in grouping.computed.values())
    if grouping.window and grouping.time:
        for each in window_fields(grouping.window, grouping.time):
            found[f"$window {each.window}"] = each
    return found


def _grouped(planner: Planner, grouping: _Grouping, at: exp.Expr) -> Relation:
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


def _named_keys(grouping: _Grouping, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Keys that were computed have no name that SQL could write."""
    hidden = {each.column for each in grouping.computed.values()}
    return tuple(each for each in fields if each.column not in hidden)


def _by_window(planner: Planner, grouping: _Grouping, at: exp.Expr) -> Relation:
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


def _by_carried_window(grouping: _Grouping, at: exp.Expr) -> Relation:
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
