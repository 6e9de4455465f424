"""Reads an Iceberg table: as it is, and with `streaming`, what later snapshots append to it.

The position is the snapshot that was read last, the one that is being read, and how many of its
rows were taken.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Operation, Snapshot

from millpond.engines.streams.connectors import iceberg_tables
from millpond.engines.streams.connectors.interface import Arrival, Emit, SourceFailed, World
from millpond.engines.streams.connectors.options import boolean, duration_ms
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import schema_of

SPLIT = "table"


class IcebergSource:
    """Reads a table's snapshots, one after another."""

    def __init__(self, table: Table, world: World) -> None:
        self._table = table
        self._world = world
        self._streaming = boolean(table.option("streaming") or "false")
        self._from_now = table.option("starting-strategy") == "INCREMENTAL_FROM_LATEST_SNAPSHOT"
        self._interval_seconds = duration_ms(table.option("monitor-interval") or "60 s") / 1_000
        self._empty = schema_of(table.columns).empty_table()

    async def open(self) -> None:
        await asyncio.to_thread(self._load)

    async def run(self, positions: Mapping[str, Any], emit: Emit) -> None:
        position = positions.get(SPLIT) or {"last": None, "reading": None, "rows": 0}
        await emit(Arrival(SPLIT, self._empty, position))
        while True:
            iceberg = await asyncio.to_thread(self._load)
            while (snapshot := self._next(iceberg, position)) is not None:
                if position["reading"] != snapshot.snapshot_id:
                    position = position | {"reading": snapshot.snapshot_id, "rows": 0}
                position = await self._read(iceberg, snapshot, position, emit)
            if not self._streaming:
                return
            await asyncio.sleep(self._interval_seconds)

    async def _read(
        self, iceberg: IcebergTable, snapshot: Snapshot, position: dict[str, Any], emit: Emit
    ) -> dict[str, Any]:
        taken = 0
        pieces = self._pieces(iceberg, snapshot, position["last"])
        while (rows := await asyncio.to_thread(next, pieces, None)) is not None:
            taken += rows.num_rows
            if taken > position["rows"]:
                left = rows.slice(max(0, rows.num_rows - (taken - position["rows"])))
                position = position | {"rows": taken}
                await emit(Arrival(SPLIT, left, position, size_bytes=left.nbytes))
        position = {"last": snapshot.snapshot_id, "reading": None, "rows": 0}
        await emit(Arrival(SPLIT, self._empty, position))
        return position

    def _load(self) -> IcebergTable:
        try:
            return iceberg_tables.open_table(self._table, self._world.credentials.access)
        except (iceberg_tables.NoSuchTable, BotoCoreError, ClientError, OSError) as error:
            raise SourceFailed(f"Table '{self._table.name}': {error}") from error

    def _next(self, iceberg: IcebergTable, position: Mapping[str, Any]) -> Snapshot | None:
        """The snapshot to read: the one begun before, the newest at first, then each after it.

        Raises:
            SourceFailed: it does more than append.
        """
        newest = iceberg.current_snapshot()
        if position["reading"] is not None:
            return iceberg.snapshot_by_id(position["reading"])
        if newest is None or position["last"] is None:
            return newest
        found, at = None, newest
        while at is not None and at.snapshot_id != position["last"]:
            found = at
            parent = at.parent_snapshot_id
            at = None if parent is None else iceberg.snapshot_by_id(parent)
        operation = found.summary.operation if found and found.summary else Operation.APPEND
        if found and operation != Operation.APPEND:
            raise SourceFailed(
                f"Table '{self._table.name}': snapshot {found.snapshot_id} is of the operation "
                f"'{operation.value}'; only what is appended can be read on."
            )
        return found

    def _pieces(
        self, iceberg: IcebergTable, snapshot: Snapshot, last: int | None
    ) -> Iterator[pa.Table]:
        if last is not None:
            return iceberg_tables.appended(iceberg, self._table, last, snapshot.snapshot_id)
        if self._from_now:
            return iter(())
        return iceberg_tables.scan(iceberg, self._table, snapshot.snapshot_id)
