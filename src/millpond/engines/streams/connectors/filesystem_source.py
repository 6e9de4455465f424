"""Reads the files of a folder on S3, once or for as long as new ones come: `filesystem`.

Files are read one after another, in the order of their names. The position is the file that is
being read, how many of its records were taken, and which files are done: by name, or, watching the
folder, all up to a time and later ones by name.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from millpond.engines.streams.connectors.aws import AwsError
from millpond.engines.streams.connectors.files import (
    FileReader,
    Piece,
    StoredFile,
    is_of_table,
    place_of,
)
from millpond.engines.streams.connectors.interface import Arrival, Emit, SourceFailed, World
from millpond.engines.streams.connectors.options import duration_ms
from millpond.engines.streams.connectors.s3 import S3
from millpond.engines.streams.plan import Table

SPLIT = "files"
OVERLAP_MS = 60_000


class FilesystemSource:
    """Reads a folder's files. Watched (`source.monitor-interval`), it has no end."""

    def __init__(self, table: Table, world: World) -> None:
        interval = table.option("source.monitor-interval")
        self._interval_seconds = duration_ms(interval) / 1_000 if interval else None
        self._place = place_of(table)
        self._world = world
        self._s3 = S3(world.credentials)
        self._reader = FileReader(table)
        pattern = table.option("source.path.regex-pattern")
        self._pattern = re.compile(pattern) if pattern else None

    async def open(self) -> None:
        try:
            if not await self._s3.has_bucket(self._place.bucket):
                raise SourceFailed(f"There is no bucket {self._place.bucket}.")
        except AwsError as error:
            raise SourceFailed(f"s3://{self._place.bucket} cannot be read: {error}") from error
        self._world.folder.mkdir(parents=True, exist_ok=True)
        for path in self._world.folder.iterdir():
            path.unlink()

    async def run(self, positions: Mapping[str, Any], emit: Emit) -> None:
        done = _Done(positions.get(SPLIT))
        empty = self._reader.schema.empty_table()
        await emit(Arrival(SPLIT, empty, done.position()))
        try:
            while True:
                listed_ms = round(time.time() * 1_000)
                for file in done.left(await self._files()):
                    await self._read(file, done, emit)
                if self._interval_seconds is None:
                    return
                done.forget(listed_ms - OVERLAP_MS)
                await asyncio.sleep(self._interval_seconds)
        except AwsError as error:
            raise SourceFailed(f"s3://{self._place.bucket} cannot be read: {error}") from error
        finally:
            await self._s3.close()

    async def _files(self) -> list[StoredFile]:
        return [
            file
            async for file in self._s3.list(self._place.bucket, self._place.prefix)
            if is_of_table(file.key, self._place)
            and (self._pattern is None or self._pattern.fullmatch(file.uri))
        ]

    async def _read(self, file: StoredFile, done: "_Done", emit: Emit) -> None:
        async with contextlib.AsyncExitStack() as stack:
            local = await fetched(self._s3, file, self._world.folder, stack)
            if local is None:
                return
            pieces = self._reader.read(file, local, done.records_of(file))
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                done.read(file, piece.records_end)
                await emit(_arrival(piece, done.position()))
        done.finish(file)
        await emit(Arrival(SPLIT, self._reader.schema.empty_table(), done.position()))


class _Done:
    """Which files are done, as a position tells it."""

    def __init__(self, position: Any) -> None:
        position = position or {}
        self._seen: dict[str, int] = dict(position.get("seen", {}))
        self._before_ms: int = position.get("before_ms", 0)
        self._current: str | None = position.get("current")
        self._records: int = position.get("records", 0)

    def left(self, files: list[StoredFile]) -> list[StoredFile]:
        """Files that are not done, in the order to read them."""
        return sorted(
            (
                file
                for file in files
                if file.modified_ms >= self._before_ms
                and self._seen.get(file.key) != file.modified_ms
            ),
            key=lambda file: (file.key != self._current, file.key),
        )

    def records_of(self, file: StoredFile) -> int:
        return self._records if file.key == self._current else 0

    def read(self, file: StoredFile, records: int) -> None:
        self._current, self._records = file.key, records

    def finish(self, file: StoredFile) -> None:
        self._current, self._records = None, 0
        self._seen[file.key] = file.modified_ms

    def forget(self, before_ms: int) -> None:
        """Everything written before this time is done: its names need not be known any more."""
        self._before_ms = max(self._before_ms, before_ms)
        self._seen = {key: at for key, at in self._seen.items() if at >= self._before_ms}

    def position(self) -> dict[str, Any]:
        return {
            "seen": dict(self._seen),
            "before_ms": self._before_ms,
            "current": self._current,
            "records": self._records,
        }


async def fetched(
    s3: S3, file: StoredFile, folder: Path, stack: contextlib.AsyncExitStack
) -> Path | None:
    """The file, brought to this machine until the stack closes; None if it is gone meanwhile."""
    local = folder / f"reading-{abs(hash(file.key)):x}"
    stack.callback(local.unlink, missing_ok=True)
    return local if await s3.get_file(file.bucket, file.key, local) else None


def _arrival(piece: Piece, position: Any) -> Arrival:
    return Arrival(SPLIT, piece.rows, position, size_bytes=piece.size_bytes, errors=piece.errors)
