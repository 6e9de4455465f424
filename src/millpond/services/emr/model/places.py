"""Where logs are put.

Source: EMR Management Guide, "View log files" (archived to Amazon S3); API,
CloudWatchLogConfiguration.
"""

import re
from dataclasses import dataclass

from millpond.services.emr.errors import Validation
from millpond.services.emr.model.records import Cluster, Step
from millpond.services.emr.shapes import RunJobFlowInput

_EC2_ID = re.compile(r"i-[0-9a-f]+")
_SCHEMES = ("s3://", "s3n://", "s3a://")


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and the beginning of keys, which ends with a slash or is empty."""

    bucket: str
    prefix: str

    def inside(self, *names: str) -> "Place":
        return Place(self.bucket, self.prefix + "".join(f"{name}/" for name in names))

    def url(self, name: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}{name}"


def read_log_uri(uri: str | None) -> Place | None:
    """The place that a LogUri names; None when there is none.

    Raises:
        Validation: it does not name a bucket.
    """
    if not uri:
        return None
    rest = next((uri[len(s) :] for s in _SCHEMES if uri.startswith(s)), "")
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise Validation(f"The LogUri {uri} is not a location in Amazon S3.")
    prefix = prefix.strip("/")
    return Place(bucket, f"{prefix}/" if prefix else "")


def shown_log_uri(uri: str | None) -> str | None:
    """A LogUri as AWS tells it: by the scheme of its own file system, with a slash at the end."""
    place = read_log_uri(uri)
    return None if place is None else f"s3n://{place.bucket}/{place.prefix}"


def step_place(cluster: Cluster, step: Step) -> Place | None:
    """Where the logs of a step go: below its own LogUri if it has one."""
    monitoring = step.config.step_monitoring_configuration
    logging = monitoring.s3_monitoring_configuration if monitoring else None
    place = read_log_uri((logging.log_uri if logging else None) or cluster.request.log_uri)
    return place and place.inside(cluster.id, "steps", step.id)


def bootstrap_place(cluster: Cluster, number: int) -> Place | None:
    """Where the logs of the `number`-th bootstrap action go."""
    place = read_log_uri(cluster.request.log_uri)
    node = ("node", cluster.master.ec2_id, "bootstrap-actions", str(number))
    return place and place.inside(cluster.id, *node)


def engine_place(cluster: Cluster, name: str) -> Place | None:
    """Where a log of the Spark engine goes: to the instance that its file's name has, else to the
    master."""
    place = read_log_uri(cluster.request.log_uri)
    found = _EC2_ID.search(name)
    ec2_id = found[0] if found else cluster.master.ec2_id
    return place and place.inside(cluster.id, "node", ec2_id, "applications", "spark")


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a cluster's log events go: `files` are the names of the logs that become events."""

    group: str
    prefix: str
    files: frozenset[str]

    def stream(self, step_id: str, name: str) -> str:
        """The stream of one log of a step."""
        return f"{self.prefix}steps/{step_id}/{name}"


_LOG_TYPES = ("STEP_LOGS", "SPARK_DRIVER")
"""A driver speaks through its step, so that both stand for the step's output."""


def read_streams(request: RunJobFlowInput, cluster_id: str) -> Streams | None:
    """Where the log events of a cluster are to go; None when it asks for none.

    Raises:
        Validation: it asks for logs or an encryption that are not there.
    """
    monitoring = request.monitoring_configuration
    asked = monitoring.cloud_watch_log_configuration if monitoring else None
    if asked is None or not asked.enabled:
        return None
    if asked.encryption_key_arn:
        raise Validation("EncryptionKeyArn is not supported by Millpond yet.")
    files: set[str] = set()
    for name, outputs in (asked.log_types or {"STEP_LOGS": ["STDOUT", "STDERR"]}).items():
        if name not in _LOG_TYPES:
            raise Validation(
                f"The log type {name} is not supported; there are {' and '.join(_LOG_TYPES)}."
            )
        for output in outputs:
            if output not in ("STDOUT", "STDERR"):
                raise Validation(f"{output} is not a log; there are STDOUT and STDERR.")
            files.add(output.lower())
    prefix = f"{asked.log_stream_name_prefix}/" if asked.log_stream_name_prefix else ""
    if asked.log_group_name:
        prefix += f"{cluster_id}/"
    return Streams(asked.log_group_name or f"/aws/emr/{cluster_id}", prefix, frozenset(files))
