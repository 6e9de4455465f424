"""Background work: one step runs one query execution to its end.

A query that was running when the platform ended is run again where that changes nothing; one that
writes is failed, and what it had written so far is taken away.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping

import msgspec

from millpond.engines.sql.interface import QueryLost, QueryRefused, ScanLimitExceeded
from millpond.kernel.call import Call
from millpond.kernel.errors import Conflict, EngineError, Full, ServiceError
from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.athena.ddl.catalog import DATABASE_DEFAULT, Catalog
from millpond.services.athena.failure import EXHAUSTED, INTERNAL, QueryFailed
from millpond.services.athena.model import executions as model
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.executions import CANCELLED_BY_USER, QUERY_TASK
from millpond.services.athena.running.run import run
from millpond.services.athena.running.state import Run
from millpond.services.athena.running.writing import take_back
from millpond.services.athena.store import executions as store

_REPEATABLE = ("SELECT", "EXPLAIN", "SHOW", "DESCRIBE")
_LOOK_SECONDS = 3600.0
_TROUBLE_SECONDS = 1.0
_INTERRUPTED = QueryFailed(
    "GENERIC_INTERNAL_ERROR: The service ended while the query was running.", 1, INTERNAL
)
_log = logging.getLogger(__name__)


async def run_query(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Run a queued execution; end one that was interrupted or is to be cancelled."""
    execution = await _load(needs, task)
    if execution is None or execution.state in model.FINAL:
        return None
    running = _prepare(needs, task, execution)
    if execution.ending is not None:
        await _end(running, msgspec.structs.replace(execution, state=execution.ending))
    elif execution.cancel_asked:
        await _end(running, model.cancelled(execution, CANCELLED_BY_USER, _now(needs)))
    elif execution.state == "RUNNING" and not _is_repeatable(execution):
        await _end(running, model.failed(execution, _INTERRUPTED, _now(needs)))
    else:
        running.note(state="RUNNING", started_ms=_now(needs))
        if await running.save(running.execution):
            return await _run_until_done(running, task, wake)
    return None


async def _run_until_done(running: Run, task: Task, wake: Wake) -> int | None:
    """Run the statement; stop it when the execution is cancelled or the platform ends."""
    work = asyncio.create_task(_conclude(running))
    try:
        is_cancelled = await _watch(running.needs, work, task, wake)
    except BaseException:
        await _stop(work)
        raise
    now = _now(running.needs)
    if not work.cancelled():
        await _end(running, work.result())
    elif is_cancelled:
        await _end(running, model.cancelled(running.execution, CANCELLED_BY_USER, now))
    elif not wake.stopping or not _is_repeatable(running.execution):
        await _end(running, model.failed(running.execution, _INTERRUPTED, now))
    else:
        return now
    return None


async def _watch(
    needs: Needs, work: "asyncio.Task[model.Execution]", task: Task, wake: Wake
) -> bool:
    """Wait until `work` is done, or stop it; True when the user asked for that."""
    while not work.done():
        nudge = asyncio.create_task(wake.wait(_LOOK_SECONDS))
        try:
            await asyncio.wait((work, nudge), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _stop(nudge)
        if work.done():
            break
        try:
            found = await _load(needs, task)
        except EngineError:
            _log.exception("Cannot look whether query %s is to be cancelled.", task.subject)
            await asyncio.wait((work,), timeout=_TROUBLE_SECONDS)
            continue
        is_asked = found is None or found.cancel_asked
        if is_asked or wake.stopping:
            await _stop(work)
            return is_asked
    return False


async def _stop(task: "asyncio.Task[object]") -> None:
    """Cancel a task and wait until it is through; its outcome stays in it."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()


async def _conclude(running: Run) -> model.Execution:
    """Run the statement; the execution as it ended."""
    needs = running.needs
    try:
        await run(running)
    except QueryFailed as failed:
        failure = failed
    except QueryRefused as refused:
        failure = QueryFailed(refused.text)
    except ScanLimitExceeded as exceeded:
        running.note(scanned_bytes=exceeded.scanned_bytes)
        reason = "Bytes scanned limit was exceeded"
        return model.cancelled(running.execution, reason, _now(needs))
    except (QueryLost, Full) as lost:
        failure = QueryFailed(f"GENERIC_INTERNAL_ERROR: {lost}", 1, EXHAUSTED)
    except EngineError as trouble:
        _log.exception("Query %s failed by an engine.", running.execution.id)
        failure = QueryFailed(f"GENERIC_INTERNAL_ERROR: {trouble}", 1, INTERNAL)
    except Exception:
        _log.exception("Query %s failed by an error of ours.", running.execution.id)
        failure = QueryFailed("GENERIC_INTERNAL_ERROR: Internal error", 1, INTERNAL)
    else:
        return msgspec.structs.replace(
            running.execution, state="SUCCEEDED", completed_ms=_now(needs), reason=""
        )
    return model.failed(running.execution, failure, _now(needs))


async def _end(running: Run, ended: model.Execution) -> None:
    """Write down how it ended; what a query without success has made is taken back before.

    What the user's own rights or a bucket that is gone keep us from taking back is named in the
    reason. Raises what may pass by itself: then the step runs again, and goes on here.
    """
    if ended.state != "SUCCEEDED" and (ended.written or ended.created):
        kept = msgspec.structs.replace(ended, state="RUNNING", ending=ended.state)
        await running.save(kept)
        try:
            await take_back(running, ended)
        except ServiceError as refusal:
            if refusal.status >= 500:
                raise
            left = f"{ended.reason} What the query had written could not be removed: "
            ended = msgspec.structs.replace(ended, reason=left + refusal.message)
    await running.save(msgspec.structs.replace(ended, ending=None))


async def _load(needs: Needs, task: Task) -> model.Execution | None:
    async with needs.records.transaction() as transaction:
        return await store.load(transaction, task, task.subject)


def _prepare(needs: Needs, task: Task, execution: model.Execution) -> Run:
    call = Call(
        service="athena",
        operation="StartQueryExecution",
        account=task.account,
        region=task.region,
        principal=execution.caller,
        request_id=execution.id,
        endpoint=execution.endpoint,
    )

    async def save(changed: model.Execution) -> bool:
        while True:
            with contextlib.suppress(Conflict):
                async with needs.records.transaction() as transaction:
                    kept = await store.load(transaction, task, changed.id)
                    if kept is None or kept.state in model.FINAL:
                        return False
                    noted = msgspec.structs.replace(changed, cancel_asked=kept.cancel_asked)
                    store.save(transaction, task, noted)
                return True

    database = execution.database.strip("`")  # awswrangler quotes it as Hive does
    catalog = Catalog(needs, call, database or DATABASE_DEFAULT)
    return Run(needs, catalog, execution, save, execution.parameters)


def _is_repeatable(execution: model.Execution) -> bool:
    return execution.substatement_type.startswith(_REPEATABLE)


def _now(needs: Needs) -> int:
    return needs.clock.now_ms()


STEPS: Mapping[str, Step] = {QUERY_TASK: run_query}
