"""How jobs are laid out in records.

    job          name                → Job
    job_activity job id              → Activity
    job_run      run id              → Run
    job_run_of   job id, number      → run id
    bookmark     job id              → Bookmark (the newest)
    bookmark_of  job id, version     → Bookmark (each one that a run has left)

each below `glue`, the account and the region. Values are msgpack.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel import tasks
from millpond.kernel.call import Scope
from millpond.services.glue import keys
from millpond.services.glue.jobs.bookmarks import Bookmark
from millpond.services.glue.jobs.model import Activity, Job, Run
from millpond.services.glue.keys import record_key

RUN_TASK = "job_run"
SWEEP_TASK = "sweep_job"
BOOKMARKS_KEPT = 100

_encode = msgspec.msgpack.Encoder().encode
_JOB = msgspec.msgpack.Decoder(Job)
_ACTIVITY = msgspec.msgpack.Decoder(Activity)
_RUN = msgspec.msgpack.Decoder(Run)
_BOOKMARK = msgspec.msgpack.Decoder(Bookmark)


async def load_job(transaction: Transaction, scope: Scope, name: str) -> Job | None:
    value = await transaction.get(record_key(scope, "job", name))
    return None if value is None else _JOB.decode(value)


def save_job(transaction: Transaction, scope: Scope, job: Job) -> None:
    transaction.put(record_key(scope, "job", job.name), _encode(job))


def drop_job(transaction: Transaction, scope: Scope, job: Job) -> None:
    """Take a job out of sight; its runs and bookmarks go in the background."""
    transaction.delete(record_key(scope, "job", job.name))
    task = tasks.Task("glue", SWEEP_TASK, job.id, 0, scope.account, scope.region)
    tasks.schedule(transaction, task)


async def scan_jobs(transaction: Transaction, scope: Scope, after: str = "") -> AsyncIterator[Job]:
    """Jobs by name, those after `after`."""
    prefix = record_key(scope, "job")
    start = end_of(prefix + keys.join(after)) if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _JOB.decode(value)


async def load_activity(transaction: Transaction, scope: Scope, job_id: str) -> Activity:
    value = await transaction.get(record_key(scope, "job_activity", job_id))
    return Activity() if value is None else _ACTIVITY.decode(value)


def save_activity(transaction: Transaction, scope: Scope, job_id: str, activity: Activity) -> None:
    transaction.put(record_key(scope, "job_activity", job_id), _encode(activity))


async def load_run(transaction: Transaction, scope: Scope, run_id: str) -> Run | None:
    value = await transaction.get(record_key(scope, "job_run", run_id))
    return None if value is None else _RUN.decode(value)


def save_run(transaction: Transaction, scope: Scope, run: Run) -> None:
    transaction.put(record_key(scope, "job_run", run.id), _encode(run))


def save_new_run(transaction: Transaction, scope: Scope, run: Run) -> None:
    """Write a run that is new to its job's list."""
    key = record_key(scope, "job_run_of", run.job_id, f"{run.number:018d}")
    transaction.put(key, run.id.encode())
    save_run(transaction, scope, run)


def wake_run(transaction: Transaction, scope: Scope, run_id: str) -> None:
    """Have whoever does the run look at it."""
    task = tasks.Task("glue", RUN_TASK, run_id, 0, scope.account, scope.region)
    tasks.schedule(transaction, task)


async def scan_runs(
    transaction: Transaction, scope: Scope, job_id: str, before: int | None = None
) -> AsyncIterator[Run]:
    """The runs of a job, the newest first, those before number `before`."""
    prefix = record_key(scope, "job_run_of", job_id)
    end = end_of(prefix) if before is None else prefix + keys.join(f"{before:018d}")
    async for _, value in transaction.scan(prefix, end, reverse=True):
        run = await load_run(transaction, scope, value.decode())
        assert run is not None
        yield run


async def sweep_runs(transaction: Transaction, scope: Scope, job_id: str, count: int) -> int:
    """Delete up to `count` records of a job that is gone; how many there were."""
    found = 0
    prefix = record_key(scope, "job_run_of", job_id)
    async for key, value in transaction.scan(prefix, end_of(prefix)):
        if found >= count:
            return found
        transaction.delete(record_key(scope, "job_run", value.decode()))
        transaction.delete(key)
        found += 1
    prefix = record_key(scope, "bookmark_of", job_id)
    async for key, _ in transaction.scan(prefix, end_of(prefix)):
        if found >= count:
            return found
        transaction.delete(key)
        found += 1
    transaction.delete(record_key(scope, "bookmark", job_id))
    transaction.delete(record_key(scope, "job_activity", job_id))
    return found


async def load_bookmark(transaction: Transaction, scope: Scope, job_id: str) -> Bookmark | None:
    value = await transaction.get(record_key(scope, "bookmark", job_id))
    return None if value is None else _BOOKMARK.decode(value)


async def save_bookmark(
    transaction: Transaction, scope: Scope, job_id: str, bookmark: Bookmark
) -> None:
    """Keep a bookmark as the newest; one that a run left is found by its run as well."""
    transaction.put(record_key(scope, "bookmark", job_id), _encode(bookmark))
    if bookmark.run_id is None:
        return
    prefix = record_key(scope, "bookmark_of", job_id)
    transaction.put(prefix + keys.join(f"{bookmark.version:018d}"), _encode(bookmark))
    if bookmark.version > BOOKMARKS_KEPT:
        oldest = prefix + keys.join(f"{bookmark.version - BOOKMARKS_KEPT:018d}")
        async for key, _ in transaction.scan(prefix, oldest):
            transaction.delete(key)


async def find_bookmark(
    transaction: Transaction, scope: Scope, job_id: str, run_number: int
) -> Bookmark | None:
    """What the job knew after its run of that number: the bookmark that it left, or the one that
    the last run before it had left."""
    prefix = record_key(scope, "bookmark_of", job_id)
    found: Bookmark | None = None
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        bookmark = _BOOKMARK.decode(value)
        if (found.run_number if found else 0) <= bookmark.run_number <= run_number:
            found = bookmark
    return found
