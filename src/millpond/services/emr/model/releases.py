"""Releases: a label for each runtime that there is, and what truly is behind it.

AWS's labels are `emr-spark-8.x.y` for Spark 4 as its own product, `emr-8.x.y` and `emr-7.x.y` for
the whole platform. Here the first stands for Spark applications on Sail, the others for Apache
Spark, with what else that runtime has (`Installed.programs`). Asking for what is not there is
refused, and told what there is.

Source: EMR release guide, "About Amazon EMR Releases"; API, DescribeReleaseLabel.
"""

from collections.abc import Mapping, Sequence

from millpond.engines.spark.interface import SAIL, SPARK_3_5, SPARK_4, Installed, Spark, Sparks
from millpond.services.emr.errors import Validation
from millpond.services.emr.shapes import Application, RunJobFlowInput, SimplifiedApplication

RUNTIMES: Mapping[str, str] = {
    "emr-spark-8.0.0": SAIL,
    "emr-8.0.0": SPARK_4,
    "emr-7.12.0": SPARK_3_5,
}
"""The runtime of each label, the newest first."""
SPARK = "Spark"
LIBRARY = "Glue"
"""What a runtime has for Glue jobs alone: no application of EMR."""


def labels(sparks: Sparks) -> list[str]:
    """The labels that can be started."""
    return [label for label in RUNTIMES if _installed(label, sparks) is not None]


def _installed(label: str, sparks: Sparks) -> Installed | None:
    spark = sparks.get(RUNTIMES[label])
    return None if spark is None else spark.installed()


def applications(installed: Installed) -> list[SimplifiedApplication]:
    """Spark as it tells its version, the engine that runs it, and what else there is."""
    found = {SPARK: installed.spark_version, installed.engine: installed.engine_version}
    found |= {name: one for name, one in installed.programs.items() if name != LIBRARY}
    return [SimplifiedApplication(name=name, version=version) for name, version in found.items()]


def require_release(label: str | None, sparks: Sparks) -> Installed:
    """What is behind a label.

    Raises:
        Validation: it is not there.
    """
    there = labels(sparks)
    if not there:
        raise Validation(
            f"The supplied release label is invalid: {label}. No release is installed here: "
            "Spark is missing (pip install 'millpond[spark]')."
        )
    found = _installed(label, sparks) if label and label in RUNTIMES else None
    if found is None:
        raise Validation(
            f"The supplied release label is invalid: {label}. There is {_describe_all(sparks)}."
        )
    return found


def runtime_of(request: RunJobFlowInput, sparks: Sparks) -> Spark:
    """The runtime of a cluster; Sail for one whose label is not known any more."""
    name = RUNTIMES.get(request.release_label or "", SAIL)
    return sparks.get(name, sparks[SAIL])


def is_sail(label: str | None) -> bool:
    """Whether a release runs its Spark applications on Sail, without a JVM."""
    return RUNTIMES.get(label or "", SAIL) == SAIL


def choose_applications(
    asked: Sequence[Application] | None, label: str, installed: Installed
) -> list[Application]:
    """The applications of a cluster, with their true versions.

    Raises:
        Validation: one of them is not there.
    """
    versions = {(one.name or "").lower(): one for one in applications(installed)}
    chosen = []
    for application in asked or ():
        found = versions.get((application.name or "").lower())
        if found is None:
            raise Validation(
                f"Application {application.name} is not available in release {label}. "
                f"There is {_describe(label, installed)}."
            )
        if application.version not in (None, found.version):
            raise Validation(
                f"Application {found.name} of release {label} has version {found.version}, "
                f"not {application.version}."
            )
        chosen.append(Application(name=found.name, version=found.version))
    return chosen


def _describe(label: str, installed: Installed) -> str:
    parts = [f"{one.name} {one.version}" for one in applications(installed)]
    return f"{label} with {', '.join(parts[:-1])} and {parts[-1]}"


def _describe_all(sparks: Sparks) -> str:
    found = ((label, _installed(label, sparks)) for label in RUNTIMES)
    return "; ".join(_describe(label, one) for label, one in found if one is not None)


def has_spark(request: RunJobFlowInput) -> bool:
    """Whether a cluster was asked to have Spark."""
    return any(application.name == SPARK for application in request.applications or ())


def programs_of(request: RunJobFlowInput, installed: Installed | None) -> tuple[str, ...]:
    """The applications of a cluster beside Spark and its engine."""
    known = installed.programs if installed else {}
    names = (application.name or "" for application in request.applications or ())
    return tuple(name for name in names if name in known)


def needs_engine(request: RunJobFlowInput) -> bool:
    """Whether a cluster has something that works on its nodes."""
    return bool(request.applications)
