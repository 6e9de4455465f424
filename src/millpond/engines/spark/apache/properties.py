"""The properties that applications on Apache Spark begin with.

They are Spark's own, but for what EMR sets otherwise (dynamic allocation), what finds AWS, and what
lets nodes come and go. A cluster's own come after them and win.

Sources: "Spark Configuration", "Spark Standalone Mode" and "Dynamic Resource Allocation" (Spark);
"Hadoop-AWS module" (Hadoop); "Spark defaults set by Amazon EMR".
"""

import re
from collections.abc import Mapping
from pathlib import Path

from millpond.engines.spark.interface import Access, Size

MEBIBYTE = 1 << 20
HEAP_SHARE = 0.7
"""How much of a node's memory an executor's heap gets; the rest is for what Java has beside it,
and for Python."""
HEAP_MIB_MIN = 460
"""Spark refuses a heap below 450 MiB."""
DRIVER_SHARE = 0.25
DRIVER_HEAP_MIB_MAX = 2048
"""What EMR gives a driver."""
_S3 = "org.apache.hadoop.fs.s3a.S3AFileSystem"
_SCHEMES = ("s3", "s3n")
_CREDENTIALS = {
    "3": "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
    "4": "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider",
}
_LINE = re.compile(r"([^#!\s=:][^\s=:]*)(?:\s*[=:]|\s)?(.*)")
_ESCAPED = re.compile(r"\\(.)")
_JAVA_OPTIONS = "-XX:-UsePerfData -XX:+ExitOnOutOfMemoryError"


def heap_mib(memory_bytes: int) -> int:
    """The largest heap of an executor on a node with this memory."""
    return max(int(memory_bytes * HEAP_SHARE) // MEBIBYTE, HEAP_MIB_MIN)


def driver_heap_mib(capacity: Size) -> int:
    """The heap of a driver that asks for none."""
    share = int(capacity.memory_bytes * DRIVER_SHARE) // MEBIBYTE
    return max(min(share, DRIVER_HEAP_MIB_MAX), HEAP_MIB_MIN)


def defaults(
    spark_version: str,
    *,
    share: Size,
    capacity: Size,
    secret: str,
    folder: str,
    warehouse: str,
    access: Access | None,
    metastore_port: int | None,
) -> dict[str, str]:
    """What a cluster's applications begin with. `share` is its smallest node, `capacity` all that
    it may use, `folder` its own, `warehouse` where tables without a place of their own go."""
    tmp = str(Path(folder) / "tmp")
    java = f"{_JAVA_OPTIONS} -Djava.io.tmpdir={tmp}"
    found = {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": f"{driver_heap_mib(capacity)}m",
        "spark.driver.defaultJavaOptions": java,
        "spark.executor.memory": f"{heap_mib(share.memory_bytes)}m",
        "spark.executor.defaultJavaOptions": java,
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.initialExecutors": "1",
        "spark.decommission.enabled": "true",
        "spark.storage.decommission.enabled": "true",
        "spark.storage.decommission.rddBlocks.enabled": "true",
        "spark.storage.decommission.shuffleBlocks.enabled": "true",
        "spark.sql.warehouse.dir": warehouse,
        "spark.ui.port": "0",
        "spark.ui.showConsoleProgress": "false",
        "spark.hadoop.hadoop.tmp.dir": f"{tmp}/hadoop",
    }
    if access is not None:
        found |= _s3(spark_version, access)
    if metastore_port is not None:
        found |= {
            "spark.sql.catalogImplementation": "hive",
            "spark.hadoop.hive.metastore.uris": f"thrift://127.0.0.1:{metastore_port}",
            "spark.hadoop.hive.exec.scratchdir": f"{tmp}/hive",
        }
    return found


def _s3(spark_version: str, access: Access) -> dict[str, str]:
    prefix = "spark.hadoop.fs.s3a"
    is_secure = access.endpoint.startswith("https:")
    return {
        **{f"spark.hadoop.fs.{scheme}.impl": _S3 for scheme in _SCHEMES},
        f"{prefix}.endpoint": access.endpoint,
        f"{prefix}.endpoint.region": access.region,
        f"{prefix}.path.style.access": "true",
        f"{prefix}.connection.ssl.enabled": str(is_secure).lower(),
        f"{prefix}.aws.credentials.provider": _CREDENTIALS[spark_version[0]],
    }


def as_text(found: Mapping[str, str]) -> str:
    """A file like spark-defaults.conf, as Java reads properties."""
    return "".join(f"{_escape(name)}={_escape(value)}\n" for name, value in found.items())


def from_text(text: str) -> dict[str, str]:
    """The properties of such a file: a name, spaces or `=` or `:`, a value on each line."""
    found = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match:
            found[match[1]] = _ESCAPED.sub(_unescape, match[2].strip())
    return found


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1])


def _escape(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return text
