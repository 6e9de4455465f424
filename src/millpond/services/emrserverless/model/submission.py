"""StartJobRun: what may be asked for, and the job run that it makes.

Source: EMR Serverless API reference, StartJobRun (2021-07-13); User Guide, "Job resiliency".
"""

import msgspec

from millpond.engines.spark.interface import Sparks
from millpond.services.emrserverless import shapes
from millpond.services.emrserverless.errors import Validation, refuse_options
from millpond.services.emrserverless.model.capacity import maximum_of
from millpond.services.emrserverless.model.configurations import read_properties
from millpond.services.emrserverless.model.drivers import read_driver
from millpond.services.emrserverless.model.places import check_monitoring, merge_monitoring
from millpond.services.emrserverless.model.records import UNTOLD, Application, JobRun
from millpond.services.emrserverless.model.releases import require_release, runtime_of
from millpond.services.emrserverless.model.role import actions_of
from millpond.services.emrserverless.model.worker_settings import read_workers

ATTEMPTS_MAX = 10
FAILURES_PER_HOUR_DEFAULT = 5
TIMEOUT_MINUTES_DEFAULT, TIMEOUT_MINUTES_MIN, TIMEOUT_MINUTES_MAX = 720, 5, 10_080


def plan_run(
    application: Application,
    request: shapes.StartJobRunRequest,
    sparks: Sparks,
    *,
    run_id: str,
    tags: dict[str, str],
    creator_arn: str,
    now_ms: int,
) -> JobRun:
    """The job run that a request asks for.

    Raises:
        Validation: AWS would refuse it, or it asks for what is not implemented.
    """
    asked, engine = application.asked, application.engine
    require_release(asked.release_label, engine, sparks)
    overrides = request.configuration_overrides or shapes.ConfigurationOverrides()
    refuse_options(
        (
            "configurationOverrides.diskEncryptionConfiguration",
            overrides.disk_encryption_configuration,
        )
    )
    _check_retries(request)
    check_timeout(request)
    check_monitoring(overrides.monitoring_configuration, engine)
    runtime = runtime_of(asked.release_label)
    base = read_properties(engine, runtime, asked.runtime_configuration)
    own = read_properties(engine, runtime, overrides.application_configuration)
    submitted = read_driver(engine, request.job_driver)
    return JobRun(
        id=run_id,
        application_id=application.id,
        arn=f"{application.arn}/jobruns/{run_id}",
        engine=engine,
        request=msgspec.structs.replace(request, tags=None, client_token=UNTOLD),
        release_label=asked.release_label,
        created_by=creator_arn,
        created_ms=now_ms,
        updated_ms=now_ms,
        attempt_created_ms=now_ms,
        attempt_updated_ms=now_ms,
        tags=tags,
        wanted=read_workers(engine, {**base, **own, **submitted.properties}),
        actions=actions_of(request.execution_iam_policy),
        monitoring=merge_monitoring(
            asked.monitoring_configuration, overrides.monitoring_configuration
        ),
        base_properties=base,
        properties=own,
        network=asked.network_configuration,
    )


def timeout_minutes(request: shapes.StartJobRunRequest) -> int:
    """How long a run may take; 0 for ever."""
    if request.execution_timeout_minutes is not None:
        return request.execution_timeout_minutes
    return 0 if request.mode == "STREAMING" else TIMEOUT_MINUTES_DEFAULT


def check_timeout(request: shapes.StartJobRunRequest) -> None:
    minutes, streaming = timeout_minutes(request), request.mode == "STREAMING"
    if minutes == 0 and not streaming:
        raise Validation("RunTimeout cannot be disabled for job runs in BATCH mode.")
    if 0 < minutes < TIMEOUT_MINUTES_MIN:
        raise Validation(f"RunTimeout must be at least {TIMEOUT_MINUTES_MIN} minutes.")
    if minutes > TIMEOUT_MINUTES_MAX and not streaming:
        raise Validation(f"RunTimeout must be at most {TIMEOUT_MINUTES_MAX} minutes.")


def could_ever_fit(application: Application, run: JobRun) -> bool:
    """Whether the application may have the workers that the run cannot do without."""
    return maximum_of(application.asked).covers(run.wanted.least)


def _check_retries(request: shapes.StartJobRunRequest) -> None:
    policy, streaming = request.retry_policy, request.mode == "STREAMING"
    if policy is None:
        return
    if streaming and policy.max_attempts is not None:
        raise Validation("maxAttempts is only applicable for job runs in BATCH mode.")
    if not streaming and policy.max_failed_attempts_per_hour is not None:
        raise Validation(
            "maxFailedAttemptsPerHour is only applicable for job runs in STREAMING mode."
        )
    if (policy.max_attempts or 1) > ATTEMPTS_MAX:
        raise Validation(f"maxAttempts must be between 1 and {ATTEMPTS_MAX}.")
