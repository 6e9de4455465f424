"""How an update changes a destination's configuration.

Members that are given take the place of those that were; the S3 configuration inside another
destination is merged likewise. Another kind of destination has to be described in full.

Source: Firehose API reference, UpdateDestination.
"""

from typing import Any

import msgspec

from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.model.settings import complete, is_on
from millpond.services.firehose.model.stream import Kind

_SEARCH: frozenset[Kind] = frozenset({"Amazonopensearchservice", "Elasticsearch"})
_INNER = {
    "S3Update": "S3Configuration",
    "S3Configuration": "S3Configuration",
    "S3BackupUpdate": "S3BackupConfiguration",
}
_REQUIRED: dict[Kind, tuple[str, ...]] = {
    "ExtendedS3": ("RoleARN", "BucketARN"),
    "HttpEndpoint": ("EndpointConfiguration", "S3Configuration"),
    "Amazonopensearchservice": ("RoleARN", "IndexName", "S3Configuration"),
    "Elasticsearch": ("RoleARN", "IndexName", "S3Configuration"),
    "Iceberg": ("RoleARN", "CatalogConfiguration", "S3Configuration"),
}


def update(
    kind: Kind, before: msgspec.Struct, new_kind: Kind, given: msgspec.Struct
) -> msgspec.Struct:
    """The configuration after an update.

    Raises:
        InvalidArgument: the update is not possible, or leads to a configuration that is not.
    """
    if kind != new_kind and _SEARCH & {kind, new_kind} and not {kind, new_kind} <= _SEARCH:
        raise InvalidArgument(
            "Switching between Amazon OpenSearch Service and other services is not supported."
        )
    changes: dict[str, Any] = msgspec.to_builtins(given)
    old: dict[str, Any] = msgspec.to_builtins(before)
    values = _merge(old if kind == new_kind else {}, changes)
    for name in _REQUIRED[new_kind]:
        if name not in values:
            raise InvalidArgument(f"{name} must be set when the type of destination changes.")
    if kind == new_kind == "ExtendedS3":
        _check_extended(old, values)
    return complete(new_kind, values)


def _merge(old: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    values = dict(old)
    for name, value in changes.items():
        inner = _INNER.get(name)
        if inner is None:
            values[name] = value
        else:
            values[inner] = (old.get(inner) or {}) | value
    return values


def _check_extended(old: dict[str, Any], values: dict[str, Any]) -> None:
    if old.get("S3BackupMode") == "Enabled" and values.get("S3BackupMode") == "Disabled":
        raise InvalidArgument("S3BackupMode cannot be changed from Enabled to Disabled.")
    name = "DynamicPartitioningConfiguration"
    if is_on(old.get(name), default=False) != is_on(values.get(name), default=False):
        raise InvalidArgument(
            "Dynamic partitioning can be enabled only when a delivery stream is created, and "
            "cannot be disabled."
        )
