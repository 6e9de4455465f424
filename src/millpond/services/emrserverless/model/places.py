"""Where the logs of a job run go: keys below logUri in S3, streams of a group in CloudWatch Logs.

Source: EMR Serverless User Guide, "Storing logs".
"""

from dataclasses import dataclass

from millpond.services.emrserverless.errors import Validation, refuse_options
from millpond.services.emrserverless.model.records import Engine, JobRun
from millpond.services.emrserverless.shapes import (
    CloudWatchLoggingConfiguration,
    MonitoringConfiguration,
)

GROUP_DEFAULT = "/aws/emr-serverless"
_SCHEMES = ("s3://", "s3n://", "s3a://")
_DRIVERS: dict[Engine, tuple[str, str]] = {
    "Spark": ("SPARK_DRIVER", "SPARK_EXECUTOR"),
    "Hive": ("HIVE_DRIVER", "TEZ_TASK"),
}
_TYPES = {
    "SPARK_DRIVER": {"STDOUT", "STDERR"},
    "SPARK_EXECUTOR": {"STDOUT", "STDERR"},
    "HIVE_DRIVER": {"STDOUT", "STDERR", "HIVE_LOG", "TEZ_AM"},
    "TEZ_TASK": {"STDOUT", "STDERR", "SYSTEM_LOGS"},
}


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and the beginning of keys, which ends with a slash or is empty."""

    bucket: str
    prefix: str

    def inside(self, folder: str) -> "Place":
        return Place(self.bucket, f"{self.prefix}{folder}/")


@dataclass(frozen=True, slots=True)
class Streams:
    """A log group, what its streams' names begin with, and which logs go there: worker types with
    log types, both in upper case."""

    group: str
    prefix: str
    types: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the logs of an attempt go. `driver` and `executor` are the worker types."""

    driver: str
    executor: str
    s3: Place | None
    streams: Streams | None

    def key_folder(self, worker: str) -> Place | None:
        return self.s3.inside(worker) if self.s3 else None

    def stream(self, worker: str, log: str) -> str | None:
        """The stream that a log goes to; None when it is not to go there."""
        streams = self.streams
        kind = worker.partition("/")[0]
        if streams is None or (kind, log.upper()) not in streams.types:
            return None
        return f"{streams.prefix}/{worker}/{log}"


def check_monitoring(monitoring: MonitoringConfiguration | None, engine: Engine) -> None:
    """Look whether logs can be put where they are to go.

    Raises:
        Validation: a place is none, or an option is not implemented.
    """
    if monitoring is None:
        return
    s3, cloudwatch = monitoring.s3_monitoring_configuration, _cloudwatch(monitoring)
    managed = monitoring.managed_persistence_monitoring_configuration
    refuse_options(
        ("prometheusMonitoringConfiguration", monitoring.prometheus_monitoring_configuration),
        ("s3MonitoringConfiguration.encryptionKeyArn", s3 and s3.encryption_key_arn),
        (
            "managedPersistenceMonitoringConfiguration.encryptionKeyArn",
            managed and managed.encryption_key_arn,
        ),
        (
            "cloudWatchLoggingConfiguration.encryptionKeyArn",
            cloudwatch and cloudwatch.encryption_key_arn,
        ),
    )
    if s3 and s3.log_uri:
        _read_uri(s3.log_uri)
    for worker, logs in ((cloudwatch and cloudwatch.log_types) or {}).items():
        if worker not in _DRIVERS[engine] or not {log.upper() for log in logs} <= _TYPES[worker]:
            known = "; ".join(
                f"{one}: {', '.join(sorted(_TYPES[one]))}" for one in _DRIVERS[engine]
            )
            raise Validation(f"logTypes: {worker} {logs} is not supported. Supported are {known}.")


def merge_monitoring(
    application: MonitoringConfiguration | None, run: MonitoringConfiguration | None
) -> MonitoringConfiguration:
    """The application's, and over it the job run's, each part as a whole."""
    below, above = application or MonitoringConfiguration(), run or MonitoringConfiguration()
    return MonitoringConfiguration(
        s3_monitoring_configuration=above.s3_monitoring_configuration
        or below.s3_monitoring_configuration,
        managed_persistence_monitoring_configuration=(
            above.managed_persistence_monitoring_configuration
            or below.managed_persistence_monitoring_configuration
        ),
        cloud_watch_logging_configuration=above.cloud_watch_logging_configuration
        or below.cloud_watch_logging_configuration,
    )


def places_of(run: JobRun, attempt: int) -> Places:
    """Where the logs of an attempt of a run go."""
    monitoring = run.monitoring
    folder = f"applications/{run.application_id}/jobs/{run.id}"
    if run.retries:
        folder += f"/attempts/{attempt}"
    driver, executor = _DRIVERS[run.engine]
    s3, cloudwatch = monitoring.s3_monitoring_configuration, _cloudwatch(monitoring)
    place = _read_uri(s3.log_uri).inside(folder) if s3 and s3.log_uri else None
    streams = _streams(cloudwatch, driver, folder) if cloudwatch else None
    return Places(driver, executor, place, streams)


def _streams(asked: CloudWatchLoggingConfiguration, driver: str, folder: str) -> Streams:
    types = asked.log_types or {driver: ["STDOUT", "STDERR"]}
    prefix = (asked.log_stream_name_prefix or "").rstrip("/")
    return Streams(
        asked.log_group_name or GROUP_DEFAULT,
        f"{prefix}/{folder}",
        frozenset((worker, log.upper()) for worker, logs in types.items() for log in logs),
    )


def _cloudwatch(monitoring: MonitoringConfiguration) -> CloudWatchLoggingConfiguration | None:
    asked = monitoring.cloud_watch_logging_configuration
    return asked if asked and asked.enabled else None


def _read_uri(uri: str) -> Place:
    rest = next((uri[len(one) :] for one in _SCHEMES if uri.startswith(one)), "")
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise Validation(f"The logUri {uri} is not a location in Amazon S3.")
    prefix = prefix.strip("/")
    return Place(bucket, f"{prefix}/" if prefix else "")
