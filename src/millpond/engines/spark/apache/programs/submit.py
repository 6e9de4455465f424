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
from millpond.engines.spark.apache.properties import as_text, from_text
from millpond.engines.spark.runtime.files import FileMissing, fetch

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
    known = from_text(defaults.read_text("utf-8")) if defaults.is_file() else {}
    folder = Path.cwd() / ".submitted"
    if line.properties_file:
        # Spark reads such a file instead of the defaults, which say where the cluster is.
        known |= from_text(fetch(line.properties_file, folder).read_text("utf-8"))
    asked = known | line.properties
    for name, value in asked.items():
        if name.startswith(_DRIVER_VARIABLE):
            os.environ[name.removeprefix(_DRIVER_VARIABLE)] = value
    # In a file, not on the command line: there are secrets among them.
    folder.mkdir(exist_ok=True)
    path = folder / f"{os.getpid()}.properties"
    path.touch(0o600)
    path.write_text(as_text(fit(asked)), "utf-8")
    return ["--properties-file", str(path), *line.options, *line.rest]


if __name__ == "__main__":
    main()
