"""Jobs: their definitions."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.body import BytesBody
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.glue import shapes, store, visual
from millpond.services.glue.errors import (
    EntityNotFound,
    IdempotentParameterMismatch,
    InvalidInput,
)
from millpond.services.glue.jobs import store as job_store
from millpond.services.glue.jobs.answers import show_job
from millpond.services.glue.jobs.definitions import complete, of_creation, script_place
from millpond.services.glue.jobs.model import Job
from millpond.services.glue.jobs.role import as_role
from millpond.services.glue.jobs.stopping import stop_run
from millpond.services.glue.model import merge_tags
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import pages_of

PAGE_SIZE_DEFAULT = 100


async def require_job(transaction: Transaction, call: Call, name: str) -> Job:
    """The job.

    Raises:
        EntityNotFound: there is none of that name.
    """
    job = await job_store.load_job(transaction, call, name)
    if job is None:
        raise EntityNotFound(f"Job {name} not found.")
    return job


async def create_job(
    needs: Needs, call: Call, request: shapes.CreateJobRequest
) -> shapes.CreateJobResponse:
    """Define a job. A visual one has its script made and put where its command says.

    Raises:
        IdempotentParameterMismatch: the name is taken by a job that is defined otherwise.
        InvalidInput: the definition does not fit, or asks for what there is not.

    Source: Glue API reference, CreateJob.
    """
    definition = complete(of_creation(request))
    tags = merge_tags({}, request.tags or {})
    await _write_script(needs, call, request.name, definition)
    async with needs.records.transaction() as transaction:
        former = await job_store.load_job(transaction, call, request.name)
        if former is not None:
            if former.definition == definition:
                return shapes.CreateJobResponse(name=request.name)
            raise IdempotentParameterMismatch(
                f"Job with name: {request.name} already submitted with different configuration"
            )
        now_ms = needs.clock.now_ms()
        job = Job(
            name=request.name,
            id=f"j_{needs.ids.hex(32)}",
            definition=definition,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        job_store.save_job(transaction, call, job)
        store.save_tags(transaction, call, f"job/{job.name}", tags)
    return shapes.CreateJobResponse(name=request.name)


async def update_job(
    needs: Needs, call: Call, request: shapes.UpdateJobRequest
) -> shapes.UpdateJobResponse:
    """Define a job anew: what is not given goes back to its default. Runs go on as they began.

    Source: Glue API reference, UpdateJob.
    """
    definition = complete(request.job_update)
    async with needs.records.transaction() as transaction:
        await require_job(transaction, call, request.job_name)
    await _write_script(needs, call, request.job_name, definition)
    async with needs.records.transaction() as transaction:
        job = await require_job(transaction, call, request.job_name)
        updated = msgspec.structs.replace(
            job, definition=definition, updated_ms=needs.clock.now_ms()
        )
        job_store.save_job(transaction, call, updated)
    return shapes.UpdateJobResponse(job_name=request.job_name)


async def _write_script(needs: Needs, call: Call, name: str, definition: shapes.JobUpdate) -> None:
    """Put the script of a visual job in S3, as the job's role.

    Raises:
        InvalidInput: its graph has no script, or S3 does not take it.
    """
    nodes = definition.code_gen_configuration_nodes
    if not nodes:
        return
    visual.check(nodes)
    text = visual.script(nodes, name)
    location = (definition.command and definition.command.script_location) or ""
    bucket, key = script_place(location)
    role = as_role(call, definition.role or "")
    try:
        await needs.call_aws(
            role, "s3", "PutObject", Bucket=bucket, Key=key, Body=BytesBody(text.encode())
        )
    except ServiceError as error:
        raise InvalidInput(
            f"The script of job {name} cannot be put to {location}: {error.message}"
        ) from None


async def get_job(needs: Needs, call: Call, request: shapes.GetJobRequest) -> shapes.GetJobResponse:
    """A job. Source: Glue API reference, GetJob."""
    async with needs.records.transaction() as transaction:
        job = await require_job(transaction, call, request.job_name)
    return shapes.GetJobResponse(job=show_job(job))


async def get_jobs(
    needs: Needs, call: Call, request: shapes.GetJobsRequest
) -> shapes.GetJobsResponse:
    """All jobs by name. Source: Glue API reference, GetJobs."""
    paging = pages_of(needs, call)
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.Job] = []
    async with needs.records.transaction() as transaction:
        async for job in job_store.scan_jobs(transaction, call, after):
            if len(found) == size:
                token = paging.seal(found[-1].name or "")
                return shapes.GetJobsResponse(jobs=found, next_token=token)
            found.append(show_job(job))
    return shapes.GetJobsResponse(jobs=found)


async def list_jobs(
    needs: Needs, call: Call, request: shapes.ListJobsRequest
) -> shapes.ListJobsResponse:
    """Names of the jobs that have all the tags asked for.

    Source: Glue API reference, ListJobs.
    """
    wanted = request.tags or {}
    paging = pages_of(needs, call, sorted(wanted.items()))
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[str] = []
    async with needs.records.transaction() as transaction:
        async for job in job_store.scan_jobs(transaction, call, after):
            if wanted:
                tags = await store.load_tags(transaction, call, f"job/{job.name}")
                if not wanted.items() <= tags.items():
                    continue
            if len(found) == size:
                return shapes.ListJobsResponse(job_names=found, next_token=paging.seal(found[-1]))
            found.append(job.name)
    return shapes.ListJobsResponse(job_names=found)


async def batch_get_jobs(
    needs: Needs, call: Call, request: shapes.BatchGetJobsRequest
) -> shapes.BatchGetJobsResponse:
    """Jobs by their names. Source: Glue API reference, BatchGetJobs."""
    found: list[shapes.Job] = []
    missing: list[str] = []
    async with needs.records.transaction() as transaction:
        for name in dict.fromkeys(request.job_names):
            job = await job_store.load_job(transaction, call, name)
            if job is None:
                missing.append(name)
            else:
                found.append(show_job(job))
    return shapes.BatchGetJobsResponse(jobs=found, jobs_not_found=missing)


async def delete_job(
    needs: Needs, call: Call, request: shapes.DeleteJobRequest
) -> shapes.DeleteJobResponse:
    """Remove a job with its runs and bookmark; those that run are stopped. A job that is not
    there is no error.

    Source: Glue API reference, DeleteJob.
    """
    async with needs.records.transaction() as transaction:
        job = await job_store.load_job(transaction, call, request.job_name)
        if job is not None:
            job_store.drop_job(transaction, call, job)
            store.save_tags(transaction, call, f"job/{job.name}", {})
            activity = await job_store.load_activity(transaction, call, job.id)
            for run_id in (*activity.waiting, *activity.active):
                run = await job_store.load_run(transaction, call, run_id)
                if run is not None:
                    await stop_run(transaction, needs, call, run)
    return shapes.DeleteJobResponse(job_name=request.job_name)
