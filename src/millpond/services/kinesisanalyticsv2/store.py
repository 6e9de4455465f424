"""How applications are laid out in records.

    application  name                            → Application
    version      application id, number          → Version
    operation    application id, time left, id   → Operation: the newest first
    snapshot     application id, name            → Snapshot
    code         application id, digest, piece   → a piece of the code's bytes

each below `kinesisanalyticsv2`, the account and the region. Values are msgpack, code as it is.
"""

import hashlib
from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, schedule
from millpond.services.kinesisanalyticsv2.model.application import (
    Application,
    Operation,
    Snapshot,
    Version,
)

APPLICATION_TASK = "application"
_PIECE_SIZE_BYTES = 4 << 20
_END_OF_TIME_MS = 10**15

_encode = msgspec.msgpack.Encoder().encode
_APPLICATION = msgspec.msgpack.Decoder(Application)
_VERSION = msgspec.msgpack.Decoder(Version)
_OPERATION = msgspec.msgpack.Decoder(Operation)
_SNAPSHOT = msgspec.msgpack.Decoder(Snapshot)


def _key(scope: Scope, kind: str, *parts: str) -> bytes:
    place = ("kinesisanalyticsv2", scope.account, scope.region, kind, *parts)
    return "\0".join(place).encode()


async def load_application(transaction: Transaction, scope: Scope, name: str) -> Application | None:
    value = await transaction.get(_key(scope, "application", name))
    return None if value is None else _APPLICATION.decode(value)


def save_application(transaction: Transaction, scope: Scope, application: Application) -> None:
    transaction.put(_key(scope, "application", application.name), _encode(application))


def wake(transaction: Transaction, scope: Scope, name: str) -> None:
    """Have whoever runs the application look at it."""
    task = Task("kinesisanalyticsv2", APPLICATION_TASK, name, 0, scope.account, scope.region)
    schedule(transaction, task)


async def scan_applications(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[Application]:
    """Applications by name, those after `after`."""
    prefix = _key(scope, "application", "")
    start = prefix + after.encode() + b"\0" if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _APPLICATION.decode(value)


async def delete_application(
    transaction: Transaction, scope: Scope, application: Application
) -> None:
    """Forget an application and everything of it."""
    transaction.delete(_key(scope, "application", application.name))
    for kind in ("version", "operation", "snapshot", "code"):
        prefix = _key(scope, kind, application.id, "")
        async for key, _ in transaction.scan(prefix, end_of(prefix)):
            transaction.delete(key)


async def load_version(
    transaction: Transaction, scope: Scope, application: Application, number: int | None = None
) -> Version | None:
    """The version `number`, the current one without it."""
    wanted = application.version if number is None else number
    value = await transaction.get(_key(scope, "version", application.id, f"{wanted:09d}"))
    return None if value is None else _VERSION.decode(value)


def save_version(
    transaction: Transaction, scope: Scope, application: Application, version: Version
) -> None:
    key = _key(scope, "version", application.id, f"{version.number:09d}")
    transaction.put(key, _encode(version))


async def scan_versions(
    transaction: Transaction, scope: Scope, application: Application, before: str = ""
) -> AsyncIterator[Version]:
    """Versions, the newest first, those before the number `before`."""
    prefix = _key(scope, "version", application.id, "")
    end = prefix + f"{int(before):09d}".encode() if before else end_of(prefix)
    async for _, value in transaction.scan(prefix, end, reverse=True):
        yield _VERSION.decode(value)


def _operation_key(scope: Scope, application: Application, operation: Operation) -> bytes:
    left = f"{_END_OF_TIME_MS - operation.started_ms:016d}"
    return _key(scope, "operation", application.id, left, operation.id)


def save_operation(
    transaction: Transaction, scope: Scope, application: Application, operation: Operation
) -> None:
    transaction.put(_operation_key(scope, application, operation), _encode(operation))


async def scan_operations(
    transaction: Transaction, scope: Scope, application: Application, after: str = ""
) -> AsyncIterator[tuple[str, Operation]]:
    """Operations, the newest first, each with the position to go on after it."""
    prefix = _key(scope, "operation", application.id, "")
    start = prefix + after.encode() + b"\0" if after else prefix
    async for key, value in transaction.scan(start, end_of(prefix)):
        yield key[len(prefix) :].decode(), _OPERATION.decode(value)


async def find_operation(
    transaction: Transaction, scope: Scope, application: Application, operation_id: str
) -> Operation | None:
    async for _, operation in scan_operations(transaction, scope, application):
        if operation.id == operation_id:
            return operation
    return None


async def load_snapshot(
    transaction: Transaction, scope: Scope, application: Application, name: str
) -> Snapshot | None:
    value = await transaction.get(_key(scope, "snapshot", application.id, name))
    return None if value is None else _SNAPSHOT.decode(value)


def save_snapshot(
    transaction: Transaction, scope: Scope, application: Application, snapshot: Snapshot
) -> None:
    key = _key(scope, "snapshot", application.id, snapshot.name)
    transaction.put(key, _encode(snapshot))


def delete_snapshot(
    transaction: Transaction, scope: Scope, application: Application, name: str
) -> None:
    transaction.delete(_key(scope, "snapshot", application.id, name))


async def load_snapshots(
    transaction: Transaction, scope: Scope, application: Application
) -> list[Snapshot]:
    """All snapshots, the newest first."""
    prefix = _key(scope, "snapshot", application.id, "")
    found = [_SNAPSHOT.decode(value) async for _, value in transaction.scan(prefix, end_of(prefix))]
    return sorted(found, key=lambda snapshot: (-snapshot.created_ms, snapshot.name))


def digest_of(code: bytes) -> str:
    return hashlib.sha256(code).hexdigest()


def save_code(
    transaction: Transaction, scope: Scope, application: Application, code: bytes
) -> None:
    digest = digest_of(code)
    for number, start in enumerate(range(0, len(code), _PIECE_SIZE_BYTES)):
        key = _key(scope, "code", application.id, digest, f"{number:04d}")
        transaction.put(key, code[start : start + _PIECE_SIZE_BYTES])


async def load_code(
    transaction: Transaction, scope: Scope, application: Application, digest: str
) -> bytes:
    prefix = _key(scope, "code", application.id, digest, "")
    pieces = [value async for _, value in transaction.scan(prefix, end_of(prefix))]
    return b"".join(pieces)
