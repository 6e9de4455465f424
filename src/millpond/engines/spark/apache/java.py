"""The Java that runs Apache Spark: the machine's, where it is one that Spark knows."""

import re
import shutil
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

_VERSION = re.compile(r'version "(?:1\.)?(\d+)|JAVA_VERSION="(?:1\.)?(\d+)')
_SECONDS_MAX = 20.0
_WITHOUT_MODULES = """\
#!/bin/sh
for word do
  shift
  [ "$word" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$word"
done
exec "${{0%/*}}/{name}" "$@"
"""


def find_java(majors: Collection[int], environment: Mapping[str, str]) -> Path | None:
    """The home of a Java of one of the major versions: that of JAVA_HOME, else that of the `java`
    on the PATH; None without one."""
    homes = [Path(environment["JAVA_HOME"])] if environment.get("JAVA_HOME") else []
    program = shutil.which("java", path=environment.get("PATH"))
    if program:
        homes.append(Path(program).resolve().parent.parent)
    return next((home.resolve() for home in homes if major_of(home) in majors), None)


def major_of(home: Path) -> int | None:
    """The major version of the Java at `home`; None when there is none that runs."""
    program = home / "bin" / "java"
    if not program.is_file():
        return None
    try:
        told = (home / "release").read_text("utf-8", "replace")
    except OSError:
        told = ""
    found = _VERSION.search(told) or _VERSION.search(_ask(program))
    return int(found[1] or found[2]) if found else None


def fit_java(home: Path) -> None:
    """Let a Java that was made for less run Spark, which names a module of it that is only there to
    be quicker; Java would refuse to start without it."""
    program = home / "bin" / "java"
    real = program.with_name("java-as-it-came")
    program.rename(real)
    program.write_text(_WITHOUT_MODULES.format(name=real.name), "utf-8")
    program.chmod(0o755)


def _ask(program: Path) -> str:
    try:
        done = subprocess.run(
            [str(program), "-version"],
            capture_output=True,
            text=True,
            timeout=_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr
