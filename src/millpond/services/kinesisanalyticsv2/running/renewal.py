"""A running application's change to another version: an update, a rollback, or back from either."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.services.kinesisanalyticsv2 import store
from millpond.services.kinesisanalyticsv2.changing import (
    end_operation,
    new_operation,
    next_version,
    note_done,
    put_version,
)
from millpond.services.kinesisanalyticsv2.model.application import Application, Version
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.running.desk import Desk
from millpond.services.kinesisanalyticsv2.running.engine import Engine
from millpond.services.kinesisanalyticsv2.running.snapshots import Snapshots


class Renewal:
    """Ends the process of the version before, and starts one of the current version."""

    def __init__(self, needs: Needs, desk: Desk, engine: Engine, snapshots: Snapshots) -> None:
        self._needs, self._desk = needs, desk
        self._engine, self._snapshots = engine, snapshots

    async def renew(self, application: Application, version: Version) -> bool:
        """Have it go on as its current version, from a snapshot of the one before; whether there
        is more to do."""
        if self._engine.process is not None:
            failure = await self._leave_former(application, version)
            if failure:
                text = f"The application was not updated: {failure}"
                self._engine.say("ERROR", text)
                await self._go_back(application, version, text)
                return True
            seen = await self._desk.look()
            if seen is None or seen[0].status != application.status:
                return True
            application = seen[0]
        failure_to_start = await self._engine.launch(application, version)
        if failure_to_start is None:
            return True
        if not failure_to_start:
            self._engine.say("INFO", f"The application goes on, as version {version.number}.")
            await self._desk.settle(application, "RUNNING")
        elif application.status == "UPDATING" and version.rollback_enabled:
            text = f"Version {version.number} could not be started: {failure_to_start}"
            self._engine.say("ERROR", f"{text} The application goes back.")
            await self._go_back(application, version, text)
        else:
            text = f"Version {version.number} could not be started: {failure_to_start}"
            self._engine.say("ERROR", text)
            await self._desk.settle(application, "READY", failure=text)
        return True

    async def _leave_former(self, application: Application, version: Version) -> str:
        """Keep the state of the version before, and end its process; why that failed, if it did."""
        failure = ""
        assert self._engine.process is not None
        run = self._engine.process.run
        if application.status != "ROLLING_BACK":
            if version.is_sql:
                await self._snapshots.keep_stopped_point(application, run, restore=True)
            elif version.snapshots_enabled:
                failure = await self._snapshots.take_automatic(
                    application, version, run, restore=_restores_latest(application)
                )
        if not failure:
            await self._engine.end()
        return failure

    async def _go_back(self, application: Application, version: Version, text: str) -> None:
        """Have the version before the update be the current one again, under a new number."""
        needs = self._needs
        rollback = new_operation(
            needs.clock,
            needs.ids,
            "RollbackApplication",
            from_version=version.number,
            to_version=version.number + 1,
        )

        async def change(transaction: Transaction, now: Application) -> Application:
            assert version.updated_from is not None
            former = await store.load_version(
                transaction, self._desk.task, now, version.updated_from
            )
            assert former is not None
            back = next_version(
                former,
                needs.clock.now_ms(),
                needs.ids,
                number=version.number + 1,
                updated_from=version.number,
                rolled_back_from=version.number,
                rolled_back_to=former.number,
            )
            now_ms = needs.clock.now_ms()
            note_done(transaction, self._desk.task, now, rollback)
            await end_operation(
                transaction,
                self._desk.task,
                now,
                now_ms,
                failure=text,
                rollback_operation_id=rollback.id,
            )
            rolled = put_version(transaction, self._desk.task, now, version, back)
            return msgspec.structs.replace(rolled, status="RUNNING", failure=text)

        await self._desk.tell(application, change)


def _restores_latest(application: Application) -> bool:
    """Whether an update is to go on from where the version before is stopped."""
    described = application.run.configuration.get("ApplicationRestoreConfigurationDescription", {})
    latest = "RESTORE_FROM_LATEST_SNAPSHOT"
    return bool(described.get("ApplicationRestoreType", latest) == latest)
