"""spark-submit, spark-sql, spark-shell, pyspark: Apache Spark's own, on this cluster.

The command line is theirs and is passed on as it is, but for what names another cluster: a master
of YARN and a deploy mode (the driver runs here), and executors that no node could hold.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

from millpond.engines.spark.apache.programs.fitting import fit
from millpond.engines.spark.apache.programs.options import CommandLine, read_command_line
from millpond.engines.spark.apache.properties import as_text
from millpond.engines.spark.runtime.files import FileMissing, fetch
from millpond.engines.spark.runtime.options import read_properties

_DRIVER_VARIABLE = "spark.yarn.appMasterEnv."


def main() -> NoReturn:
    program, *words = sys.argv[1:]
    home = Path(os.environ["SPARK_HOME"])
    try:
        arguments = _arguments(read_command_line(words))
    except (FileMissing, OSError) as error:
        sys.exit(f"{program}: Error: {error}")
    os.execv(home / "bin" / program, [program, *arguments])  # noqa: S606 - this is what it is for


def _arguments(line: CommandLine) -> list[str]:
    defaults = Path(os.environ["SPARK_CONF_DIR"]) / "spark-defaults.conf"
    known = read_properties(defaults) if defaults.is_file() else {}
    given: list[str] = []
    if line.properties_file:
        # Spark reads such a file instead of the defaults, which say where the cluster is.
        local = fetch(line.properties_file, Path.cwd() / ".submitted")
        known |= read_properties(local)
        merged = Path.cwd() / ".submitted" / "properties"
        merged.parent.mkdir(exist_ok=True)
        merged.touch(0o600)
        merged.write_text(as_text(known), "utf-8")
        given = ["--properties-file", str(merged)]
    asked = known | line.properties
    for name, value in asked.items():
        if name.startswith(_DRIVER_VARIABLE):
            os.environ[name.removeprefix(_DRIVER_VARIABLE)] = value
    fitted = fit(asked)
    changed = {name: value for name, value in fitted.items() if value != known.get(name)}
    return [*given, *_as_options(changed), *line.options, *line.rest]


def _as_options(properties: dict[str, str]) -> list[str]:
    return [word for name, value in properties.items() for word in ("--conf", f"{name}={value}")]


if __name__ == "__main__":
    main()
