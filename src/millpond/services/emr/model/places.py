"""Where logs are put.

Source: EMR Management Guide, "View log files" (archived to Amazon S3).
"""

from dataclasses import dataclass

from millpond.services.emr.errors import Validation
from millpond.services.emr.model.records import Cluster, Step

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


def engine_place(cluster: Cluster) -> Place | None:
    """Where the log of the Spark engine goes."""
    place = read_log_uri(cluster.request.log_uri)
    return place and place.inside(
        cluster.id, "node", cluster.master.ec2_id, "applications", "spark"
    )
