"""A program of SQL-1_0 and what it is connected to, as a plan.

Inputs are streams that are there, reference data are tables to join, outputs are the streams that
leave the application. A stream that pumps fill and nothing reads is computed as well, and what is
in it goes nowhere.
"""

from dataclasses import replace

from millpond.engines.streams.connectors.registry import check_table
from millpond.engines.streams.interface import GivenTable, Program, Refused
from millpond.engines.streams.plan import Plan, Project, Sink, Table
from millpond.engines.streams.sql.kda.inputs import given_table
from millpond.engines.streams.sql.kda.queries import plan_kda_query
from millpond.engines.streams.sql.kda.statements import (
    AlterPump,
    CreatePump,
    CreateStream,
    read_statements,
)
from millpond.engines.streams.sql.kda.streams import KdaPlanner
from millpond.engines.streams.sql.planning.catalog import Catalog
from millpond.engines.streams.sql.planning.fuse import fused
from millpond.engines.streams.sql.planning.planner import refuse
from millpond.engines.streams.sql.planning.prune import pruned
from millpond.engines.streams.sql.planning.sources import check_sources
from millpond.engines.streams.sql.planning.tables import plain_table
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.types import quoted

_NEVER_AGAIN = ("lookup.join.cache.ttl", "0 ms")
"""Reference data is read when the application starts, as on AWS."""
_NOWHERE = (("connector", "blackhole"),)


def plan_kda(program: Program) -> Plan:
    """Plan a program of `SQL-1_0`.

    Raises:
        Refused: the program is wrong, or asks for what is not supported.
    """
    try:
        return _planned(program)
    except Refused as refused:
        # Flink has another language: it would not run this either.
        raise Refused(refused.text, refused.line, refused.column) from refused


def _planned(program: Program) -> Plan:
    planner = KdaPlanner(Catalog(), plan_kda_query, dict(program.settings))
    outputs = _connect(planner, program)
    _declare(planner, read_statements(program.sql))
    for output in outputs:
        if output.name not in planner.streams:
            raise Refused(f"The code has no stream '{output.name}' for the output of this name.")
    filled = [name for name in planner.streams if planner.pumps.get(name)]
    if not filled:
        raise Refused("The code has no pump that fills a stream.")
    nowhere = Position(0, 0)
    sinks = [_sink(planner, output.name, output) for output in outputs]
    for name in filled:
        planner.stream(name, nowhere)
    written = {output.name for output in outputs}
    sinks += [
        _sink(planner, name, None)
        for name in filled
        if name not in written and name not in planner.read_streams
    ]
    check_sources(planner)
    return fused(pruned(Plan(tuple(sinks), (), dict(program.settings))))


def _connect(planner: KdaPlanner, program: Program) -> list[GivenTable]:
    """Make the planner know inputs and reference data; the outputs."""
    outputs = []
    for given in program.tables:
        match given.role:
            case "source":
                planner.sources[given.name] = given
            case "reference":
                table = given_table(given)
                table = replace(table, options=tuple(sorted((*table.options, _NEVER_AGAIN))))
                planner.references[given.name] = table
                at = Position(0, 0)
                planner.catalog.declare(
                    (given.name,), plain_table(table, at, "reference"), False, at
                )
            case "sink":
                outputs.append(given)
    return outputs


def _declare(planner: KdaPlanner, statements: list[CreateStream | CreatePump | AlterPump]) -> None:
    pumps: dict[str, CreatePump] = {}
    for statement in statements:
        match statement:
            case CreateStream(name=name):
                if name in planner.sources or name in planner.references:
                    refuse(f"'{name}' is an input of the application already.", statement.at)
                planner.streams[name] = statement
            case CreatePump():
                if statement.stream not in planner.streams:
                    refuse(f"Object '{statement.stream}' not found", statement.at)
                pumps[statement.name] = statement
            case AlterPump():
                if statement.name not in pumps:
                    refuse(f"Object '{statement.name}' not found", statement.at)
                if not statement.starts:
                    del pumps[statement.name]
    for pump in pumps.values():
        planner.pumps.setdefault(pump.stream, []).append(pump)


def _sink(planner: KdaPlanner, name: str, output: GivenTable | None) -> Sink:
    stream = planner.streams[name]
    relation = planner.stream(name, stream.at)
    options = tuple(sorted(output.options.items())) if output else _NOWHERE
    table = Table(name, stream.columns, options=options)
    check_table(table, "sink", False)
    node = Project(
        stream.columns,
        relation.node,
        tuple(quoted(column.name) for column in stream.columns),
        where=planner.pumps[name][0].name,
    )
    text = "; ".join(pump.text for pump in planner.pumps[name])
    return Sink(stream.columns, node, table, text, where=node.where)
