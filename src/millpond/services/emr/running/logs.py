"""Logs of a cluster, copied to S3 as EMR does: gzipped, while they grow and when they are done.

A log is put again as a whole each time it has grown, so the pause between two copies grows with
what a copy takes. A log that cannot be put is told in the server's log, and tried again as it
grows: a cluster does not fail for want of a bucket.
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
from millpond.kernel.errors import ServiceError
from millpond.services.emr.model.places import Place

PAUSE_SECONDS = 2.0
PAUSE_SHARE = 20
"""A copy may take a twentieth of the time at most."""

_log = logging.getLogger("millpond.emr")


@dataclass(slots=True, eq=False)
class _Followed:
    local: Path
    place: Place
    copied_size: int = -1


class Logs:
    """Follows files until `finish`. `call` says in whose name they are put."""

    def __init__(self, call_aws: Caller, call: Call, clock: Clock) -> None:
        self._call_aws, self._call, self._clock = call_aws, call, clock
        self._followed: list[_Followed] = []
        self._copying = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def follow(self, place: Place | None, *files: Path) -> None:
        """Copy files to a place, under their names and `.gz`, from now on."""
        if place is None:
            return
        known = {one.local for one in self._followed}
        self._followed += [_Followed(file, place) for file in files if file not in known]
        if self._task is None:
            self._task = asyncio.create_task(self._copy_again_and_again())

    async def finish(self, *files: Path) -> None:
        """Copy files one last time, and follow them no more."""
        done = [one for one in self._followed if one.local in files]
        for one in done:
            await self._copy(one)
            self._followed.remove(one)

    async def stop(self) -> None:
        """Copy nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _copy_again_and_again(self) -> None:
        while True:
            started_ms = self._clock.now_ms()
            for one in list(self._followed):
                await self._copy(one)
            taken_seconds = (self._clock.now_ms() - started_ms) / 1000
            await self._clock.sleep(max(PAUSE_SECONDS, PAUSE_SHARE * taken_seconds))

    async def _copy(self, one: _Followed) -> None:
        async with self._copying:
            size = await asyncio.to_thread(_size, one.local)
            if size is None or size == one.copied_size:
                return
            packed = one.local.with_name(one.local.name + ".gz")
            await asyncio.to_thread(_pack, one.local, packed)
            one.copied_size = size
            try:
                await self._call_aws(
                    self._call,
                    "s3",
                    "PutObject",
                    Bucket=one.place.bucket,
                    Key=one.place.prefix + packed.name,
                    Body=FileBody(packed, 0, packed.stat().st_size),
                    ContentType="application/x-gzip",
                )
            except ServiceError as error:
                _log.warning(
                    "The log %s was not put: %s: %s",
                    one.place.url(packed.name),
                    error.code,
                    error.message,
                )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _pack(source: Path, packed: Path) -> None:
    with source.open("rb") as file, gzip.open(packed, "wb", compresslevel=4) as target:
        shutil.copyfileobj(file, target, 1 << 20)
