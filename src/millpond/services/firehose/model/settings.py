"""Destinations' configurations: the rules they share, and what AWS fills in.

Works on plain values with AWS's member names, as `msgspec.to_builtins` makes them of a Struct.
Source: Firehose API reference, CreateDeliveryStream and the types it names.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from millpond.services.firehose.errors import InvalidArgument, not_implemented
from millpond.services.firehose.model.prefixes import check_prefixes, check_zone, read_prefix
from millpond.services.firehose.model.stream import CONFIGURATIONS, Kind

SIZE_MIB_DEFAULT = 5
SIZE_MIB_PARTITIONED = 64
SIZE_MIB_CONVERTED = 128
INTERVAL_SECONDS_DEFAULT = 300
RETRY_SECONDS_DEFAULT = 300

_KEY_FINDERS = {
    "partitionKeyFromQuery": "MetadataExtraction",
    "partitionKeyFromLambda": "Lambda",
}

Values = dict[str, Any]


def complete(kind: Kind, values: Values) -> msgspec.Struct:
    """A destination's configuration, judged, with defaults filled in.

    Raises:
        InvalidArgument: naming what is missing, contradictory or not implemented.
    """
    filled = _COMPLETE[kind](dict(values))
    return _convert(kind, filled)


def _convert(kind: Kind, values: Values) -> msgspec.Struct:
    try:
        return msgspec.convert(values, CONFIGURATIONS[kind])
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"The destination's configuration is not valid: {error}.") from error


def _complete_extended(values: Values) -> Values:
    partitioning = values.get("DynamicPartitioningConfiguration")
    partitioned = is_on(partitioning, default=False)
    conversion = values.get("DataFormatConversionConfiguration")
    converted = is_on(conversion)
    if partitioning is not None and partitioned:
        values["DynamicPartitioningConfiguration"] = {
            "RetryOptions": {"DurationInSeconds": RETRY_SECONDS_DEFAULT}
        } | partitioning
    size_mib = (
        SIZE_MIB_CONVERTED
        if converted
        else SIZE_MIB_PARTITIONED
        if partitioned
        else SIZE_MIB_DEFAULT
    )
    _complete_s3(values, partitioned=partitioned, size_mib=size_mib)
    check_zone(values.get("CustomTimeZone"))
    size_given = values["BufferingHints"]["SizeInMBs"]
    if partitioned and size_given < SIZE_MIB_PARTITIONED:
        raise InvalidArgument(
            "BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled."
        )
    _check_keys(values)
    if converted:
        if size_given < SIZE_MIB_PARTITIONED:
            raise InvalidArgument(
                "BufferingHints.SizeInMBs must be at least 64 when data format conversion is "
                "enabled."
            )
        if values["CompressionFormat"] != "UNCOMPRESSED":
            raise InvalidArgument(
                "CompressionFormat must be set to UNCOMPRESSED when data format conversion is "
                "enabled."
            )
    values.setdefault("S3BackupMode", "Disabled")
    backup = values.get("S3BackupConfiguration")
    if backup is not None:
        values["S3BackupConfiguration"] = _complete_s3(dict(backup))
    elif values["S3BackupMode"] == "Enabled":
        raise InvalidArgument("S3BackupConfiguration must be set when S3BackupMode is Enabled.")
    return values


def _check_keys(values: Values) -> None:
    """Somebody has to find the partition keys that the prefix names."""
    processing = values.get("ProcessingConfiguration")
    processors = (processing or {}).get("Processors") or ()
    kinds = {one["Type"] for one in processors} if is_on(processing) else set()
    prefix = read_prefix(values.get("Prefix") or "")
    for namespace, kind in _KEY_FINDERS.items():
        if prefix.uses(namespace) and kind not in kinds:
            raise InvalidArgument(
                f"{kind} processor should be present when S3 Prefix has {namespace} namespace."
            )


def _complete_s3(
    values: Values, *, partitioned: bool = False, size_mib: int = SIZE_MIB_DEFAULT
) -> Values:
    """What all configurations of S3 have."""
    check_prefixes(values.get("Prefix"), values.get("ErrorOutputPrefix"), partitioned=partitioned)
    _complete_buffering(values, size_mib)
    values.setdefault("CompressionFormat", "UNCOMPRESSED")
    encryption = values.get("EncryptionConfiguration") or {}
    not_implemented(
        ("EncryptionConfiguration.KMSEncryptionConfig", encryption.get("KMSEncryptionConfig"))
    )
    values["EncryptionConfiguration"] = {"NoEncryptionConfig": "NoEncryption"}
    _complete_logging(values)
    return values


def _complete_buffering(values: Values, size_mib: int = SIZE_MIB_DEFAULT) -> None:
    hints = values.get("BufferingHints") or {}
    if len(hints) == 1:
        raise InvalidArgument(
            "BufferingHints must have both of SizeInMBs and IntervalInSeconds, or none."
        )
    values["BufferingHints"] = {
        "SizeInMBs": size_mib,
        "IntervalInSeconds": INTERVAL_SECONDS_DEFAULT,
    } | hints


def _complete_logging(values: Values) -> None:
    logging = values.get("CloudWatchLoggingOptions") or {}
    values["CloudWatchLoggingOptions"] = {"Enabled": False} | logging
    if logging.get("Enabled") and not (
        logging.get("LogGroupName") and logging.get("LogStreamName")
    ):
        raise InvalidArgument(
            "LogGroupName and LogStreamName must be set when CloudWatchLoggingOptions are enabled."
        )


def _complete_other(values: Values, backup_mode: str) -> Values:
    """What destinations other than S3 have in common."""
    values["S3Configuration"] = _complete_s3(dict(values["S3Configuration"]))
    _complete_buffering(values)
    _complete_logging(values)
    values["RetryOptions"] = {"DurationInSeconds": RETRY_SECONDS_DEFAULT} | (
        values.get("RetryOptions") or {}
    )
    values.setdefault("S3BackupMode", backup_mode)
    values.setdefault("ProcessingConfiguration", {"Enabled": False, "Processors": []})
    return values


def _complete_http(values: Values) -> Values:
    secrets = values.get("SecretsManagerConfiguration") or {"Enabled": False}
    not_implemented(("SecretsManagerConfiguration", secrets.get("Enabled")))
    values["SecretsManagerConfiguration"] = secrets
    request = {"ContentEncoding": "NONE", "CommonAttributes": []}
    values["RequestConfiguration"] = request | (values.get("RequestConfiguration") or {})
    return _complete_other(values, "FailedDataOnly")


def _complete_search(values: Values) -> Values:
    not_implemented(
        ("VpcConfiguration", values.get("VpcConfiguration")),
        ("DomainARN", values.get("DomainARN")),
    )
    if not values.get("ClusterEndpoint"):
        raise InvalidArgument("ClusterEndpoint must be set.")
    values.setdefault("IndexRotationPeriod", "OneDay")
    values.setdefault("DocumentIdOptions", {"DefaultDocumentIdFormat": "FIREHOSE_DEFAULT"})
    return _complete_other(values, "FailedDocumentsOnly")


def _complete_iceberg(values: Values) -> Values:
    if values.get("S3BackupMode") == "AllData":
        raise InvalidArgument("S3BackupMode AllData is not supported for an Iceberg destination.")
    values.setdefault("AppendOnly", False)
    return _complete_other(values, "FailedDataOnly")


_COMPLETE: Mapping[Kind, Callable[[Values], Values]] = {
    "ExtendedS3": _complete_extended,
    "HttpEndpoint": _complete_http,
    "Amazonopensearchservice": _complete_search,
    "Elasticsearch": _complete_search,
    "Iceberg": _complete_iceberg,
}


def is_on(option: Mapping[str, Any] | None, *, default: bool = True) -> bool:
    """Whether an option with a member `Enabled` is there and in force."""
    return option is not None and bool(option.get("Enabled", default))


def is_enabled(option: Any) -> bool:
    """As `is_on`, for an option that is a Struct and in force unless it says otherwise."""
    return option is not None and option.enabled is not False
