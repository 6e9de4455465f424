"""Copies log files that grow to S3: gzipped, while they grow and once more when they are done.

A log is put again as a whole each time it has grown, so the pause between two copies grows with
what a copy takes. A log that cannot be put is told in the server's log, and tried again as it
grows and when it is done: no work fails for want of a bucket or of room on the disk.
"""

import asyncio
import gzip
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from millpond.kernel.body import FileBody
from millpond.kernel.call import Call, Caller
from millpond.kernel.clock import Clock
from millpond.kernel.errors import EngineError, ServiceError

PAUSE_SECONDS = 2.0
PAUSE_SHARE = 20
"""A copy may take a twentieth of the time at most."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Followed:
    local: Path
    bucket: str
    key: str
    copied_size: int = -1
    was_put: bool = False


class LogArchive:
    """Follows files until `finish`. `call` says in whose name they are put; `call_aws` must be able
    to call S3's PutObject."""

    def __init__(self, call_aws: Caller, call: Call, clock: Clock) -> None:
        self._call_aws, self._call, self._clock = call_aws, call, clock
        self._followed: dict[Path, _Followed] = {}
        self._copying = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def follow(self, local: Path, bucket: str, key: str) -> None:
        """Copy a file to a key from now on; one that is followed already stays where it goes."""
        self._followed.setdefault(local, _Followed(local, bucket, key))
        if self._task is None:
            self._task = asyncio.create_task(self._copy_again_and_again())

    async def finish(self, *files: Path) -> None:
        """Copy these files, or all, one last time, and follow them no more."""
        for local in files or tuple(self._followed):
            if (one := self._followed.pop(local, None)) is not None:
                await self._copy(one, is_last=True)
        if not self._followed:
            await self.stop()

    async def stop(self) -> None:
        """Copy nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _copy_again_and_again(self) -> None:
        while True:
            started_ms = self._clock.now_ms()
            for one in list(self._followed.values()):
                await self._copy(one)
            taken_seconds = (self._clock.now_ms() - started_ms) / 1000
            await self._clock.sleep(max(PAUSE_SECONDS, PAUSE_SHARE * taken_seconds))

    async def _copy(self, one: _Followed, *, is_last: bool = False) -> None:
        where = f"s3://{one.bucket}/{one.key}"
        async with self._copying:
            size = await asyncio.to_thread(_size, one.local)
            if size is None or (size == one.copied_size and (one.was_put or not is_last)):
                return
            packed = one.local.with_name(one.local.name + ".gz")
            one.copied_size, one.was_put = size, False
            try:
                await asyncio.to_thread(_pack, one.local, packed)
                await self._call_aws(
                    self._call,
                    "s3",
                    "PutObject",
                    Bucket=one.bucket,
                    Key=one.key,
                    Body=FileBody(packed, 0, packed.stat().st_size),
                    ContentType="application/x-gzip",
                )
            except ServiceError as error:
                _log.warning("The log %s was not put: %s: %s", where, error.code, error.message)
            except (EngineError, OSError) as error:
                _log.warning("The log %s was not put: %s", where, error)
            else:
                one.was_put = True


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _pack(source: Path, packed: Path) -> None:
    with source.open("rb") as file, gzip.open(packed, "wb", compresslevel=4) as target:
        shutil.copyfileobj(file, target, 1 << 20)
