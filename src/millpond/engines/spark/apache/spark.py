"""Apache Spark as a runtime: see `interface.Spark`."""

import asyncio
from pathlib import Path

from millpond.engines.spark.apache.cluster import ApacheCluster
from millpond.engines.spark.apache.kits.kit import kits_of, with_needs
from millpond.engines.spark.apache.place import Place
from millpond.engines.spark.apache.releases import Releases
from millpond.engines.spark.apache.versions import Version
from millpond.engines.spark.environment import GLUE
from millpond.engines.spark.interface import CannotStart, Installed, Order, Size
from millpond.engines.spark.modules import PythonModules

_PROGRAMS = frozenset({"Spark", GLUE})


class ApacheSpark:
    """`data` is the platform's data folder, which no cluster can read but for its own folder;
    `marker` marks its processes; `capacity` is what one cluster may use."""

    def __init__(
        self, data: Path, marker: str, capacity: Size, releases: Releases, version: Version
    ) -> None:
        self._data = data.resolve()
        self._marker, self._capacity = marker, capacity
        self._releases, self._version = releases, version
        self._modules = PythonModules(self._data, marker, self._data / "python-modules")

    def installed(self) -> Installed | None:
        if not (self._releases.is_made(self._version) or self._releases.can_be_made()):
            return None
        spark = self._version.spark
        kits = kits_of(self._version)
        programs = {name: kit.version for name, kit in kits.items()}
        return Installed(spark, "Apache Spark", spark, programs)

    def capacity(self) -> Size:
        return self._capacity

    async def start(self, order: Order) -> ApacheCluster:
        if self.installed() is None:
            raise CannotStart(
                f"Apache Spark {self._version.spark} cannot be had here: it is fetched by pip, "
                "which is missing: pip install 'millpond[spark]'."
            )
        kits = kits_of(self._version)
        missing = sorted(set(order.programs) - _PROGRAMS - kits.keys())
        if missing:
            raise CannotStart(
                f"{', '.join(missing)}: not there on Apache Spark {self._version.spark}."
            )
        release = await self._releases.ready(self._version, order.progress)
        layers = await self._modules.ready(release.python, order.python_modules, order.progress)
        made = {
            kit.application: await self._releases.ready_kit(kit, release, order.progress)
            for kit in with_needs(order.programs, kits)
        }
        place = Place(self._data, self._marker, order, release, layers, made)
        await asyncio.to_thread(place.make_folders)
        cluster = ApacheCluster(place, self._capacity)
        try:
            await cluster.start_engine()
        except BaseException:
            await cluster.stop()
            raise
        return cluster
