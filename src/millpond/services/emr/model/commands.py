"""What a step runs: its JAR, taken as the command line that EMR makes of it.

Source: EMR release guide, "Run commands and scripts on an Amazon EMR cluster" (command-runner.jar,
script-runner.jar).
"""

from millpond.services.emr.shapes import HadoopJarStepConfig

COMMAND_RUNNER, SCRIPT_RUNNER = "command-runner.jar", "script-runner.jar"
_NEEDS_HADOOP = "it needs Hadoop, which is not installed"
_NEEDS_JVM = "it needs Apache Spark on a JVM, and this release runs on Sail"
_MISSING = {
    "hadoop": _NEEDS_HADOOP,
    "hadoop-streaming": _NEEDS_HADOOP,
    "hdfs": _NEEDS_HADOOP,
    "mapred": _NEEDS_HADOOP,
    "yarn": _NEEDS_HADOOP,
    "s3-dist-cp": f"{_NEEDS_HADOOP}; use aws s3 cp --recursive or aws s3 sync",
    "s3distcp": f"{_NEEDS_HADOOP}; use aws s3 cp --recursive or aws s3 sync",
    "hive": "Hive is not installed; use spark-sql",
    "hive-script": "Hive is not installed; use spark-sql",
    "pig": "Pig is not installed",
    "pig-script": "Pig is not installed",
    "run-example": _NEEDS_JVM,
    "spark-example": _NEEDS_JVM,
    "spark-shell": _NEEDS_JVM,
    "sparkR": "SparkR is not installed",
}
_SPARK_PROGRAMS = ("spark-submit", "spark-sql", "pyspark")


class CannotRun(Exception):
    """A step that cannot run here; the text is its reason, in AWS's place for it."""


def command_of(step: HadoopJarStepConfig, *, has_spark: bool) -> tuple[str, ...]:
    """The command line of a step.

    Raises:
        CannotRun: it is a JAR, or a program that is not installed.
    """
    jar, words = step.jar.rpartition("/")[2], tuple(step.args or ())
    if jar == SCRIPT_RUNNER:
        if not words:
            raise CannotRun("script-runner.jar was given no script.")
        return ("run-script", *words)
    if jar != COMMAND_RUNNER:
        raise CannotRun(
            f"{step.jar} cannot run: JARs need a JVM, and this release runs on Sail. "
            f"{COMMAND_RUNNER} and {SCRIPT_RUNNER} are understood."
        )
    if not words:
        raise CannotRun("command-runner.jar was given no command.")
    program = words[0]
    if program in _MISSING:
        raise CannotRun(f"{program} cannot run: {_MISSING[program]}.")
    if program in _SPARK_PROGRAMS and not has_spark:
        raise CannotRun(
            f"{program} cannot run: the cluster was started without the application Spark."
        )
    return words
