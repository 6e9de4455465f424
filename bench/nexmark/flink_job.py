"""Runs one Nexmark query on a local PyFlink and prints what that took, as JSON.

For the Python of an environment that has `apache-flink`: it is given the statements as a file of
JSON and imports nothing of ours.
"""

import json
import resource
import sys
import time
from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment


def main() -> None:
    statements, parallelism = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    configuration = environment.get_config().get_configuration()
    configuration.set_string("parallelism.default", parallelism)
    configuration.set_string("table.local-time-zone", "UTC")
    for statement in statements[:-1]:
        environment.execute_sql(statement)
    before = _cpu_seconds()
    started = time.perf_counter()
    environment.execute_sql(statements[-1]).wait()
    seconds = time.perf_counter() - started
    figures = {"seconds": seconds, "cpu_seconds": _cpu_seconds() - before}
    print("FIGURES " + json.dumps(figures), flush=True)


def _cpu_seconds() -> float:
    """What this process and its JVM, which still runs, have used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    total = used.ru_utime + used.ru_stime
    for line in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = line.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == _own_pid():
            total += (int(fields[11]) + int(fields[12])) / 100
    return total


def _own_pid() -> int:
    return int(Path("/proc/self").readlink().name)


if __name__ == "__main__":
    main()
