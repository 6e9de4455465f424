"""An application's configuration: what requests give, as descriptions; and what updates make of it.

Descriptions are plain dicts with AWS's names, as ApplicationConfigurationDescription has them.
"""

from collections.abc import Mapping
from typing import Any

from millpond.services.kinesisanalyticsv2.errors import (
    InvalidArgument,
    LimitExceeded,
    not_implemented,
)
from millpond.services.kinesisanalyticsv2.model.application import SQL_RUNTIME
from millpond.services.kinesisanalyticsv2.model.flink_settings import describe_flink, update_flink
from millpond.services.kinesisanalyticsv2.model.properties import describe_properties
from millpond.services.kinesisanalyticsv2.model.sql_parts import describe_sql, update_sql

LOGGING_OPTIONS_MAX = 1
_SQL, _FLINK = "SqlApplicationConfigurationDescription", "FlinkApplicationConfigurationDescription"
_PROPERTIES = "EnvironmentPropertyDescriptions"
_SNAPSHOTS = "ApplicationSnapshotConfigurationDescription"
_ROLLBACK = "ApplicationSystemRollbackConfigurationDescription"


def check_runtime(runtime: str, mode: str | None) -> None:
    """Raises: InvalidArgument: a Studio notebook, which needs Apache Zeppelin."""
    is_notebook = runtime.startswith("ZEPPELIN")
    if is_notebook or mode == "INTERACTIVE":
        named = runtime if is_notebook else "ApplicationMode INTERACTIVE"
        raise InvalidArgument(f"{named} is not implemented: there are no Studio notebooks here.")


def describe_configuration(runtime: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The description of an ApplicationConfiguration, without its code.

    Raises:
        InvalidArgument: a part cannot be, is not implemented, or is not for this runtime.
    """
    not_implemented(
        ("VpcConfigurations", given.get("VpcConfigurations")),
        ("ZeppelinApplicationConfiguration", given.get("ZeppelinApplicationConfiguration")),
    )
    _check_key((given.get("ApplicationEncryptionConfiguration") or {}).get("KeyType"))
    if runtime == SQL_RUNTIME:
        _only_for_flink(given, "")
        return {_SQL: describe_sql(given.get("SqlApplicationConfiguration"), 1)}
    if given.get("SqlApplicationConfiguration"):
        raise InvalidArgument(f"SqlApplicationConfiguration is not for {runtime} applications.")
    described: dict[str, Any] = {
        _FLINK: describe_flink(given.get("FlinkApplicationConfiguration")),
        _SNAPSHOTS: given.get("ApplicationSnapshotConfiguration") or {"SnapshotsEnabled": True},
        _ROLLBACK: given.get("ApplicationSystemRollbackConfiguration")
        or {"RollbackEnabled": False},
    }
    properties = given.get("EnvironmentProperties")
    if properties is not None:
        described[_PROPERTIES] = describe_properties(properties["PropertyGroups"])
    return described


def update_configuration(
    runtime: str, described: Mapping[str, Any], updates: Mapping[str, Any]
) -> dict[str, Any]:
    """The description after an ApplicationConfigurationUpdate, without its code.

    Raises:
        InvalidArgument: a part cannot be so, is not implemented, or is not of this kind.
        ResourceNotFound: an input, output or reference data source is not there.
    """
    not_implemented(
        ("VpcConfigurationUpdates", updates.get("VpcConfigurationUpdates")),
        (
            "ZeppelinApplicationConfigurationUpdate",
            updates.get("ZeppelinApplicationConfigurationUpdate"),
        ),
    )
    _check_key((updates.get("ApplicationEncryptionConfigurationUpdate") or {}).get("KeyTypeUpdate"))
    updated = dict(described)
    sql = updates.get("SqlApplicationConfigurationUpdate")
    if runtime == SQL_RUNTIME:
        _only_for_flink(updates, "Update")
        if sql:
            updated[_SQL] = update_sql(updated.get(_SQL, {}), sql)
        return updated
    if sql:
        raise InvalidArgument(f"SqlApplicationConfigurationUpdate is not for {runtime}.")
    if flink := updates.get("FlinkApplicationConfigurationUpdate"):
        updated[_FLINK] = update_flink(updated.get(_FLINK), flink)
    if properties := updates.get("EnvironmentPropertyUpdates"):
        updated[_PROPERTIES] = describe_properties(properties["PropertyGroups"])
    if snapshots := updates.get("ApplicationSnapshotConfigurationUpdate"):
        updated[_SNAPSHOTS] = {"SnapshotsEnabled": snapshots["SnapshotsEnabledUpdate"]}
    if rollback := updates.get("ApplicationSystemRollbackConfigurationUpdate"):
        updated[_ROLLBACK] = {"RollbackEnabled": rollback["RollbackEnabledUpdate"]}
    return updated


def _only_for_flink(given: Mapping[str, Any], suffix: str) -> None:
    properties = "EnvironmentPropertyUpdates" if suffix else "EnvironmentProperties"
    for name in (
        f"FlinkApplicationConfiguration{suffix}",
        properties,
        f"ApplicationSnapshotConfiguration{suffix}",
        f"ApplicationSystemRollbackConfiguration{suffix}",
    ):
        if given.get(name):
            raise InvalidArgument(f"{name} is not for SQL-1_0 applications.")


def _check_key(key_type: str | None) -> None:
    if key_type == "CUSTOMER_MANAGED_KEY":
        raise InvalidArgument("KeyType CUSTOMER_MANAGED_KEY is not implemented: there is no KMS.")


# CloudWatch logging options


def add_logging(
    options: list[dict[str, Any]], given: Mapping[str, Any], version: int
) -> list[dict[str, Any]]:
    """Logging options with one more.

    Raises:
        LimitExceeded: there is one already.
        InvalidArgument: it is no log stream's ARN.
    """
    if len(options) == LOGGING_OPTIONS_MAX:
        raise LimitExceeded(
            f"An application cannot have more than {LOGGING_OPTIONS_MAX} CloudWatch logging option."
        )
    log_place(given["LogStreamARN"])
    option = {"CloudWatchLoggingOptionId": f"{version}.1", "LogStreamARN": given["LogStreamARN"]}
    return [*options, option]


def log_place(arn: str) -> tuple[str, str]:
    """The log group and log stream of `arn:aws:logs:region:account:log-group:g:log-stream:s`.

    Raises:
        InvalidArgument: it is something else.
    """
    _, found, rest = arn.partition(":log-group:")
    group, also, stream = rest.partition(":log-stream:")
    if not arn.startswith("arn:aws:logs:") or not found or not also or not group or not stream:
        raise InvalidArgument(f"LogStreamARN is not the ARN of a log stream: {arn}.")
    return group, stream
