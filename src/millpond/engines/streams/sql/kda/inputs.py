"""An application's inputs and reference data as tables, and the streams that are there already:
those of an input, and the error stream.

ROWTIME of an input is the time at which Kinesis took a record (APPROXIMATE_ARRIVAL_TIME), and no
earlier than the watermark, so that no row is late.
"""

from collections.abc import Sequence
from dataclasses import replace

from millpond.engines.streams.interface import GivenTable, Refused
from millpond.engines.streams.plan import (
    ERROR_COLUMNS,
    Errors,
    Metadata,
    Node,
    Project,
    Source,
    Table,
)
from millpond.engines.streams.sql.kda.dialect import kda_type
from millpond.engines.streams.sql.kda.statements import ROWTIME
from millpond.engines.streams.sql.planning.relation import Relation, fields_of
from millpond.engines.streams.types import STRING, TIMESTAMP, Column, quoted

ARRIVAL = "APPROXIMATE_ARRIVAL_TIME"
QUIET_MS = 1_000
"""How far a source's time is behind the clock while nothing comes."""
_SHARD = "$shard"


def given_table(given: GivenTable) -> Table:
    """A table that is connected from outside, its types those of SQL-1_0."""
    columns = tuple(Column(each.name, kda_type(each.type)) for each in given.columns)
    paths = tuple((each.name, each.path) for each in given.columns if each.path)
    return Table(given.name, columns, options=tuple(sorted(given.options.items())), paths=paths)


def input_table(given: GivenTable, together: Sequence[str]) -> Table:
    """The table that an input's streams read, with the time of arrival. `together` names all
    streams that share its records.

    Raises:
        Refused: one of its columns is none, or named like one that there is.
    """
    table = given_table(given)
    if any(column.name in (ROWTIME, ARRIVAL) for column in table.columns):
        raise Refused(f"The input '{given.name}' has a column named ROWTIME or {ARRIVAL}.")
    metadata: tuple[Metadata, ...] = tuple(
        Metadata(Column(each, TIMESTAMP), "timestamp") for each in (ARRIVAL, ROWTIME)
    )
    if len(together) > 1:
        metadata += (Metadata(Column(_SHARD, STRING), "shard-id"),)
    return replace(table, name=together[0], metadata=metadata)


def input_stream(name: str, table: Table, together: Sequence[str]) -> Relation:
    """The rows of one of an input's streams: those of its shards, where there are several."""
    node: Node = Source(
        (*table.columns, *(each.column for each in table.metadata)),
        table,
        watermark=f"{quoted(ROWTIME)} - INTERVAL 1 MILLISECOND",
        quiet_ms=QUIET_MS,
        rowtime=ROWTIME,
        where=f"stream {name}",
    )
    if len(together) > 1:
        number = f"CAST(right({quoted(_SHARD)}, 12) AS BIGINT) % {len(together)}"
        kept = node.columns[:-1]
        node = Project(
            kept,
            node,
            tuple(quoted(column.name) for column in kept),
            f"({number} = {together.index(name)})",
            rowtime=ROWTIME,
            where=f"stream {name}",
        )
    return visible(node)


def visible(node: Node) -> Relation:
    """A stream's rows: its times are there by name only."""
    fields = tuple(
        replace(each, hidden=each.name in (ROWTIME, ARRIVAL)) for each in fields_of(node)
    )
    return Relation(node, fields)


def error_stream() -> Relation:
    """The rows that failed, by AWS's names."""
    node = Errors(ERROR_COLUMNS)
    fields = tuple(replace(each, name=each.name.upper()) for each in fields_of(node))
    moment = replace(fields[0], name=ROWTIME, hidden=True)
    return Relation(node, (*fields, moment))
