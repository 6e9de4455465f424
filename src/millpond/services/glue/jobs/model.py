"""Jobs and runs as values. Times are epoch milliseconds, durations say their unit."""

from typing import Literal

import msgspec

from millpond.services.glue.jobs.capacity import Allotment
from millpond.services.glue.shapes import JobUpdate, NotificationProperty

RunState = Literal[
    "STARTING", "RUNNING", "STOPPING", "STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "WAITING"
]
ENDED = frozenset({"STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT"})


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`id` is another one for each life of a name. `definition` has AWS's defaults filled in."""

    name: str
    id: str
    definition: JobUpdate
    created_ms: int
    updated_ms: int


class Activity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What becomes of a job: how many runs there were, which run now, and which wait (in order)."""

    started: int = 0
    active: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


class Predecessor(msgspec.Struct, frozen=True):
    """A run that a trigger waited for."""

    job_name: str
    run_id: str


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run, or one attempt at it. `definition` is the job's as it was when this was started,
    without its graph. `began_ms` is when the script began: before that, nothing was run."""

    id: str
    job_name: str
    job_id: str
    number: int
    definition: JobUpdate
    started_ms: int
    modified_ms: int
    state: RunState
    allotment: Allotment
    arguments: dict[str, str] = {}
    attempt: int = 0
    previous_run_id: str | None = None
    trigger_name: str | None = None
    workflow_name: str | None = None
    workflow_run_id: str | None = None
    predecessors: tuple[Predecessor, ...] = ()
    timeout_minutes: int | None = None
    queues: bool = False
    notification: NotificationProperty | None = None
    execution_class: str | None = None
    began_ms: int | None = None
    ended_ms: int | None = None
    error: str | None = None
    detail: str | None = None
    access_key_id: str = ""
    bookmark_version: int = 0
    """Which version of the job's bookmark it began with."""

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    def seconds(self, now_ms: int) -> int:
        """How long its script has run."""
        if self.began_ms is None:
            return 0
        return max(0, round(((self.ended_ms or now_ms) - self.began_ms) / 1000))

    @property
    def base_id(self) -> str:
        """The id of its first attempt."""
        return self.id.partition("_attempt_")[0]
