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
from millpond.kernel.errors import Conflict, Full
from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.athena.ddl.catalog import Catalog
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.model import executions as model
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.executions import QUERY_TASK
from millpond.services.athena.running.run import run
from millpond.services.athena.running.state import Run
from millpond.services.athena.store import executions as store

DATABASE_DEFAULT = "default"
_REPEATABLE = ("SELECT", "EXPLAIN", "SHOW", "DESCRIBE")
_LOOK_SECONDS = 3600.0
_log = logging.getLogger(__name__)


async def run_query(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Run a queued execution; end one that was interrupted or is to be cancelled."""
    execution = await _load(needs, task)
    if execution is None or execution.state in model.FINAL:
        return None
    running = _prepare(needs, task, execution)
    if execution.cancel_asked:
        await _end(running, model.cancelled(execution, "Query cancelled by user", _now(needs)))
        return None
    if execution.state == "RUNNING" and not execution.substatement_type.startswith(_REPEATABLE):
        failure = QueryFailed("The service ended while the query was running.", 1, 200)
        await _end(running, model.failed(execution, failure, _now(needs)))
        return None
    running.note(state="RUNNING", started_ms=_now(needs))
    await running.save(running.execution)
    await _run_until_done(running, task, wake)
    return None


async def _run_until_done(running: Run, task: Task, wake: Wake) -> None:
    """Run the statement; stop it when the execution is cancelled or the platform ends."""
    work = asyncio.create_task(_conclude(running))
    try:
        while not work.done():
            nudge = asyncio.create_task(wake.wait(_LOOK_SECONDS))
            await asyncio.wait((work, nudge), return_when=asyncio.FIRST_COMPLETED)
            nudge.cancel()
            if work.done():
                break
            found = await _load(running.needs, task)
            if wake.stopping or (found is not None and found.cancel_asked):
                work.cancel()
                await asyncio.wait((work,))
    finally:
        work.cancel()
    if not work.cancelled():
        await _end(running, work.result())
    elif not wake.stopping:
        reason = "Query cancelled by user"
        ended = model.cancelled(running.execution, reason, _now(running.needs))
        await _end(running, ended)


async def _conclude(running: Run) -> model.Execution:
    """Run the statement; the execution as it ended."""
    needs = running.needs
    try:
        await run(running)
    except QueryFailed as failed:
        return model.failed(running.execution, failed, _now(needs))
    except QueryRefused as refused:
        return model.failed(running.execution, QueryFailed(refused.text), _now(needs))
    except ScanLimitExceeded as exceeded:
        running.note(scanned_bytes=exceeded.scanned_bytes)
        reason = "Bytes scanned limit was exceeded"
        return model.cancelled(running.execution, reason, _now(needs))
    except (QueryLost, Full) as lost:
        return model.failed(running.execution, QueryFailed(str(lost), 1, 401), _now(needs))
    except Exception:
        _log.exception("Query %s failed by an error of ours.", running.execution.id)
        internal = QueryFailed("GENERIC_INTERNAL_ERROR: Internal error", 1, 200)
        return model.failed(running.execution, internal, _now(needs))
    return msgspec.structs.replace(
        running.execution, state="SUCCEEDED", completed_ms=_now(needs), reason=""
    )


async def _end(running: Run, ended: model.Execution) -> None:
    """Write down how it ended; what a query without success has written is removed first."""
    if ended.state != "SUCCEEDED" and ended.written:
        await running.folder.remove(ended.written)
    await running.save(ended)


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

    async def save(changed: model.Execution) -> None:
        while True:
            with contextlib.suppress(Conflict):
                async with needs.records.transaction() as transaction:
                    kept = await store.load(transaction, task, changed.id)
                    asked = kept is not None and kept.cancel_asked
                    store.save(
                        transaction, task, msgspec.structs.replace(changed, cancel_asked=asked)
                    )
                return

    catalog = Catalog(needs, call, execution.database or DATABASE_DEFAULT)
    return Run(needs, catalog, execution, save, execution.parameters)


def _now(needs: Needs) -> int:
    return needs.clock.now_ms()


STEPS: Mapping[str, Step] = {QUERY_TASK: run_query}
