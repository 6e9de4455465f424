"""hive and hive-script: Apache Hive's command line, on this cluster.

Hive compiles and runs queries in this process, by MapReduce's local runner; its metastore is the
cluster's, which is the Glue Data Catalog.

Source: "LanguageManual Cli" (Hive); EMR release guide, "Submit Hive work".
"""

import os
import shlex
import sys
from typing import NoReturn

from millpond.engines.spark.apache.programs.java import read_programs, run_java

_CLASS = "org.apache.hadoop.hive.cli.CliDriver"


def main() -> NoReturn:
    program, *words = sys.argv[1:]
    if program == "hive-script":
        if "--run-hive-script" not in words or "--args" not in words:
            sys.exit("Usage: hive-script --run-hive-script --args -f <script> …")
        words = words[words.index("--args") + 1 :]
    programs = read_programs()
    run_java(
        programs,
        ["org.apache.hadoop.util.RunJar", str(programs.conf / "hive.jar"), _CLASS, *words],
        options=(
            f"-Dlog4j2.configurationFile={programs.conf}/hive/log4j2.properties",
            *shlex.split(os.environ.get("HADOOP_CLIENT_OPTS", "")),
        ),
        variables={"HIVE_CONF_DIR": str(programs.conf / "hive")},
    )


if __name__ == "__main__":
    main()
