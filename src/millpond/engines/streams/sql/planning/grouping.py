"""What is grouped by, and the aggregates over it: their keys, arguments and results as columns."""

from dataclasses import dataclass, field, replace

from sqlglot import exp

from millpond.engines.streams.plan import (
    KIND,
    Aggregate,
    Node,
    Project,
    Window,
)
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.functions.aggregates import AGGREGATES, ALIASES, aggregate_type
from millpond.engines.streams.sql.functions.aggregates import is_aggregate as is_aggregate_name
from millpond.engines.streams.sql.planning.calls import (
    call_name,
)
from millpond.engines.streams.sql.planning.planner import Planner, refuse
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.planning.windows import (
    WINDOW_NAMES,
)
from millpond.engines.streams.types import Column, DataType, quoted


def is_aggregate(planner: Planner, node: exp.Expr) -> bool:
    """Whether a node is the call of an aggregate (with its FILTER, without OVER)."""
    if isinstance(node, exp.Filter | exp.WithinGroup):
        return is_aggregate(planner, node.this)
    name = call_name(node)
    return name is not None and is_aggregate_name(name) and name not in planner.catalog.functions


@dataclass
class Before:
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
class Grouping:
    """What is grouped by: `keys` as columns of the prepared input with the fields that they become,
    `computed` the expressions (as SQL) that some of them are."""

    planner: Planner
    before: Before
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
