"""OVER: functions over the rows before the current one, in the order of a time attribute."""

from dataclasses import dataclass, replace

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.operators.over import check_over_function
from millpond.engines.streams.plan import Aggregate, Frame, Over, Project
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.functions.aggregates import ALIASES, WINDOW_ONLY, aggregate_type
from millpond.engines.streams.sql.planning.calls import call_name, outermost, placeholder, replaced
from millpond.engines.streams.sql.planning.grouping import call_arguments, constant
from millpond.engines.streams.sql.planning.intervals import interval_ms
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.projection import hidden_columns
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.planning.settling import NOT_TIME, settle
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.types import Column, DataType, quoted


def is_over(tree: exp.Expr) -> bool:
    """Whether an expression has a function with OVER."""
    return any(True for _ in outermost(tree, lambda node: isinstance(node, exp.Window)))


@dataclass(frozen=True, slots=True)
class Clause:
    """An OVER clause with what a named window adds."""

    partition: tuple[exp.Expr, ...]
    order: tuple[exp.Ordered, ...]
    spec: exp.Expr | None


def clause_of(window: exp.Window, select: exp.Select) -> Clause:
    """What stands behind OVER."""
    if window.args.get("over") not in (None, "OVER") or window.args.get("first") is False:
        refuse("This form of OVER is not supported.", window)
    partition = tuple(window.args.get("partition_by") or ())
    order = window.args.get("order")
    spec = window.args.get("spec")
    alias = window.args.get("alias")
    if alias is not None:
        named = next(
            (
                each
                for each in select.args.get("windows") or ()
                if isinstance(each.this, exp.Identifier) and each.this.name == alias.name
            ),
            None,
        )
        if named is None:
            refuse(f"Window '{alias.name}' not found", window)
        base = clause_of(named, select) if named is not window else Clause((), (), None)
        return Clause(
            partition or base.partition,
            tuple(order.expressions) if order else base.order,
            spec or base.spec,
        )
    return Clause(partition, tuple(order.expressions) if order else (), spec)


@dataclass
class _Below:
    """The input of OVER: what the query still reads, and what is computed for it."""

    planner: Planner
    relation: Relation
    columns: dict[str, str]
    kinds: dict[str, DataType]
    functions: set[str]

    def column(self, tree: exp.Expr) -> tuple[str, DataType]:
        found = self.planner.field_of(tree, self.relation)
        if found is not None:
            self.take(found.column)
            return found.column, found.type
        typed = self.planner.translate(tree, self.relation)
        for name, sql in self.columns.items():
            if sql == typed.sql:
                return name, typed.type
        name = free_name("$value", {*self.columns, *self.relation.node.names})
        self.columns[name] = typed.sql
        self.kinds[name] = typed.type
        self.functions |= typed.functions
        return name, typed.type

    def take(self, name: str) -> None:
        self.columns[name] = quoted(name)
        self.kinds[name] = self.relation.column(name).type


def plan_over(
    planner: Planner, relation: Relation, trees: list[exp.Expr], select: exp.Select
) -> tuple[Relation, list[exp.Expr], dict[str, Typed]]:
    """The relation with the functions' columns, the trees with their names in place of them, and
    what these names are."""
    relation = settle(planner, relation, select)
    if relation.changes:
        refuse("OVER over a result that changes is not supported.", select, needs_flink=True)
    below = _Below(planner, relation, {}, {}, set())
    found = [
        node
        for tree in trees
        for node in outermost(tree, lambda node: isinstance(node, exp.Window))
    ]
    for name in _used(planner, relation, trees):
        below.take(name)
    windows: dict[tuple[tuple[str, ...], str, Frame, bool], list[Aggregate]] = {}
    names: dict[int, Aggregate] = {}
    for node in found:
        clause = clause_of(node, select)
        time = _time(planner, relation, clause, node)
        keys = tuple(dict.fromkeys(below.column(each)[0] for each in clause.partition))
        below.take(time.column)
        frame = _frame(clause, node)
        made = _function(planner, below, node)
        place = (keys, time.column, frame, time.time == "processing")
        known = windows.setdefault(place, [])
        same = next((each for each in known if replace(made, name=each.name) == each), None)
        if same is None:
            same = replace(made, name=f"$over {len(names)}")
            known.append(same)
        names[id(node)] = same
    relation = _chained(relation, below, windows, where_of(select))
    extra = {each.name: Typed(quoted(each.name), each.type) for each in names.values()}
    new = [
        replaced(
            tree,
            lambda node: placeholder(names[id(node)].name, node) if id(node) in names else None,
        )
        for tree in trees
    ]
    return relation, new, extra


def _used(planner: Planner, relation: Relation, trees: list[exp.Expr]) -> list[str]:
    used = [each.column for each in planner.fields_in(trees, relation)]
    used += hidden_columns(relation)
    return [name for name in relation.node.names if name in used]


def _time(planner: Planner, relation: Relation, clause: Clause, node: exp.Expr) -> Field:
    if not clause.order:
        refuse("OVER windows require an ORDER BY clause on a time attribute.", node)
    time = planner.field_of(clause.order[0].this, relation)
    if time is None or time.time is None:
        planner.translate(clause.order[0].this, relation)
        refuse(NOT_TIME, clause.order[0])
    if len(clause.order) > 1:
        refuse("The window can only be ordered by a single time column.", clause.order[1])
    if clause.order[0].args.get("desc"):
        refuse("The window can only be ordered in ASCENDING mode.", clause.order[0])
    return time


def _frame(clause: Clause, node: exp.Window) -> Frame:
    name = call_name(_call(node)) or ""
    if clause.spec is None:
        return Frame(is_rows=name in WINDOW_ONLY)
    spec = clause.spec
    kind = str(spec.args.get("kind") or "").upper()
    if kind not in ("ROWS", "RANGE"):
        refuse(f"{kind} in OVER is not supported.", node)
    if spec.args.get("exclude"):
        refuse("EXCLUDE in OVER is not supported.", node)
    start, side = spec.args.get("start"), spec.args.get("start_side")
    end = spec.args.get("end")
    if end not in (None, "CURRENT ROW"):
        refuse("OVER RANGE FOLLOWING windows are not supported yet.", node)
    if start == "UNBOUNDED" and side == "PRECEDING":
        return Frame(is_rows=kind == "ROWS")
    if start == "CURRENT ROW":
        return Frame(rows=0, is_rows=True) if kind == "ROWS" else Frame(range_ms=0)
    if side != "PRECEDING" or not isinstance(start, exp.Expr):
        refuse("OVER RANGE FOLLOWING windows are not supported yet.", node)
    if kind == "RANGE":
        return Frame(range_ms=interval_ms(start))
    if not isinstance(start, exp.Literal) or start.is_string or not start.name.isdigit():
        refuse("ROWS in OVER takes a number of rows.", node)
    return Frame(rows=int(start.name), is_rows=True)


def _call(node: exp.Window) -> exp.Expr:
    call = node.this
    return call.this if isinstance(call, exp.Filter) else call


def _function(planner: Planner, below: _Below, node: exp.Window) -> Aggregate:
    condition = None
    if isinstance(node.this, exp.Filter):
        condition, _ = below.column(node.this.expression.this)
    call = _call(node)
    if isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
        refuse("IGNORE NULLS and RESPECT NULLS are not supported.", call, needs_flink=True)
    name = call_name(call)
    if name is None:
        refuse("OVER follows an aggregate function.", node)
    arguments, distinct = call_arguments(call)
    options: tuple[str, ...] = ()
    kinds = [planner.translate(each, below.relation).type for each in arguments]
    if name in ("LAG", "LEAD", "LISTAGG"):
        options = tuple(constant(planner, each, below.relation) for each in arguments[1:])
        if name == "LAG" and options:
            options = (_offset(arguments[1]), *options[1:])
        arguments = arguments[:1]
    kind = aggregate_type(name, kinds, position_of(call))
    columns = tuple(below.column(each)[0] for each in arguments)
    made = Aggregate("", ALIASES.get(name, name), columns, kind, distinct, condition, options)
    try:
        check_over_function(made)
    except Refused as fault:
        refuse(fault.text, call, needs_flink=True)
    return made


def _offset(tree: exp.Expr) -> str:
    """How many rows LAG looks back."""
    if not isinstance(tree, exp.Literal) or tree.is_string or not tree.name.isdigit():
        refuse("LAG takes a number of rows.", tree)
    return str(tree.name)


def _chained(
    relation: Relation,
    below: _Below,
    windows: dict[tuple[tuple[str, ...], str, Frame, bool], list[Aggregate]],
    where: str,
) -> Relation:
    node = relation.node
    if list(below.columns) != list(node.names):
        node = Project(
            tuple(Column(name, below.kinds[name]) for name in below.columns),
            node,
            tuple(below.columns.values()),
            functions=tuple(sorted(below.functions)),
            rowtime=node.rowtime if node.rowtime in below.columns else None,
            where=where,
        )
    for (keys, time, frame, processing), functions in windows.items():
        node = Over(
            node.columns + tuple(Column(each.name, each.type) for each in functions),
            node,
            keys,
            time,
            frame,
            tuple(functions),
            processing,
            rowtime=node.rowtime,
            where=where,
        )
    return replace(relation, node=node)
