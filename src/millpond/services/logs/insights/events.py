"""The table of events that a query reads: packs, and what waits to be packed.

Each file is of one group; the group's name and the time before which its events are expired are
columns of the file's partition.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from millpond.engines.sql.interface import (
    Column,
    Condition,
    InputFile,
    Missing,
    Parquet,
    Partition,
    Table,
    TableName,
    View,
)
from millpond.kernel.body import FileBody
from millpond.kernel.call import Scope
from millpond.services.logs import store as logs_store
from millpond.services.logs.insights import store
from millpond.services.logs.insights.model import Pack, Query, Waiting
from millpond.services.logs.insights.packs.packing import pack_waiting
from millpond.services.logs.insights.packs.writing import Written, write_batches
from millpond.services.logs.model.groups import Group, expired_before
from millpond.services.logs.needs import Needs

_TABLE = Table(
    columns=[
        Column("timestamp", "bigint"),
        Column("position", "bigint"),
        Column("size", "bigint"),
        Column("message", "varchar"),
        Column("ingested", "bigint"),
        Column("stream", "varchar"),
        Column("name", "varchar"),
    ],
    partition_columns=[Column("grp", "varchar"), Column("floor", "bigint")],
)


@dataclass(slots=True)
class Events:
    """`engines.sql.interface.Catalog` of one table. `dead` are streams in the files that are gone;
    `floors` says whether a group's events may be expired, `edges` whether a file reaches out of the
    query's time. `rows` and `size_bytes` are those of all files."""

    partitions_: list[Partition] = field(default_factory=list)
    files_: list[tuple[Path, int, int]] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    floors: bool = False
    edges: bool = False
    rows: int = 0
    size_bytes: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether the query sees every event of the files."""
        return not (self.dead or self.floors or self.edges)

    def count(self, file: Pack | Written, low_ms: int, high_ms: int) -> None:
        """Count in what a file holds, of which the query sees what lies between two times."""
        self.rows += file.rows
        self.size_bytes += file.size_bytes
        self.edges |= file.first_ms < low_ms or file.last_ms > high_ms

    async def find(self, names: Sequence[TableName]) -> Sequence[Table | View | Missing]:
        return [_TABLE for _ in names]

    async def partitions(
        self, name: TableName, conditions: Sequence[Condition]
    ) -> Sequence[Partition]:
        return self.partitions_

    async def files(self, name: TableName, partitions: Sequence[Partition]) -> Sequence[InputFile]:
        places = {one.id: place for place, one in enumerate(partitions)}
        return [
            InputFile(path.name, size, FileBody(path, 0, size), places[str(partition)], Parquet())
            for path, size, partition in self.files_
            if str(partition) in places
        ]


@contextlib.asynccontextmanager
async def events_of(needs: Needs, scope: Scope, query: Query) -> AsyncIterator[Events]:
    """The events of a query's groups that reach into its time; groups that are gone have none.

    What waits to be packed is packed first where it is much, else written out for this query.
    """
    events = Events()
    made: list[Path] = []
    try:
        for place, name in enumerate(query.groups):
            async with needs.records.transaction() as transaction:
                group = await logs_store.load_group(transaction, scope, name)
            if group is None:
                continue
            while await pack_waiting(needs, group):
                pass
            await _add(needs, scope, query, group, place, events, made)
        yield events
    finally:
        for path in made:
            path.unlink(missing_ok=True)
            needs.insights.making.discard(path.name)


async def _add(
    needs: Needs,
    scope: Scope,
    query: Query,
    group: Group,
    place: int,
    events: Events,
    made: list[Path],
) -> None:
    """Add the events of one group, the `place`-th of the query."""
    floor = expired_before(group, needs.clock.now_ms())
    low, high = max(query.start_s * 1000, floor), query.end_s * 1000 + 999
    events.floors |= floor > query.start_s * 1000
    values = (f"{scope.account}:{group.name}", str(floor))
    events.partitions_.append(Partition(str(place), values))
    async with needs.records.transaction() as transaction:
        packs = [
            pack
            async for pack in store.scan_packs(transaction, group.id)
            if pack.first_ms <= high and pack.last_ms >= low
        ]
        alive = {one.id async for one in logs_store.scan_streams(transaction, group.id)}
        waiting = [
            one
            async for one in store.scan_waiting(transaction, group.id)
            if one.first_ms <= high and one.last_ms >= low and one.stream_id in alive
        ]
    for pack in packs:
        events.files_.append((needs.insights.path(pack.id), pack.file_size_bytes, place))
        events.dead.update(one for one in pack.streams if one not in alive)
        events.count(pack, low, high)
    if waiting:
        path, written = await _write_out(needs, waiting, made)
        events.files_.append((path, written.file_size_bytes, place))
        events.count(written, low, high)


async def _write_out(
    needs: Needs, waiting: Sequence[Waiting], made: list[Path]
) -> tuple[Path, Written]:
    path = needs.insights.path(needs.ids.uuid())
    needs.insights.making.add(path.name)
    made.append(path)
    written = await write_batches(needs.log, waiting, path, durable=False)
    return path, written
