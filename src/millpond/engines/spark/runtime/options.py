"""The command lines of spark-submit and spark-sql, and the properties that they come to.

Source: Spark 4, "Submitting Applications" and SparkSubmitArguments.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PROPERTIES = {
    "--master": "spark.master",
    "--deploy-mode": "spark.submit.deployMode",
    "--name": "spark.app.name",
    "--driver-memory": "spark.driver.memory",
    "--driver-cores": "spark.driver.cores",
    "--executor-memory": "spark.executor.memory",
    "--executor-cores": "spark.executor.cores",
    "--num-executors": "spark.executor.instances",
    "--total-executor-cores": "spark.cores.max",
    "--queue": "spark.yarn.queue",
    "--driver-java-options": "spark.driver.extraJavaOptions",
    "--driver-library-path": "spark.driver.extraLibraryPath",
}
_FOR_JARS = ("--class", "--jars", "--packages", "--exclude-packages", "--repositories")
_REFUSED = {
    **dict.fromkeys(_FOR_JARS, "JARs need Apache Spark, and this release runs on Sail"),
    "--driver-class-path": "JARs need Apache Spark, and this release runs on Sail",
    "--archives": "archives are not supported; use a bootstrap action and pip install",
    "--proxy-user": "there are no other users",
    "--principal": "Kerberos is not supported",
    "--keytab": "Kerberos is not supported",
    "--remote": "the cluster's own engine is used",
}
_REFUSED_PROPERTIES = ("spark.jars", "spark.jars.packages", "spark.archives", "spark.remote")


class BadOption(Exception):
    """A command line that cannot be followed; the text names what is wrong."""


@dataclass(slots=True)
class Options:
    """What a command line says. `rest` is the program and its arguments."""

    properties: dict[str, str] = field(default_factory=dict)
    py_files: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    properties_file: str = ""
    verbose: bool = False
    rest: list[str] = field(default_factory=list)


def read_options(words: Sequence[str], others: Mapping[str, list[str]] | None = None) -> Options:
    """Read options until the first word that is none.

    `others` are further options that take a value; their values are appended there.

    Raises:
        BadOption: an option is unknown, refused, or lacks its value.
    """
    options, others = Options(), others or {}
    left = list(words)
    while left and left[0].startswith("-"):
        name, has_value, value = left.pop(0).partition("=")
        if name in ("-v", "--verbose"):
            options.verbose = True
            continue
        if name in ("-S", "--silent", "--supervise"):
            continue
        if name in _REFUSED:
            raise BadOption(f"{name}: {_REFUSED[name]}")
        if name in _known(others):
            if not has_value and not left:
                raise BadOption(f"{name} lacks its value")
            _take(options, others, name, value if has_value else left.pop(0))
            continue
        raise BadOption(f"Unrecognized option: {name}")
    options.rest = left
    for name in _REFUSED_PROPERTIES:
        if options.properties.get(name):
            raise BadOption(f"{name}: not supported by this release, which runs on Sail")
    return options


def _known(others: Mapping[str, list[str]]) -> set[str]:
    own = {"--conf", "-c", "--py-files", "--files", "--properties-file"}
    return own | _PROPERTIES.keys() | others.keys()


def _take(options: Options, others: Mapping[str, list[str]], name: str, value: str) -> None:
    if name in others:
        others[name].append(value)
    elif name in _PROPERTIES:
        options.properties[_PROPERTIES[name]] = value
    elif name in ("--conf", "-c"):
        key, equals, text = value.partition("=")
        if not equals:
            raise BadOption(f"Spark config without '=': {value}")
        options.properties[key.strip()] = text
    elif name == "--properties-file":
        options.properties_file = value
    else:
        listed = options.py_files if name == "--py-files" else options.files
        listed += [part.strip() for part in value.split(",") if part.strip()]


def read_properties(path: Path) -> dict[str, str]:
    """A file like spark-defaults.conf: a name, spaces or `=` or `:`, a value on each line."""
    properties = {}
    for line in path.read_text("utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith(("#", "!")):
            continue
        end = next((at for at, letter in enumerate(text) if letter in " \t=:"), len(text))
        properties[text[:end]] = text[end:].lstrip(" \t").removeprefix("=").strip()
    return properties


def all_properties(options: Options, properties_file: Path | None) -> dict[str, str]:
    """The defaults of the cluster (or of the given file) and, over them, the options'."""
    defaults = Path(os.environ.get("SPARK_CONF_DIR", "/nonexistent")) / "spark-defaults.conf"
    path = properties_file or defaults
    known = read_properties(path) if path.is_file() else {}
    known |= options.properties
    known.pop("spark.master", None)
    return known
