"""Streams that fail where a test says so.

The places, in order: before a check (CannotStart), before a start (CannotStart), before a snapshot
(SnapshotFailed), and at the end of a run that was asked to stop (its failure).
"""

from collections.abc import AsyncIterator
from pathlib import Path

from millpond.engines.streams.interface import (
    Access,
    CannotStart,
    Checked,
    Event,
    Finished,
    Installed,
    Order,
    Program,
    Run,
    Snapshot,
    SnapshotFailed,
    Streams,
)
from millpond.kernel.faults import Faults


class FaultyStreams:
    """`streams`, with the failures and pauses of `faults`."""

    def __init__(self, streams: Streams, faults: Faults) -> None:
        self._streams = streams
        self._faults = faults

    def installed(self) -> Installed | None:
        return self._streams.installed()

    async def check(self, program: Program, access: Access | None = None) -> Checked:
        await self._faults.pause()
        if self._faults.strikes("check: CannotStart"):
            raise CannotStart("Failed as planned.")
        return await self._streams.check(program, access)

    async def start(self, order: Order) -> Run:
        await self._faults.pause()
        if self._faults.strikes("start: CannotStart"):
            raise CannotStart("Failed as planned.")
        return FaultyRun(await self._streams.start(order), self._faults)

    async def delete_snapshot(self, folder: Path, name: str) -> None:
        await self._faults.pause()
        await self._streams.delete_snapshot(folder, name)

    async def delete_state(self, folder: Path) -> None:
        await self._faults.pause()
        await self._streams.delete_state(folder)


class FaultyRun:
    def __init__(self, run: Run, faults: Faults) -> None:
        self._run = run
        self._faults = faults

    def events(self) -> AsyncIterator[Event]:
        return self._run.events()

    async def wait(self) -> Finished:
        return await self._run.wait()

    async def snapshot(self, name: str, *, last: bool = False, drain: bool = False) -> Snapshot:
        await self._faults.pause()
        if self._faults.strikes("snapshot: SnapshotFailed"):
            raise SnapshotFailed("Failed as planned.")
        return await self._run.snapshot(name, last=last, drain=drain)

    async def renew(self, access: Access) -> None:
        await self._run.renew(access)

    async def stop(self, *, drain: bool) -> Finished:
        finished = await self._run.stop(drain=drain)
        if self._faults.strikes("stop: failure"):
            return Finished("Failed as planned.")
        return finished

    async def kill(self) -> Finished:
        return await self._run.kill()
