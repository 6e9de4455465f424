"""Writes a table's rows to an Iceberg table: one commit for each checkpoint.

Rows are gathered in a file of this machine, which a checkpoint closes and syncs. Once it is durable
they are committed to the table, in a snapshot that carries the checkpoint's id: committing again
after a loss finds that id and does nothing. Rows that replace earlier ones do so by the table's
primary key; within a commit the last row of a key counts.
"""

import asyncio
import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.exceptions import CommitFailedException

from millpond.engines.streams.connectors import iceberg_tables
from millpond.engines.streams.connectors.interface import SinkFailed, World
from millpond.engines.streams.connectors.s3 import sync_folder
from millpond.engines.streams.plan import KIND, Table
from millpond.engines.streams.types import schema_of

TRIES_MAX = 20


class IcebergSink:
    """Commits to an Iceberg table with each checkpoint."""

    def __init__(self, table: Table, world: World) -> None:
        self._table = table
        self._world = world
        self._schema = schema_of(table.columns)
        self._run = secrets.token_hex(8)
        self._count = 0
        self._open: tuple[Path, pa.ipc.RecordBatchFileWriter, int] | None = None
        self._closed: list[dict[str, Any]] = []

    async def open(self, committed: Any) -> None:
        self._world.folder.mkdir(parents=True, exist_ok=True)
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
        for path in self._world.folder.iterdir():
            path.unlink()

    async def write(self, rows: pa.Table) -> None:
        if rows.num_rows:
            await asyncio.to_thread(self._write, rows)

    async def prepare(self, checkpoint: int) -> Any:
        await asyncio.to_thread(self._close_file)
        return {"files": list(self._closed)}

    async def commit(self, checkpoint: int, prepared: Any) -> None:
        for file in prepared["files"]:
            path = self._world.folder / file["name"]
            if path.exists():
                await self._commit_file(path, file)
        done = {file["name"] for file in prepared["files"]}
        self._closed = [file for file in self._closed if file["name"] not in done]

    async def close(self) -> None:
        if self._open is not None:
            path, writer, _ = self._open
            writer.close()
            with contextlib.suppress(OSError):
                path.unlink()
            self._open = None

    def _write(self, rows: pa.Table) -> None:
        if self._open is None:
            self._count += 1
            path = self._world.folder / f"rows-{self._run}-{self._count}.arrow"
            self._open = (path, pa.ipc.new_file(str(path), rows.schema), 0)
        path, writer, count = self._open
        writer.write_table(rows)
        self._open = (path, writer, count + rows.num_rows)

    def _close_file(self) -> None:
        if self._open is None:
            return
        path, writer, rows = self._open
        self._open = None
        writer.close()
        with path.open("rb") as file:
            os.fsync(file.fileno())
        sync_folder(path.parent)
        self._closed.append({"name": path.name, "rows": rows, "size": path.stat().st_size})

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
        path.unlink()
        self._world.traffic.records += file["rows"]
        self._world.traffic.bytes += file["size"]

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
