"""What a step runs: its JAR, taken as the command line that EMR makes of it.

Source: EMR release guide, "Run commands and scripts on an Amazon EMR cluster" (command-runner.jar,
script-runner.jar); API, HadoopJarStepConfig.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from millpond.services.emr.model.releases import is_sail
from millpond.services.emr.shapes import HadoopJarStepConfig, RunJobFlowInput

COMMAND_RUNNER, SCRIPT_RUNNER = "command-runner.jar", "script-runner.jar"
STATE_PUSHER = "state-pusher-script"
"""What EMR's debugging option runs first; states are told here without it."""
PROPERTIES_VARIABLE = "HADOOP_CLIENT_OPTS"
"""How the properties of a JAR step reach its JVM."""
_APPLICATIONS = {
    "hadoop": "Hadoop",
    "hadoop-streaming": "Hadoop",
    "hdfs": "Hadoop",
    "mapred": "Hadoop",
    "s3-dist-cp": "Hadoop",
    "yarn": "Hadoop",
    "hive": "Hive",
    "hive-script": "Hive",
    "beeline": "Hive",
    "presto-cli": "Presto",
    "trino-cli": "Trino",
    "pig": "Pig",
    "pig-script": "Pig",
    "spark-submit": "Spark",
    "spark-sql": "Spark",
    "pyspark": "Spark",
    "run-example": "Spark",
    "spark-example": "Spark",
    "spark-shell": "Spark",
}
"""The application that each program belongs to."""
_INSTEAD = {
    "s3distcp": "it is not there; use aws s3 cp --recursive or aws s3 sync",
    "sparkR": "SparkR is not there",
}
_INSTEAD_ON_SAIL = {
    "s3-dist-cp": "it is not there; use aws s3 cp --recursive or aws s3 sync",
}
_NEEDS_JVM = frozenset({"run-example", "spark-example", "spark-shell"})


class CannotRun(Exception):
    """A step that cannot run here; the text is its reason, in AWS's place for it."""


@dataclass(frozen=True, slots=True)
class StepCommand:
    """A command line, and what its environment has beside the cluster's."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def command_of(step: HadoopJarStepConfig, request: RunJobFlowInput) -> StepCommand:
    """The command line of a step on a cluster.

    Raises:
        CannotRun: it needs what the cluster does not have.
    """
    jar, words = step.jar.rpartition("/")[2], tuple(step.args or ())
    if jar == SCRIPT_RUNNER:
        if not words:
            raise CannotRun("script-runner.jar was given no script.")
        return StepCommand(("run-script", *words))
    if jar != COMMAND_RUNNER:
        return _run_jar(step, request, words)
    if not words:
        raise CannotRun("command-runner.jar was given no command.")
    program = words[0]
    if program == STATE_PUSHER:
        return StepCommand(("true",))
    instead = _INSTEAD | _INSTEAD_ON_SAIL if is_sail(request.release_label) else _INSTEAD
    if program in instead:
        raise CannotRun(f"{program} cannot run: {instead[program]}.")
    if program in _NEEDS_JVM and is_sail(request.release_label):
        raise CannotRun(
            f"{program} cannot run: it needs Apache Spark on a JVM, and this release runs on Sail."
        )
    if application := _APPLICATIONS.get(program):
        _require(program, application, request)
    if program == "hive-script":
        return StepCommand(_hive(words[1:]))
    return StepCommand(words)


def _require(what: str, application: str, request: RunJobFlowInput) -> None:
    names = [one.name for one in request.applications or ()]
    if application not in names:
        raise CannotRun(
            f"{what} cannot run: the cluster was started without the application {application}."
        )


def _run_jar(
    step: HadoopJarStepConfig, request: RunJobFlowInput, words: Sequence[str]
) -> StepCommand:
    if is_sail(request.release_label):
        raise CannotRun(
            f"{step.jar} cannot run: JARs need a JVM, and this release runs on Sail. "
            f"{COMMAND_RUNNER} and {SCRIPT_RUNNER} are understood."
        )
    _require(step.jar, "Hadoop", request)
    main = (step.main_class,) if step.main_class else ()
    options = [f"-D{pair.key}={pair.value or ''}" for pair in step.properties or () if pair.key]
    environment = {PROPERTIES_VARIABLE: shlex.join(options)} if options else {}
    return StepCommand(("hadoop", "jar", step.jar, *main, *words), environment)


def _hive(words: Sequence[str]) -> tuple[str, ...]:
    """`--run-hive-script [--hive-versions v] --args …` as a command line of Hive's."""
    if "--run-hive-script" not in words:
        raise CannotRun("hive-script was given no --run-hive-script.")
    if "--args" in words:
        return ("hive", *words[list(words).index("--args") + 1 :])
    raise CannotRun("hive-script was given no --args.")
