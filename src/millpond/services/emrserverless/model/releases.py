"""Release labels, and the runtime that each one stands for here.

Source: EMR Serverless release versions; `docs/reference/emr.md` for the same labels of EMR.
"""

from collections.abc import Mapping

from millpond.engines.spark.interface import SAIL, SPARK_3_5, SPARK_4, Installed, Sparks
from millpond.services.emrserverless.errors import Validation

RUNTIMES: Mapping[str, str] = {
    "emr-spark-8.0.0": SAIL,
    "emr-7.12.0": SPARK_3_5,
    "emr-8.0.0": SPARK_4,
}


def runtime_of(label: str) -> str:
    """The name of the runtime of a release that was accepted."""
    return RUNTIMES[label]


def require_release(label: str, engine: str, sparks: Sparks) -> Installed:
    """What is behind a label.

    Raises:
        Validation: it is none of those that can be had here.
    """
    there = {
        name: installed
        for name, runtime in RUNTIMES.items()
        if runtime in sparks and (installed := sparks[runtime].installed()) is not None
    }
    found = there.get(label)
    if found is None:
        known = "; ".join(
            f"{name} (Spark {one.spark_version} on {one.engine} {one.engine_version})"
            for name, one in there.items()
        )
        raise Validation(
            f"Type '{engine.upper()}' is not supported for release label '{label}' or release "
            f"label does not exist. There is {known or 'none: Spark is not installed here'}."
        )
    return found
