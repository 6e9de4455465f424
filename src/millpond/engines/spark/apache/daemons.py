"""A cluster's master and its nodes: Java processes of Apache Spark's standalone mode.

The master hands out the nodes' cores to applications. A node is a worker, which starts and ends the
executors of applications as its children: with it, they all end.

Source: "Spark Standalone Mode" (Spark); `JavaModuleOptions` (what Spark opens of Java's modules).
"""

import asyncio
import json
import socket
from collections.abc import Sequence
from pathlib import Path

from millpond.engines.spark.apache.place import Place
from millpond.engines.spark.interface import CannotStart, Node
from millpond.kernel.processes import Command, NotStarted, Process, Stream, start

MASTER_CLASS = "org.apache.spark.deploy.master.Master"
WORKER_CLASS = "org.apache.spark.deploy.worker.Worker"
METASTORE = "millpond.engines.spark.apache.metastore.server"
METASTORE_BYTES = 512 << 20
METASTORE_SECONDS_MAX = 60.0
HEAP_MIB = 256
"""The heap of a master or worker: they hold lists, no data."""
_PAUSE_SECONDS = 0.02
_LOG_LINES_TOLD = 6
_OPENED = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio"),
    *("java.util", "java.util.concurrent", "java.util.concurrent.atomic"),
    *("jdk.internal.ref", "sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"),
)
_JAVA_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
    "-Dio.netty.tryReflectionSetAccessible=true",
)
_MASTER_OPTIONS = (
    "-Dspark.master.ui.decommission.allow.mode=DENY",
    "-Dspark.ui.killEnabled=false",
    "-Dspark.deploy.retainedApplications=20",
    "-Dspark.deploy.maxExecutorRetries=30",
)
_WORKER_OPTIONS = (
    "-Dspark.decommission.enabled=true",
    "-Dspark.port.maxRetries=0",
    "-Dspark.worker.cleanup.enabled=true",
    "-Dspark.worker.cleanup.interval=600",
    "-Dspark.worker.cleanup.appDataTtl=3600",
)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def start_master(place: Place, port: int, page_port: int) -> Process:
    """The master, which listens when this returns: for nodes and applications on `port`, for
    questions on `page_port`.

    Raises:
        CannotStart: it did not come up; the text has the end of its log.
    """
    log = place.log("master")
    process = await _start(
        place,
        (
            *_MASTER_OPTIONS,
            f"-Djava.io.tmpdir={place.tmp}",
            MASTER_CLASS,
            *("--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page_port)),
        ),
        log,
        HEAP_MIB << 20,
        {},
    )
    ended = asyncio.ensure_future(process.wait())
    try:
        for listened in (port, page_port):
            while not await _listens(listened):
                if ended.done():
                    raise CannotStart(
                        f"The Spark master of {place.order.name} did not come up "
                        f"({ended.result().describe()}): {await end_of(log)}"
                    )
                await asyncio.sleep(_PAUSE_SECONDS)
    except BaseException:
        await process.kill()
        raise
    return process


async def start_worker(place: Place, node: Node, port: int, master: str) -> Process:
    """The worker of a node, which is about to tell the master of itself by its port.

    Raises:
        CannotStart: it could not be started.
    """
    spill, work = place.spill(node.name), place.work(node.name)
    for folder in (spill, work):
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    return await _start(
        place,
        (
            *_WORKER_OPTIONS,
            f"-Djava.io.tmpdir={place.tmp}",
            WORKER_CLASS,
            *("--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"),
            *("--cores", str(node.size.cores), "--memory", f"{node.size.memory_bytes >> 20}M"),
            *("--work-dir", str(work), master),
        ),
        place.log(f"node-{node.name}"),
        node.size.memory_bytes,
        {"SPARK_LOCAL_DIRS": str(spill)},
    )


async def start_metastore(place: Place) -> tuple[Process, int]:
    """The server that shows the Glue Data Catalog as a Hive metastore, and its port.

    Raises:
        CannotStart: it did not come up; the text has the end of its log.
    """
    log = place.log("metastore")
    command = Command(
        (str(place.programs / "python3"), "-P", "-m", METASTORE, place.warehouse),
        env=place.environment(),
        folder=place.home,
        marker=place.marker,
        stdout=Stream.PIPE,
        stderr=log,
        limits=place.limits(METASTORE_BYTES),
        sandbox=place.sandbox(),
    )
    try:
        process = await start(command)
    except NotStarted as error:
        raise CannotStart(f"The metastore of {place.order.name}: {error}") from error
    assert process.stdout is not None
    try:
        async with asyncio.timeout(METASTORE_SECONDS_MAX):
            line = await process.stdout.readline()
        return process, int(json.loads(line)["port"])
    except (TimeoutError, ValueError) as error:
        ended = await process.kill()
        raise CannotStart(
            f"The metastore of {place.order.name} did not come up ({ended.describe()}): "
            f"{await end_of(log)}"
        ) from error


async def end_of(log: Path) -> str:
    """The last lines of a log, for a message."""
    try:
        text = await asyncio.to_thread(log.read_text, "utf-8", "replace")
    except OSError:
        return ""
    return " / ".join(text.strip().splitlines()[-_LOG_LINES_TOLD:])


async def _start(
    place: Place, words: Sequence[str], log: Path, memory_bytes: int, more: dict[str, str]
) -> Process:
    release = place.release
    command = Command(
        (
            str(release.java / "bin" / "java"),
            *("-cp", f"{place.conf}:{release.spark}/jars/*", f"-Xmx{HEAP_MIB}m"),
            *_JAVA_OPTIONS,
            *words,
        ),
        env=place.environment() | more,
        folder=place.home,
        marker=place.marker,
        stdout=log,
        stderr=log,
        limits=place.limits(memory_bytes),
        sandbox=place.sandbox(),
    )
    try:
        return await start(command)
    except NotStarted as error:
        raise CannotStart(f"Apache Spark of {place.order.name}: {error}") from error


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
