"""Job runs: start, look at, list, cancel; their attempts."""

from collections.abc import AsyncIterator

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.emrserverless import shapes, store
from millpond.services.emrserverless.answers import (
    present_attempt,
    show_attempt,
    show_run,
    show_run_at,
    show_run_summary,
)
from millpond.services.emrserverless.errors import ResourceNotFound, Validation
from millpond.services.emrserverless.model.flow import Flow
from millpond.services.emrserverless.model.records import Application, Attempt, JobRun
from millpond.services.emrserverless.model.submission import plan_run
from millpond.services.emrserverless.model.tags import check_tags
from millpond.services.emrserverless.needs import Needs
from millpond.services.emrserverless.operations.paging import PAGE_SIZE_MAX, Page
from millpond.services.emrserverless.operations.scope import (
    fresh_id,
    made_before,
    open_paging,
    remember,
    require_application,
    require_run,
)

GRACE_SECONDS_DEFAULT, GRACE_SECONDS_MIN, GRACE_SECONDS_MAX = 0, 15, 1800
CANCELLED = "JobRun was cancelled by user"


async def start_job_run(
    needs: Needs, call: Call, request: shapes.StartJobRunRequest
) -> shapes.StartJobRunResponse:
    """Have an application run a job; it is started for that if it may start by itself. A client
    token starts one run.

    Raises:
        ResourceNotFound: there is no such application.
        Validation: the application is not started and may not be, AWS would refuse the run, or it
            asks for what is not implemented.
        Conflicting: the client token started another run.

    Source: EMR Serverless API reference, StartJobRun (2021-07-13).
    """
    tags = check_tags(request.tags or {})
    now_ms = needs.clock.now_ms()
    of = f"jobrun/{request.application_id}"
    async with needs.records.transaction() as transaction:
        application = await require_application(transaction, call, request.application_id)
        run_id = await made_before(transaction, call, of, request.client_token, request)
        if run_id is not None:
            run = (await require_run(transaction, call, application.id, run_id)).run
        else:
            _require_ready(application)
            run = plan_run(
                application,
                request,
                needs.sparks,
                run_id=fresh_id(needs.ids),
                tags=tags,
                creator_arn=call.principal.arn,
                now_ms=now_ms,
            )
            flow = Flow(application, run)
            flow.submit(now_ms)
            store.add_run(transaction, call, flow)
            remember(transaction, call, of, request.client_token, request, run.id)
    return shapes.StartJobRunResponse(application_id=application.id, job_run_id=run.id, arn=run.arn)


async def get_job_run(
    needs: Needs, call: Call, request: shapes.GetJobRunRequest
) -> shapes.GetJobRunResponse:
    """A job run, or an attempt of it.

    Raises:
        ResourceNotFound: there is no such application, run or attempt.

    Source: EMR Serverless API reference, GetJobRun.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_run(transaction, call, request.application_id, request.job_run_id)
        run, number = flow.run, request.attempt
        if number is None or number == run.attempt:
            return shapes.GetJobRunResponse(job_run=show_run(run))
        attempt = await store.load_attempt(transaction, call, run, number)
    if attempt is None:
        raise ResourceNotFound(f"JobRun {run.id} has no attempt {number}")
    return shapes.GetJobRunResponse(job_run=show_run_at(run, attempt))


async def list_job_runs(
    needs: Needs, call: Call, request: shapes.ListJobRunsRequest
) -> shapes.ListJobRunsResponse:
    """Job runs of an application by state, mode and time of creation, the newest first.

    Raises:
        ResourceNotFound: there is no such application.

    Source: EMR Serverless API reference, ListJobRuns.
    """
    states = frozenset(request.states or ())
    oldest, newest = request.created_at_after, request.created_at_before
    paging = open_paging(
        needs, call, request.application_id, sorted(states), oldest, newest, request.mode
    )
    after = paging.open(request.next_token)
    page: Page[JobRun] = Page(request.max_results or PAGE_SIZE_MAX)
    async with needs.records.transaction() as transaction:
        await require_application(transaction, call, request.application_id)
        async for position, run in store.scan_runs(
            transaction, call, request.application_id, after
        ):
            if oldest is not None and run.created_ms < oldest * 1000:
                break
            passed_over = (
                (newest is not None and run.created_ms > newest * 1000)
                or (states and run.state not in states)
                or (request.mode is not None and run.mode != request.mode)
            )
            if not passed_over and not page.take(position, run):
                break
    return shapes.ListJobRunsResponse(
        job_runs=[show_run_summary(run) for run in page.found],
        next_token=paging.seal(page.last) if page.has_more else None,
    )


async def list_job_run_attempts(
    needs: Needs, call: Call, request: shapes.ListJobRunAttemptsRequest
) -> shapes.ListJobRunAttemptsResponse:
    """Attempts of a job run, the last one first.

    Raises:
        ResourceNotFound: there is no such application or run.

    Source: EMR Serverless API reference, ListJobRunAttempts.
    """
    paging = open_paging(needs, call, request.application_id, request.job_run_id)
    after = paging.open(request.next_token)
    page: Page[Attempt] = Page(request.max_results or PAGE_SIZE_MAX)
    async with needs.records.transaction() as transaction:
        flow = await require_run(transaction, call, request.application_id, request.job_run_id)
        run = flow.run
        async for attempt in _attempts(transaction, call, run, int(after) if after else None):
            if not page.take(str(attempt.number), attempt):
                break
    return shapes.ListJobRunAttemptsResponse(
        job_run_attempts=[show_attempt(run, attempt) for attempt in page.found],
        next_token=paging.seal(page.last) if page.has_more else None,
    )


async def cancel_job_run(
    needs: Needs, call: Call, request: shapes.CancelJobRunRequest
) -> shapes.CancelJobRunResponse:
    """Have a job run end; with a grace, its driver is asked to end before it is killed. A run that
    has ended stays as it is.

    Raises:
        ResourceNotFound: there is no such application or run.
        Validation: the grace is outside of 15 to 1800 seconds.

    Source: EMR Serverless API reference, CancelJobRun; User Guide, "Job run cancellation with grace
    period".
    """
    grace = request.shutdown_grace_period_in_seconds or GRACE_SECONDS_DEFAULT
    if grace and not GRACE_SECONDS_MIN <= grace <= GRACE_SECONDS_MAX:
        raise Validation(
            f"shutdownGracePeriodInSeconds must be between {GRACE_SECONDS_MIN} and "
            f"{GRACE_SECONDS_MAX}."
        )
    async with needs.records.transaction() as transaction:
        flow = await require_run(transaction, call, request.application_id, request.job_run_id)
        flow.cancel(CANCELLED, grace, needs.clock.now_ms())
        store.save_flow(transaction, call, flow)
    return shapes.CancelJobRunResponse(
        application_id=request.application_id, job_run_id=request.job_run_id
    )


def _require_ready(application: Application) -> None:
    """Look that an application is started, or may be for a run."""
    if application.state == "TERMINATED":
        raise Validation(f"Application {application.id} is terminated. Cannot start job run.")
    if not application.starts_itself and application.state not in ("STARTING", "STARTED"):
        raise Validation(
            f"Application {application.id} must be started to run jobs: its "
            f"autoStartConfiguration is disabled. Current status: {application.state}"
        )


async def _attempts(
    transaction: Transaction, call: Call, run: JobRun, before: int | None
) -> AsyncIterator[Attempt]:
    last = run.attempt if before is None else before - 1
    for number in range(last, 0, -1):
        attempt = await store.load_attempt(transaction, call, run, number)
        yield attempt or present_attempt(run)
