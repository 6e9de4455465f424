"""An application's snapshots, taken and forgotten by the engine, and how that went."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.engines.streams.interface import Run, SnapshotFailed
from millpond.services.kinesisanalyticsv2 import store
from millpond.services.kinesisanalyticsv2.model.application import (
    Application,
    Restore,
    Snapshot,
    Version,
)
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.running.desk import Change, Desk, PlatformStops


class Snapshots:
    """`say` tells the application's log: a level and a text."""

    def __init__(self, needs: Needs, desk: Desk, say: Callable[[str, str], None]) -> None:
        self._needs, self._desk, self._say = needs, desk, say

    async def take_asked(self, application: Application, run: Run) -> bool:
        """Take those that were asked for; whether there were any."""
        asked = [
            snapshot for snapshot in await self._load(application) if snapshot.status == "CREATING"
        ]
        for snapshot in asked:
            # One that was taken before the platform was killed, and not noted, is in the way.
            await self._needs.streams.delete_snapshot(self.folder(application), snapshot.kept_as)
            await self._take(application, run, snapshot)
        return bool(asked)

    async def take_automatic(
        self,
        application: Application,
        version: Version,
        run: Run,
        *,
        restore: bool = False,
        drain: bool = False,
    ) -> str:
        """Take the one that stopping and updating take, `restore`: and go on from it; `drain`: of
        what is left when windows are drained. Why that failed, if it did."""
        ids = self._needs.ids
        snapshot = Snapshot(
            name=ids.uuid(),
            kept_as=f"s-{ids.hex(12)}",
            version=_running(application, version),
            runtime=version.runtime,
            created_ms=self._desk.now_ms(),
        )
        failure = await self._take(application, run, snapshot, last=True, drain=drain)
        if not failure and restore:
            await self._desk.tell(application, restoring("snapshot", snapshot.kept_as))
        return failure

    async def keep_stopped_point(
        self, application: Application, run: Run, *, restore: bool = False
    ) -> None:
        """Keep where a SQL application stands, for LAST_STOPPED_POINT."""
        kept_as = f"stopped-{self._needs.ids.hex(12)}"
        try:
            await self._have_taken(run, kept_as, last=True)
        except SnapshotFailed as error:
            self._say("WARN", f"Where the application was stopped could not be kept: {error}")
            return
        former = application.stopped_at

        async def note(_: Transaction, now: Application) -> Application:
            noted = msgspec.structs.replace(now, stopped_at=kept_as)
            if not restore:
                return noted
            begins = msgspec.structs.replace(
                now.run,
                restore="snapshot",
                snapshot=kept_as,
                origin=kept_as,
                allow_non_restored_state=True,
            )
            return msgspec.structs.replace(noted, run=begins)

        if await self._desk.tell(application, note) and former:
            await self._needs.streams.delete_snapshot(self.folder(application), former)

    async def clear(self, application: Application) -> None:
        """Forget those that are to be deleted; fail those that nobody can take any more."""
        for snapshot in await self._load(application):
            if snapshot.status == "DELETING":
                folder = self.folder(application)
                await self._needs.streams.delete_snapshot(folder, snapshot.kept_as)
                await self._forget(application, snapshot.name)
            elif snapshot.status == "CREATING" and application.status == "READY":
                await self._note(application, snapshot, "The application was stopped.")

    def folder(self, application: Application) -> Path:
        """Where the engine keeps the state of an application."""
        return self._needs.folder / application.id / "state"

    async def _take(
        self,
        application: Application,
        run: Run,
        snapshot: Snapshot,
        *,
        last: bool = False,
        drain: bool = False,
    ) -> str:
        failure = ""
        try:
            await self._have_taken(run, snapshot.kept_as, last=last, drain=drain)
        except SnapshotFailed as error:
            failure = str(error) or "The snapshot failed."
            self._say("ERROR", f"The snapshot {snapshot.name} failed: {failure}")
        await self._note(application, snapshot, failure)
        return failure

    async def _have_taken(self, run: Run, name: str, *, last: bool, drain: bool = False) -> None:
        """A run that hangs takes none; then it can still be stopped by force.

        Raises:
            SnapshotFailed: why not.
            PlatformStops: nobody will know.
        """
        taking = asyncio.ensure_future(run.snapshot(name, last=last, drain=drain))
        try:
            while not taking.done():
                await self._desk.wait([taking])
                if taking.done():
                    break
                if self._desk.stopping:
                    raise PlatformStops
                if await self._must_end():
                    raise SnapshotFailed("The application was stopped by force.")
        finally:
            if not taking.done():
                taking.cancel()
                await asyncio.wait([taking])
        taking.result()

    async def _must_end(self) -> bool:
        seen = await self._desk.look()
        ending = ("FORCE_STOPPING", "DELETING")
        return seen is None or seen[0].status in ending

    async def _load(self, application: Application) -> list[Snapshot]:
        async def find(transaction: Transaction) -> list[Snapshot]:
            return await store.load_snapshots(transaction, self._desk.task, application)

        return await self._desk.read(find)

    async def _note(self, application: Application, snapshot: Snapshot, failure: str) -> None:
        status = "FAILED" if failure else "READY"
        taken = msgspec.structs.replace(snapshot, status=status, failure=failure)

        async def note(transaction: Transaction) -> None:
            store.save_snapshot(transaction, self._desk.task, application, taken)

        await self._desk.read(note)

    async def _forget(self, application: Application, name: str) -> None:
        async def forget(transaction: Transaction) -> None:
            store.delete_snapshot(transaction, self._desk.task, application, name)

        await self._desk.read(forget)


def restoring(restore: Restore, snapshot: str = "") -> Change:
    """Have the next process begin with this."""

    async def change(_: Transaction, now: Application) -> Application:
        origin = snapshot or now.run.origin
        run = msgspec.structs.replace(now.run, restore=restore, snapshot=snapshot, origin=origin)
        return msgspec.structs.replace(now, run=run)

    return change


def _running(application: Application, version: Version) -> int:
    """The version that runs: while it is being updated, the one before."""
    if application.status == "UPDATING" and version.updated_from is not None:
        return version.updated_from
    return version.number
