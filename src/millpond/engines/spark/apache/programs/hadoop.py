"""hadoop, hdfs, mapred, yarn and Hadoop's tools: Apache Hadoop's own classes, on this cluster.

Jobs run in MapReduce's local runner. Jars of S3 are fetched first; those that EMR has on its
machines (streaming, the examples) are the cluster's, whatever folder they are said to lie in.

Source: `bin/hadoop`, `bin/hdfs`, `bin/mapred`, `bin/yarn` (Hadoop); EMR release guide, "Run a
Hadoop application to process data".
"""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from millpond.engines.spark.apache.programs.java import Programs, read_programs, run_java
from millpond.engines.spark.apache.programs.s3_dist_cp import main as copy
from millpond.engines.spark.runtime.files import FileMissing, fetch

_SHELL = "org.apache.hadoop.fs.FsShell"
_CLASSES = {
    "fs": _SHELL,
    "dfs": _SHELL,
    "distcp": "org.apache.hadoop.tools.DistCp",
    "streaming": "org.apache.hadoop.streaming.HadoopStreaming",
    "version": "org.apache.hadoop.util.VersionInfo",
    "checknative": "org.apache.hadoop.util.NativeLibraryChecker",
    "conftest": "org.apache.hadoop.util.ConfTest",
}
_OF_PROGRAMS = {
    "hadoop": ("fs", "dfs", "distcp", "version", "checknative", "conftest"),
    "hdfs": ("dfs", "version"),
    "mapred": ("streaming", "distcp", "version"),
    "yarn": ("version",),
}
_JOBS = ("distcp", "streaming")
_QUICK = "-XX:TieredStopAtLevel=1"
"""For what ends before Java's second compiler has paid off."""
_JARS = ("hadoop-streaming", "hadoop-mapreduce-examples")
_COPY = "s3-dist-cp"


def main() -> NoReturn:
    program, *words = sys.argv[1:]
    programs = read_programs()
    for word in words:
        if word.startswith("hdfs:"):
            sys.exit(f"{program}: Error: {word}: there is no HDFS on this cluster; use s3:// or "
                     "file://")  # fmt: skip
    if program == "hadoop-streaming":
        _run(programs, "streaming", words)
    if program == "hadoop-mapreduce-examples":
        _run_jar(programs, program, [programs.tool(program), *words])
    if not words:
        sys.exit(f"Usage: {program} {_known(program)} …")
    command, *rest = words
    if command == "jar" and program in ("hadoop", "yarn"):
        if not rest:
            sys.exit(f"Usage: {program} jar <jar> [mainClass] args…")
        _run_jar(programs, program, rest)
    if command in _OF_PROGRAMS[program]:
        _run(programs, command, rest)
    if command == "classpath":
        print(os.pathsep.join((*programs.base, *programs.tools)))
        sys.exit(0)
    if "." in command and program == "hadoop":
        run_java(programs, words, options=_options(), more_jars=_more_jars())
    sys.exit(f"{program}: Error: {command} is not there; {_known(program)} are")


def _known(program: str) -> str:
    jar = ("jar", "CLASSNAME") if program == "hadoop" else ()
    return " | ".join((*_OF_PROGRAMS[program], "classpath", *jar))


def _run(programs: Programs, command: str, words: Sequence[str]) -> NoReturn:
    quick = () if command in _JOBS else (_QUICK,)
    run_java(
        programs,
        [_CLASSES[command], *words],
        options=(*quick, *_options()),
        more_jars=_more_jars(),
    )


def _run_jar(programs: Programs, program: str, words: Sequence[str]) -> NoReturn:
    jar, *rest = words
    name = Path(jar).name
    known = next((one for one in _JARS if name.startswith(one)), None)
    if name.startswith(_COPY) and not Path(jar).exists():
        sys.argv[1:] = [_COPY, *rest]
        copy()
    if known and "://" not in jar and not Path(jar).exists():
        jar = programs.tool(known)
    try:
        path = fetch(jar, Path.cwd() / ".submitted")
    except FileMissing as error:
        sys.exit(f"{program}: Error: {error}")
    run_java(
        programs,
        ["org.apache.hadoop.util.RunJar", str(path), *rest],
        options=_options(),
        more_jars=_more_jars(),
    )


def _options() -> list[str]:
    return [
        word
        for name in ("HADOOP_OPTS", "HADOOP_CLIENT_OPTS")
        for word in shlex.split(os.environ.get(name, ""))
    ]


def _more_jars() -> list[str]:
    given = os.environ.get("HADOOP_CLASSPATH", "")
    return [given] if given else []


if __name__ == "__main__":
    main()
