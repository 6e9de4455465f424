"""Where a cluster on Apache Spark lives: its folders, and what its processes see of the machine."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from millpond.engines.spark import environment
from millpond.engines.spark.apache import properties
from millpond.engines.spark.apache.kits.kit import HADOOP, HIVE, TRINO, base_jars
from millpond.engines.spark.apache.kits.settings import write_settings
from millpond.engines.spark.apache.releases import Release
from millpond.engines.spark.apache.variables import (
    MASTER_VARIABLE,
    OWN_VARIABLE,
    PAGE_VARIABLE,
    SHARE_VARIABLE,
)
from millpond.engines.spark.interface import Order, Size
from millpond.kernel.processes import Limits, Sandbox

UNCOUNTED_BYTES = 1536 << 20
"""What the process limit allows beyond a process's memory: what a Java reserves beside its heap."""
_PROGRAMS = "millpond.engines.spark.apache.programs"
_KIT_PROGRAMS = {
    HADOOP: {
        **dict.fromkeys(("hadoop", "hdfs", "mapred", "yarn"), "hadoop"),
        **dict.fromkeys(("hadoop-streaming", "hadoop-mapreduce-examples"), "hadoop"),
        "s3-dist-cp": "s3_dist_cp",
    },
    HIVE: {"hive": "hive", "hive-script": "hive"},
    TRINO: {"trino-cli": "trino"},
}
"""The programs of each kit, and the modules that they are."""
_WRITABLE = ("env", "home", "modules", "spill", "tmp", "work")


class Place:
    """`data` is the platform's data folder, of which a cluster sees its own folder alone; `marker`
    marks its processes; `layers` hold further modules of Python, `kits` are the folders of what it
    has beside Spark."""

    def __init__(
        self,
        data: Path,
        marker: str,
        order: Order,
        release: Release,
        layers: tuple[Path, ...],
        kits: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self.marker, self.order, self.release = marker, order, release
        self.kits = kits
        self.folder = order.folder.resolve()
        self.programs = self.folder / "env" / "bin"
        self.secret = secrets.token_hex(32)
        self._data, self._layers = data, layers

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    @property
    def conf(self) -> Path:
        return self.folder / "conf"

    @property
    def warehouse(self) -> str:
        """Where databases without a place of their own keep tables: on this cluster alone."""
        return f"file:{self.home}/warehouse"

    def spill(self, name: str) -> Path:
        return self.folder / "spill" / name

    def work(self, name: str) -> Path:
        return self.folder / "work" / name

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def make_folders(self) -> None:
        """Make what is not there yet; an environment that was made is left as it is."""
        for name in ("conf", "logs", *_WRITABLE):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.spill("driver").mkdir(exist_ok=True)
        libraries = environment.libraries(self.order.programs)
        kind = environment.Kind(
            packages=(self.release.spark.parent,),
            hook=f"{_PROGRAMS}.hook",
            programs={
                name: f"{_PROGRAMS}.submit {name}"
                for name in ("spark-submit", "spark-sql", "spark-shell", "pyspark")
            }
            | {
                name: f"{_PROGRAMS}.{module} {name}"
                for kit in self.kits
                for name, module in _KIT_PROGRAMS[kit].items()
            },
        )
        environment.make_environment(
            self.folder / "env",
            made=self.folder / "conf" / "environment-made",
            before=(*self._layers, *libraries),
            kind=kind,
        )

    def write_defaults(self, defaults: dict[str, str]) -> None:
        """Write what every program, the master and the nodes begin with."""
        path = self.conf / "spark-defaults.conf"
        path.touch(0o600)
        path.write_text(properties.as_text(defaults), "utf-8")

    def write_kit_settings(self, defaults: Mapping[str, str], size: Size) -> None:
        """Write what the programs of kits begin with; `size` is what they may use."""
        if self.kits:
            release = self.release
            write_settings(
                self.conf,
                self.tmp,
                kits=self.kits,
                base=base_jars(release.spark / "jars", release.version),
                defaults=defaults,
                warehouse=self.warehouse,
                size=size,
            )

    def environment(self) -> dict[str, str]:
        """The variables of every process."""
        variables = {
            "PATH": environment.search_path(self.programs),
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "LANG": "C.UTF-8",
            "USER": "hadoop",
            "LOGNAME": "hadoop",
            "HADOOP_USER_NAME": "hadoop",
            "VIRTUAL_ENV": str(self.programs.parent),
            "PYTHONUNBUFFERED": "1",
            "PYSPARK_PYTHON": str(self.programs / "python3"),
            "SPARK_CONF_DIR": str(self.conf),
            "SPARK_HOME": str(self.release.spark),
            "SPARK_SCALA_VERSION": self.release.version.scala,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_HOSTNAME": "localhost",
            "SPARK_LOCAL_DIRS": str(self.spill("driver")),
            "JAVA_HOME": str(self.release.java),
        }
        variables |= environment.access_variables(self.order.access)
        return variables | dict(self.order.environment)

    def for_program(
        self, master: str, share: Size, capacity: Size, page_port: int, own: Mapping[str, str]
    ) -> dict[str, str]:
        """Further variables of a program: the master, what one executor and a driver can have at
        most, the port of its page; and its own, of which AWS's are for its executors too."""
        told = {
            "cores": share.cores,
            "memory_bytes": share.memory_bytes,
            "driver_memory_bytes": capacity.memory_bytes,
        }
        return {
            MASTER_VARIABLE: master,
            SHARE_VARIABLE: json.dumps(told),
            PAGE_VARIABLE: str(page_port),
            OWN_VARIABLE: ",".join(name for name in own if name.startswith("AWS_")),
            **own,
        }

    def limits(self, memory_bytes: int) -> Limits:
        return Limits(memory_bytes=memory_bytes + UNCOUNTED_BYTES)

    def sandbox(self, *more: Path) -> Sandbox:
        """`more` are folders that the process may write besides the cluster's."""
        return Sandbox(
            reads=(
                self.conf,
                *self._layers,
                *self.kits.values(),
                self.release.python.parent.parent,
                self.release.java,
            ),
            writes=(*(self.folder / name for name in _WRITABLE), *more),
            hidden=(self._data,),
            private_tmp=self.tmp,
            network=True,
        )
