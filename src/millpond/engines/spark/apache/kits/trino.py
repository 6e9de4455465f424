"""Trino on a cluster: a server process of its own, for the tables of the catalog.

It runs on a Java of its own, newer than Spark's, and listens on this machine alone.

Source: "Deploying Trino", "Hive connector", "S3 file system support" (Trino).
"""

import asyncio
import json
from pathlib import Path

from millpond.engines.spark.apache import daemons
from millpond.engines.spark.apache.kits.kit import TRINO
from millpond.engines.spark.apache.kits.unpack import JAVA
from millpond.engines.spark.apache.place import Place
from millpond.engines.spark.apache.state import get_json
from millpond.engines.spark.interface import CannotStart, Size
from millpond.kernel.processes import Command, NotStarted, Process, start

SECONDS_MAX = 180.0
_PAUSE_SECONDS = 0.1
_HEAP_SHARE = 0.4
_HEAP_MIB_MIN = 640
_MAIN = "io.trino.server.TrinoServer"
_OPTIONS = (
    *("-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"),
    *("-Dfile.encoding=UTF-8", "-Djdk.attach.allowAttachSelf=true"),
)


def heap_mib(memory_bytes: int) -> int:
    """The server's heap on a cluster with so much memory."""
    return max(int(memory_bytes * _HEAP_SHARE) >> 20, _HEAP_MIB_MIN)


async def start_trino(
    place: Place, size: Size, capacity: Size, port: int, metastore_port: int | None
) -> Process:
    """The server, which answers queries on `port` when this returns.

    Raises:
        CannotStart: it did not come up; the text has the end of its log.
    """
    folder, kit = place.conf / "trino", place.kits[TRINO]
    await asyncio.to_thread(_write_settings, place, size, port, metastore_port)
    settings = {
        "config": folder / "config.properties",
        "catalog.config-dir": folder / "catalog",
        "plugin.dir": kit / "server" / "plugin",
        "node.environment": "millpond",
        "node.id": place.order.name,
        "node.data-dir": place.work("trino"),
        "node.bind-ip": "127.0.0.1",
        "node.internal-address": "127.0.0.1",
        "java.io.tmpdir": place.tmp,
        "jna.tmpdir": place.tmp,
        "user.home": place.home,
    }
    log = place.log("trino")
    command = Command(
        (
            *(str(kit / JAVA), "-cp", f"{kit}/server/lib/*", f"-Xmx{heap_mib(size.memory_bytes)}m"),
            *(f"-XX:ActiveProcessorCount={size.cores}", *_OPTIONS),
            *(f"-D{name}={value}" for name, value in settings.items()),
            _MAIN,
        ),
        env=place.environment(),
        folder=place.home,
        marker=place.marker,
        stdout=log,
        stderr=log,
        limits=place.limits(capacity.memory_bytes),
        sandbox=place.sandbox(),
    )
    try:
        process = await start(command)
    except NotStarted as error:
        raise CannotStart(f"Trino of {place.order.name}: {error}") from error
    ended = asyncio.ensure_future(process.wait())
    try:
        async with asyncio.timeout(SECONDS_MAX):
            while not await _answers(port):
                if ended.done():
                    raise CannotStart(
                        f"Trino of {place.order.name} did not come up "
                        f"({ended.result().describe()}): {await daemons.end_of(log)}"
                    )
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        await process.kill()
        raise CannotStart(f"Trino of {place.order.name} did not come up in time.") from None
    except BaseException:
        await process.kill()
        raise
    return process


async def _answers(port: int) -> bool:
    told = await get_json(port, "/v1/info")
    return isinstance(told, dict) and told.get("starting") is False


def _write_settings(place: Place, size: Size, port: int, metastore_port: int | None) -> None:
    folder = place.conf / "trino"
    heap = heap_mib(size.memory_bytes)
    _write(
        folder / "config.properties",
        {
            "coordinator": "true",
            "node-scheduler.include-coordinator": "true",
            "http-server.http.port": port,
            "discovery.uri": f"http://127.0.0.1:{port}",
            "query.max-memory": f"{heap // 2}MB",
            "query.max-memory-per-node": f"{heap // 2}MB",
            "memory.heap-headroom-per-node": f"{heap // 5}MB",
        },
    )
    kit = place.kits[TRINO]
    client = {
        "server": f"http://127.0.0.1:{port}",
        "java": str(kit / JAVA),
        "jar": str(next(kit.glob("trino-cli-*.jar"))),
    }
    (folder / "client.json").write_text(json.dumps(client), "utf-8")
    catalogs = folder / "catalog"
    _write(catalogs / "memory.properties", {"connector.name": "memory"})
    _write(catalogs / "tpch.properties", {"connector.name": "tpch"})
    access = place.order.access
    if access is not None and metastore_port is not None:
        _write(
            catalogs / "hive.properties",
            {
                "connector.name": "hive",
                "hive.metastore.uri": f"thrift://127.0.0.1:{metastore_port}",
                "hive.non-managed-table-writes-enabled": "true",
                "hive.collect-column-statistics-on-write": "false",
                "fs.native-s3.enabled": "true",
                "s3.endpoint": access.endpoint,
                "s3.region": access.region,
                "s3.path-style-access": "true",
            },
        )


def _write(path: Path, settings: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), "utf-8")
