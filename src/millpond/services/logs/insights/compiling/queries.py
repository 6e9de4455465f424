"""A whole query: its commands in turn, each over the rows that the one before gives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from millpond.services.logs.insights.compiling.expressions import Expressions
from millpond.services.logs.insights.compiling.rows import COLUMNS, EVENTS, SYSTEM, Rows
from millpond.services.logs.insights.compiling.values import (
    Kind,
    Value,
    json_of,
    quoted,
    sort_keys,
    text_of,
    truth_of,
)
from millpond.services.logs.insights.language.commands import parse
from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.language.regexes import glob_regex, group_number
from millpond.services.logs.insights.language.tree import (
    Command,
    Dedup,
    Display,
    Fields,
    Filter,
    Limit,
    Named,
    Parse,
    Sort,
    Stats,
    Unnest,
)

POINTER = "@ptr"
_DEFAULT = ("@timestamp", "@message")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query in SQL. `sql` answers `columns` (as `c0`, `c1`, …) by name and kind: NUMBER as
    doubles, TIME as epoch milliseconds, TEXT. `counting`, where it is set, answers how many events
    match; else every one does, unless `counts_itself`: then the last column tells it."""

    sql: str
    columns: Sequence[tuple[str, Kind]]
    counting: str | None
    counts_itself: bool


def compile_query(text: str, *, limit: int, now_ms: int, test: str) -> Compiled:
    """The SQL of a query that answers `limit` rows unless it says how many. `test` is what events
    must fulfil beside the query.

    Raises:
        Malformed: the text is no query, or asks for what is not implemented.
    """
    commands = parse(text)

    def over(columns: Sequence[str]) -> Compiled:
        listed = ", ".join(f'r."{name}"' for name in columns)
        every = rows = Rows(f"(SELECT {listed} FROM {EVENTS} r WHERE {test})")
        for command in commands:
            rows = _apply(command, rows, Expressions(text, rows, now_ms))
        return _finish(rows, every, limit)

    # Commands pass on whole rows; what none of them names need not be read.
    try:
        found = over(())
    except RecursionError:
        raise Malformed("The query is nested too deeply.", 0, len(text)) from None
    sql = f"{found.sql} {found.counting}"
    named = [name for name in COLUMNS if re.search(rf'\br\."?{name}\b', sql)]
    return over(named or COLUMNS[:1])


def _apply(command: Command, rows: Rows, compiled: Expressions) -> Rows:
    match command:
        case Fields():
            rows = _name(rows, command.items, compiled)
            added = tuple(one.name for one in command.items if one.name not in rows.shown)
            return replace(rows, shown=(*rows.shown, *added), displayed=None)
        case Display():
            rows = _name(rows, command.items, compiled)
            return replace(rows, displayed=tuple(one.name for one in command.items))
        case Filter():
            return rows.keep(truth_of(compiled.value(command.test)))
        case Parse():
            return _parse(command, rows, compiled)
        case Stats():
            return _stats(command, rows, compiled)
        case Sort():
            return _sort(command, rows, compiled)
        case Limit():
            smaller = command.count if rows.limit is None else min(command.count, rows.limit)
            return replace(rows.counted() if rows.is_raw else rows, limit=smaller)
        case Dedup():
            return _dedup(command, rows, compiled)
        case Unnest():
            return _unnest(command, rows, compiled)


def _name(rows: Rows, items: Sequence[Named], compiled: Expressions) -> Rows:
    for one in items:
        value = compiled.value(one.value)
        if one.has_alias or one.name not in SYSTEM:
            rows = rows.name(one.name, value)
    return rows


def _parse(command: Parse, rows: Rows, compiled: Expressions) -> Rows:
    source = text_of(compiled.value(command.source))
    if command.is_regex:
        pattern = command.pattern
        numbers = [group_number(pattern, name) for name in command.names]
    else:
        pattern = glob_regex(command.pattern)
        numbers = list(range(1, len(command.names) + 1))
    for name, number in zip(command.names, numbers, strict=True):
        group = f'"$group"({source}, {quoted(pattern)}, {number})'
        rows = rows.name(name, Value(group, Kind.TEXT))
    added = tuple(name for name in command.names if name not in rows.shown)
    shown = rows.shown or (_DEFAULT if rows.is_raw else ())
    return replace(rows, shown=(*shown, *added))


def _stats(command: Stats, rows: Rows, compiled: Expressions) -> Rows:
    if rows.limit is not None:
        rows = rows.settle()
    keys = [(one.name, compiled.value(one.value)) for one in command.keys]
    for one in command.values:
        compiled.made[one.name] = compiled.aggregated(one.value)
    values = [(one.name, compiled.made[one.name]) for one in command.values]
    items: list[str] = []
    names: dict[str, Value] = {}
    for place, (name, value) in enumerate([*keys, *values]):
        is_plain = value.kind in (Kind.NUMBER, Kind.TIME)
        items.append(f"{value.sql if is_plain else text_of(value)} AS s{place}")
        names[name] = Value(f"r.s{place}", value.kind if is_plain else Kind.TEXT)
    is_first = rows.is_raw
    items.append("count(*) AS m" if is_first else "max(r.matched) AS matched")
    grouping = f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}" if keys else ""
    having = "" if keys else " HAVING count(*) > 0"
    source = f"(SELECT {', '.join(items)} FROM {rows.source} r{rows.where}{grouping}{having})"
    if is_first:
        source = f"(SELECT r.*, sum(r.m) OVER () AS matched FROM {source} r)"
    shown = [*(name for name, _ in keys), *(name for name, _ in values)]
    return Rows(source, names, shown=tuple(dict.fromkeys(shown)), is_raw=False, made=rows.made)


def _sort(command: Sort, rows: Rows, compiled: Expressions) -> Rows:
    if rows.limit is not None:
        rows = rows.settle()
    order: list[str] = []
    for node, downward in command.items:
        direction = "DESC" if downward else "ASC"
        keys = sort_keys(compiled.value(node))
        order += [f"{key} {direction} NULLS LAST" for key in keys]
    return replace(rows, order=tuple(order))


def _dedup(command: Dedup, rows: Rows, compiled: Expressions) -> Rows:
    """The first row of each set of values; those that miss one of them stay."""
    values = [text_of(compiled.value(one)) for one in command.fields]
    if rows.is_raw:
        rows = rows.counted()
    order = f" ORDER BY {', '.join(rows.orderly)}" if rows.orderly else ""
    place = f"row_number() OVER (PARTITION BY {', '.join(values)}{order})"
    if rows.limit is not None:
        rows = rows.settle()
    rows = rows.settle(place)
    missing = "".join(f" OR {value} IS NULL" for value in values)
    return replace(rows, tests=(f"({rows.added} = 1{missing})",))


def _unnest(command: Unnest, rows: Rows, compiled: Expressions) -> Rows:
    if not rows.is_raw:
        raise Malformed("unnest cannot stand after stats.", command.start, command.end)
    rows = rows.counted().settle(json_of(compiled.value(command.value)))
    items = f"CASE WHEN starts_with({rows.added}, '[') THEN {rows.added} ELSE '[]' END"
    joined = f" CROSS JOIN UNNEST(CAST(json_parse({items}) AS array(json))) AS u(e)"
    rows = rows.settle("json_format(u.e)", joined)
    rows = rows.name(command.name, Value(rows.added, Kind.JSON))
    return replace(rows, shown=(*(rows.shown or _DEFAULT), command.name))


def _finish(rows: Rows, every: Rows, limit: int) -> Compiled:
    names = rows.displayed if rows.displayed is not None else rows.shown
    if not names and rows.is_raw:
        names = _DEFAULT
    columns: list[tuple[str, Value]] = [(name, _column(rows, name)) for name in names]
    if rows.is_raw and POINTER not in names:
        columns.append((POINTER, SYSTEM[POINTER]))
    items = [f"{_shown(value)} AS c{place}" for place, (_, value) in enumerate(columns)]
    if not rows.is_raw:
        items.append(f"r.matched AS c{len(items)}")
    counting = rows.counted().matched if rows.is_raw else None
    if counting == every.counted().matched:
        counting = None
    size = limit if rows.limit is None else rows.limit
    sql = f"SELECT {', '.join(items)} FROM {rows.source} r{rows.where}{rows.ordering} LIMIT {size}"
    return Compiled(
        sql,
        [(name, _kind(value)) for name, value in columns],
        counting,
        counts_itself=not rows.is_raw,
    )


def _column(rows: Rows, name: str) -> Value:
    known = rows.names.get(name)
    return known if known is not None else rows.find((name,))


def _kind(value: Value) -> Kind:
    return value.kind if value.kind in (Kind.NUMBER, Kind.TIME) else Kind.TEXT


def _shown(value: Value) -> str:
    match value.kind:
        case Kind.NUMBER:
            return f"CASE WHEN is_finite({value.sql}) THEN {value.sql} END"
        case Kind.TIME:
            return value.sql
    return text_of(value)
