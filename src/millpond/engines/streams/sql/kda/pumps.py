"""What a pump puts into its stream: its query's columns as those of the stream, and ROWTIME."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from millpond.engines.streams.plan import Errors, Node, Project, Source
from millpond.engines.streams.sql.casts import cast, cast_to_fit
from millpond.engines.streams.sql.kda.statements import ROWTIME, CreatePump, CreateStream
from millpond.engines.streams.sql.planning.planner import refuse
from millpond.engines.streams.sql.planning.relation import Field, Relation
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import BINARIES, NUMBERS, STRINGS, assignable
from millpond.engines.streams.types import TIMESTAMP, Column, quoted

_FAMILIES = (NUMBERS, STRINGS, BINARIES)


def pumped(
    relation: Relation, stream: CreateStream, pump: CreatePump, pumps: Collection[str]
) -> Node:
    """The rows of a pump's query as the stream has them; `pumps` names all pumps, for what is told
    of rows that fail.

    Raises:
        Refused: they do not fit.
    """
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
    if len(set(names)) < len(names):
        refuse("A target column is assigned more than once", pump.at)
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
    return _told(node, pump.name, pumps)


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


def _told(node: Node, pump: str, pumps: Collection[str]) -> Node:
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
