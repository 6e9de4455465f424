"""Configurations: classifications of settings of an application and, over them, of a job run.

Source: EMR Serverless User Guide, "Default application configuration", "Spark properties", "Hive
properties".
"""

from collections.abc import Iterable, Mapping, Sequence

from millpond.engines.spark.interface import SAIL
from millpond.services.emrserverless.errors import Validation
from millpond.services.emrserverless.model.records import Engine
from millpond.services.emrserverless.shapes import Configuration

GLUE_FACTORY = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
_FACTORY_PROPERTY = "hive.metastore.client.factory.class"
_HADOOP_FACTORY = f"spark.hadoop.{_FACTORY_PROPERTY}"
_MAIN: Mapping[Engine, str] = {"Spark": "spark-defaults", "Hive": "hive-site"}
_METASTORES = ("hive-site", "spark-hive-site")
_WITHOUT_EFFECT = (
    "hive-log4j2", "spark-driver-log4j2", "spark-executor-log4j2", "spark-log4j2", "spark-metrics",
    "tez-site",
)  # fmt: skip
"""Sizing of Tez, and logs of a JVM: recorded, for they change no result."""
_NOT_ON_SAIL = ("spark.jars", "spark.jars.packages", "spark.archives")


def read_properties(
    engine: Engine, runtime: str, configurations: Sequence[Configuration] | None
) -> dict[str, str]:
    """The properties of `spark-defaults`, or of `hive-site` for Hive.

    Raises:
        Validation: a classification or a property of one is not for what is installed.
    """
    properties: dict[str, str] = {}
    for configuration in configurations or ():
        name, given = configuration.classification, configuration.properties or {}
        if configuration.configurations:
            raise Validation(f"Nested configurations of '{name}' are not implemented.")
        if name == _MAIN[engine]:
            properties |= _checked(name, given, runtime)
        elif name in _METASTORES:
            _check_metastore(name, given)
        elif name not in _WITHOUT_EFFECT:
            known = ", ".join(sorted({_MAIN[engine], *_METASTORES, *_WITHOUT_EFFECT}))
            raise Validation(
                f"Classification '{name}' is not supported: it configures nothing that is "
                f"installed here. Supported are {known}."
            )
    return properties


def as_options(option: str, properties: Mapping[str, str]) -> list[str]:
    """Properties as words of a command line."""
    return [word for name, value in properties.items() for word in (option, f"{name}={value}")]


def variables(prefix: str, properties: Mapping[str, str]) -> dict[str, str]:
    """The environment that properties set (`spark.executorEnv.NAME`)."""
    return {
        name.removeprefix(prefix): value
        for name, value in properties.items()
        if name.startswith(prefix)
    }


def without(properties: Mapping[str, str], prefixes: Iterable[str]) -> dict[str, str]:
    """Those whose names begin with none of `prefixes`."""
    unwanted = tuple(prefixes)
    return {name: value for name, value in properties.items() if not name.startswith(unwanted)}


def _checked(classification: str, given: Mapping[str, str], runtime: str) -> Mapping[str, str]:
    for name, value in given.items():
        if set(name) & set(" \t\r\n=") or set(value) & set("\r\n\0"):
            raise Validation(f"{classification}: {name!r} cannot be set to {value!r}.")
        if classification == "spark-defaults" and not name.startswith("spark."):
            raise Validation(f"spark-defaults: {name!r} is not a property of Spark.")
        if runtime == SAIL and name in _NOT_ON_SAIL and value:
            raise Validation(
                f"spark-defaults: {name} is not supported: this release runs on Sail, without JARs."
            )
        if name in (_HADOOP_FACTORY, _FACTORY_PROPERTY):
            _check_metastore(classification, {_FACTORY_PROPERTY: value})
    return given


def _check_metastore(classification: str, given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if name != _FACTORY_PROPERTY or value != GLUE_FACTORY:
            raise Validation(
                f"{classification}: {name}={value} is not supported. The metastore is the Glue "
                f"Data Catalog ({_FACTORY_PROPERTY}={GLUE_FACTORY})."
            )
