"""Applications, job runs and attempts in AWS's shapes. Pure."""

from millpond.services.emrserverless import shapes
from millpond.services.emrserverless.model.applications import (
    IDLE_MINUTES_DEFAULT,
    concurrent_runs,
    queue_minutes,
)
from millpond.services.emrserverless.model.records import (
    RUN_ENDED,
    Application,
    Attempt,
    JobRun,
)
from millpond.services.emrserverless.model.sizes import show_cpu, show_gb
from millpond.services.emrserverless.model.submission import timeout_minutes
from millpond.services.emrserverless.model.usage import show_billed, show_total


def seconds(time_ms: int | None) -> float | None:
    return None if time_ms is None else time_ms / 1000


def show_application(application: Application) -> shapes.Application:
    asked = application.asked
    start, stop = asked.auto_start_configuration, asked.auto_stop_configuration
    scheduler = asked.scheduler_configuration
    return shapes.Application(
        application_id=application.id,
        name=asked.name,
        arn=application.arn,
        release_label=asked.release_label,
        type=application.engine,
        state=application.state,
        state_details=application.details,
        initial_capacity={
            name: _show_initial(config) for name, config in asked.initial_capacity.items()
        }
        if asked.initial_capacity
        else None,
        maximum_capacity=_show_maximum(asked.maximum_capacity),
        created_at=seconds(application.created_ms),
        updated_at=seconds(application.updated_ms),
        tags=application.tags,
        auto_start_configuration=shapes.AutoStartConfig(
            enabled=start is None or start.enabled is not False
        ),
        auto_stop_configuration=shapes.AutoStopConfig(
            enabled=stop is None or stop.enabled is not False,
            idle_timeout_minutes=(stop and stop.idle_timeout_minutes) or IDLE_MINUTES_DEFAULT,
        ),
        network_configuration=asked.network_configuration,
        architecture=asked.architecture or "X86_64",
        runtime_configuration=asked.runtime_configuration,
        monitoring_configuration=asked.monitoring_configuration,
        interactive_configuration=asked.interactive_configuration,
        scheduler_configuration=shapes.SchedulerConfiguration(
            queue_timeout_minutes=queue_minutes(scheduler),
            max_concurrent_runs=concurrent_runs(scheduler),
        )
        if scheduler is not None
        else None,
        job_level_cost_allocation_configuration=asked.job_level_cost_allocation_configuration,
    )


def show_application_summary(application: Application) -> shapes.ApplicationSummary:
    return shapes.ApplicationSummary(
        id=application.id,
        name=application.asked.name,
        arn=application.arn,
        release_label=application.asked.release_label,
        type=application.engine,
        state=application.state,
        state_details=application.details,
        created_at=seconds(application.created_ms),
        updated_at=seconds(application.updated_ms),
        architecture=application.asked.architecture or "X86_64",
    )


def show_run(run: JobRun) -> shapes.JobRun:
    request, ended = run.request, run.state in RUN_ENDED
    return shapes.JobRun(
        application_id=run.application_id,
        job_run_id=run.id,
        name=request.name,
        arn=run.arn,
        created_by=run.created_by,
        created_at=seconds(run.created_ms),
        updated_at=seconds(run.updated_ms),
        execution_role=request.execution_role_arn,
        execution_iam_policy=request.execution_iam_policy,
        state=run.state,
        state_details=run.details,
        release_label=run.release_label,
        configuration_overrides=request.configuration_overrides,
        job_driver=request.job_driver,
        tags=run.tags,
        total_resource_utilization=show_total(run.used) if ended else None,
        billed_resource_utilization=show_billed(run.billed) if ended else None,
        network_configuration=run.network,
        total_execution_duration_seconds=run.run_seconds if ended else None,
        execution_timeout_minutes=timeout_minutes(request),
        mode=run.mode,
        retry_policy=request.retry_policy,
        attempt=run.attempt,
        attempt_created_at=seconds(run.attempt_created_ms),
        attempt_updated_at=seconds(run.attempt_updated_ms),
        started_at=seconds(run.started_ms),
        ended_at=seconds(run.ended_ms),
        queued_duration_milliseconds=run.queued_ms,
    )


def show_run_at(run: JobRun, attempt: Attempt) -> shapes.JobRun:
    """The run as it was when an earlier attempt of it had ended."""
    shown = show_run(run)
    shown.state, shown.state_details = attempt.state, attempt.details
    shown.attempt = attempt.number
    shown.attempt_created_at = seconds(attempt.created_ms)
    shown.attempt_updated_at = shown.updated_at = seconds(attempt.updated_ms)
    shown.started_at, shown.ended_at = seconds(attempt.started_ms), seconds(attempt.ended_ms)
    shown.total_resource_utilization = show_total(attempt.used)
    shown.billed_resource_utilization = show_billed(attempt.billed)
    shown.total_execution_duration_seconds = attempt.run_seconds
    return shown


def show_run_summary(run: JobRun) -> shapes.JobRunSummary:
    return shapes.JobRunSummary(
        application_id=run.application_id,
        id=run.id,
        name=run.request.name,
        mode=run.mode,
        arn=run.arn,
        created_by=run.created_by,
        created_at=seconds(run.created_ms),
        updated_at=seconds(run.updated_ms),
        execution_role=run.request.execution_role_arn,
        state=run.state,
        state_details=run.details,
        release_label=run.release_label,
        type=run.engine,
        attempt=run.attempt,
        attempt_created_at=seconds(run.attempt_created_ms),
        attempt_updated_at=seconds(run.attempt_updated_ms),
    )


def show_attempt(run: JobRun, attempt: Attempt) -> shapes.JobRunAttemptSummary:
    return shapes.JobRunAttemptSummary(
        application_id=run.application_id,
        id=run.id,
        name=run.request.name,
        mode=run.mode,
        arn=run.arn,
        created_by=run.created_by,
        job_created_at=seconds(run.created_ms),
        created_at=seconds(attempt.created_ms),
        updated_at=seconds(attempt.updated_ms),
        execution_role=run.request.execution_role_arn,
        state=attempt.state,
        state_details=attempt.details,
        release_label=run.release_label,
        type=run.engine,
        attempt=attempt.number,
    )


def present_attempt(run: JobRun) -> Attempt:
    """The attempt that a run is at, whether or not it has begun."""
    return Attempt(
        number=run.attempt,
        state=run.state,
        details=run.details,
        created_ms=run.attempt_created_ms,
        updated_ms=run.attempt_updated_ms,
    )


def _show_initial(config: shapes.InitialCapacityConfig) -> shapes.InitialCapacityConfig:
    worker = config.worker_configuration
    if worker is None:
        return config
    return shapes.InitialCapacityConfig(
        worker_count=config.worker_count,
        worker_configuration=shapes.WorkerResourceConfig(
            cpu=show_cpu(worker.cpu),
            memory=show_gb(worker.memory),
            disk=show_gb(worker.disk) if worker.disk else None,
            disk_type=worker.disk_type,
        ),
    )


def _show_maximum(
    asked: shapes.MaximumAllowedResources | None,
) -> shapes.MaximumAllowedResources | None:
    if asked is None:
        return None
    return shapes.MaximumAllowedResources(
        cpu=show_cpu(asked.cpu),
        memory=show_gb(asked.memory),
        disk=show_gb(asked.disk) if asked.disk else None,
    )
