"""The command line of spark-submit and its kin, read as far as it concerns a cluster.

Source: Spark's `SparkSubmitOptionParser`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

_PROPERTIES = {
    "--master": "spark.master",
    "--deploy-mode": "spark.submit.deployMode",
    "--driver-memory": "spark.driver.memory",
    "--executor-memory": "spark.executor.memory",
    "--executor-cores": "spark.executor.cores",
    "--name": "spark.app.name",
}
_WITH_VALUE = frozenset(
    (
        *("--archives", "--class", "--driver-class-path", "--driver-cores"),
        *("--driver-java-options", "--driver-library-path", "--exclude-packages", "--files"),
        *("--jars", "--keytab", "--kill", "--num-executors", "--packages", "--principal"),
        *("--proxy-user", "--py-files", "--queue", "--remote", "--repositories", "--status"),
        *("--total-executor-cores", "-e", "-f", "-i", "-d", "--define", "--database"),
        *("--hiveconf", "--hivevar", "-I"),
    )
)


@dataclass(slots=True)
class CommandLine:
    """What a command line says: properties, in whichever way they were given; the other options as
    they were; and the program with its arguments."""

    properties: dict[str, str] = field(default_factory=dict)
    properties_file: str = ""
    options: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)


def read_command_line(words: Sequence[str]) -> CommandLine:
    """Read a command line. What Spark would refuse is left for it to refuse."""
    line = CommandLine()
    left = list(words)
    while left and left[0].startswith("-"):
        word = left.pop(0)
        name, has_value, value = word.partition("=")
        takes_value = name in _WITH_VALUE or name in _PROPERTIES
        if not takes_value and name not in ("--conf", "-c", "--properties-file"):
            line.options.append(word)
            continue
        if not has_value:
            if not left:
                line.options.append(word)
                break
            value = left.pop(0)
        _take(line, name, value)
    line.rest = left
    return line


def _take(line: CommandLine, name: str, value: str) -> None:
    if name == "--properties-file":
        line.properties_file = value
    elif name in _PROPERTIES:
        line.properties[_PROPERTIES[name]] = value
    elif name in ("--conf", "-c") and "=" in value:
        key, _, text = value.partition("=")
        line.properties[key.strip()] = text
    else:
        line.options += [name, value]
