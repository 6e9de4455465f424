"""Configurations: classifications of settings, and what of them holds here.

Source: EMR release guide, "Configure applications", "Configure Spark".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from millpond.services.emr.errors import Validation
from millpond.services.emr.shapes import Configuration

GLUE_FACTORY = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
_FACTORY_PROPERTY = "hive.metastore.client.factory.class"
_METASTORES = ("spark-hive-site", "hive-site")
_WITHOUT_EFFECT = ("spark", "spark-log4j", "spark-log4j2", "spark-metrics")
"""Sizing of executors, and logs of a JVM: recorded, for they change no result."""
_APPLIED = ("spark-defaults", "spark-env", *_METASTORES)


@dataclass(frozen=True, slots=True)
class Settings:
    """Spark's properties, and variables for every step."""

    properties: Mapping[str, str]
    environment: Mapping[str, str]


def read_configurations(*layers: Sequence[Configuration] | None) -> Settings:
    """What configurations come to, later layers over earlier ones.

    Raises:
        Validation: a classification or a property of one is not for what is installed.
    """
    properties: dict[str, str] = {}
    environment: dict[str, str] = {}
    for configuration in (one for layer in layers for one in layer or ()):
        name = configuration.classification or ""
        given = configuration.properties or {}
        if name == "spark-defaults":
            properties |= _spark_properties(given)
        elif name == "spark-env":
            environment |= _exports(configuration.configurations or ())
        elif name in _METASTORES:
            _check_metastore(name, given)
        elif name not in _WITHOUT_EFFECT:
            known = ", ".join(sorted((*_APPLIED, *_WITHOUT_EFFECT)))
            raise Validation(
                f"Classification '{name}' is not supported: it configures nothing that is "
                f"installed here. Supported are {known}."
            )
    return Settings(properties, environment)


def _spark_properties(given: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in given.items():
        if not name.startswith("spark.") or set(name) & set(" \t\r\n=:"):
            raise Validation(f"spark-defaults: {name!r} is not a property of Spark.")
        if name in ("spark.jars", "spark.jars.packages", "spark.archives") and value:
            raise Validation(
                f"spark-defaults: {name} is not supported: this release runs on Sail, without JARs."
            )
        if set(value) & set("\r\n"):
            raise Validation(f"spark-defaults: the value of {name} has several lines.")
    return given


def _exports(configurations: Iterable[Configuration]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for configuration in configurations:
        if configuration.classification != "export":
            raise Validation(
                f"spark-env: '{configuration.classification}' is not supported; 'export' is."
            )
        variables |= configuration.properties or {}
    for name, value in variables.items():
        if not name.isidentifier() or "\0" in value:
            raise Validation(f"spark-env: {name!r} is not the name of a variable.")
    return variables


def _check_metastore(name: str, given: Mapping[str, str]) -> None:
    for key, value in given.items():
        if key != _FACTORY_PROPERTY or value != GLUE_FACTORY:
            raise Validation(
                f"{name}: {key}={value} is not supported. The metastore is the Glue Data Catalog "
                f"({_FACTORY_PROPERTY}={GLUE_FACTORY})."
            )
