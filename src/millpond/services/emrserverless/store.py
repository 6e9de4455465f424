"""How applications and job runs are laid out in records.

    application  application id                  → Application
    newest       time left, application id       → (empty): applications, the newest first
    run          application id, run id          → JobRun
    runs         application id, time left, run  → (empty): its job runs, the newest first
    attempt      application id, run id, number  → Attempt, once it has ended
    token        what it is of, client token     → Token

each below `emrserverless`, the account and the region. Values are msgpack.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, schedule
from millpond.services.emrserverless.model.flow import Flow
from millpond.services.emrserverless.model.records import Application, Attempt, JobRun

SERVICE = "emrserverless"
APPLICATION_TASK, RUN_TASK = "application", "jobrun"
_END_OF_TIME_MS = 10**15


class Token(msgspec.Struct, frozen=True):
    """What a client token made: its id, and the digest of the request that asked for it."""

    id: str
    digest: str


_encode = msgspec.msgpack.Encoder().encode
_APPLICATION = msgspec.msgpack.Decoder(Application)
_RUN = msgspec.msgpack.Decoder(JobRun)
_ATTEMPT = msgspec.msgpack.Decoder(Attempt)
_TOKEN = msgspec.msgpack.Decoder(Token)


def _key(scope: Scope, kind: str, *parts: str) -> bytes:
    return "\0".join((SERVICE, scope.account, scope.region, kind, *parts)).encode()


def _left(time_ms: int) -> str:
    return f"{_END_OF_TIME_MS - time_ms:016d}"


def run_subject(run: JobRun) -> str:
    """What the task of a job run is about."""
    return f"{run.application_id}/{run.id}"


async def load_application(
    transaction: Transaction, scope: Scope, application_id: str
) -> Application | None:
    value = await transaction.get(_key(scope, "application", application_id))
    return None if value is None else _APPLICATION.decode(value)


async def load_run(
    transaction: Transaction, scope: Scope, application_id: str, run_id: str
) -> JobRun | None:
    value = await transaction.get(_key(scope, "run", application_id, run_id))
    return None if value is None else _RUN.decode(value)


async def load_flow(
    transaction: Transaction, scope: Scope, application_id: str, run_id: str = ""
) -> Flow | None:
    """An application, and one of its runs if that is named; None when one of them is not there."""
    application = await load_application(transaction, scope, application_id)
    if application is None:
        return None
    if not run_id:
        return Flow(application)
    run = await load_run(transaction, scope, application_id, run_id)
    return None if run is None else Flow(application, run)


def save_application(transaction: Transaction, scope: Scope, application: Application) -> None:
    transaction.put(_key(scope, "application", application.id), _encode(application))


def save_run(transaction: Transaction, scope: Scope, run: JobRun) -> None:
    transaction.put(_key(scope, "run", run.application_id, run.id), _encode(run))


def save_flow(
    transaction: Transaction, scope: Scope, flow: Flow, *, besides: str | None = None
) -> None:
    """Write what a flow holds, and wake whom it names, besides the task whose subject is
    `besides`: that one knows."""
    application = flow.application
    save_application(transaction, scope, application)
    if flow.has_run:
        save_run(transaction, scope, flow.run)
    if flow.ended_attempt is not None:
        save_attempt(transaction, scope, flow.run, flow.ended_attempt)
    subjects = [(RUN_TASK, f"{application.id}/{run_id}") for run_id in sorted(flow.wakes_runs)]
    if flow.wakes_application:
        subjects.append((APPLICATION_TASK, application.id))
    for kind, subject in subjects:
        if subject != besides:
            schedule(transaction, Task(SERVICE, kind, subject, 0, scope.account, scope.region))


def save_attempt(transaction: Transaction, scope: Scope, run: JobRun, attempt: Attempt) -> None:
    key = _key(scope, "attempt", run.application_id, run.id, f"{attempt.number:08d}")
    transaction.put(key, _encode(attempt))


def add_application(transaction: Transaction, scope: Scope, application: Application) -> None:
    """Write an application that is new, and have it made."""
    newest = _key(scope, "newest", _left(application.created_ms), application.id)
    transaction.put(newest, b"")
    flow = Flow(application)
    flow.wakes_application = True
    save_flow(transaction, scope, flow)


def add_run(transaction: Transaction, scope: Scope, flow: Flow) -> None:
    """Write a flow whose run is new."""
    run = flow.run
    listed = _key(scope, "runs", run.application_id, _left(run.created_ms), run.id)
    transaction.put(listed, b"")
    save_flow(transaction, scope, flow)


async def scan_applications(
    transaction: Transaction, scope: Scope, after: str
) -> AsyncIterator[tuple[str, Application]]:
    """Applications, the newest first, each with the position to go on after it."""
    async for position in _scan(transaction, _key(scope, "newest", ""), after):
        application = await load_application(transaction, scope, position.partition("\0")[2])
        assert application is not None
        yield position, application


async def scan_runs(
    transaction: Transaction, scope: Scope, application_id: str, after: str
) -> AsyncIterator[tuple[str, JobRun]]:
    """Job runs of an application, the newest first, each with the position to go on after it."""
    prefix = _key(scope, "runs", application_id, "")
    async for position in _scan(transaction, prefix, after):
        run = await load_run(transaction, scope, application_id, position.partition("\0")[2])
        assert run is not None
        yield position, run


async def load_attempt(
    transaction: Transaction, scope: Scope, run: JobRun, number: int
) -> Attempt | None:
    """An attempt that has ended."""
    key = _key(scope, "attempt", run.application_id, run.id, f"{number:08d}")
    value = await transaction.get(key)
    return None if value is None else _ATTEMPT.decode(value)


async def load_token(
    transaction: Transaction, scope: Scope, of: str, client_token: str
) -> Token | None:
    value = await transaction.get(_key(scope, "token", of, client_token))
    return None if value is None else _TOKEN.decode(value)


def save_token(
    transaction: Transaction, scope: Scope, of: str, client_token: str, token: Token
) -> None:
    transaction.put(_key(scope, "token", of, client_token), _encode(token))


async def _scan(transaction: Transaction, prefix: bytes, after: str) -> AsyncIterator[str]:
    start = prefix + after.encode() + b"\0" if after else prefix
    async for key, _ in transaction.scan(start, end_of(prefix)):
        yield key[len(prefix) :].decode()
