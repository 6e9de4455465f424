"""An application as DescribeApplication tells it."""

from typing import Any

import msgspec

from millpond.services.kinesisanalyticsv2 import shapes
from millpond.services.kinesisanalyticsv2.model.application import Application, Version
from millpond.services.kinesisanalyticsv2.model.maintenance import describe_window


def describe_application(
    application: Application, version: Version, *, text: str | None, details: bool = False
) -> shapes.ApplicationDetail:
    """The application as it is with `version`. `text` is its SQL where it is no archive; `details`:
    with the plan."""
    current = version.number == application.version
    detail: dict[str, Any] = {
        "ApplicationARN": application.arn,
        "ApplicationDescription": application.description,
        "ApplicationName": application.name,
        "RuntimeEnvironment": version.runtime,
        "ServiceExecutionRole": version.role,
        "ApplicationStatus": application.status if current else version.stood,
        "ApplicationVersionId": version.number,
        "CreateTimestamp": application.created_ms // 1000,
        "LastUpdateTimestamp": application.updated_ms // 1000,
        "ApplicationConfigurationDescription": _configuration(application, version, text, details),
        "CloudWatchLoggingOptionDescriptions": version.logging or None,
        "ApplicationVersionUpdatedFrom": version.updated_from,
        "ApplicationVersionRolledBackFrom": version.rolled_back_from,
        "ApplicationVersionRolledBackTo": version.rolled_back_to,
        "ApplicationVersionCreateTimestamp": version.created_ms // 1000,
        "ConditionalToken": version.token,
        "ApplicationMode": application.mode,
    }
    if not version.is_sql:
        window = describe_window(application.window_start)
        detail["ApplicationMaintenanceConfigurationDescription"] = window
    known = {name: value for name, value in detail.items() if value is not None}
    return msgspec.convert(known, shapes.ApplicationDetail)


def _configuration(
    application: Application, version: Version, text: str | None, details: bool
) -> dict[str, Any]:
    described = dict(version.configuration)
    if version.code is not None:
        described["ApplicationCodeConfigurationDescription"] = _code(version, text)
    flink = described.get("FlinkApplicationConfigurationDescription")
    if flink is not None and details and version.plan:
        described["FlinkApplicationConfigurationDescription"] = flink | {
            "JobPlanDescription": version.plan
        }
    if application.run.configuration:
        described["RunConfigurationDescription"] = application.run.configuration
    sql = described.get("SqlApplicationConfigurationDescription")
    if sql:
        described["SqlApplicationConfigurationDescription"] = sql | {
            "InputDescriptions": [
                _with_position(part, application.run.positions)
                for part in sql.get("InputDescriptions", ())
            ]
        }
    return described


def _with_position(part: dict[str, Any], positions: dict[str, str]) -> dict[str, Any]:
    position = positions.get(part["InputId"])
    if position is None:
        return part
    return part | {"InputStartingPositionConfiguration": {"InputStartingPosition": position}}


def _code(version: Version, text: str | None) -> dict[str, Any]:
    code = version.code
    assert code is not None
    content: dict[str, Any] = {}
    if code.zipped:
        content |= {"CodeMD5": code.md5, "CodeSize": code.size_bytes}
    elif not code.from_s3:
        content["TextContent"] = text
    if code.from_s3:
        place = {"BucketARN": code.bucket_arn, "FileKey": code.key}
        if code.object_version is not None:
            place["ObjectVersion"] = code.object_version
        content["S3ApplicationCodeLocationDescription"] = place
    return {
        "CodeContentType": "ZIPFILE" if code.zipped else "PLAINTEXT",
        "CodeContentDescription": content,
    }
