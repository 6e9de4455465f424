"""Job bookmarks: what of its sources a job has read."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue.errors import EntityNotFound
from millpond.services.glue.jobs import store
from millpond.services.glue.jobs.answers import show_bookmark
from millpond.services.glue.jobs.bookmarks import Bookmark, reset_to
from millpond.services.glue.jobs.model import Job
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.job_runs import require_run
from millpond.services.glue.operations.jobs import require_job


async def get_job_bookmark(
    needs: Needs, call: Call, request: shapes.GetJobBookmarkRequest
) -> shapes.GetJobBookmarkResponse:
    """What the job's next run goes on from, or what a run has left.

    Raises:
        EntityNotFound: no run has left a bookmark yet.

    Source: Glue API reference, GetJobBookmark.
    """
    async with needs.records.transaction() as transaction:
        job = await require_job(transaction, call, request.job_name)
        if request.run_id:
            bookmark = await _left_by(transaction, call, job, request.run_id)
        else:
            bookmark = await store.load_bookmark(transaction, call, job.id)
    if bookmark is None:
        raise EntityNotFound(f"Continuation for job {job.name} not found")
    return shapes.GetJobBookmarkResponse(job_bookmark_entry=show_bookmark(job, bookmark))


async def reset_job_bookmark(
    needs: Needs, call: Call, request: shapes.ResetJobBookmarkRequest
) -> shapes.ResetJobBookmarkResponse:
    """Have the job read its sources from their beginning, or from where a run had left them. A
    run that goes on meanwhile cannot undo that: it fails when it commits.

    Source: Glue API reference, ResetJobBookmark.
    """
    async with needs.records.transaction() as transaction:
        job = await require_job(transaction, call, request.job_name)
        now = await store.load_bookmark(transaction, call, job.id)
        former = None
        if request.run_id:
            former = await _left_by(transaction, call, job, request.run_id)
            if former is None:
                raise EntityNotFound(f"Continuation for job {job.name} not found")
        bookmark = reset_to(now, former)
        await store.save_bookmark(transaction, call, job.id, bookmark)
    return shapes.ResetJobBookmarkResponse(job_bookmark_entry=show_bookmark(job, bookmark))


async def _left_by(transaction: Transaction, call: Call, job: Job, run_id: str) -> Bookmark | None:
    """What the job knew of its sources once a run of it had ended."""
    run = await require_run(transaction, call, job, run_id)
    return await store.find_bookmark(transaction, call, job.id, run.number)
