"""Where a cluster lives: its folders, and what its processes see of the machine."""

import json
from pathlib import Path

from millpond.engines.spark import environment
from millpond.engines.spark.interface import Order
from millpond.engines.spark.runtime.variables import CONF_VARIABLE, PY_FILES_VARIABLE
from millpond.kernel.processes import Limits, Sandbox

UNCOUNTED_BYTES = 1536 << 20
"""What the process limit allows beyond a process's memory: stacks and arenas that are reserved
but never touched."""
_WRITABLE = ("env", "home", "modules", "spill", "tmp")
"""The folders of a cluster that its processes write. What holds them is ours, so that none can be
replaced by a link to somewhere else."""


class Place:
    """`data` is the platform's data folder, of which a cluster sees its own folder alone; `marker`
    marks its processes; `layers` hold further modules of Python."""

    def __init__(self, data: Path, marker: str, order: Order, layers: tuple[Path, ...]) -> None:
        self.marker = marker
        self.order = order
        self.folder = order.folder.resolve()
        self.programs = self.folder / "env" / "bin"
        self._data = data
        self._layers = layers

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def spill(self) -> Path:
        return self.folder / "spill"

    @property
    def modules(self) -> Path:
        return self.folder / "modules"

    def engine_log(self, suffix: str = "") -> Path:
        return self.folder / "logs" / f"engine{suffix}.log"

    def make_folders(self) -> None:
        """Make what is not there yet; an environment that was made is left as it is."""
        for name in ("conf", "logs", *_WRITABLE):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        lines = (f"{name} {value}\n" for name, value in self.order.properties.items())
        (self.folder / "conf" / "spark-defaults.conf").write_text("".join(lines), "utf-8")
        libraries = environment.libraries(self.order.programs)
        environment.make_environment(
            self.folder / "env",
            made=self.folder / "conf" / "environment-made",
            before=(*self._layers, *libraries),
        )

    def environment(self) -> dict[str, str]:
        """The variables of every process."""
        variables = {
            "PATH": environment.search_path(self.programs),
            "HOME": str(self.home),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            "USER": "hadoop",
            "LOGNAME": "hadoop",
            "VIRTUAL_ENV": str(self.programs.parent),
            "PYTHONUNBUFFERED": "1",
            "PYSPARK_PYTHON": str(self.programs / "python3"),
            "SPARK_CONF_DIR": str(self.folder / "conf"),
            "SPARK_HOME": str(environment.spark_home()),
            CONF_VARIABLE: json.dumps(dict(self.order.properties)),
            PY_FILES_VARIABLE: str(self.modules),
        }
        variables |= environment.access_variables(self.order.access)
        return variables | dict(self.order.environment)

    def limits(self, memory_bytes: int) -> Limits:
        return Limits(memory_bytes=memory_bytes + UNCOUNTED_BYTES)

    def sandbox(self, *more: Path) -> Sandbox:
        """`more` are folders that the process may write besides the cluster's."""
        return Sandbox(
            reads=(self.folder / "conf", *self._layers),
            writes=(*(self.folder / name for name in _WRITABLE), *more),
            hidden=(self._data,),
            private_tmp=self.folder / "tmp",
            network=True,
        )
