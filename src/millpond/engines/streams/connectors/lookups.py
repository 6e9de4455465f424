"""Reads whole reference tables, for lookup joins."""

import asyncio
import contextlib

import pyarrow as pa

from millpond.engines.streams.connectors.aws import AwsError
from millpond.engines.streams.connectors.files import FileReader, is_of_table, place_of
from millpond.engines.streams.connectors.filesystem_source import fetched
from millpond.engines.streams.connectors.interface import SourceFailed, World
from millpond.engines.streams.connectors.s3 import S3
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import schema_of

TABLE_SIZE_BYTES_MAX = 1 << 30
"""How large a reference table may be in memory."""


class FilesystemLookup:
    """A table of files on S3."""

    def __init__(self, table: Table, world: World) -> None:
        self._place = place_of(table)
        self._world = world
        self._reader = FileReader(table)
        self._schema = schema_of(table.columns)

    async def load(self) -> pa.Table:
        s3 = S3(self._world.credentials)
        found: list[pa.Table] = []
        size = 0
        self._world.folder.mkdir(parents=True, exist_ok=True)
        try:
            async for file in s3.list(self._place.bucket, self._place.prefix):
                if not is_of_table(file.key, self._place):
                    continue
                async with contextlib.AsyncExitStack() as stack:
                    local = await fetched(s3, file, self._world.folder, stack)
                    if local is None:
                        continue
                    pieces = self._reader.read(file, local)
                    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                        found.append(piece.rows.select(self._schema.names))
                        size += found[-1].nbytes
                        for error in piece.errors:
                            self._world.tell("WARN", f"{file.uri}: {error.reason}: {error.data}")
                        if size > TABLE_SIZE_BYTES_MAX:
                            raise SourceFailed(
                                f"s3://{self._place.bucket}/{self._place.prefix} is larger than "
                                f"{TABLE_SIZE_BYTES_MAX >> 30} GB: too large to look rows up in."
                            )
        except AwsError as error:
            raise SourceFailed(f"s3://{self._place.bucket} cannot be read: {error}") from error
        finally:
            await s3.close()
        return pa.concat_tables([self._schema.empty_table(), *found])


class IcebergLookup:
    """An Iceberg table."""

    def __init__(self, table: Table, world: World) -> None:
        self._table = table
        self._world = world

    async def load(self) -> pa.Table:
        return await asyncio.to_thread(self._load)

    def _load(self) -> pa.Table:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        from millpond.engines.streams.connectors import iceberg_tables  # noqa: PLC0415

        schema = schema_of(self._table.columns)
        try:
            iceberg = iceberg_tables.open_table(self._table, self._world.credentials.access)
            return pa.concat_tables(
                [schema.empty_table(), *iceberg_tables.scan(iceberg, self._table)]
            )
        except (iceberg_tables.NoSuchTable, BotoCoreError, ClientError, OSError) as error:
            raise SourceFailed(f"Table '{self._table.name}': {error}") from error
