"""The bookmark that a run is given when it begins."""

import json
from typing import Any

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.glue.jobs import store
from millpond.services.glue.jobs.arguments import Settings
from millpond.services.glue.jobs.bookmarks import DISABLE, PAUSE, States
from millpond.services.glue.jobs.model import Run


class NoSuchRun(Exception):
    """A bookmark is asked for of a run that there is not; the text names it."""


async def given_bookmark(
    transaction: Transaction, scope: Scope, run: Run, settings: Settings
) -> tuple[int, dict[str, Any]]:
    """The version of the job's bookmark now, and what the script is told of it.

    `states` are where its sources go on. A paused bookmark may name a range of runs: `from` and
    `to` hold the states that these left, and are None where nothing is named.

    Raises:
        NoSuchRun: the range names a run that the job never had.
    """
    now = await store.load_bookmark(transaction, scope, run.job_id)
    states: States = json.loads(now.states) if now and settings.bookmark_option != DISABLE else {}
    begin = end = None
    if settings.bookmark_option == PAUSE:
        begin = await _states_after(transaction, scope, run, settings.bookmark_from)
        end = await _states_after(transaction, scope, run, settings.bookmark_to)
    told = {
        "job_name": run.job_name,
        "run_id": run.id,
        "attempt": run.attempt,
        "run": run.number,
        "option": settings.bookmark_option,
        "from": begin,
        "to": end,
        "states": states if begin is None else begin,
    }
    return (now.version if now else 0), told


async def _states_after(
    transaction: Transaction, scope: Scope, run: Run, run_id: str | None
) -> States | None:
    """What the job's sources had given once that run had ended."""
    if run_id is None:
        return None
    named = await store.load_run(transaction, scope, run_id)
    if named is None or named.job_id != run.job_id:
        raise NoSuchRun(f"Job bookmark range: the job has no run {run_id}.")
    bookmark = await store.find_bookmark(transaction, scope, run.job_id, named.number)
    states: States = json.loads(bookmark.states) if bookmark else {}
    return states
