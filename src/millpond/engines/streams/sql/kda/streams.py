"""The in-application streams of a program, as relations: inputs, what pumps put into the others,
the error stream. Reference tables are there for joins to look up.

A stream is planned when it is first read; its pumps may stand anywhere in the text. The rows of a
pump keep the ROWTIME of what it reads.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from millpond.engines.streams.interface import GivenTable, Refused
from millpond.engines.streams.plan import Table, Union
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.functions.calls import Call
from millpond.engines.streams.sql.kda.dialect import parse_kda_query
from millpond.engines.streams.sql.kda.functions import KDA_FUNCTIONS, KDA_REFUSED
from millpond.engines.streams.sql.kda.inputs import (
    error_stream,
    input_stream,
    input_table,
    visible,
)
from millpond.engines.streams.sql.kda.pumps import pumped
from millpond.engines.streams.sql.kda.statements import ROWTIME, CreatePump, CreateStream
from millpond.engines.streams.sql.planning.calls import call_name, placeholder, replaced
from millpond.engines.streams.sql.planning.planner import Planner, refuse
from millpond.engines.streams.sql.planning.relation import Field, Relation
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.planning.tables import plain_table
from millpond.engines.streams.sql.statements.model import Name
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.types import STRING, TIMESTAMP_LTZ

ERROR_STREAM = "error_stream"
NOW = "$now"
"""The moment at which reference data is looked up."""


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
            return error_stream().aliased(wanted)
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
                self._input(wanted) if wanted in self.sources else self.stream(wanted, at)
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
        names = {each.name for every in self.pumps.values() for each in every}
        nodes = tuple(pumped(self._asked(pump), stream, pump, names) for pump in pumps)
        self._open.pop()
        node = nodes[0]
        if len(nodes) > 1:
            rowtime = ROWTIME if all(each.rowtime for each in nodes) else None
            node = Union(node.columns, nodes, rowtime=rowtime, where=f"stream {name}")
        self._made[name] = visible(node)
        return self._made[name]

    def _asked(self, pump: CreatePump) -> Relation:
        """The rows of a pump's query."""
        tree = parse_kda_query(pump.query, pump.query_at)
        return settle(self, self.query(tree, {}), tree)

    def _input(self, name: str) -> Relation:
        given = self.sources[name]
        options = dict(given.options)
        together = sorted(
            each.name for each in self.sources.values() if dict(each.options) == options
        )
        table = input_table(given, together)
        self.read[table.name] = plain_table(table, Position(0, 0), given.role)
        return input_stream(name, table, together)


def _with_hint(refused: Refused, relation: Relation) -> Refused:
    """A column that is there in another case is named."""
    match = re.fullmatch(r"Column '(.+)' not found in (?:any table|table '.+')", refused.text)
    names = [each.name for each in relation.fields if match and each.name.upper() == match[1]]
    if not match or not names:
        return refused
    text = f'{refused.text}; there is "{names[0]}", which needs its quotes'
    return Refused(text, refused.line, refused.column)
