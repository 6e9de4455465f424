"""SQL-1_0's windows as the planner knows them.

`GROUP BY … FLOOR(ROWTIME TO MINUTE)` and STEP(ROWTIME BY …) are tumbling windows, and stand for
their beginning in the list; `WINDOWED BY` is one more key; windows of OVER are in the order of
ROWTIME. What a SELECT gives gets a ROWTIME, if it selects none: of a window the last moment.
"""

from sqlglot import exp

from millpond.engines.streams.sql.dialect import TimeLiteral, position_of
from millpond.engines.streams.sql.kda.dialect import TIME_BETWEEN, Windowed
from millpond.engines.streams.sql.kda.statements import ROWTIME
from millpond.engines.streams.sql.planning.aggregation import STAGGER
from millpond.engines.streams.sql.planning.calls import call_name, outermost, replaced
from millpond.engines.streams.sql.planning.grouping import is_aggregate
from millpond.engines.streams.sql.planning.intervals import interval_ms
from millpond.engines.streams.sql.planning.planner import Planner, refuse

_UNITS_MS = {
    "SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000,
}  # fmt: skip
_EPOCH = "1970-01-01 00:00:00"
_KINDS = {
    "STAGGER": STAGGER, "TUMBLE": "TUMBLE", "TUMBLING": "TUMBLE", "SLIDING": "", "SLIDE": "",
}  # fmt: skip


def rewrite_windows(planner: Planner, select: exp.Select) -> bool:
    """Write the windows of a SELECT in the planner's words, in place; whether its last column is
    a ROWTIME that it did not select itself."""
    _order(select)
    _distinct(select)
    windowed = select.args.pop("windowed", None)
    if windowed is not None:
        _by_clause(planner, select, windowed)
    elif select.args.get("group"):
        _by_keys(select)
    elif any(is_aggregated(planner, each) for each in select.expressions):
        refuse(
            "An aggregate over a stream takes GROUP BY with FLOOR or STEP of ROWTIME, WINDOWED BY "
            "or OVER.",
            select.expressions[0],
        )
    return _with_rowtime(select)


def is_rowtime(node: exp.Expr) -> bool:
    """Whether an expression is a ROWTIME."""
    return isinstance(node, exp.Column) and node.name == ROWTIME


def is_aggregated(planner: Planner, tree: exp.Expr) -> bool:
    """Whether there is an aggregate in an expression, other than before OVER."""
    found = outermost(
        tree, lambda node: isinstance(node, exp.Window) or is_aggregate(planner, node)
    )
    return any(not isinstance(node, exp.Window) for node in found)


def rowtime_column(select: exp.Select) -> exp.Column:
    """The ROWTIME of the first item of FROM."""
    item = select.args["from_"].this if select.args.get("from_") else None
    column = exp.Column(this=_named(ROWTIME, select))
    name = item.alias_or_name if item is not None else ""
    if name:
        column.set("table", _named(name, select))
    return column


def _named(name: str, like: exp.Expr) -> exp.Identifier:
    at = position_of(like)
    identifier = exp.Identifier(this=name, quoted=True)
    identifier.meta.update({"line": at.line, "col": at.column})
    return identifier


def _order(select: exp.Select) -> None:
    named = list(select.args.get("windows") or ())
    own = [
        node
        for each in select.expressions
        for node in outermost(each, lambda node: isinstance(node, exp.Window))
    ]
    for window in [*named, *own]:
        if window.args.get("alias") is None and window.args.get("order") is None:
            ordered = exp.Ordered(this=rowtime_column(select), nulls_first=False)
            window.set("order", exp.Order(expressions=[ordered]))


def _distinct(select: exp.Select) -> None:
    """DISTINCT with a window of ROWTIME among its columns is a group of each window."""
    values = [each.unalias() for each in select.expressions]
    plain = not select.args.get("group") and not select.args.get("windowed")
    if select.args.get("distinct") and plain and any(_length_ms(each) for each in values):
        select.set("distinct", None)
        select.set("group", exp.Group(expressions=[each.copy() for each in values]))


def _length_ms(node: exp.Expr) -> int | None:
    """How long a tumbling window is whose beginning an expression is; None of anything else."""
    name = call_name(node)
    if is_rowtime(node):
        return 1
    if name not in ("FLOOR", "STEP") or len(node.expressions) != 2:
        return None
    value, unit = node.expressions
    if name == "FLOOR" and isinstance(value, exp.Div):
        return _since_epoch_ms(value, unit)
    if not is_rowtime(value):
        return None
    if name == "STEP":
        return interval_ms(unit)
    return _UNITS_MS.get(str(unit.name).upper())


def _since_epoch_ms(value: exp.Div, unit: exp.Expr) -> int | None:
    """`FLOOR((ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND)`: ten seconds."""
    between, count = value.this, value.expression
    if call_name(between) != TIME_BETWEEN or not isinstance(count, exp.Literal):
        return None
    moment, epoch, of = between.expressions
    is_epoch = isinstance(epoch, TimeLiteral) and str(epoch.args["text"]).startswith(_EPOCH)
    units = {str(each.name).upper() for each in (of, unit)}
    if not is_rowtime(moment) or not is_epoch or len(units) > 1 or not count.name.isdigit():
        return None
    length_ms = _UNITS_MS.get(units.pop())
    return length_ms * int(count.name) if length_ms and int(count.name) else None


def _by_keys(select: exp.Select) -> None:
    group = select.args["group"]
    keys = [
        key
        for each in group.expressions
        for key in (each.expressions if isinstance(each, exp.Tuple) else [each])
    ]
    lengths = [length for key in keys if (length := _length_ms(key)) is not None]
    if not lengths:
        refuse(
            "GROUP BY over a stream takes FLOOR(ROWTIME TO unit), of SECOND to DAY, or "
            "STEP(ROWTIME BY interval), which say when a group is complete.",
            group if position_of(group).line else select,
        )
    size_ms = min(lengths)
    others = [key for key in keys if _length_ms(key) != size_ms]
    group.set("expressions", [*others, _window("TUMBLE", size_ms, select)])
    if "having" in select.args and select.args["having"] is not None:
        having = select.args["having"]
        having.set("this", _starts(having.this, size_ms, select))
    select.set("expressions", [_starts(each, size_ms, select) for each in select.expressions])


def _starts(tree: exp.Expr, size_ms: int, select: exp.Select) -> exp.Expr:
    """The tree with the window's beginning where it was written."""

    def start(node: exp.Expr) -> exp.Expr | None:
        if is_rowtime(node) and size_ms > 1:
            return None
        if _length_ms(node) == size_ms:
            return _window("TUMBLE_START", size_ms, select)
        return None

    return replaced(tree, start)


def _window(name: str, size_ms: int, select: exp.Select) -> exp.Expr:
    text = f"{size_ms // 1000}.{size_ms % 1000:03d}"
    size = exp.Interval(this=exp.Literal.string(text), unit=exp.Var(this="SECOND"))
    call = exp.Anonymous(this=name, expressions=[rowtime_column(select), size])
    at = position_of(select)
    call.meta.update({"line": at.line, "col": at.column})
    found: exp.Expr = call
    return found


def _by_clause(planner: Planner, select: exp.Select, windowed: Windowed) -> None:
    kind = str(windowed.this)
    if kind not in _KINDS:
        refuse(f"WINDOWED BY {kind} is not supported; STAGGER, TUMBLING and SLIDING are.", windowed)
    if select.args.get("group"):
        refuse("A SELECT has GROUP BY or WINDOWED BY.", windowed)
    size, keys = windowed.args["size"], windowed.expressions
    size_ms = interval_ms(size)
    if size_ms <= 0:
        refuse("A window is longer than nothing.", size)
    if _KINDS[kind]:
        window = _window(_KINDS[kind], size_ms, select)
        keys = [key for key in keys if not is_rowtime(key)]
        select.set("group", exp.Group(expressions=[*keys, window]))
        return
    if select.args.get("having"):
        refuse("HAVING of a sliding window is not supported; filter its result.", windowed)

    def over(node: exp.Expr) -> exp.Expr | None:
        if not is_aggregate(planner, node):
            return None
        ordered = exp.Ordered(this=rowtime_column(select), nulls_first=False)
        return exp.Window(
            this=node.copy(),
            over="OVER",
            partition_by=[key.copy() for key in keys],
            order=exp.Order(expressions=[ordered]),
            spec=exp.WindowSpec(
                kind="RANGE", start=size.copy(), start_side="PRECEDING", end=None, end_side=None
            ),
        )

    select.set("expressions", [replaced(each, over) for each in select.expressions])


def _with_rowtime(select: exp.Select) -> bool:
    for each in select.expressions:
        if (each.alias if isinstance(each, exp.Alias) else each.name) == ROWTIME:
            return False
    if not select.args.get("from_"):
        return False
    value: exp.Expr = rowtime_column(select)
    group = select.args.get("group")
    if group is not None:
        window = group.expressions[-1]
        value = window.copy()
        value.set("this", f"{window.this}_ROWTIME")
    select.append("expressions", exp.alias_(value, ROWTIME, quoted=True, copy=False))
    return True
