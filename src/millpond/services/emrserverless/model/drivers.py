"""What a job run runs: its driver, taken as a command line with properties and variables.

A Spark job is `spark-submit`'s; a Hive job is a script of `hive`, or of `spark-sql` where the
runtime has no Hive.

Source: EMR Serverless User Guide, "Running Spark jobs", "Running Hive jobs".
"""

import shlex
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from millpond.services.emrserverless.errors import Validation
from millpond.services.emrserverless.model.configurations import as_options, variables, without
from millpond.services.emrserverless.model.records import Engine
from millpond.services.emrserverless.model.worker_settings import SIZING
from millpond.services.emrserverless.shapes import Hive, JobDriver, SparkSubmit

DRIVER_ENVIRONMENT, EXECUTOR_ENVIRONMENT = "spark.emr-serverless.driverEnv.", "spark.executorEnv."
_SIZES = {
    "--driver-memory": "spark.driver.memory",
    "--driver-cores": "spark.driver.cores",
    "--executor-memory": "spark.executor.memory",
    "--executor-cores": "spark.executor.cores",
    "--num-executors": "spark.executor.instances",
}
_HIVE_OPTIONS = ("--hiveconf", "--hivevar", "--define", "-d", "--database")


@dataclass(frozen=True, slots=True)
class Submitted:
    """A driver. `properties` are those of its own options; `options` are the others'."""

    properties: Mapping[str, str]
    options: tuple[str, ...]


def read_driver(engine: Engine, driver: JobDriver | None) -> Submitted:
    """What the options of a job driver say.

    Raises:
        Validation: there is none of the application's type, or its options are malformed.
    """
    spark, hive = (driver.spark_submit, driver.hive) if driver else (None, None)
    if (spark is None) == (hive is None):
        raise Validation("jobDriver must be exactly one of sparkSubmit and hive.")
    if engine == "Spark":
        if spark is None:
            raise Validation("Job driver type Hive is not supported by applications of type Spark.")
        return _read_submit(spark.spark_submit_parameters or "")
    if hive is None:
        raise Validation("Job driver type Spark is not supported by applications of type Hive.")
    return _read_hive(hive.parameters or "")


def command_of(
    engine: Engine, driver: JobDriver | None, properties: Mapping[str, str], *, has_hive: bool
) -> tuple[str, ...]:
    """The command line of a driver that was accepted. `properties` are those that the run's
    configurations set: its own options come after them, and win."""
    submitted = read_driver(engine, driver)
    merged = {**properties, **submitted.properties}
    assert driver is not None
    if engine == "Spark":
        assert driver.spark_submit is not None
        return _submit_words(driver.spark_submit, merged, submitted)
    assert driver.hive is not None
    return _hive_words(driver.hive, merged, submitted, has_hive=has_hive)


def driver_environment(properties: Mapping[str, str]) -> dict[str, str]:
    """The variables that a driver's properties set."""
    return variables(DRIVER_ENVIRONMENT, properties)


def _submit_words(
    spark: SparkSubmit, properties: Mapping[str, str], submitted: Submitted
) -> tuple[str, ...]:
    return (
        "spark-submit",
        *as_options("--conf", without(properties, SIZING)),
        *submitted.options,
        spark.entry_point,
        *(spark.entry_point_arguments or ()),
    )


def _hive_words(
    hive: Hive, properties: Mapping[str, str], submitted: Submitted, *, has_hive: bool
) -> tuple[str, ...]:
    begin = ("-i", hive.init_query_file) if hive.init_query_file else ()
    return (
        "hive" if has_hive else "spark-sql",
        *as_options("--hiveconf", properties),
        *submitted.options,
        *begin,
        "-f" if hive.query.startswith(("s3://", "s3a://", "s3n://")) else "-e",
        hive.query,
    )


def _read_submit(text: str) -> Submitted:
    """The options of spark-submit: properties and sizes apart from what else there is."""
    properties: dict[str, str] = {}
    options: list[str] = []
    words = _words("sparkSubmitParameters", text)
    while words:
        word = words.popleft()
        name, has_value, value = word.partition("=")
        if name not in ("--conf", "-c") and name not in _SIZES:
            options.append(word)
            continue
        if not has_value:
            if not words:
                raise Validation(f"sparkSubmitParameters: {name} lacks its value.")
            value = words.popleft()
        if name in _SIZES:
            properties[_SIZES[name]] = value
            continue
        key, equals, setting = value.partition("=")
        if not equals:
            raise Validation(f"sparkSubmitParameters: {value} is no property: it has no '='.")
        properties[key.strip()] = setting
    return Submitted(properties, tuple(options))


def _read_hive(text: str) -> Submitted:
    properties: dict[str, str] = {}
    options: list[str] = []
    words = _words("parameters", text)
    while words:
        name, has_value, value = words.popleft().partition("=")
        if name not in _HIVE_OPTIONS:
            known = ", ".join(_HIVE_OPTIONS)
            raise Validation(f"parameters: {name} is not supported; supported are {known}.")
        if not has_value:
            if not words:
                raise Validation(f"parameters: {name} lacks its value.")
            value = words.popleft()
        if name == "--hiveconf":
            key, _, setting = value.partition("=")
            properties[key] = setting
        else:
            options += [name, value]
    return Submitted(properties, tuple(options))


def _words(name: str, text: str) -> deque[str]:
    try:
        return deque(shlex.split(text))
    except ValueError as error:
        raise Validation(f"{name} cannot be read: {error}.") from error
