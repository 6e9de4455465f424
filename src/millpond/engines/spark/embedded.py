"""Spark on Sail: one capped engine process for each cluster, applications beside it.

The engine (`runtime.engine`) runs in the cluster's own Python environment, so that functions which
it runs for a program import what the cluster has. Its memory pool is a share of what the cluster
may use: big aggregations and sorts spill to disk before they hurt, and the process limit ends one
that grows in spite of it.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.spark import environment
from millpond.engines.spark.interface import (
    Application,
    CannotStart,
    Finished,
    Installed,
    Order,
)
from millpond.engines.spark.runtime.variables import CONF_VARIABLE, PY_FILES_VARIABLE
from millpond.kernel.processes import (
    Command,
    Limits,
    NotStarted,
    Process,
    Sandbox,
    Stream,
    start,
)

START_SECONDS_MAX = 60.0
STOP_GRACE_SECONDS = 2.0
POOL_SHARE = 0.6
"""How much of a cluster's memory the engine's operators may reserve; the rest is for what no
reservation covers (decoding, the network, Python functions)."""
UNCOUNTED_BYTES = 1536 << 20
"""What the process limit allows beyond a cluster's memory: stacks and arenas that are reserved
but never touched."""
_LOG_LINES_TOLD = 5
_WRITABLE = ("env", "home", "modules", "spill", "tmp")
"""The folders of a cluster that its processes write. What holds them is ours, so that none can be
replaced by a link to somewhere else."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one cluster may use."""

    memory_bytes: int
    threads: int


class SailSpark:
    """`data` is the platform's data folder, which no cluster can read but for its own folder;
    `marker` marks its processes."""

    def __init__(self, data: Path, marker: str, bounds: Bounds) -> None:
        self._data = data.resolve()
        self._marker = marker
        self._bounds = bounds

    def installed(self) -> Installed | None:
        return environment.find_installed()

    async def start(self, order: Order) -> "SailCluster":
        if self.installed() is None:
            raise CannotStart("There is no Spark engine here: pip install 'millpond[spark]'.")
        cluster = SailCluster(self._data, self._marker, self._bounds, order)
        await cluster.start_engine()
        return cluster


class SailCluster:
    """See `interface.Cluster`."""

    def __init__(self, data: Path, marker: str, bounds: Bounds, order: Order) -> None:
        self._data, self._marker, self._bounds, self._order = data, marker, bounds, order
        self._folder = order.folder.resolve()
        self._engine: Process | None = None
        self._engine_ended: asyncio.Task[object] | None = None
        self._port = 0
        self._starting = asyncio.Lock()
        self._runs: set[SailRun] = set()
        self._stopped = False

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self._port)

    @property
    def is_running(self) -> bool:
        return self._engine_ended is not None and not self._engine_ended.done()

    async def start_engine(self) -> None:
        """Make the cluster's folders; start the engine unless it runs or is not wanted.

        Raises:
            CannotStart: it did not come up; the text has the end of its log.
        """
        async with self._starting:
            if self.is_running:
                return
            programs = await asyncio.to_thread(self._make_folders)
            if not self._order.with_engine:
                return
            log = self._folder / "logs" / "engine.log"
            command = Command(
                (str(programs / "python3"), "-P", "-m", "millpond.engines.spark.runtime.engine"),
                env=self._environment(programs) | self._engine_settings(),
                folder=self._folder / "home",
                marker=self._marker,
                stdout=Stream.PIPE,
                stderr=log,
                limits=self._limits(),
                sandbox=self._sandbox(),
            )
            try:
                self._engine = await start(command)
            except NotStarted as error:
                raise CannotStart(f"The Spark engine of {self._order.name}: {error}") from error
            self._port = await self._hear_port(self._engine, log)
            self._engine_ended = asyncio.ensure_future(self._engine.wait())

    async def run(self, application: Application) -> "SailRun":
        if self._stopped:
            raise CannotStart(f"The cluster {self._order.name} has been stopped.")
        await self.start_engine()
        programs = self._folder / "env" / "bin"
        folder = application.folder
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        spark = {"SPARK_REMOTE": f"sc://127.0.0.1:{self._port}"} if self.is_running else {}
        command = Command(
            application.arguments,
            env=self._environment(programs) | spark | dict(application.environment),
            folder=folder,
            marker=self._marker,
            stdout=application.stdout,
            stderr=application.stderr,
            limits=self._limits(),
            sandbox=self._sandbox(folder),
        )
        try:
            run = SailRun(await start(command))
        except NotStarted as error:
            raise CannotStart(str(error)) from error
        self._runs.add(run)
        run.ended.add_done_callback(lambda _: self._runs.discard(run))
        return run

    async def stop(self) -> None:
        self._stopped = True
        await asyncio.gather(*(run.end(STOP_GRACE_SECONDS) for run in list(self._runs)))
        async with self._starting:
            engine, self._engine = self._engine, None
            if engine is not None:
                await engine.kill()

    async def _hear_port(self, engine: Process, log: Path) -> int:
        assert engine.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                line = await engine.stdout.readline()
            return int(json.loads(line)["port"])
        except (TimeoutError, ValueError) as error:
            ended = await engine.kill()
            text = await asyncio.to_thread(log.read_text, "utf-8", "replace")
            told = " / ".join(text.strip().splitlines()[-_LOG_LINES_TOLD:])
            raise CannotStart(
                f"The Spark engine of {self._order.name} did not come up "
                f"({ended.describe()}): {told}"
            ) from error

    def _make_folders(self) -> Path:
        for name in ("conf", "logs", *_WRITABLE):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        lines = (f"{name} {value}\n" for name, value in self._order.properties.items())
        (self._folder / "conf" / "spark-defaults.conf").write_text("".join(lines), "utf-8")
        return environment.make_environment(
            self._folder / "env", made=self._folder / "conf" / "environment-made"
        )

    def _environment(self, programs: Path) -> dict[str, str]:
        access = self._order.access
        variables = {
            "PATH": environment.search_path(programs),
            "HOME": str(self._folder / "home"),
            "TMPDIR": str(self._folder / "tmp"),
            "LANG": "C.UTF-8",
            "USER": "hadoop",
            "LOGNAME": "hadoop",
            "VIRTUAL_ENV": str(programs.parent),
            "PYTHONUNBUFFERED": "1",
            "PYSPARK_PYTHON": str(programs / "python3"),
            "SPARK_CONF_DIR": str(self._folder / "conf"),
            "SPARK_HOME": str(environment.spark_home()),
            CONF_VARIABLE: json.dumps(dict(self._order.properties)),
            PY_FILES_VARIABLE: str(self._folder / "modules"),
        }
        if access is not None:
            variables |= {
                "AWS_ENDPOINT_URL": access.endpoint,
                "AWS_REGION": access.region,
                "AWS_DEFAULT_REGION": access.region,
                "AWS_ACCESS_KEY_ID": access.access_key_id,
                "AWS_SECRET_ACCESS_KEY": access.secret_access_key,
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            if access.session_token:
                variables["AWS_SESSION_TOKEN"] = access.session_token
        return variables | dict(self._order.environment)

    def _engine_settings(self) -> dict[str, str]:
        pool_bytes = int(self._bounds.memory_bytes * POOL_SHARE)
        settings = {
            "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
            "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(pool_bytes),
            "SAIL_RUNTIME__TEMPORARY_FILES__PATHS": json.dumps([str(self._folder / "spill")]),
            "SAIL_EXECUTION__DEFAULT_PARALLELISM": str(self._bounds.threads),
            "TOKIO_WORKER_THREADS": str(self._bounds.threads),
            "PYTHONPATH": str(self._folder / "modules"),
        }
        if self._order.access is not None:
            settings["AWS_ENDPOINT"] = self._order.access.endpoint
            settings["AWS_ALLOW_HTTP"] = "true"
        return settings

    def _limits(self) -> Limits:
        return Limits(memory_bytes=self._bounds.memory_bytes + UNCOUNTED_BYTES)

    def _sandbox(self, *more: Path) -> Sandbox:
        return Sandbox(
            reads=(self._folder / "conf",),
            writes=(*(self._folder / name for name in _WRITABLE), *more),
            hidden=(self._data,),
            private_tmp=self._folder / "tmp",
            network=True,
        )


class SailRun:
    """See `interface.Run`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.ended = asyncio.ensure_future(process.wait())

    async def wait(self) -> Finished:
        ended = await asyncio.shield(self.ended)
        return Finished(ended.code, ended.describe(), ended.killed)

    def interrupt(self) -> None:
        self._process.signal(2)

    async def end(self, grace_seconds: float) -> Finished:
        await self._process.kill(grace_seconds)
        return await self.wait()
