"""Writes a table's rows to an Iceberg table: one commit for each checkpoint.

Rows are gathered in a file of this machine, which a checkpoint closes and syncs. Once it is durable
they are committed to the table, in a snapshot that carries the checkpoint's id: committing again
after a loss finds that id and does nothing. Rows that replace earlier ones do so by the table's
primary key; within a commit the last row of a key counts.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.exceptions import CommitFailedException

from millpond.engines.streams.connectors import iceberg_tables
from millpond.engines.streams.connectors.interface import SinkFailed, World
from millpond.engines.streams.connectors.staging import Staging
from millpond.engines.streams.plan import KIND, Table
from millpond.engines.streams.types import schema_of

TRIES_MAX = 20


class IcebergSink:
    """Commits to an Iceberg table with each checkpoint."""

    def __init__(self, table: Table, world: World) -> None:
        self._table = table
        self._world = world
        self._schema = schema_of(table.columns)
        self._staging = Staging(world)
        self._open: tuple[Path, pa.ipc.RecordBatchFileWriter, int] | None = None

    async def open(self, committed: Any) -> None:
        self._staging.make()
        try:
            await asyncio.to_thread(
                iceberg_tables.open_table, self._table, self._world.credentials.access
            )
        except iceberg_tables.NoSuchTable as error:
            raise SinkFailed(f"Table '{self._table.name}': {error}") from error
        except (BotoCoreError, ClientError, OSError) as error:
            raise SinkFailed(f"Table '{self._table.name}' cannot be opened: {error}") from error
        if committed is not None:
            await self.commit(0, committed)
        self._staging.clear()

    async def write(self, rows: pa.Table) -> None:
        if rows.num_rows:
            await asyncio.to_thread(self._write, rows)

    async def prepare(self, checkpoint: int) -> Any:
        return await asyncio.to_thread(self._prepare)

    async def commit(self, checkpoint: int, prepared: Any) -> None:
        for path, file in self._staging.waiting(prepared):
            await self._commit_file(path, file)
        self._staging.forget(prepared)

    async def close(self) -> None:
        if self._open is not None:
            path, writer, _ = self._open
            writer.close()
            with contextlib.suppress(OSError):
                path.unlink()
            self._open = None

    def _write(self, rows: pa.Table) -> None:
        if self._open is None:
            path = self._staging.new_path("rows", ".arrow")
            self._open = (path, pa.ipc.new_file(str(path), rows.schema), 0)
        path, writer, count = self._open
        writer.write_table(rows)
        self._open = (path, writer, count + rows.num_rows)

    def _prepare(self) -> Any:
        if self._open is not None:
            path, writer, rows = self._open
            self._open = None
            writer.close()
            with path.open("rb") as file:
                os.fsync(file.fileno())
            self._staging.add(path, rows)
        return self._staging.prepare()

    async def _commit_file(self, path: Path, file: dict[str, Any]) -> None:
        """Others may commit to the table at the same time: then it is read again."""
        for attempt in range(TRIES_MAX):
            try:
                await asyncio.to_thread(self._commit, path, file["name"])
                break
            except CommitFailedException as error:
                if attempt == TRIES_MAX - 1:
                    raise SinkFailed(f"Table '{self._table.name}': {error}") from error
                await asyncio.sleep(0.05 * 2 ** min(attempt, 6))
            except (iceberg_tables.NoSuchTable, BotoCoreError, ClientError, OSError) as error:
                raise SinkFailed(f"Table '{self._table.name}': {error}") from error
        self._staging.remove(path, file)

    def _commit(self, path: Path, commit_id: str) -> None:
        iceberg = iceberg_tables.open_table(self._table, self._world.credentials.access)
        if iceberg_tables.is_committed(iceberg, commit_id):
            return
        with pa.memory_map(str(path)) as mapped:
            rows = pa.ipc.open_file(mapped).read_all()
            if KIND in rows.column_names:
                changed = _last_of_each(rows, self._table.primary_key)
                kept = changed.filter(
                    pc.equal(changed.column(KIND), pa.scalar(0, pa.int8()))
                ).select(self._schema.names)
                iceberg_tables.replace(iceberg, self._table.primary_key, changed, kept, commit_id)
            else:
                iceberg_tables.append(iceberg, rows.select(self._schema.names), commit_id)


def _last_of_each(rows: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    """Of the rows of each key the last."""
    numbered = rows.append_column("$at", pa.array(range(rows.num_rows), pa.int64()))
    last = numbered.group_by(list(keys)).aggregate([("$at", "max")]).column("$at_max")
    return rows.take(last)
