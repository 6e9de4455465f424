"""The in-application streams of a program, as relations: sources with their times, what pumps put
into the others, the error stream, and reference tables, which joins look up.

ROWTIME of a source is the time at which Kinesis took a record (APPROXIMATE_ARRIVAL_TIME), and no
earlier than the watermark, so that no row is late. A pump's rows keep theirs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from millpond.engines.streams.interface import GivenTable, Refused
from millpond.engines.streams.plan import (
    ERROR_COLUMNS,
    Errors,
    Metadata,
    Node,
    Project,
    Source,
    Table,
    Union,
)
from millpond.engines.streams.sql.casts import cast, cast_to_fit
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.functions.calls import Call
from millpond.engines.streams.sql.kda.dialect import kda_type, parse_kda_query
from millpond.engines.streams.sql.kda.functions import KDA_FUNCTIONS, KDA_REFUSED
from millpond.engines.streams.sql.kda.statements import ROWTIME, CreatePump, CreateStream
from millpond.engines.streams.sql.planning.calls import call_name, placeholder, replaced
from millpond.engines.streams.sql.planning.planner import Planner, refuse
from millpond.engines.streams.sql.planning.relation import Field, Relation, fields_of
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.planning.tables import plain_table
from millpond.engines.streams.sql.statements.model import Name
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.sql.types import BINARIES, NUMBERS, STRINGS, assignable
from millpond.engines.streams.types import STRING, TIMESTAMP, TIMESTAMP_LTZ, Column, quoted

ARRIVAL = "APPROXIMATE_ARRIVAL_TIME"
ERROR_STREAM = "error_stream"
_SHARD = "$shard"
QUIET_MS = 1_000
"""How far a source's time is behind the clock while nothing comes."""
NOW = "$now"
"""The moment at which reference data is looked up."""
_FAMILIES = (NUMBERS, STRINGS, BINARIES)


def reads_reference(planner: Planner, item: exp.Expr) -> bool:
    """Whether an item of FROM is a reference table."""
    return isinstance(planner, KdaPlanner) and (
        isinstance(item, exp.Table) and item.name in planner.references
    )


@dataclass
class KdaPlanner(Planner):
    """The planner with streams for tables."""

    sources: dict[str, GivenTable] = field(default_factory=dict)
    references: dict[str, Table] = field(default_factory=dict)
    streams: dict[str, CreateStream] = field(default_factory=dict)
    pumps: dict[str, list[CreatePump]] = field(default_factory=dict)
    read_streams: set[str] = field(default_factory=set)
    _made: dict[str, Relation] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def table(self, name: Name, at: Position) -> Relation:
        wanted = name[-1]
        if len(name) > 1:
            refuse(f"Object '{'.'.join(name)}' not found", at)
        if wanted.lower() == ERROR_STREAM and wanted not in self.streams:
            return _errors().aliased(wanted)
        if wanted in self.references:
            refuse(f"The reference table '{wanted}' stands to the right of a JOIN.", at)
        if wanted not in self.sources and wanted not in self.streams:
            folded = {each.upper(): each for each in (*self.sources, *self.streams)}
            near = folded.get(wanted.upper())
            hint = f'; there is "{near}"' if near else ""
            refuse(f"Object '{wanted}' not found{hint}", at)
        if wanted in self._open:
            refuse(f"The stream '{wanted}' is filled from itself.", at)
        if wanted not in self._made:
            self._made[wanted] = (
                self._source(self.sources[wanted])
                if wanted in self.sources
                else self.stream(wanted, at)
            )
        self.read_streams.add(wanted)
        return self._made[wanted].aliased(wanted)

    def translate(
        self,
        tree: exp.Expr,
        relation: Relation,
        *,
        extra: Mapping[str, Typed] | None = None,
        sides: Mapping[str, str] | None = None,
        ungrouped: Relation | None = None,
    ) -> Typed:
        known = dict(extra or {})
        rest: dict[str, Any] = {"sides": sides, "ungrouped": ungrouped}

        def own(node: exp.Expr) -> exp.Expr | None:
            name = call_name(node)
            if name in KDA_REFUSED:
                refuse(f"The function {name} is not supported", node)
            if name not in KDA_FUNCTIONS:
                return None
            arguments = tuple(
                Typed(f"'{each.name}'", STRING)
                if isinstance(each, exp.Var)
                else self.translate(each, relation, extra=extra, **rest)
                for each in node.expressions
            )
            call = Call(name, arguments, tuple(node.expressions), position_of(node))
            place = f"$call {len(known)}"
            known[place] = KDA_FUNCTIONS[name](call)
            return placeholder(place, node)

        try:
            return super().translate(replaced(tree, own), relation, extra=known, **rest)
        except Refused as refused:
            raise _with_hint(refused, relation) from refused

    def field_of(self, tree: exp.Expr, relation: Relation) -> Field | None:
        if isinstance(tree, exp.Column) and tree.name == NOW:
            return Field(NOW, NOW, TIMESTAMP_LTZ, time="processing")
        return super().field_of(tree, relation)

    def stream(self, name: str, at: Position) -> Relation:
        """What pumps put into a stream."""
        stream = self.streams[name]
        if name in self._made:
            return self._made[name]
        pumps = self.pumps.get(name, [])
        if not pumps:
            refuse(f"No pump fills the stream '{name}'.", at)
        self._open.append(name)
        nodes = tuple(self._pumped(stream, pump) for pump in pumps)
        self._open.pop()
        node = nodes[0]
        if len(nodes) > 1:
            rowtime = ROWTIME if all(each.rowtime for each in nodes) else None
            node = Union(node.columns, nodes, rowtime=rowtime, where=f"stream {name}")
        self._made[name] = _visible(node)
        return self._made[name]

    def _pumped(self, stream: CreateStream, pump: CreatePump) -> Node:
        tree = parse_kda_query(pump.query, pump.query_at)
        relation = settle(self, self.query(tree, {}), tree)
        if relation.changes:
            refuse(
                "The result of this query changes with every row; GROUP BY a window of ROWTIME.",
                pump.query_at,
            )
        given = [each for each in relation.fields if not each.hidden]
        moment = next((each for each in relation.fields if each.name == ROWTIME), None)
        names = pump.columns or tuple(each.name for each in stream.columns)
        if len(names) != len(given):
            refuse(
                f"Number of INSERT target columns ({len(names)}) does not equal number of source "
                f"items ({len(given)})",
                pump.query_at,
            )
        values = dict(zip(names, given, strict=True))
        expressions = []
        for column in stream.columns:
            value = values.pop(column.name, None)
            expressions.append(_fitted(value, column, pump) if value else _nothing(column))
        moment = values.pop(ROWTIME, moment)
        if values:
            refuse(f"Unknown target column '{next(iter(values))}'", pump.at)
        is_time = moment is not None and moment.time == "rowtime"
        node = Project(
            (*stream.columns, Column(ROWTIME, TIMESTAMP)),
            relation.node,
            (
                *expressions,
                quoted(moment.column) if moment else _nothing(Column(ROWTIME, TIMESTAMP)),
            ),
            rowtime=ROWTIME if is_time else None,
            where=pump.name,
        )
        names_of_pumps = {each.name for pumps in self.pumps.values() for each in pumps}
        return _told(node, pump.name, names_of_pumps)

    def _source(self, given: GivenTable) -> Relation:
        """An input; where its records are spread over several streams, those of its shards."""
        together = sorted(
            each.name for each in self.sources.values() if dict(each.options) == dict(given.options)
        )
        table = given_table(given)
        table = replace(table, name=together[0])
        physical = table.columns
        if any(column.name in (ROWTIME, ARRIVAL) for column in physical):
            raise Refused(f"The input '{given.name}' has a column named ROWTIME or {ARRIVAL}.")
        metadata = tuple(
            Metadata(Column(each, TIMESTAMP), "timestamp") for each in (ARRIVAL, ROWTIME)
        )
        if len(together) > 1:
            metadata += (Metadata(Column(_SHARD, STRING), "shard-id"),)
        table = replace(table, metadata=metadata)
        self.read[table.name] = plain_table(table, Position(0, 0), given.role)
        node: Node = Source(
            (*physical, *(each.column for each in metadata)),
            table,
            watermark=f"{quoted(ROWTIME)} - INTERVAL 1 MILLISECOND",
            quiet_ms=QUIET_MS,
            rowtime=ROWTIME,
            where=f"stream {given.name}",
        )
        if len(together) > 1:
            number = f"CAST(right({quoted(_SHARD)}, 12) AS BIGINT) % {len(together)}"
            kept = node.columns[:-1]
            node = Project(
                kept,
                node,
                tuple(quoted(column.name) for column in kept),
                f"({number} = {together.index(given.name)})",
                rowtime=ROWTIME,
                where=f"stream {given.name}",
            )
        return _visible(node)


def given_table(given: GivenTable) -> Table:
    """A table that is connected from outside, its types those of SQL-1_0."""
    columns = tuple(Column(each.name, kda_type(each.type)) for each in given.columns)
    paths = tuple((each.name, each.path) for each in given.columns if each.path)
    return Table(given.name, columns, options=tuple(sorted(given.options.items())), paths=paths)


def _with_hint(refused: Refused, relation: Relation) -> Refused:
    """A column that is there in another case is named."""
    match = re.fullmatch(r"Column '(.+)' not found in (?:any table|table '.+')", refused.text)
    names = [each.name for each in relation.fields if match and each.name.upper() == match[1]]
    if not match or not names:
        return refused
    text = f'{refused.text}; there is "{names[0]}", which needs its quotes'
    return Refused(text, refused.line, refused.column)


def _visible(node: Node) -> Relation:
    """A stream's rows: its times are there by name only."""
    fields = tuple(
        replace(each, hidden=each.name in (ROWTIME, ARRIVAL)) for each in fields_of(node)
    )
    return Relation(node, fields)


def _errors() -> Relation:
    node = Errors(ERROR_COLUMNS)
    fields = tuple(replace(each, name=each.name.upper()) for each in fields_of(node))
    moment = replace(fields[0], name=ROWTIME, hidden=True)
    return Relation(node, (*fields, moment))


def _nothing(column: Column) -> str:
    return f"CAST(NULL AS {column.type.duckdb()})"


def _fitted(value: Field, column: Column, pump: CreatePump) -> str:
    source, target = value.type, column.type
    typed = Typed(quoted(value.column), source)
    together = any(source.name in family and target.name in family for family in _FAMILIES)
    if together and source.name not in STRINGS:
        return cast(typed, target, pump.query_at).sql
    if not together and not assignable(source, target):
        refuse(
            f"Cannot assign to target field '{column.name}' of type {target.flink()} from source "
            f"field '{value.name}' of type {source.flink()}",
            pump.query_at,
        )
    return cast_to_fit(typed, target).sql


def _told(node: Node, pump: str, pumps: set[str]) -> Node:
    """The node with its pump's name for people, down to the streams that it reads."""
    is_stream = node.where.startswith("stream ")
    is_other = node.where in pumps and node.where != pump
    if isinstance(node, Source | Errors) or is_stream or is_other:
        return node
    changed: dict[str, Any] = {"where": pump}
    for name in ("input", "left", "right"):
        below = getattr(node, name, None)
        if isinstance(below, Node):
            changed[name] = _told(below, pump, pumps)
    parts: Sequence[Node] = getattr(node, "parts", ())
    if parts:
        changed["parts"] = tuple(_told(each, pump, pumps) for each in parts)
    return replace(node, **changed)
