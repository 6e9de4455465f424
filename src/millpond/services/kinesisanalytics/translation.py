"""What version 1 says, in version 2's words, and the other way round.

Version 1 names a role beside every part; version 2 has one for the application. That one is the
first that version 1 names, and is shown beside every part.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from millpond.kernel.call import Call

SQL_RUNTIME = "SQL-1_0"
_ROLES = ("RoleARN", "ReferenceRoleARN", "RoleARNUpdate", "ReferenceRoleARNUpdate")
_WITH_ROLE = (
    "KinesisStreamsInputDescription",
    "KinesisFirehoseInputDescription",
    "KinesisStreamsOutputDescription",
    "KinesisFirehoseOutputDescription",
)
_SQL = "SqlApplicationConfigurationDescription"


def plain(given: Any) -> Any:
    """A request's value as AWS's members, without the roles of parts."""
    return _without_roles(msgspec.to_builtins(given))


def _without_roles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_roles(inner) for name, inner in value.items() if name not in _ROLES}
    if isinstance(value, list):
        return [_without_roles(inner) for inner in value]
    return value


def role_of(call: Call, name: str, given: Any) -> str:
    """The first role that a request names; a name made of the application's where it names none."""
    found = next(_roles(msgspec.to_builtins(given)), None)
    return found or f"arn:aws:iam::{call.account}:role/service-role/kinesis-analytics-{name}"


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _ROLES and isinstance(inner, str):
                yield inner
            else:
                yield from _roles(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _roles(inner)


def status_of(status: str) -> str:
    """Version 1 knows fewer statuses."""
    return {"FORCE_STOPPING": "STOPPING", "ROLLING_BACK": "UPDATING"}.get(status, status)


def detail_of(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1's ApplicationDetail of version 2's."""
    role = detail["ServiceExecutionRole"]
    configuration = detail.get("ApplicationConfigurationDescription", {})
    sql = configuration.get(_SQL, {})
    code = configuration.get("ApplicationCodeConfigurationDescription", {})
    text = code.get("CodeContentDescription", {}).get("TextContent", "")
    shown = {
        name: detail[name]
        for name in (
            "ApplicationName",
            "ApplicationARN",
            "ApplicationDescription",
            "CreateTimestamp",
            "LastUpdateTimestamp",
            "ApplicationVersionId",
        )
        if name in detail
    }
    return shown | {
        "ApplicationStatus": status_of(detail["ApplicationStatus"]),
        "ApplicationCode": text,
        "InputDescriptions": [_with_role(part, role) for part in sql.get("InputDescriptions", ())],
        "OutputDescriptions": [
            _with_role(part, role) for part in sql.get("OutputDescriptions", ())
        ],
        "ReferenceDataSourceDescriptions": [
            part
            | {
                "S3ReferenceDataSourceDescription": part["S3ReferenceDataSourceDescription"]
                | {"ReferenceRoleARN": role}
            }
            for part in sql.get("ReferenceDataSourceDescriptions", ())
        ],
        "CloudWatchLoggingOptionDescriptions": [
            option | {"RoleARN": role}
            for option in detail.get("CloudWatchLoggingOptionDescriptions", ())
        ],
    }


def _with_role(part: dict[str, Any], role: str) -> dict[str, Any]:
    return part | {name: part[name] | {"RoleARN": role} for name in _WITH_ROLE if name in part}
