"""Logs of a cluster on their way to S3, as EMR puts them, and to CloudWatch if it asks for that."""

import asyncio
from functools import partial
from pathlib import Path

from millpond.kernel.call import Call, Caller
from millpond.kernel.clock import Clock
from millpond.kernel.log_archive import LogArchive
from millpond.kernel.log_events import put_log_events
from millpond.kernel.log_files import copy_lines
from millpond.services.emr.model.places import Place, Streams


class Logs:
    """Follows files until `finish`. `call` says in whose name they are put."""

    def __init__(
        self, call_aws: Caller, call: Call, clock: Clock, streams: Streams | None = None
    ) -> None:
        self._call_aws, self._call, self._clock = call_aws, call, clock
        self._streams = streams
        self._archive = LogArchive(call_aws, call, clock)
        self._ended: dict[Path, asyncio.Event] = {}
        self._copying: set[asyncio.Task[bool]] = set()

    def follow(self, place: Place | None, *files: Path) -> None:
        """Copy files to a place, under their names and `.gz`, from now on."""
        if place is not None:
            for file in files:
                self._archive.follow(file, place.bucket, f"{place.prefix}{file.name}.gz")

    def tell(self, step_id: str, *files: Path) -> None:
        """Make log events of what a step says in those of the files that the cluster names."""
        streams = self._streams
        if streams is None:
            return
        for file in files:
            if file.name in streams.files and file not in self._ended:
                ended = self._ended[file] = asyncio.Event()
                stream = streams.stream(step_id, file.name)
                put = partial(put_log_events, self._call_aws, self._call, streams.group, stream)
                copying = asyncio.create_task(copy_lines(file, put, self._clock, ended))
                self._copying.add(copying)
                copying.add_done_callback(self._copying.discard)

    async def finish(self, *files: Path) -> None:
        """Copy files to S3 one last time, and follow them no more; the last of their lines become
        log events by and by."""
        await self._archive.finish(*files)
        for file in files:
            if (ended := self._ended.get(file)) is not None:
                ended.set()

    async def drain(self) -> None:
        """Wait until all lines of files that have ended are log events, or cannot be."""
        for ended in self._ended.values():
            ended.set()
        if self._copying:
            await asyncio.wait(self._copying)

    async def stop(self) -> None:
        """Copy nothing any more."""
        await self._archive.stop()
        for copying in self._copying:
            copying.cancel()
