"""Configurations: classifications of settings, and what of them holds here.

Spark's settings reach every program as its defaults; those of Hadoop and Hive too, as Spark's
properties `spark.hadoop.…`, where there is a JVM that reads them. What configures nothing that is
there is refused, unless it changes no result.

Source: EMR release guide, "Configure applications", "Configure Spark"; Spark, "Custom Hadoop/Hive
Configuration".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from millpond.services.emr.errors import Validation
from millpond.services.emr.model.releases import is_sail
from millpond.services.emr.shapes import Configuration

GLUE_FACTORY = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
_FACTORY_PROPERTY = "hive.metastore.client.factory.class"
_METASTORES = ("spark-hive-site", "hive-site")
_CONNECTORS = ("presto-connector-hive", "trino-connector-hive")
_CONNECTOR_PROPERTY = "hive.metastore.glue.datacatalog.enabled"
_PYTHON_VARIABLES = ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON")
_PYTHON_PROPERTIES = ("spark.pyspark.python", "spark.pyspark.driver.python")
_PYTHONS = ("python3", "/usr/bin/python3", "/bin/python3")
"""How programs call an instance's Python; here that is the cluster's own, which they have."""
_WITHOUT_EFFECT = ("spark", "spark-log4j", "spark-log4j2", "spark-metrics")
"""Sizing of executors, and logs of a JVM: recorded, for they change no result."""
_WITHOUT_EFFECT_JVM = ("capacity-scheduler", "hadoop-log4j", "hive-log4j2", "yarn-env", "yarn-site")
"""The same of what only Apache's releases know: there is no YARN."""
_HADOOP = ("core-site", "hdfs-site", "mapred-site")
_ENVIRONMENTS = ("hadoop-env", "hive-env", "mapred-env")
_FILE_SYSTEM = {
    "fs.s3.maxConnections": "fs.s3a.connection.maximum",
    "fs.s3.maxRetries": "fs.s3a.attempts.maximum",
}
"""Properties of EMRFS, and what they are called by the file system that is here."""
_FORBIDDEN = ("fs.s3a.endpoint", "fs.s3a.access.key", "fs.s3a.secret.key", "fs.s3a.session.token")
"""What tells programs where they are: theirs is given to them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Spark's properties, and variables for every step."""

    properties: Mapping[str, str]
    environment: Mapping[str, str]


def read_configurations(
    release_label: str | None, *layers: Sequence[Configuration] | None
) -> Settings:
    """What configurations come to in a release, later layers over earlier ones.

    Raises:
        Validation: a classification or a property of one is not for what is there.
    """
    properties: dict[str, str] = {}
    environment: dict[str, str] = {}
    sail = is_sail(release_label)
    for configuration in (one for layer in layers for one in layer or ()):
        name = configuration.classification or ""
        given = configuration.properties or {}
        if name == "spark-defaults":
            properties |= _spark_properties(given, sail=sail)
        elif name == "spark-env" or (name in _ENVIRONMENTS and not sail):
            environment |= _exports(name, configuration.configurations or ())
        elif name in _METASTORES:
            properties |= _metastore_properties(name, given, sail=sail)
        elif name in _CONNECTORS:
            _check_connector(name, given)
        elif name in _HADOOP and not sail:
            properties |= _hadoop_properties(name, given)
        elif name == "emrfs-site" and not sail:
            properties |= _file_system_properties(given)
        elif name not in _WITHOUT_EFFECT and (sail or name not in _WITHOUT_EFFECT_JVM):
            raise Validation(
                f"Classification '{name}' is not supported: it configures nothing that release "
                f"{release_label} has. Supported are {', '.join(_known(sail=sail))}."
            )
    return Settings(properties, environment)


def _known(*, sail: bool) -> list[str]:
    known = ["spark-defaults", "spark-env", *_METASTORES, *_CONNECTORS, *_WITHOUT_EFFECT]
    if not sail:
        known += [*_HADOOP, *_ENVIRONMENTS, "emrfs-site", *_WITHOUT_EFFECT_JVM]
    return sorted(known)


def _spark_properties(given: Mapping[str, str], *, sail: bool) -> Mapping[str, str]:
    for name, value in given.items():
        if not name.startswith("spark."):
            raise Validation(f"spark-defaults: {name!r} is not a property of Spark.")
        if sail and name in ("spark.jars", "spark.jars.packages", "spark.archives") and value:
            raise Validation(
                f"spark-defaults: {name} is not supported: this release runs on Sail, without JARs."
            )
        _check_line("spark-defaults", name, value)
    return {
        name: value
        for name, value in given.items()
        if name not in _PYTHON_PROPERTIES or value not in _PYTHONS
    }


def _check_line(classification: str, name: str, value: str) -> None:
    """Refuse what would not stay one line of a file of properties."""
    if not name or set(name) & set(" \t\r\n=:"):
        raise Validation(f"{classification}: {name!r} is not a property.")
    if set(value) & set("\r\n"):
        raise Validation(f"{classification}: the value of {name} has several lines.")


def _hadoop_properties(classification: str, given: Mapping[str, str]) -> dict[str, str]:
    properties = {}
    for name, value in given.items():
        _check_line(classification, name, value)
        if name in _FORBIDDEN:
            raise Validation(f"{classification}: {name} is not supported: it is set by Millpond.")
        properties[f"spark.hadoop.{name}"] = value
    return properties


def _file_system_properties(given: Mapping[str, str]) -> dict[str, str]:
    for name in given:
        if name not in _FILE_SYSTEM:
            raise Validation(
                f"emrfs-site: {name} is not supported. Supported are "
                f"{', '.join(sorted(_FILE_SYSTEM))}."
            )
    return _hadoop_properties(
        "emrfs-site", {_FILE_SYSTEM[name]: value for name, value in given.items()}
    )


def _exports(name: str, configurations: Iterable[Configuration]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for configuration in configurations:
        if configuration.classification != "export":
            raise Validation(
                f"{name}: '{configuration.classification}' is not supported; 'export' is."
            )
        variables |= configuration.properties or {}
    for variable, value in variables.items():
        if not variable.isidentifier() or "\0" in value:
            raise Validation(f"{name}: {variable!r} is not the name of a variable.")
    return {
        variable: value
        for variable, value in variables.items()
        if variable not in _PYTHON_VARIABLES or value not in _PYTHONS
    }


def _check_connector(name: str, given: Mapping[str, str]) -> None:
    """Refuse all but the Glue Data Catalog, which is the metastore whatever asks for it."""
    for key, value in given.items():
        if (key, value.lower()) != (_CONNECTOR_PROPERTY, "true"):
            raise Validation(f"{name}: {key}={value} is not supported.")


def _metastore_properties(name: str, given: Mapping[str, str], *, sail: bool) -> dict[str, str]:
    others = {}
    for key, value in given.items():
        if key == _FACTORY_PROPERTY and value == GLUE_FACTORY:
            continue
        if sail or key.startswith(("hive.metastore.", "javax.jdo.")):
            raise Validation(
                f"{name}: {key}={value} is not supported. The metastore is the Glue Data Catalog "
                f"({_FACTORY_PROPERTY}={GLUE_FACTORY})."
            )
        others[key] = value
    return _hadoop_properties(name, others)
