"""EMR Serverless's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.emrserverless.operations import applications, dashboards, job_runs, tags

OPERATIONS: Mapping[str, Any] = {
    "CancelJobRun": job_runs.cancel_job_run,
    "CreateApplication": applications.create_application,
    "DeleteApplication": applications.delete_application,
    "GetApplication": applications.get_application,
    "GetDashboardForJobRun": dashboards.get_dashboard_for_job_run,
    "GetJobRun": job_runs.get_job_run,
    "ListApplications": applications.list_applications,
    "ListJobRunAttempts": job_runs.list_job_run_attempts,
    "ListJobRuns": job_runs.list_job_runs,
    "ListTagsForResource": tags.list_tags_for_resource,
    "StartApplication": applications.start_application,
    "StartJobRun": job_runs.start_job_run,
    "StopApplication": applications.stop_application,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateApplication": applications.update_application,
}
