"""Updates: each makes a new version, with which an application that runs goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.kinesisanalyticsv2 import shapes, store
from millpond.services.kinesisanalyticsv2.changing import (
    begin_operation,
    new_operation,
    next_version,
    note_done,
    put_version,
)
from millpond.services.kinesisanalyticsv2.describing import describe_application as describe
from millpond.services.kinesisanalyticsv2.errors import InvalidArgument, ResourceNotFound
from millpond.services.kinesisanalyticsv2.model.application import Application, Run, Version
from millpond.services.kinesisanalyticsv2.model.configuring import (
    check_runtime,
    log_place,
    update_configuration,
)
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.operations.applications import (
    checked_version,
    load_text,
)
from millpond.services.kinesisanalyticsv2.operations.running import flink_run
from millpond.services.kinesisanalyticsv2.operations.scope import (
    AT_REST,
    require_both,
    require_current,
    require_status,
)
from millpond.services.kinesisanalyticsv2.program import Given, read_code


@dataclass(frozen=True, slots=True)
class Updated:
    """An application after an update, and the operation that brings it about."""

    application: Application
    version: Version
    operation_id: str


_LATEST = "RESTORE_FROM_LATEST_SNAPSHOT"

Change = Callable[[Version], dict[str, Any]]
"""What the next version has otherwise than this one."""


async def update(
    needs: Needs,
    call: Call,
    kind: str,
    name: str,
    known: tuple[int | None, str | None],
    change: Change,
    *,
    code: Callable[[Version], Any] | None = None,
    check: bool = True,
    run_configuration: dict[str, Any] | None = None,
) -> Updated:
    """Make the next version of an application, and have it run with that if it runs.

    `known` is the version or the token that the caller knows. `code` gives new code (awaitable,
    `program.Given`). `check`: have the engine plan it first.

    Raises:
        ResourceNotFound: there is none of that name.
        ResourceInUse: it is neither READY nor RUNNING.
        ConcurrentModification: the caller does not know the current version.
        CodeValidation: the SQL is wrong or not for this engine.
    """
    async with needs.records.transaction() as transaction:
        application, version = await _load(transaction, call, name, known)
        kept = await _kept_code(transaction, call, application, version)
    changed = next_version(version, needs.clock.now_ms(), needs.ids, **change(version))
    given: Given | None = await code(changed) if code is not None else None
    at_hand = given or kept
    if given is not None:
        changed = msgspec.structs.replace(changed, code=given.code)
    if at_hand is not None and check:
        changed = await checked_version(needs, call, changed, at_hand)
    async with needs.records.transaction() as transaction:
        application, version = await _load(transaction, call, name, known)
        updated = put_version(transaction, call, application, version, changed)
        if given is not None:
            store.save_code(transaction, call, application, given.data)
        operation = new_operation(
            needs.clock,
            needs.ids,
            kind,
            from_version=version.number,
            to_version=changed.number,
        )
        if application.status == "RUNNING":
            updated = await begin_operation(transaction, call, updated, operation)
            run = await _run(
                transaction, call, application, changed, run_configuration or {}, operation.id
            )
            updated = msgspec.structs.replace(updated, status="UPDATING", run=run)
            store.wake(transaction, call, name)
        else:
            note_done(transaction, call, updated, operation)
        store.save_application(transaction, call, updated)
    return Updated(updated, changed, operation.id)


async def _run(
    transaction: Transaction,
    call: Call,
    application: Application,
    version: Version,
    given: dict[str, Any],
    origin: str,
) -> Run:
    """What the updated application begins with: where the version before stands, unless the
    request says otherwise."""
    if version.is_sql:
        return application.run
    run = await flink_run(transaction, call, application, given)
    restore = given.get("ApplicationRestoreConfiguration") or {}
    if restore.get("ApplicationRestoreType", _LATEST) != _LATEST:
        return msgspec.structs.replace(run, origin=origin)
    former = application.run
    return msgspec.structs.replace(
        run, restore=former.restore, snapshot=former.snapshot, origin=former.origin
    )


async def _load(
    transaction: Transaction, call: Call, name: str, known: tuple[int | None, str | None]
) -> tuple[Application, Version]:
    application, version = await require_both(transaction, call, name)
    require_status(application, AT_REST, "updated")
    require_current(application, version, *known)
    return application, version


async def _kept_code(
    transaction: Transaction, call: Call, application: Application, version: Version
) -> Given | None:
    if version.code is None:
        return None
    data = await store.load_code(transaction, call, application, version.code.digest)
    return Given(version.code, data)


async def update_application(
    needs: Needs, call: Call, request: shapes.UpdateApplicationRequest
) -> shapes.UpdateApplicationResponse:
    """Change an application's code or configuration. One that runs takes a snapshot, if it has them
    enabled, and goes on with the new version from there.

    Raises:
        ResourceNotFound: there is none of that name, or a part to be updated is not there.
        ResourceInUse: it is neither READY nor RUNNING.
        ConcurrentModification: it is not at the version, or has not the token, of the request.
        CodeValidation: the SQL is wrong or not for this engine; the text says where.
        InvalidArgument: the configuration cannot be so, or that is not implemented.

    Source: API reference, UpdateApplication (2018-05-23).
    """
    updates: dict[str, Any] = (
        msgspec.to_builtins(request.application_configuration_update, builtin_types=(bytes,)) or {}
    )
    code_update: dict[str, Any] | None = updates.get("ApplicationCodeConfigurationUpdate")
    runtime = request.runtime_environment_update

    def change(version: Version) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if runtime is not None:
            check_runtime(runtime, None)
            if runtime.startswith("SQL") != version.is_sql:
                raise InvalidArgument(f"{version.runtime} cannot be updated to {runtime}.")
            changes["runtime"] = runtime
        if request.service_execution_role_update is not None:
            changes["role"] = request.service_execution_role_update
        if request.cloud_watch_logging_option_updates:
            changes["logging"] = _update_logging(
                version, request.cloud_watch_logging_option_updates
            )
        changes["configuration"] = update_configuration(
            version.runtime, version.configuration, updates
        )
        return changes

    async def code(version: Version) -> Given:
        assert code_update is not None
        zipped = version.code is not None and version.code.zipped
        kind = code_update.get("CodeContentTypeUpdate", "ZIPFILE" if zipped else "PLAINTEXT")
        content = _content(version, code_update.get("CodeContentUpdate") or {})
        return await read_code(needs, call, version.role, kind, content)

    done = await update(
        needs,
        call,
        "UpdateApplication",
        request.application_name,
        (request.current_application_version_id, request.conditional_token),
        change,
        code=code if code_update is not None else None,
        run_configuration=msgspec.to_builtins(request.run_configuration_update),
    )
    async with needs.records.transaction() as transaction:
        text = await load_text(transaction, call, done.application, done.version)
    return shapes.UpdateApplicationResponse(
        application_detail=describe(done.application, done.version, text=text),
        operation_id=done.operation_id,
    )


def _content(version: Version, update: dict[str, Any]) -> dict[str, Any]:
    """The CodeContent that a CodeContentUpdate makes of the version's."""
    content = {name.removesuffix("Update"): value for name, value in update.items()}
    place = content.get("S3ContentLocation")
    code = version.code
    if place is None and not content and code is not None and code.from_s3:
        place = {}
    if place is None:
        return content
    said = {name.removesuffix("Update"): value for name, value in place.items()}
    known = {}
    if code is not None and code.from_s3:
        known = {"BucketARN": code.bucket_arn, "FileKey": code.key}
        if not said and code.object_version:
            known["ObjectVersion"] = code.object_version
    whole = known | said
    if not whole.get("BucketARN") or not whole.get("FileKey"):
        raise InvalidArgument("S3ContentLocationUpdate must have a bucket and a file key.")
    return content | {"S3ContentLocation": whole}


def _update_logging(
    version: Version, updates: list[shapes.CloudWatchLoggingOptionUpdate]
) -> list[dict[str, Any]]:
    options = [dict(option) for option in version.logging]
    for update in updates:
        wanted = update.cloud_watch_logging_option_id
        found = [one for one in options if one["CloudWatchLoggingOptionId"] == wanted]
        if not found:
            raise ResourceNotFound(f"The application has no logging option with the id {wanted}.")
        if update.log_stream_arn_update is not None:
            log_place(update.log_stream_arn_update)
            found[0]["LogStreamARN"] = update.log_stream_arn_update
    return options
