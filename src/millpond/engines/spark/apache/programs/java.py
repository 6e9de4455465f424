"""Runs Java programs of a cluster's kits in the place of this process."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

_PROGRAMS_FILE = "programs.json"
_OPENED = (
    *("java.io", "java.lang", "java.lang.invoke", "java.lang.reflect", "java.net", "java.nio"),
    *("java.text", "java.time", "java.util", "java.util.concurrent"),
    *("java.util.concurrent.atomic", "java.util.regex", "sun.nio.ch", "sun.nio.cs"),
)
_OPTIONS = (
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
    *("-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"),
)


@dataclass(frozen=True, slots=True)
class Programs:
    """The cluster's jars for Hadoop, and what a program may use; `conf` has the settings."""

    base: tuple[str, ...]
    tools: tuple[str, ...]
    cores: int
    heap_mib: int
    conf: Path

    def tool(self, name: str) -> str:
        """The jar of Hadoop's whose name begins so."""
        return next(jar for jar in self.tools if Path(jar).name.startswith(name))


def read_programs() -> Programs:
    """What the cluster says of them."""
    conf = Path(os.environ["SPARK_CONF_DIR"])
    told = json.loads((conf / _PROGRAMS_FILE).read_text("utf-8"))
    return Programs(
        base=tuple(told["base"]),
        tools=tuple(told["tools"]),
        cores=told["cores"],
        heap_mib=told["heap_mib"],
        conf=conf,
    )


def run_java(
    programs: Programs,
    main: Sequence[str],
    *,
    options: Sequence[str] = (),
    more_jars: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> NoReturn:
    """Become a Java with Hadoop's jars: `main` is a class and what it is told. `options` come after
    the cluster's own and win, `more_jars` after its jars."""
    folder = programs.conf / "hadoop"
    environment = {
        **os.environ,
        "HADOOP_CONF_DIR": str(folder),
        "HADOOP_HOME": str(programs.conf),
        **(variables or {}),
    }
    path = os.pathsep.join((str(folder), *programs.base, *programs.tools, *more_jars))
    java = str(Path(environment["JAVA_HOME"]) / "bin" / "java")
    command = [
        *(java, "-cp", path, *_OPTIONS),
        f"-XX:ActiveProcessorCount={programs.cores}",
        f"-Xmx{programs.heap_mib}m",
        f"-Djava.io.tmpdir={environment['TMPDIR']}",
        f"-Duser.home={environment['HOME']}",
        *options,
        *main,
    ]
    os.execve(java, command, environment)  # noqa: S606 - this is what it is for
