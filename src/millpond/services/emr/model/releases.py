"""Releases: what is truly installed, under the label that AWS gives to its like.

AWS's labels for Spark 4 are `emr-spark-8.x.y`. There is one release here, or none without the
`spark` extra; asking for another one is refused, and told what there is.

Source: EMR on EC2 release guide, "Amazon EMR Spark releases"; API, DescribeReleaseLabel.
"""

from collections.abc import Sequence

from millpond.engines.spark.interface import Installed
from millpond.services.emr.errors import Validation
from millpond.services.emr.shapes import Application, RunJobFlowInput, SimplifiedApplication

LABEL = "emr-spark-8.0.0"
SPARK = "Spark"


def labels(installed: Installed | None) -> list[str]:
    return [] if installed is None else [LABEL]


def applications(installed: Installed) -> list[SimplifiedApplication]:
    """Spark, as PySpark tells its version, and the engine that runs it."""
    return [
        SimplifiedApplication(name=SPARK, version=installed.spark_version),
        SimplifiedApplication(name=installed.engine, version=installed.engine_version),
    ]


def require_release(label: str | None, installed: Installed | None) -> Installed:
    """What is behind a label.

    Raises:
        Validation: it is not installed.
    """
    if installed is None:
        raise Validation(
            f"The supplied release label is invalid: {label}. No release is installed here: "
            "Spark is missing (pip install 'millpond[spark]')."
        )
    if label != LABEL:
        raise Validation(
            f"The supplied release label is invalid: {label}. Installed is {_describe(installed)}."
        )
    return installed


def choose_applications(
    asked: Sequence[Application] | None, installed: Installed
) -> list[Application]:
    """The applications of a cluster, with their true versions.

    Raises:
        Validation: one of them is not installed.
    """
    versions = {(one.name or "").lower(): one for one in applications(installed)}
    chosen = []
    for application in asked or ():
        found = versions.get((application.name or "").lower())
        if found is None:
            raise Validation(
                f"Application {application.name} is not available in release {LABEL}. "
                f"Installed is {_describe(installed)}."
            )
        if application.version not in (None, found.version):
            raise Validation(
                f"Application {found.name} is installed in version {found.version}, "
                f"not {application.version}."
            )
        chosen.append(Application(name=found.name, version=found.version))
    return chosen


def _describe(installed: Installed) -> str:
    parts = (f"{one.name} {one.version}" for one in applications(installed))
    return f"{LABEL} with {' and '.join(parts)}"


def has_spark(request: RunJobFlowInput) -> bool:
    """Whether a cluster was asked to have Spark."""
    return any(application.name == SPARK for application in request.applications or ())
