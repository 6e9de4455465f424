"""Work groups: their defaults, what may be set, and how an update changes one.

Source: Athena API reference, WorkGroupConfiguration and WorkGroupConfigurationUpdates.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from millpond.services.athena.errors import InvalidRequest
from millpond.services.athena.shapes import (
    EngineVersion,
    ResultConfiguration,
    ResultConfigurationUpdates,
    Tag,
    WorkGroup,
    WorkGroupConfiguration,
    WorkGroupConfigurationUpdates,
)

_T = TypeVar("_T")

PRIMARY = "primary"
ENGINE_VERSION = "Athena engine version 3"
AUTO = "AUTO"
TAGS_MAX = 50

_ABSENT_MEMBERS = {
    "managed_query_results_configuration": "ManagedQueryResultsConfiguration",
    "managed_query_results_configuration_updates": "ManagedQueryResultsConfigurationUpdates",
    "additional_configuration": "AdditionalConfiguration",
    "monitoring_configuration": "MonitoringConfiguration",
    "engine_configuration": "EngineConfiguration",
    "customer_content_encryption_configuration": "CustomerContentEncryptionConfiguration",
    "identity_center_configuration": "IdentityCenterConfiguration",
    "query_results_s3_access_grants_configuration": "QueryResultsS3AccessGrantsConfiguration",
}


def default_primary() -> WorkGroup:
    """The work group that every account has from the start."""
    return WorkGroup(
        name=PRIMARY,
        state="ENABLED",
        creation_time=0.0,
        configuration=WorkGroupConfiguration(
            result_configuration=ResultConfiguration(),
            enforce_work_group_configuration=False,
            publish_cloud_watch_metrics_enabled=False,
            requester_pays_enabled=False,
            engine_version=resolve_engine(None),
        ),
    )


def resolve_engine(asked: EngineVersion | None) -> EngineVersion:
    """The engine version that a work group gets.

    Raises:
        InvalidRequest: it is not one that this service has.
    """
    selected = (asked and asked.selected_engine_version) or AUTO
    if selected not in (AUTO, ENGINE_VERSION):
        raise InvalidRequest(
            f"Engine version {selected} is not available: {AUTO} and {ENGINE_VERSION} are."
        )
    return EngineVersion(selected_engine_version=selected, effective_engine_version=ENGINE_VERSION)


def complete(configuration: WorkGroupConfiguration | None) -> WorkGroupConfiguration:
    """A new work group's configuration with AWS's defaults where nothing was said.

    Raises:
        InvalidRequest: it asks for what this service does not have, or breaks a rule.
    """
    given = configuration or WorkGroupConfiguration()
    refuse_absent(given)
    check_results(given.result_configuration)
    return msgspec.structs.replace(
        given,
        result_configuration=given.result_configuration or ResultConfiguration(),
        enforce_work_group_configuration=_or(given.enforce_work_group_configuration, True),
        publish_cloud_watch_metrics_enabled=_or(given.publish_cloud_watch_metrics_enabled, True),
        requester_pays_enabled=_or(given.requester_pays_enabled, False),
        engine_version=resolve_engine(given.engine_version),
    )


def updated(
    configuration: WorkGroupConfiguration, updates: WorkGroupConfigurationUpdates
) -> WorkGroupConfiguration:
    """The configuration after an update: what is not named stays, `Remove…` members take away.

    Raises:
        InvalidRequest: it asks for what this service does not have, or breaks a rule.
    """
    refuse_absent(updates)
    cutoff = _or(
        updates.bytes_scanned_cutoff_per_query, configuration.bytes_scanned_cutoff_per_query
    )
    if updates.remove_bytes_scanned_cutoff_per_query:
        cutoff = None
    results = configuration.result_configuration or ResultConfiguration()
    if updates.result_configuration_updates:
        results = _updated_results(results, updates.result_configuration_updates)
    return msgspec.structs.replace(
        configuration,
        result_configuration=results,
        bytes_scanned_cutoff_per_query=cutoff,
        enforce_work_group_configuration=_or(
            updates.enforce_work_group_configuration,
            configuration.enforce_work_group_configuration,
        ),
        publish_cloud_watch_metrics_enabled=_or(
            updates.publish_cloud_watch_metrics_enabled,
            configuration.publish_cloud_watch_metrics_enabled,
        ),
        requester_pays_enabled=_or(
            updates.requester_pays_enabled, configuration.requester_pays_enabled
        ),
        engine_version=resolve_engine(updates.engine_version)
        if updates.engine_version
        else configuration.engine_version,
        execution_role=_or(updates.execution_role, configuration.execution_role),
    )


def refuse_absent(given: WorkGroupConfiguration | WorkGroupConfigurationUpdates) -> None:
    """Refuse, by name, members that would ask for what this service does not have.

    Raises:
        InvalidRequest: the first such member.
    """
    for field, member in _ABSENT_MEMBERS.items():
        value = getattr(given, field, None)
        if value is not None and not _asks_nothing(value):
            raise InvalidRequest(f"{member} is not supported by this service.")


def check_results(results: ResultConfiguration | None) -> None:
    """Refuse result settings that cannot be kept.

    Raises:
        InvalidRequest: the location is no S3 folder, or the encryption cannot be done.
    """
    if results is None:
        return
    if results.output_location is not None and not results.output_location.startswith("s3://"):
        raise InvalidRequest("outputLocation is not a valid S3 path.")
    if results.encryption_configuration is not None:
        raise InvalidRequest(
            f"EncryptionConfiguration {results.encryption_configuration.encryption_option} is not "
            "supported by this service: it encrypts nothing at rest."
        )


def _updated_results(
    results: ResultConfiguration, updates: ResultConfigurationUpdates
) -> ResultConfiguration:
    changed = ResultConfiguration(
        output_location=None
        if updates.remove_output_location
        else _or(updates.output_location, results.output_location),
        encryption_configuration=None
        if updates.remove_encryption_configuration
        else _or(updates.encryption_configuration, results.encryption_configuration),
        expected_bucket_owner=None
        if updates.remove_expected_bucket_owner
        else _or(updates.expected_bucket_owner, results.expected_bucket_owner),
        acl_configuration=None
        if updates.remove_acl_configuration
        else _or(updates.acl_configuration, results.acl_configuration),
    )
    check_results(changed)
    return changed


def merge_tags(have: Mapping[str, str], added: Sequence[Tag]) -> dict[str, str]:
    """Tags after some were added.

    Raises:
        InvalidRequest: a tag has no key, or there would be more than AWS allows.
    """
    merged = dict(have)
    for tag in added:
        if not tag.key:
            raise InvalidRequest("A tag needs a key.")
        merged[tag.key] = tag.value or ""
    if len(merged) > TAGS_MAX:
        raise InvalidRequest(f"A work group has at most {TAGS_MAX} tags.")
    return merged


def _asks_nothing(value: object) -> bool:
    """Terraform and the console send such members with everything in them switched off."""
    if isinstance(value, msgspec.Struct):
        return all(_asks_nothing(getattr(value, field)) for field in value.__struct_fields__)
    return value is None or value is False


def _or(value: _T | None, otherwise: _T) -> _T:
    return otherwise if value is None else value
