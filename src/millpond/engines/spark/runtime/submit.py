"""spark-submit: fetch a Python program and what it needs, and become it.

The program connects to the cluster's engine by SPARK_REMOTE, whatever master and deploy mode are
named: there is one machine. What it prints is what the step prints.
"""

import json
import os
import sys
import zipfile
from pathlib import Path
from shutil import copyfile
from typing import NoReturn

from millpond.engines.spark.runtime.files import FileMissing, fetch
from millpond.engines.spark.runtime.options import (
    BadOption,
    Options,
    all_properties,
    read_options,
)
from millpond.engines.spark.runtime.variables import CONF_VARIABLE, PY_FILES_VARIABLE

_ARCHIVES = (".zip", ".egg", ".whl")


def main() -> NoReturn:
    words = sys.argv[1:]
    if words == ["--version"]:
        _print_version()
        sys.exit(0)
    try:
        options = read_options(words)
        if not options.rest:
            raise BadOption("Missing application resource.")
        program, *arguments = options.rest
        if program.endswith(".jar"):
            raise BadOption(f"{program}: JARs need Apache Spark, and this release runs on Sail")
        folder = Path.cwd() / ".submitted"
        script = fetch(program, folder)
        environment = prepare(options, folder)
    except (BadOption, FileMissing) as error:
        sys.exit(f"spark-submit: Error: {error}")
    os.execve(sys.executable, [sys.executable, str(script), *arguments], environment)  # noqa: S606


def prepare(options: Options, folder: Path) -> dict[str, str]:
    """Fetch the files that options name; the environment that a program is to run with.

    Raises:
        FileMissing: one of them cannot be read.
        BadOption: a Python file is of a kind that cannot be imported.
    """
    given = fetch(options.properties_file, folder) if options.properties_file else None
    properties = all_properties(options, given)
    for name in options.files:
        plain, _, alias = name.partition("#")
        local = fetch(plain, folder / "files")
        target = Path.cwd() / (alias or local.name)
        if target != local:
            copyfile(local, target)
    path = [str(_importable(fetch(name, folder / "modules"))) for name in options.py_files]
    path += filter(None, [os.environ.get("PYTHONPATH")])
    environment = {**os.environ, CONF_VARIABLE: json.dumps(properties)}
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(path)
    for name, value in properties.items():
        for prefix in ("spark.yarn.appMasterEnv.", "spark.executorEnv."):
            if name.startswith(prefix):
                environment[name.removeprefix(prefix)] = value
    return environment


def _importable(local: Path) -> Path:
    """What to put on the path for a Python file; the engine gets to import it as well."""
    shared = Path(os.environ[PY_FILES_VARIABLE]) if PY_FILES_VARIABLE in os.environ else None
    if local.suffix in _ARCHIVES:
        if shared is not None:
            with zipfile.ZipFile(local) as archive:
                archive.extractall(shared)
        return local
    if local.suffix != ".py":
        raise BadOption(f"--py-files: {local.name} is not a .py, .zip, .egg or .whl file")
    if shared is not None:
        copyfile(local, shared / local.name)
    return local.parent


def _print_version() -> None:
    from importlib.metadata import version  # noqa: PLC0415 - slow, and seldom asked

    sys.stderr.write(f"Spark {version('pyspark-client')} on Sail {version('pysail')}\n")


if __name__ == "__main__":
    main()
