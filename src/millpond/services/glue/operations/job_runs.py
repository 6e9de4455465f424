"""Runs of jobs: started, told of, stopped."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue.errors import EntityNotFound, InvalidInput, not_implemented
from millpond.services.glue.jobs import store
from millpond.services.glue.jobs.answers import show_run
from millpond.services.glue.jobs.model import Job, Run
from millpond.services.glue.jobs.starting import Wishes, start_run
from millpond.services.glue.jobs.stopping import stop_run
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.jobs import require_job
from millpond.services.glue.operations.scope import pages_of

PAGE_SIZE_DEFAULT = 100


async def require_run(transaction: Transaction, call: Call, job: Job, run_id: str) -> Run:
    """The run of a job.

    Raises:
        EntityNotFound: the job has none of that id.
    """
    run = await store.load_run(transaction, call, run_id)
    if run is None or run.job_id != job.id:
        raise EntityNotFound(f"Job run {run_id} of job {job.name} not found.")
    return run


async def start_job_run(
    needs: Needs, call: Call, request: shapes.StartJobRunRequest
) -> shapes.StartJobRunResponse:
    """Start a run; with `JobRunId`, do a run that has ended once more, as its next attempt.

    Raises:
        ConcurrentRunsExceeded: as many runs as may run already, and runs are not queued.

    Source: Glue API reference, StartJobRun.
    """
    not_implemented(
        ("SecurityConfiguration", request.security_configuration),
        ("ExecutionRoleSessionPolicy", request.execution_role_session_policy),
    )
    async with needs.records.transaction() as transaction:
        job = await require_job(transaction, call, request.job_name)
        former = None
        if request.job_run_id:
            former = await require_run(transaction, call, job, request.job_run_id)
            if not former.has_ended:
                raise InvalidInput(f"Job run {former.id} has not ended: it is {former.state}.")
        wishes = Wishes(
            arguments=request.arguments or {},
            allocated_capacity=request.allocated_capacity,
            max_capacity=request.max_capacity,
            worker_type=request.worker_type,
            number_of_workers=request.number_of_workers,
            timeout=request.timeout,
            queues=request.job_run_queuing_enabled,
            notification=request.notification_property,
            execution_class=request.execution_class,
            former=former,
        )
        run = await start_run(transaction, needs, call, job, wishes)
    return shapes.StartJobRunResponse(job_run_id=run.id)


async def get_job_run(
    needs: Needs, call: Call, request: shapes.GetJobRunRequest
) -> shapes.GetJobRunResponse:
    """A run. Source: Glue API reference, GetJobRun."""
    async with needs.records.transaction() as transaction:
        job = await require_job(transaction, call, request.job_name)
        run = await require_run(transaction, call, job, request.run_id)
    shown = show_run(
        run, needs.clock.now_ms(), with_predecessors=bool(request.predecessors_included)
    )
    return shapes.GetJobRunResponse(job_run=shown)


async def get_job_runs(
    needs: Needs, call: Call, request: shapes.GetJobRunsRequest
) -> shapes.GetJobRunsResponse:
    """The runs of a job, the newest first. Source: Glue API reference, GetJobRuns."""
    paging = pages_of(needs, call, request.job_name)
    before = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[Run] = []
    token = None
    async with needs.records.transaction() as transaction:
        job = await require_job(transaction, call, request.job_name)
        number = int(before) if before else None
        async for run in store.scan_runs(transaction, call, job.id, number):
            if len(found) == size:
                token = paging.seal(str(found[-1].number))
                break
            found.append(run)
    now_ms = needs.clock.now_ms()
    shown = [show_run(run, now_ms) for run in found]
    return shapes.GetJobRunsResponse(job_runs=shown, next_token=token)


async def batch_stop_job_run(
    needs: Needs, call: Call, request: shapes.BatchStopJobRunRequest
) -> shapes.BatchStopJobRunResponse:
    """Have runs stop; what cannot is told one by one.

    Source: Glue API reference, BatchStopJobRun.
    """
    stopped: list[shapes.BatchStopJobRunSuccessfulSubmission] = []
    errors: list[shapes.BatchStopJobRunError] = []
    async with needs.records.transaction() as transaction:
        job = await store.load_job(transaction, call, request.job_name)
        for run_id in dict.fromkeys(request.job_run_ids):
            run = await store.load_run(transaction, call, run_id)
            if job is None or run is None or run.job_id != job.id:
                text = f"JobRun not found: {run_id}"
                errors.append(_error(request.job_name, run_id, "EntityNotFoundException", text))
            elif run.has_ended:
                text = f"JobRun {run_id} is not running: it is {run.state}."
                errors.append(_error(request.job_name, run_id, "InvalidInputException", text))
            else:
                await stop_run(transaction, needs, call, run)
                stopped.append(
                    shapes.BatchStopJobRunSuccessfulSubmission(
                        job_name=request.job_name, job_run_id=run_id
                    )
                )
    return shapes.BatchStopJobRunResponse(successful_submissions=stopped, errors=errors)


def _error(job_name: str, run_id: str, code: str, text: str) -> shapes.BatchStopJobRunError:
    detail = shapes.ErrorDetail(error_code=code, error_message=text)
    return shapes.BatchStopJobRunError(job_name=job_name, job_run_id=run_id, error_detail=detail)
