"""What the programs of kits read on a cluster: Hadoop's and Hive's settings, and where jars are.

Properties `spark.hadoop.…` of the cluster are Hadoop's and Hive's, as they are for Spark. The
programs run as one process each: MapReduce in its local runner, on as many cores as the cluster
has.

Sources: `core-default.xml`, `mapred-default.xml` (Hadoop), "Configuration Properties" (Hive).
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from millpond.engines.spark.apache.kits.kit import HADOOP, HIVE
from millpond.engines.spark.interface import Size

PROGRAMS_FILE = "programs.json"
HIVE_JAR = "hive.jar"
_PREFIX = "spark.hadoop."
_HEAP_SHARE = 0.5
_HEAP_MIB_MIN, _HEAP_MIB_MAX = 460, 4096
_LINE_BYTES = 70
"""How long the lines of a manifest may be."""
_LOG = """\
rootLogger.level = {level}
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{yy/MM/dd HH:mm:ss}} %p %c{{1}}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.groups.name = org.apache.hadoop.security
logger.groups.level = error
logger.metrics.name = org.apache.hadoop.metrics2
logger.metrics.level = error
logger.tables.name = org.apache.hadoop.hive.ql.metadata.Hive
logger.tables.level = fatal
logger.fallback.name = org.apache.hadoop.hive.ql.optimizer.ppr.PartitionPruner
logger.fallback.level = fatal
"""
_HADOOP_SETTINGS = {
    "fs.defaultFS": "file:///",
    "mapreduce.framework.name": "local",
    "mapreduce.client.completion.pollinterval": "200",
    "mapreduce.client.progressmonitor.pollinterval": "200",
}
_HIVE_SETTINGS = {
    "hive.execution.engine": "mr",
    "hive.async.log.enabled": "false",
    "hive.exec.counters.pull.interval": "200",
    "hive.exec.submit.local.task.via.child": "false",
    "hive.exec.submitviachild": "false",
    "hive.metastore.schema.verification": "false",
    "hive.stats.column.autogather": "false",
    "hive.support.concurrency": "false",
}


def heap_mib(memory_bytes: int) -> int:
    """The heap of a program that may use so much memory."""
    return min(max(int(memory_bytes * _HEAP_SHARE) >> 20, _HEAP_MIB_MIN), _HEAP_MIB_MAX)


def write_settings(
    conf: Path,
    tmp: Path,
    *,
    kits: Mapping[str, Path],
    base: Sequence[Path],
    defaults: Mapping[str, str],
    warehouse: str,
    size: Size,
) -> None:
    """Write all into `conf`, for a cluster with `kits` (folders by name), whose programs may use
    `size`. `tmp` is where they keep what they need while they run."""
    given = {
        name.removeprefix(_PREFIX): value
        for name, value in defaults.items()
        if name.startswith(_PREFIX)
    }
    cores = str(size.cores)
    local = {f"mapreduce.local.{kind}.tasks.maximum": cores for kind in ("map", "reduce")}
    hadoop = conf / "hadoop"
    hadoop.mkdir(exist_ok=True)
    _write_site(hadoop / "core-site.xml", _HADOOP_SETTINGS | local | given)
    (hadoop / "log4j2.properties").write_text(_LOG.format(level="info"), "utf-8")
    if HIVE in kits:
        hive = conf / "hive"
        hive.mkdir(exist_ok=True)
        place = {
            "hive.metastore.warehouse.dir": warehouse,
            "hive.exec.local.scratchdir": f"{tmp}/hive-local",
            "hive.downloaded.resources.dir": f"{tmp}/hive-resources",
            "hive.querylog.location": f"{tmp}/hive-log",
        }
        _write_site(hive / "hive-site.xml", _HIVE_SETTINGS | place | given)
        for name in ("hive-log4j2.properties", "log4j2.properties"):
            (hive / name).write_text(_LOG.format(level="warn"), "utf-8")
        _write_jar(conf / HIVE_JAR, [f"{hive}/", *sorted(map(str, kits[HIVE].glob("*.jar")))])
    told = {
        "base": list(map(str, base)),
        "tools": sorted(map(str, kits[HADOOP].glob("*.jar"))),
        "cores": size.cores,
        "heap_mib": heap_mib(size.memory_bytes),
    }
    (conf / PROGRAMS_FILE).write_text(json.dumps(told, indent=1), "utf-8")


def _write_site(path: Path, settings: Mapping[str, str]) -> None:
    lines = "".join(
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in settings.items()
    )
    path.touch(0o600)
    path.write_text(f"<configuration>\n{lines}</configuration>\n", "utf-8")


def _write_jar(path: Path, entries: Sequence[str]) -> None:
    """A jar that is nothing but others. Hive must be loaded by a loader that can be added to, as
    Hadoop's for jars is."""
    left = "Class-Path: " + " ".join(f"file:{entry}" for entry in entries)
    lines = []
    while left:
        lines.append(left[:_LINE_BYTES])
        left = left[_LINE_BYTES:]
        left = f" {left}" if left else ""
    with zipfile.ZipFile(path, "w") as jar:
        text = "\r\n".join(("Manifest-Version: 1.0", *lines, "", ""))
        jar.writestr("META-INF/MANIFEST.MF", text)
