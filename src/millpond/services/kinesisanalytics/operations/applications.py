"""SQL applications: made, described, listed, changed, started, stopped and deleted."""

from typing import Any

import msgspec

from millpond.kernel.call import Call
from millpond.services.kinesisanalytics import shapes
from millpond.services.kinesisanalytics.needs import V2, Needs
from millpond.services.kinesisanalytics.operations.scope import require_sql
from millpond.services.kinesisanalytics.translation import (
    SQL_RUNTIME,
    detail_of,
    plain,
    role_of,
    status_of,
)

LIST_LIMIT_DEFAULT = 50


async def create_application(
    needs: Needs, call: Call, request: shapes.CreateApplicationRequest
) -> shapes.CreateApplicationResponse:
    """Make a SQL application.

    Source: API reference, CreateApplication (2015-08-14).
    """
    members: dict[str, Any] = {}
    if request.application_description is not None:
        members["ApplicationDescription"] = request.application_description
    if request.tags:
        members["Tags"] = plain(request.tags)
    if request.cloud_watch_logging_options:
        members["CloudWatchLoggingOptions"] = plain(request.cloud_watch_logging_options)
    configuration: dict[str, Any] = {
        "SqlApplicationConfiguration": {
            "Inputs": plain(request.inputs or []),
            "Outputs": plain(request.outputs or []),
        }
    }
    if request.application_code is not None:
        configuration["ApplicationCodeConfiguration"] = _code(request.application_code)
    answer = await needs.call_aws(
        call,
        V2,
        "CreateApplication",
        ApplicationName=request.application_name,
        RuntimeEnvironment=SQL_RUNTIME,
        ServiceExecutionRole=role_of(call, request.application_name, request),
        ApplicationConfiguration=configuration,
        **members,
    )
    detail = answer["ApplicationDetail"]
    return shapes.CreateApplicationResponse(
        application_summary=shapes.ApplicationSummary(
            application_name=detail["ApplicationName"],
            application_arn=detail["ApplicationARN"],
            application_status=status_of(detail["ApplicationStatus"]),
        )
    )


def _code(text: str) -> dict[str, Any]:
    return {"CodeContentType": "PLAINTEXT", "CodeContent": {"TextContent": text}}


async def describe_application(
    needs: Needs, call: Call, request: shapes.DescribeApplicationRequest
) -> shapes.DescribeApplicationResponse:
    """A SQL application as it is now.

    Raises:
        UnsupportedOperation: it is no SQL application.

    Source: API reference, DescribeApplication (2015-08-14).
    """
    detail = await require_sql(needs, call, request.application_name)
    return shapes.DescribeApplicationResponse(
        application_detail=msgspec.convert(detail_of(detail), shapes.ApplicationDetail)
    )


async def list_applications(
    needs: Needs, call: Call, request: shapes.ListApplicationsRequest
) -> shapes.ListApplicationsResponse:
    """SQL applications by name, those after the given one.

    Source: API reference, ListApplications (2015-08-14).
    """
    limit = request.limit or LIST_LIMIT_DEFAULT
    found: list[shapes.ApplicationSummary] = []
    token = request.exclusive_start_application_name
    while True:
        members = {} if token is None else {"NextToken": token}
        answer = await needs.call_aws(call, V2, "ListApplications", **members)
        for one in answer["ApplicationSummaries"]:
            if one["RuntimeEnvironment"] != SQL_RUNTIME:
                continue
            if len(found) == limit:
                return shapes.ListApplicationsResponse(
                    application_summaries=found, has_more_applications=True
                )
            found.append(
                shapes.ApplicationSummary(
                    application_name=one["ApplicationName"],
                    application_arn=one["ApplicationARN"],
                    application_status=status_of(one["ApplicationStatus"]),
                )
            )
        token = answer.get("NextToken")
        if token is None:
            return shapes.ListApplicationsResponse(
                application_summaries=found, has_more_applications=False
            )


async def update_application(
    needs: Needs, call: Call, request: shapes.UpdateApplicationRequest
) -> shapes.UpdateApplicationResponse:
    """Change a SQL application's code, inputs, outputs, reference data or logging.

    Raises:
        UnsupportedOperation: it is no SQL application.

    Source: API reference, UpdateApplication (2015-08-14).
    """
    await require_sql(needs, call, request.application_name)
    update = plain(request.application_update)
    sql = {
        name: update[name]
        for name in ("InputUpdates", "OutputUpdates", "ReferenceDataSourceUpdates")
        if name in update
    }
    configuration: dict[str, Any] = {}
    if sql:
        configuration["SqlApplicationConfigurationUpdate"] = sql
    if "ApplicationCodeUpdate" in update:
        configuration["ApplicationCodeConfigurationUpdate"] = {
            "CodeContentUpdate": {"TextContentUpdate": update["ApplicationCodeUpdate"]}
        }
    members: dict[str, Any] = {}
    if configuration:
        members["ApplicationConfigurationUpdate"] = configuration
    if "CloudWatchLoggingOptionUpdates" in update:
        members["CloudWatchLoggingOptionUpdates"] = update["CloudWatchLoggingOptionUpdates"]
    await needs.call_aws(
        call,
        V2,
        "UpdateApplication",
        ApplicationName=request.application_name,
        CurrentApplicationVersionId=request.current_application_version_id,
        **members,
    )
    return shapes.UpdateApplicationResponse()


async def start_application(
    needs: Needs, call: Call, request: shapes.StartApplicationRequest
) -> shapes.StartApplicationResponse:
    """Start a SQL application, each input from the position that is given.

    Raises:
        UnsupportedOperation: it is no SQL application.

    Source: API reference, StartApplication (2015-08-14).
    """
    await require_sql(needs, call, request.application_name)
    inputs = [
        {
            "InputId": one["Id"],
            "InputStartingPositionConfiguration": one["InputStartingPositionConfiguration"],
        }
        for one in plain(request.input_configurations)
    ]
    await needs.call_aws(
        call,
        V2,
        "StartApplication",
        ApplicationName=request.application_name,
        RunConfiguration={"SqlRunConfigurations": inputs},
    )
    return shapes.StartApplicationResponse()


async def stop_application(
    needs: Needs, call: Call, request: shapes.StopApplicationRequest
) -> shapes.StopApplicationResponse:
    """Stop a SQL application that runs.

    Raises:
        UnsupportedOperation: it is no SQL application.

    Source: API reference, StopApplication (2015-08-14).
    """
    await require_sql(needs, call, request.application_name)
    await needs.call_aws(call, V2, "StopApplication", ApplicationName=request.application_name)
    return shapes.StopApplicationResponse()


async def delete_application(
    needs: Needs, call: Call, request: shapes.DeleteApplicationRequest
) -> shapes.DeleteApplicationResponse:
    """Delete a SQL application, running or not.

    Raises:
        UnsupportedOperation: it is no SQL application.

    Source: API reference, DeleteApplication (2015-08-14).
    """
    await require_sql(needs, call, request.application_name)
    await needs.call_aws(
        call,
        V2,
        "DeleteApplication",
        ApplicationName=request.application_name,
        CreateTimestamp=request.create_timestamp,
    )
    return shapes.DeleteApplicationResponse()
