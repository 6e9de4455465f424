"""spark-sql: run SQL from a file (`-f`) or the command line (`-e`) on the cluster's engine.

Rows go to standard output, what goes wrong to standard error; the first statement that fails ends
it with exit code 1.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from millpond.engines.spark.runtime.files import FileMissing, fetch
from millpond.engines.spark.runtime.options import BadOption, read_options
from millpond.engines.spark.runtime.statements import (
    for_engine,
    line_of,
    read_setting,
    split_statements,
    substitute,
)
from millpond.engines.spark.runtime.submit import prepare

_ASKING = ("select", "with", "show", "desc", "explain", "values", "from", "table", "set", "(")


def main() -> None:
    taken: dict[str, list[str]] = {
        name: []
        for name in ("-e", "-f", "-i", "--database", "-d", "--define", "--hivevar", "--hiveconf")
    }
    folder = Path.cwd() / ".submitted"
    try:
        options = read_options(sys.argv[1:], taken)
        if options.rest:
            raise BadOption(f"Unrecognized argument: {options.rest[0]}")
        if bool(taken["-e"]) == bool(taken["-f"]):
            raise BadOption("Give statements with -e or a file with -f; there is no terminal here.")
        names = taken["-i"] + taken["-f"]
        scripts = [fetch(name, folder).read_text("utf-8") for name in names] + taken["-e"]
        environment = prepare(options, folder)
    except (BadOption, FileMissing) as error:
        sys.exit(f"spark-sql: Error: {error}")
    os.environ.update(environment)
    pairs = taken["-d"] + taken["--define"] + taken["--hivevar"] + taken["--hiveconf"]
    variables = dict(pair.partition("=")[::2] for pair in pairs)
    if not _run(scripts, taken["--database"], variables):
        sys.exit(1)


def _run(scripts: list[str], databases: list[str], variables: dict[str, str]) -> bool:
    from pyspark.errors import PySparkException  # noqa: PLC0415 - slow; bad options come first
    from pyspark.sql import SparkSession  # noqa: PLC0415

    spark = SparkSession.builder.getOrCreate()
    statements = [part for script in scripts for part in split_statements(script)]
    if databases:
        statements.insert(0, f"USE DATABASE `{databases[-1]}`")
    for statement in statements:
        started = time.monotonic()
        try:
            rows = _execute(spark, substitute(statement, variables))
        except PySparkException as error:
            sys.stderr.write(f"Error in query: {error}\n")
            return False
        sys.stdout.writelines(line_of(row) + "\n" for row in rows)
        sys.stdout.flush()
        seconds = time.monotonic() - started
        sys.stderr.write(f"Time taken: {seconds:.3f} seconds, Fetched {len(rows)} row(s)\n")
    spark.stop()
    return True


def _execute(spark: Any, statement: str) -> Sequence[Any]:
    setting = read_setting(statement)
    if setting is None:
        done = spark.sql(for_engine(statement))
        rows: Sequence[Any] = [] if _answers_nothing(statement) else done.collect()
        return rows
    name, value = setting
    if value is not None:
        spark.conf.set(name, value)
    return [(name, spark.conf.get(name, "<undefined>"))]


def _answers_nothing(statement: str) -> bool:
    """Whether it is a command, which is done once it is sent: Spark answers no rows, the engine
    a count or a flag."""
    return not statement.lower().startswith(_ASKING)


if __name__ == "__main__":
    main()
