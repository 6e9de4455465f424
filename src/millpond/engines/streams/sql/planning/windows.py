"""Windows: table functions in FROM, the calls of GROUP BY, and assigning rows to windows."""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.plan import Window
from millpond.engines.streams.sql.planning.intervals import interval_ms
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.projection import apart
from millpond.engines.streams.sql.planning.relation import Assigned, Field, Relation
from millpond.engines.streams.sql.window_tables import WindowTable
from millpond.engines.streams.types import TIMESTAMP, TIMESTAMP_LTZ, Column

START, END, TIME = "window_start", "window_end", "window_time"
WINDOW_NAMES = (START, END, TIME)


def window_columns(time: Field) -> tuple[Column, Column, Column]:
    """The columns that windows over a time attribute add."""
    kind = TIMESTAMP_LTZ if time.type.name == "TIMESTAMP_LTZ" else TIMESTAMP
    return Column(START, TIMESTAMP), Column(END, TIMESTAMP), Column(TIME, kind)


def window_fields(window: Window, time: Field) -> tuple[Field, Field, Field]:
    """These columns as SQL sees them."""
    start, end, moment = window_columns(time)
    return (
        Field(START, START, start.type, window="start"),
        Field(END, END, end.type, window="end"),
        Field(
            TIME,
            TIME,
            moment.type,
            time="processing" if window.processing else "rowtime",
            window="time",
        ),
    )


def spec(window: Window) -> Window:
    """What two windows must have in common to be joined: all but the name of their time."""
    return replace(window, time="")


def plan_window_table(planner: Planner, tree: WindowTable, relation: Relation) -> Relation:
    """`TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), …))` in FROM over the rows of its data."""
    if relation.changes:
        node = relation.node
        refuse(
            "StreamPhysicalWindowTableFunction doesn't support consuming update changes which is "
            f"produced by node {type(node).__name__}",
            tree,
        )
    name = str(tree.this)
    time = tree.args["time"]
    window_time = planner.field_of(exp.Column(this=time), relation)
    if window_time is None:
        refuse(f"Column '{time.name}' not found in any table", time)
    if window_time.time is None:
        if window_time.type.is_time:
            refuse(
                f"The window function requires the timecol is a time attribute type, but is "
                f"{window_time.type.flink()}.",
                time,
            )
        refuse(
            f"The window function {name} requires the timecol to be a time attribute, but "
            f"'{time.name}' is {window_time.type.flink()}.",
            time,
        )
    keys: list[Field] = []
    for key in tree.args.get("keys") or ():
        found = planner.field_of(key, relation)
        if found is None:
            planner.translate(key, relation)
            refuse("PARTITION BY of a window table function names columns only.", key)
        keys.append(found)
    if keys and name != "SESSION":
        refuse(f"PARTITION BY is only for SESSION, not for {name}.", tree.args["keys"][0])
    lengths = [tree.args[part] for part in ("slide", "step", "size", "gap") if tree.args.get(part)]
    window = _window(name, window_time, lengths, tree.args.get("offset"), tree)
    relation = apart(relation, WINDOW_NAMES, where_of(tree))
    return _assigned(relation, window, window_time.name, keys)


def _assigned(relation: Relation, window: Window, time_name: str, keys: list[Field]) -> Relation:
    time = next(each for each in relation.fields if each.name == time_name)
    columns = [
        next(each.column for each in relation.fields if each.name == key.name) for key in keys
    ]
    window = replace(window, time=time.column)
    fields = tuple(replace(each, window=None) for each in relation.fields)
    fields = tuple(replace(each, time=None) if each.time == "rowtime" else each for each in fields)
    return replace(
        relation,
        fields=fields + window_fields(window, time),
        windowed=spec(window),
        assigned=Assigned(window, tuple(columns)),
    )


def _window(
    name: str, time: Field, lengths: list[exp.Expr], offset: exp.Expr | None, tree: exp.Expr
) -> Window:
    """A window by its table function's name and lengths in the function's order."""
    sizes = [interval_ms(each) for each in lengths]
    for size, each in zip(sizes, lengths, strict=True):
        if size <= 0:
            refuse(f"{name} requires lengths of time above zero.", each)
    offset_ms = interval_ms(offset) if offset is not None else 0
    processing = time.time == "processing"
    match name:
        case "TUMBLE":
            return Window("tumble", time.column, sizes[0], 0, offset_ms, processing)
        case "SESSION":
            return Window("session", time.column, sizes[0], 0, 0, processing)
        case "WINDOWED BY STAGGER":
            return Window("stagger", time.column, sizes[0], 0, 0, processing)
    slide, size = sizes
    if name == "CUMULATE":
        if size % slide:
            refuse(
                "CUMULATE table function based aggregate requires maxSize must be an integral "
                f"multiple of step, but got maxSize {size} ms and step {slide} ms",
                tree,
            )
        return Window("cumulate", time.column, size, slide, offset_ms, processing)
    if size % slide:
        refuse(
            "HOP table function based aggregate requires size must be an integral multiple of "
            f"slide, but got size {size} ms and slide {slide} ms",
            tree,
            needs_flink=False,
        )
    return Window("hop", time.column, size, slide, offset_ms, processing)


def group_window(planner: Planner, tree: exp.Anonymous, relation: Relation) -> tuple[Window, Field]:
    """`TUMBLE(ts, INTERVAL …)`, `HOP(ts, slide, size)`, `SESSION(ts, gap)` in GROUP BY."""
    name = str(tree.this).upper()
    arguments = tree.expressions
    least = 3 if name == "HOP" else 2
    if not least <= len(arguments) <= least + 1:
        refuse(f"Invalid number of arguments to function '{name}'.", tree)
    time = planner.field_of(arguments[0], relation)
    if time is None or time.time is None:
        planner.translate(arguments[0], relation)
        refuse(
            "Window can only be defined over a time attribute column.",
            arguments[0],
        )
    offset = arguments[least] if len(arguments) > least else None
    if offset is not None:
        refuse(f"{name} in GROUP BY with an alignment is not supported.", offset, needs_flink=True)
    if name != "HOP":
        return _window(name, time, arguments[1:2], offset, tree), time
    slide, size = (interval_ms(each) for each in arguments[1:3])
    if slide <= 0 or size <= 0:
        refuse("HOP requires lengths of time above zero.", tree)
    return Window("hop", time.column, size, slide, 0, time.time == "processing"), time
