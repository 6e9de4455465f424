"""Dashboards: a URL that shows what a job run does, or what its driver said."""

from dataclasses import replace

from millpond.kernel.call import Call, role_session
from millpond.kernel.errors import ServiceError
from millpond.services.emrserverless import shapes, store
from millpond.services.emrserverless.errors import ResourceNotFound, refuse_options
from millpond.services.emrserverless.model.places import places_of
from millpond.services.emrserverless.model.role import ACTIONS, role_name
from millpond.services.emrserverless.needs import Needs
from millpond.services.emrserverless.operations.scope import require_run
from millpond.wire.presigning import presign_get

LIFETIME_SECONDS = 3600
_PLAIN = {
    "response-content-encoding": "gzip",
    "response-content-type": "text/plain; charset=utf-8",
}
"""What makes a browser show a log that is gzipped."""


async def get_dashboard_for_job_run(
    needs: Needs, call: Call, request: shapes.GetDashboardForJobRunRequest
) -> shapes.GetDashboardForJobRunResponse:
    """Give a URL that shows what a run does, or what its driver said.

    It is Spark's own page while a run on Apache Spark runs; else, good for an hour, the log of its
    driver in S3, which is its standard error when it failed, and its standard output if not.

    Raises:
        ResourceNotFound: there is no such application, run or attempt, or no log of it in S3.
        Validation: `accessSystemProfileLogs` is asked for.

    Source: EMR Serverless API reference, GetDashboardForJobRun.
    """
    refuse_options(("accessSystemProfileLogs", request.access_system_profile_logs))
    async with needs.records.transaction() as transaction:
        flow = await require_run(transaction, call, request.application_id, request.job_run_id)
        run = flow.run
        number = request.attempt or run.attempt
        attempt = await store.load_attempt(transaction, call, run, number)
    if number > run.attempt:
        raise ResourceNotFound(f"JobRun {run.id} has no attempt {number}")
    live = await needs.live.url(run.id) if number == run.attempt else None
    if live is not None:
        return shapes.GetDashboardForJobRunResponse(url=live)
    places = places_of(run, number)
    place = places.key_folder(places.driver)
    if place is None:
        raise ResourceNotFound(
            f"There is no dashboard for JobRun {run.id}: Spark's own pages are there only while a "
            "job runs on Apache Spark, and the run has no s3MonitoringConfiguration, whose log "
            "would be shown instead."
        )
    state = attempt.state if attempt else run.state
    key = f"{place.prefix}{'stderr' if state == 'FAILED' else 'stdout'}.gz"
    role_arn = run.request.execution_role_arn
    as_role = replace(
        call,
        service="emrserverless",
        principal=role_session(call.account, role_arn, run.id, ACTIONS),
    )
    try:
        await needs.call_aws(as_role, "s3", "HeadObject", Bucket=place.bucket, Key=key)
    except ServiceError as error:
        raise ResourceNotFound(
            f"There is no dashboard for JobRun {run.id}: its driver has no log yet at "
            f"s3://{place.bucket}/{key}."
        ) from error
    credential = await needs.credentials.issue(
        role=role_name(role_arn),
        session_name=f"{run.id}-dashboard",
        actions=("s3:GetObject",),
        lifetime_seconds=LIFETIME_SECONDS,
    )
    url = presign_get(
        call.endpoint,
        place.bucket,
        key,
        credential=credential,
        region=call.region,
        now_ms=needs.clock.now_ms(),
        expires_seconds=LIFETIME_SECONDS,
        query=_PLAIN,
    )
    return shapes.GetDashboardForJobRunResponse(url=url)
