"""The background step of a run: from where its record stands to its end.

A run whose script has not begun is begun, also after a crash. One whose script had begun when the
platform ended has failed: it is run again only if its job says so (MaxRetries), and never because
the platform came back. What it had committed of its bookmark is kept.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any, Literal

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.errors import EngineError, ServiceError
from millpond.kernel.metrics import Metric
from millpond.kernel.tasks import Task, Wake
from millpond.services.glue.jobs import store
from millpond.services.glue.jobs.arguments import Settings, merge, read_settings
from millpond.services.glue.jobs.bookmarks import ENABLE, VersionMismatch, next_bookmark
from millpond.services.glue.jobs.ending import Outcome, end_run
from millpond.services.glue.jobs.model import Run
from millpond.services.glue.jobs.running.execution import CannotLaunch, Execution
from millpond.services.glue.jobs.running.giving import NoSuchRun, given_bookmark
from millpond.services.glue.jobs.running.workplace import Workplace
from millpond.services.glue.needs import Needs

RESTARTED = "The platform was restarted while the job ran."
NO_PLACE = "Waiting for runs of other jobs to end: this machine runs no more at once."
_LOOK_SECONDS = 3600.0
_log = logging.getLogger(__name__)

Watched = Literal["done", "stopping", "late", "ending"]


async def run_job(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Do the run `task.subject`; its next due time when the platform ends meanwhile."""
    return await _RunStep(needs, task, wake).drive()


class _Stopped(Exception):
    """The run was asked to stop before its script began."""


class _RunStep:
    def __init__(self, needs: Needs, task: Task, wake: Wake) -> None:
        self._needs, self._task, self._wake = needs, task, wake
        self._place = Workplace(needs.folder, task.subject)

    async def drive(self) -> int | None:
        run = await self._look()
        if run is None or run.has_ended or run.state == "WAITING":
            await asyncio.to_thread(self._place.remove)
            return None
        if run.state == "STOPPING":
            outcome: Outcome | None = Outcome("STOPPED")
        elif run.began_ms is not None:
            outcome = Outcome("FAILED", RESTARTED)
        else:
            outcome = await self._execute(run)
        if outcome is None:
            return self._needs.clock.now_ms()
        await self._tell_end(outcome)
        await asyncio.to_thread(self._place.remove)
        return None

    async def _execute(self, run: Run) -> Outcome | None:
        """How the run ended; None when the platform ends before it does."""
        try:
            execution = Execution(self._needs, self._task, run, self._place)
        except ServiceError as error:
            return Outcome("FAILED", error.message)
        outcome: Outcome | None = None
        held = contextlib.AsyncExitStack()
        try:
            outcome = await self._go(run, execution, held)
        except CannotLaunch as error:
            outcome = Outcome("FAILED", str(error))
        except (NoSuchRun, ServiceError) as error:
            outcome = Outcome("FAILED", str(error))
        except _Stopped:
            outcome = Outcome("STOPPED")
        except EngineError:
            raise
        except Exception:
            _log.exception("The run %s failed.", run.id)
            outcome = Outcome("FAILED", "Internal Service Exception")
        finally:
            await execution.end(tells=outcome is not None)
            await held.aclose()
        begun = await self._look()
        if outcome is not None and begun is not None and begun.began_ms is not None:
            self._measure(begun, begun.began_ms, execution.settings)
        return outcome

    async def _go(
        self, run: Run, execution: Execution, held: contextlib.AsyncExitStack
    ) -> Outcome | None:
        if execution.has_engine:
            watched = await self._watch(self._take_place(held), None)
            if watched != "done":
                return self._unfinished(run, watched)
        if run.access_key_id:
            await self._needs.credentials.revoke(run.access_key_id)
        credential = await execution.lend()
        await self._change(access_key_id=credential.access_key_id)
        watched = await self._watch(execution.prepare(credential), None)
        if watched != "done":
            return self._unfinished(run, watched)
        given = await self._begin(execution.settings)
        await execution.begin(given)
        due_ms = None
        if run.timeout_minutes is not None:
            due_ms = self._needs.clock.now_ms() + run.timeout_minutes * 60_000
        finished: list[Any] = []

        async def end() -> None:
            finished.append(await execution.ended())

        watched = await self._watch(end(), due_ms)
        if watched != "done":
            return self._unfinished(run, watched)
        if finished[0].exit_code == 0:
            return Outcome("SUCCEEDED")
        told = await asyncio.to_thread(self._place.read_failure)
        return Outcome("FAILED", told or f"Command failed with {finished[0].description}")

    async def _take_place(self, held: contextlib.AsyncExitStack) -> None:
        if self._needs.places.locked():
            await self._change(detail=NO_PLACE)
        await held.enter_async_context(self._needs.places)

    def _unfinished(self, run: Run, watched: Watched) -> Outcome | None:
        if watched == "late":
            return Outcome("TIMEOUT", f"Job run timed out after {run.timeout_minutes} minutes.")
        return Outcome("STOPPED") if watched == "stopping" else None

    async def _watch(self, work: Coroutine[Any, Any, None], due_ms: int | None) -> Watched:
        """Until `work` is done, or something else ends it.

        Raises:
            what `work` raises.
        """
        working = asyncio.ensure_future(work)
        try:
            while not working.done():
                left = _LOOK_SECONDS
                if due_ms is not None:
                    left = (due_ms - self._needs.clock.now_ms()) / 1000
                    if left <= 0:
                        return "late"
                waking = asyncio.ensure_future(self._wake.wait(min(left, _LOOK_SECONDS)))
                try:
                    await asyncio.wait({working, waking}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waking.cancel()
                if working.done():
                    break
                if self._wake.stopping:
                    return "ending"
                run = await self._look()
                if run is None or run.state == "STOPPING":
                    return "stopping"
            working.result()
            return "done"
        finally:
            if not working.done():
                working.cancel()
                await asyncio.wait({working})

    async def _begin(self, settings: Settings) -> dict[str, Any]:
        """Write that the script begins; what it is told of the bookmark."""

        async def work(transaction: Transaction) -> dict[str, Any]:
            run = await store.load_run(transaction, self._task, self._task.subject)
            if run is None or run.state != "STARTING":
                raise _Stopped
            version, given = await given_bookmark(transaction, self._task, run, settings)
            now_ms = self._needs.clock.now_ms()
            begun = msgspec.structs.replace(
                run,
                state="RUNNING",
                detail=None,
                began_ms=now_ms,
                modified_ms=now_ms,
                bookmark_version=version,
            )
            store.save_run(transaction, self._task, begun)
            return given

        return await transact(self._needs.records, work)

    async def _tell_end(self, outcome: Outcome) -> None:
        run = await self._look()
        if run is not None and run.access_key_id:
            await self._needs.credentials.revoke(run.access_key_id)
        commit = await asyncio.to_thread(self._place.read_commit)

        async def work(transaction: Transaction) -> None:
            run = await store.load_run(transaction, self._task, self._task.subject)
            if run is None or run.has_ended:
                return
            how = outcome
            if commit is not None:
                how = await self._keep_bookmark(transaction, run, commit, outcome)
            await end_run(transaction, self._needs, self._task, run, how)

        await transact(self._needs.records, work)

    async def _keep_bookmark(
        self, transaction: Transaction, run: Run, states: str, outcome: Outcome
    ) -> Outcome:
        settings = read_settings(run.definition, merge(run.definition, run.arguments))
        if settings.bookmark_option != ENABLE:
            return outcome
        now = await store.load_bookmark(transaction, self._task, run.job_id)
        try:
            bookmark = next_bookmark(
                now,
                states,
                expected=run.bookmark_version,
                run_id=run.id,
                number=run.number,
                attempt=run.attempt,
            )
        except VersionMismatch as error:
            return Outcome("FAILED", str(error)) if outcome.state == "SUCCEEDED" else outcome
        await store.save_bookmark(transaction, self._task, run.job_id, bookmark)
        return outcome

    async def _look(self) -> Run | None:
        async with self._needs.records.transaction() as transaction:
            return await store.load_run(transaction, self._task, self._task.subject)

    async def _change(self, **changes: Any) -> None:
        async def work(transaction: Transaction) -> None:
            run = await store.load_run(transaction, self._task, self._task.subject)
            if run is not None:
                changed = msgspec.structs.replace(run, **changes)
                store.save_run(transaction, self._task, changed)

        await transact(self._needs.records, work)

    def _measure(self, run: Run, began_ms: int, settings: Settings) -> None:
        """The metric that costs nothing to know.

        Source: Glue developer guide, "Monitoring AWS Glue using Amazon CloudWatch metrics".
        """
        if not settings.measures:
            return
        for run_id in (run.id, "ALL"):
            dimensions = (("JobName", run.job_name), ("JobRunId", run_id), ("Type", "count"))
            metric = Metric(
                self._task.account,
                self._task.region,
                "Glue",
                "glue.driver.aggregate.elapsedTime",
                dimensions,
                "Milliseconds",
            )
            self._needs.meter.record(metric, self._needs.clock.now_ms() - began_ms)
