"""Applications are started, stopped and rolled back: the step of the application does it."""

from typing import Any

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.kinesisanalyticsv2 import shapes, store
from millpond.services.kinesisanalyticsv2.changing import (
    begin_operation,
    new_operation,
    next_version,
    put_version,
)
from millpond.services.kinesisanalyticsv2.describing import describe_application as describe
from millpond.services.kinesisanalyticsv2.errors import (
    ConcurrentModification,
    InvalidApplicationConfiguration,
    InvalidArgument,
    InvalidRequest,
    ResourceNotFound,
)
from millpond.services.kinesisanalyticsv2.model.application import Application, Run, Version
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.operations.applications import load_text
from millpond.services.kinesisanalyticsv2.operations.scope import (
    require_both,
    require_flink,
    require_status,
)

_MAY_BE_FORCED = ("STARTING", "UPDATING", "STOPPING", "RUNNING", "ROLLING_BACK", "FORCE_STOPPING")


async def start_application(
    needs: Needs, call: Call, request: shapes.StartApplicationRequest
) -> shapes.StartApplicationResponse:
    """Start an application that is READY, from a snapshot or from nothing.

    Raises:
        ResourceNotFound: there is no such application, snapshot or input.
        ResourceInUse: it is not READY.
        InvalidApplicationConfiguration: it has no code, or a SQL application no input.
        InvalidArgument: the run configuration is not for this kind of application.

    Source: API reference, StartApplication (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        require_status(application, ("READY",), "started")
        if version.code is None:
            raise InvalidApplicationConfiguration(
                f"Application {application.name} cannot be started: it has no code."
            )
        given = msgspec.to_builtins(request.run_configuration) or {}
        run = await _run(transaction, call, application, version, given)
        operation = new_operation(needs.clock, needs.ids, "StartApplication")
        run = msgspec.structs.replace(run, origin=operation.id)
        starting = msgspec.structs.replace(application, status="STARTING", run=run, failure="")
        starting = await begin_operation(transaction, call, starting, operation)
        store.save_application(transaction, call, starting)
        store.wake(transaction, call, application.name)
    return shapes.StartApplicationResponse(operation_id=operation.id)


async def _run(
    transaction: Transaction,
    call: Call,
    application: Application,
    version: Version,
    given: dict[str, Any],
) -> Run:
    if version.is_sql:
        for name in ("FlinkRunConfiguration", "ApplicationRestoreConfiguration"):
            if given.get(name):
                raise InvalidArgument(f"{name} is not for SQL-1_0 applications.")
        return _sql_run(application, version, given.get("SqlRunConfigurations") or [])
    if given.get("SqlRunConfigurations"):
        raise InvalidArgument(f"SqlRunConfigurations is not for {version.runtime} applications.")
    return await flink_run(transaction, call, application, given)


def _sql_run(application: Application, version: Version, given: list[dict[str, Any]]) -> Run:
    described = version.configuration["SqlApplicationConfigurationDescription"]
    known = [part["InputId"] for part in described.get("InputDescriptions", ())]
    if not known:
        raise InvalidApplicationConfiguration(
            f"Application {application.name} cannot be started: it has no input."
        )
    positions = dict.fromkeys(known, "NOW")
    for one in given:
        if one["InputId"] not in positions:
            raise ResourceNotFound(f"The application has no input with the id {one['InputId']}.")
        begins = one["InputStartingPositionConfiguration"].get("InputStartingPosition", "NOW")
        positions[one["InputId"]] = begins
    if "LAST_STOPPED_POINT" in positions.values() and application.stopped_at:
        return Run(
            restore="snapshot",
            snapshot=application.stopped_at,
            allow_non_restored_state=True,
            positions=positions,
        )
    return Run(positions=positions)


async def flink_run(
    transaction: Transaction, call: Call, application: Application, given: dict[str, Any]
) -> Run:
    """What a RunConfiguration says of a Flink application.

    Raises:
        ResourceNotFound: its snapshot is not there.
        InvalidArgument: a snapshot is named and not asked for, or the other way round.
    """
    restore = given.get("ApplicationRestoreConfiguration") or {
        "ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"
    }
    flink = given.get("FlinkRunConfiguration") or {}
    kind, name = restore["ApplicationRestoreType"], restore.get("SnapshotName")
    if (kind == "RESTORE_FROM_CUSTOM_SNAPSHOT") != (name is not None):
        raise InvalidArgument(
            "SnapshotName must be given with RESTORE_FROM_CUSTOM_SNAPSHOT, and only then."
        )
    run = Run(
        allow_non_restored_state=bool(flink.get("AllowNonRestoredState")),
        configuration={
            "ApplicationRestoreConfigurationDescription": restore,
            "FlinkRunConfigurationDescription": {
                "AllowNonRestoredState": bool(flink.get("AllowNonRestoredState"))
            },
        },
    )
    if kind == "SKIP_RESTORE_FROM_SNAPSHOT":
        return run
    ready = [
        snapshot
        for snapshot in await store.load_snapshots(transaction, call, application)
        if snapshot.status == "READY" and name in (None, snapshot.name)
    ]
    if name is not None and not ready:
        raise ResourceNotFound(f"Application {application.name} has no snapshot {name}.")
    if not ready:
        return run
    return msgspec.structs.replace(run, restore="snapshot", snapshot=ready[0].kept_as)


async def stop_application(
    needs: Needs, call: Call, request: shapes.StopApplicationRequest
) -> shapes.StopApplicationResponse:
    """Stop an application that runs, after a snapshot if it has them enabled; with Force at once,
    whatever it is doing.

    Raises:
        ResourceNotFound: there is none of that name.
        ResourceInUse: it does not run.
        InvalidArgument: Force for a SQL application.

    Source: API reference, StopApplication (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        if request.force and version.is_sql:
            raise InvalidArgument("Force is not for SQL-1_0 applications.")
        require_status(application, _MAY_BE_FORCED if request.force else ("RUNNING",), "stopped")
        operation = new_operation(needs.clock, needs.ids, "StopApplication")
        status = "FORCE_STOPPING" if request.force else "STOPPING"
        stopping = msgspec.structs.replace(application, status=status)
        stopping = await begin_operation(transaction, call, stopping, operation)
        store.save_application(transaction, call, stopping)
        store.wake(transaction, call, application.name)
    return shapes.StopApplicationResponse(operation_id=operation.id)


async def rollback_application(
    needs: Needs, call: Call, request: shapes.RollbackApplicationRequest
) -> shapes.RollbackApplicationResponse:
    """Go back to the version before the last update, with the state of the latest snapshot.

    Raises:
        ResourceNotFound: there is none of that name.
        ResourceInUse: it is neither running nor being updated.
        ConcurrentModification: it is at another version.
        InvalidRequest: it was never updated, or has no snapshot.

    Source: API reference, RollbackApplication (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        require_flink(version, "RollbackApplication")
        require_status(application, ("RUNNING", "UPDATING"), "rolled back")
        if request.current_application_version_id != application.version:
            raise ConcurrentModification(
                f"The application is at version {application.version}, not "
                f"{request.current_application_version_id}."
            )
        if version.updated_from is None:
            raise InvalidRequest(f"Application {application.name} was never updated.")
        run = await flink_run(transaction, call, application, {})
        if run.restore != "snapshot":
            raise InvalidRequest(f"Application {application.name} has no snapshot.")
        target = await store.load_version(transaction, call, application, version.updated_from)
        assert target is not None
        back = next_version(
            version,
            needs.clock.now_ms(),
            needs.ids,
            runtime=target.runtime,
            role=target.role,
            configuration=target.configuration,
            logging=target.logging,
            code=target.code,
            plan=target.plan,
            rolled_back_from=version.number,
            rolled_back_to=target.number,
        )
        operation = new_operation(
            needs.clock,
            needs.ids,
            "RollbackApplication",
            from_version=version.number,
            to_version=back.number,
        )
        rolling = put_version(transaction, call, application, version, back)
        rolling = await begin_operation(transaction, call, rolling, operation)
        run = msgspec.structs.replace(
            run,
            origin=operation.id,
            allow_non_restored_state=True,
            configuration=application.run.configuration,
        )
        rolling = msgspec.structs.replace(rolling, status="ROLLING_BACK", run=run)
        store.save_application(transaction, call, rolling)
        store.wake(transaction, call, application.name)
        text = await load_text(transaction, call, rolling, back)
    return shapes.RollbackApplicationResponse(
        application_detail=describe(rolling, back, text=text), operation_id=operation.id
    )
