"""How operations change an application: a version takes another's place, an operation is noted."""

from typing import Any

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.services.kinesisanalyticsv2 import store
from millpond.services.kinesisanalyticsv2.model.application import (
    ERROR_SIZE_MAX,
    Application,
    Operation,
    Version,
)


def next_version(version: Version, now_ms: int, ids: Ids, **changes: Any) -> Version:
    """The version that comes after this one, with `changes`."""
    usual: dict[str, Any] = {
        "number": version.number + 1,
        "created_ms": now_ms,
        "token": ids.hex(32),
        "stood": "READY",
        "updated_from": version.number,
        "rolled_back_from": None,
        "rolled_back_to": None,
    }
    return msgspec.structs.replace(version, **usual | changes)


def put_version(
    transaction: Transaction,
    scope: Scope,
    application: Application,
    old: Version,
    new: Version,
) -> Application:
    """Have `new` take the place of `old`, which is kept."""
    kept = msgspec.structs.replace(old, stood=application.status)
    store.save_version(transaction, scope, application, kept)
    store.save_version(transaction, scope, application, new)
    return msgspec.structs.replace(application, version=new.number, updated_ms=new.created_ms)


async def begin_operation(
    transaction: Transaction,
    scope: Scope,
    application: Application,
    operation: Operation,
) -> Application:
    """Note an operation that the application's step is to do; one under way is cancelled."""
    await end_operation(transaction, scope, application, operation.started_ms, cancelled=True)
    store.save_operation(transaction, scope, application, operation)
    return msgspec.structs.replace(application, operation_id=operation.id)


async def end_operation(
    transaction: Transaction,
    scope: Scope,
    application: Application,
    now_ms: int,
    *,
    failure: str = "",
    cancelled: bool = False,
    rollback_operation_id: str | None = None,
) -> None:
    """Tell how the operation under way ended; none may be."""
    if not application.operation_id:
        return
    operation = await store.find_operation(
        transaction, scope, application, application.operation_id
    )
    if operation is None or operation.status != "IN_PROGRESS":
        return
    status = "CANCELLED" if cancelled else "FAILED" if failure else "SUCCESSFUL"
    ended = msgspec.structs.replace(
        operation,
        status=status,
        ended_ms=now_ms,
        failure=failure[:ERROR_SIZE_MAX],
        rollback_operation_id=rollback_operation_id,
    )
    store.save_operation(transaction, scope, application, ended)


def note_done(
    transaction: Transaction, scope: Scope, application: Application, operation: Operation
) -> None:
    """Note an operation that is done already."""
    done = msgspec.structs.replace(operation, status="SUCCESSFUL", ended_ms=operation.started_ms)
    store.save_operation(transaction, scope, application, done)


def new_operation(
    clock: Clock,
    ids: Ids,
    kind: str,
    *,
    from_version: int | None = None,
    to_version: int | None = None,
) -> Operation:
    """An operation that begins now."""
    return Operation(
        id=ids.uuid(),
        kind=kind,
        started_ms=clock.now_ms(),
        from_version=from_version,
        to_version=to_version,
    )
