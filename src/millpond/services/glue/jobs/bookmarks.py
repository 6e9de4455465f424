"""Job bookmarks: what of its sources a job has read, as its runs have left it.

A run is given the states of its sources when it begins, and leaves new ones when it commits
(`Job.commit()`); the platform keeps them when the run has ended, however it ended. What a run left
counts only if nobody else has changed the bookmark meanwhile: a reset, or another run.

Source: Glue developer guide, "Tracking processed data using job bookmarks"; API, JobBookmarkEntry.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

ENABLE, PAUSE, DISABLE = "job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable"
OPTIONS = (ENABLE, PAUSE, DISABLE)
SIZE_BYTES_MAX = 8 << 20

States = dict[str, Any]
"""By the `transformation_ctx` of a source; what they hold is the job's alone."""


class Bookmark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`version` counts every change, `run` the runs that have left one since the last reset;
    `run_id` (None after a reset to the beginning), `run_number` and `attempt` are of the run that
    left this, `previous_run_id` of the one before. `states` is JSON."""

    version: int
    run: int = 0
    run_number: int = 0
    attempt: int = 0
    run_id: str | None = None
    previous_run_id: str | None = None
    states: str = "{}"


class VersionMismatch(Exception):
    """The bookmark was changed by another; the text is Glue's."""


def next_bookmark(
    now: Bookmark | None, states: str, *, expected: int, run_id: str, number: int, attempt: int
) -> Bookmark:
    """The bookmark that a run leaves which began with the version `expected`.

    Raises:
        VersionMismatch: it is of another version now.
    """
    now = now or Bookmark(version=0)
    if now.version != expected:
        raise VersionMismatch(
            "Continuation update failed due to version mismatch. "
            f"Expected version {expected} but found version {now.version}"
        )
    return Bookmark(
        version=now.version + 1,
        run=now.run + 1,
        run_number=number,
        attempt=attempt,
        run_id=run_id,
        previous_run_id=now.run_id,
        states=states,
    )


def reset_to(now: Bookmark | None, former: Bookmark | None) -> Bookmark:
    """The bookmark after a reset: to the beginning, or to what was `former`."""
    version = (now.version if now else 0) + 1
    if former is None:
        return Bookmark(version=version)
    return msgspec.structs.replace(former, version=version)


def read_commit(data: bytes) -> str | None:
    """The states that a run committed, as JSON; None when the file is not what it should be."""
    try:
        told = json.loads(data)
        states = told["states"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return json.dumps(states) if isinstance(states, Mapping) else None
