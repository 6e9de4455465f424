"""The one process that an application has at a time: begun, told about, and ended.

What it needs goes with it: a place among those that run, credentials, the unpacked code, a log and
a meter.
"""

import asyncio
import contextlib

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.engines.streams.interface import CannotStart, Refused
from millpond.services.kinesisanalyticsv2 import store
from millpond.services.kinesisanalyticsv2.errors import CodeValidation
from millpond.services.kinesisanalyticsv2.model.application import Application, Version
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.program import build_program, refusal_text
from millpond.services.kinesisanalyticsv2.running.access import Lending
from millpond.services.kinesisanalyticsv2.running.desk import Desk
from millpond.services.kinesisanalyticsv2.running.log import ApplicationLog
from millpond.services.kinesisanalyticsv2.running.metering import ApplicationMeter
from millpond.services.kinesisanalyticsv2.running.process import Process, follow, order_of
from millpond.services.kinesisanalyticsv2.running.snapshots import restoring

_LOGGER = "millpond.kinesisanalyticsv2"
_LAST_WORDS_SECONDS = 2.0


class Engine:
    """`process` is the one that runs, if one does. `serve` comes first."""

    def __init__(self, needs: Needs, desk: Desk) -> None:
        self._needs, self._desk = needs, desk
        self._lending = Lending(needs, desk.task, self._note_key)
        self.process: Process | None = None
        self._log: ApplicationLog | None = None
        self._has_place = False
        self._noting: asyncio.Task[None] | None = None

    def serve(self, application: Application) -> None:
        """Tell of this application: another one may have taken its name."""
        if self._log is None or self._log.application_id != application.id:
            self._log = ApplicationLog(self._needs.call_aws, self._needs.clock, application)

    def say(self, level: str, text: str) -> None:
        """A message of the service's own for the application's log."""
        assert self._log is not None
        self._log.say(level, text, _LOGGER)

    def tell_down(self, application: Application, version: Version, since_ms: int) -> None:
        """It is to run and does not, since then."""
        self._meter_of(application, version).down(since_ms)

    async def launch(self, application: Application, version: Version) -> str | None:
        """Start the process. "" once it runs, else why it does not; None when something else was
        asked for meanwhile."""
        starting = asyncio.create_task(self._start(application, version))
        try:
            while not starting.done():
                await self._desk.wait([starting])
                if starting.done():
                    break
                seen = await self._desk.look()
                if self._desk.stopping or seen is None or seen[0].status != application.status:
                    return None
        finally:
            if not starting.done():
                starting.cancel()
                await asyncio.wait([starting])
        failure = starting.result()
        if failure:
            await self.end()
        return failure

    async def end(self, *, force: bool = False, drain: bool = False) -> None:
        """End the process, if there is one, and leave its place to others. `force`: at once.
        `drain`: windows that are open give what they have."""
        process, self.process = self.process, None
        if process is not None:
            await (process.run.kill() if force else process.run.stop(drain=drain))
            await process.finish()
        if self._noting is not None:
            await asyncio.wait([self._noting])
            self._noting = None
        if self._has_place:
            self._has_place = False
            self._needs.places.release()

    async def let_go(self) -> None:
        """Leave no process and no task behind."""
        await self.end(force=True)
        if self._log is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._log.close(), _LAST_WORDS_SECONDS)

    def seconds_left(self) -> float:
        """How long until the credentials are to be renewed."""
        return self._lending.seconds_left()

    async def renew(self, application: Application, version: Version) -> None:
        """Have the process go on with fresh credentials; those that it had end."""
        assert self.process is not None
        access = await self._lending.lend(version.role, application.access_key_id)
        await self.process.run.renew(access)

    async def revoke(self, application: Application) -> None:
        """End the credentials of an application that rests."""
        if application.access_key_id:
            if self._log is not None:
                await self._log.close()
            await self._needs.credentials.revoke(application.access_key_id)
            await self._note_key("")

    async def _start(self, application: Application, version: Version) -> str:
        needs, code = self._needs, version.code
        assert code is not None
        assert self._log is not None
        if not self._has_place:
            await needs.places.acquire()
            self._has_place = True
        access = await self._lending.lend(version.role, application.access_key_id)
        self._log.open(self._lending.call(), version)
        folder, positions = needs.folder / application.id, application.run.positions

        async def load(transaction: Transaction) -> bytes:
            return await store.load_code(transaction, self._desk.task, application, code.digest)

        data = await self._desk.read(load)
        region, memory_bytes = self._desk.task.region, needs.memory_bytes
        try:
            program = await asyncio.to_thread(
                build_program, version, data, folder / "program", positions, region
            )
            order = order_of(application, version, program, access, folder / "state", memory_bytes)
            run = await needs.streams.start(order)
        except Refused as error:
            return refusal_text(error)
        except CodeValidation as error:
            return error.message
        except CannotStart as error:
            return str(error)
        meter = self._meter_of(application, version)
        now_ms = self._desk.now_ms()
        self.process = follow(run, now_ms, meter, self._log, self._note_checkpoint)
        return ""

    def _meter_of(self, application: Application, version: Version) -> ApplicationMeter:
        needs, restarts = self._needs, application.run.restarts
        return ApplicationMeter(
            needs.meter, needs.clock, application, version, needs.memory_bytes, restarts
        )

    def _note_checkpoint(self) -> None:
        """From now on this run's own checkpoints are what it goes on from."""
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._restore_latest())

    async def _restore_latest(self) -> None:
        seen = await self._desk.look()
        if seen is None or seen[0].status != "RUNNING" or seen[0].run.restore == "latest":
            return
        await self._desk.tell(seen[0], restoring("latest"))

    async def _note_key(self, access_key_id: str) -> None:
        task = self._desk.task

        async def note(transaction: Transaction) -> None:
            now = await store.load_application(transaction, task, task.subject)
            if now is not None:
                noted = msgspec.structs.replace(now, access_key_id=access_key_id)
                store.save_application(transaction, task, noted)

        await self._desk.read(note)
