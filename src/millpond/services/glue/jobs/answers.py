"""Jobs, runs and bookmarks as AWS shows them."""

from typing import Any

from millpond.services.glue import shapes
from millpond.services.glue.jobs.bookmarks import Bookmark
from millpond.services.glue.jobs.capacity import PYTHON_SHELL, Allotment
from millpond.services.glue.jobs.definitions import allotment_of, command_of
from millpond.services.glue.jobs.model import Job, Run
from millpond.services.glue.jobs.running.logs import group_of

_COPIED = (
    "job_mode",
    "job_run_queuing_enabled",
    "description",
    "log_uri",
    "role",
    "execution_property",
    "command",
    "default_arguments",
    "non_overridable_arguments",
    "connections",
    "max_retries",
    "timeout",
    "notification_property",
    "glue_version",
    "code_gen_configuration_nodes",
    "source_control_details",
    "maintenance_window",
)


def show_job(job: Job) -> shapes.Job:
    definition = job.definition
    copied: dict[str, Any] = {name: getattr(definition, name) for name in _COPIED}
    return shapes.Job(
        name=job.name,
        created_on=job.created_ms / 1000,
        last_modified_on=job.updated_ms / 1000,
        execution_class=_execution_class(command_of(definition), definition.execution_class),
        **copied,
        **_capacity(allotment_of(definition)),
    )


def show_run(run: Run, now_ms: int, *, with_predecessors: bool = False) -> shapes.JobRun:
    predecessors = None
    if with_predecessors:
        predecessors = [
            shapes.Predecessor(job_name=each.job_name, run_id=each.run_id)
            for each in run.predecessors
        ]
    seconds = run.seconds(now_ms)
    return shapes.JobRun(
        id=run.id,
        attempt=run.attempt,
        previous_run_id=run.previous_run_id,
        trigger_name=run.trigger_name,
        job_name=run.job_name,
        job_mode=run.definition.job_mode,
        job_run_queuing_enabled=run.queues,
        started_on=run.started_ms / 1000,
        last_modified_on=run.modified_ms / 1000,
        completed_on=None if run.ended_ms is None else run.ended_ms / 1000,
        job_run_state=run.state,
        arguments=run.arguments or None,
        error_message=run.error,
        predecessor_runs=predecessors,
        execution_time=seconds,
        timeout=run.timeout_minutes,
        log_group_name=group_of(run.definition),
        notification_property=run.notification,
        glue_version=run.definition.glue_version,
        dpu_seconds=seconds * run.allotment.dpus if run.has_ended else None,
        execution_class=_execution_class(command_of(run.definition), run.execution_class),
        maintenance_window=run.definition.maintenance_window,
        state_detail=run.detail,
        **_capacity(run.allotment),
    )


def show_bookmark(job: Job, bookmark: Bookmark | None) -> shapes.JobBookmarkEntry:
    bookmark = bookmark or Bookmark(version=0)
    return shapes.JobBookmarkEntry(
        job_name=job.name,
        version=bookmark.version,
        run=bookmark.run,
        attempt=bookmark.attempt,
        previous_run_id=bookmark.previous_run_id,
        run_id=bookmark.run_id,
        job_bookmark=bookmark.states,
    )


def _capacity(allotment: Allotment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "max_capacity": allotment.dpus,
        "allocated_capacity": int(allotment.dpus),
    }
    if allotment.tells_workers:
        shown["worker_type"] = allotment.worker_type
        shown["number_of_workers"] = allotment.number_of_workers
    return shown


def _execution_class(command: str, given: str | None) -> str | None:
    return given or (None if command == PYTHON_SHELL else "STANDARD")
