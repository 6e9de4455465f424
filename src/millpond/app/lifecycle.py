"""The order in which the platform starts and ends.

Start: lock the folder, end what an earlier server left running, open the engines, answer requests,
take up background work. End (Ctrl-C, SIGTERM): background work first, while its processes can still
reach us; then requests; then the engines.
"""

import asyncio
import ipaddress
import logging
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Mapping

import uvloop

from millpond.app.config import Settings
from millpond.app.credentials import KeyPair, StoredCredentials, load_or_create_root
from millpond.app.folder import DataFolder, Run
from millpond.app.shell_spark import ShellSpark
from millpond.app.wiring import Address, Platform, marker_of, open_platform
from millpond.engines.spark.interface import SAIL
from millpond.gateway.adapter import serve as serve_http
from millpond.kernel.clock import SystemClock
from millpond.kernel.errors import EngineError
from millpond.kernel.ids import SystemIds
from millpond.kernel.processes import probe, sweep_leftovers

UPKEEP_EACH_SECONDS = 3600.0

_log = logging.getLogger("millpond")

Greet = Callable[[Settings, Run], None]


class NotServing(Exception):
    """The server could not start, or ended by itself; the message says why."""


def serve(settings: Settings, environment: Mapping[str, str], greet: Greet) -> None:
    """Serve until SIGINT or SIGTERM. `greet` is called once clients can connect.

    Raises:
        NotServing, FolderUnusable, BadRootCredentials: it could not start; the text says why.
    """
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    _allow_many_files()
    folder = DataFolder.open(settings.data)
    try:
        leftovers = sweep_leftovers(marker_of(settings.data))
        if leftovers:
            _log.warning("Ended %d processes that an earlier server had left.", leftovers)
        root = load_or_create_root(settings.data, environment, SystemIds())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_Server(settings, folder, root, greet).run())
    except EngineError as error:
        raise NotServing(str(error)) from error
    finally:
        folder.close()


class _Server:
    """One run of the server, from its first await to its last."""

    def __init__(self, settings: Settings, folder: DataFolder, root: KeyPair, greet: Greet) -> None:
        self._settings, self._folder, self._root, self._greet = settings, folder, root, greet
        self._clock = SystemClock()
        self._address = Address()
        self._shell: ShellSpark
        self._spark_remote = ""
        self._ready, self._told_to_stop, self._stopping = (asyncio.Event() for _ in range(3))

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop_on, number)
        settings, ids = self._settings, SystemIds()
        platform = open_platform(settings, self._root, self._clock, ids, self._address)
        async with platform as opened:
            self._shell = ShellSpark(
                settings, opened.sparks[SAIL], opened.credentials, self._clock, self._address
            )
            try:
                await self._open_shell()
                await self._answer(opened)
            finally:
                await self._shell.close()

    async def _open_shell(self) -> None:
        try:
            self._spark_remote = await self._shell.open()
        except OSError as error:
            port = self._settings.spark_port
            raise NotServing(f"Cannot listen on --spark-port {port}: {error.strerror}.") from error

    async def _answer(self, platform: Platform) -> None:
        """Answer requests until we are told to stop, with background work inside that time."""
        settings = self._settings
        http = asyncio.create_task(
            serve_http(
                platform.gateway,
                settings.host,
                settings.port,
                ready=self._announce,
                stopping=self._stopping,
                stop_seconds=settings.stop_seconds,
            )
        )
        try:
            if await _reached(self._ready, http):
                await self._work(platform, http)
        finally:
            self._stopping.set()
            await asyncio.wait((http,))
        try:
            http.result()
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise NotServing(f"Cannot serve on {where}: {error.strerror}.") from error
        except RuntimeError as error:
            raise NotServing(str(error)) from error

    async def _work(self, platform: Platform, http: asyncio.Task[None]) -> None:
        upkeep = asyncio.create_task(self._upkeep(platform.credentials))
        try:
            await platform.supervisor.start()
            await _reached(self._told_to_stop, http)
            await platform.supervisor.stop(self._settings.stop_seconds)
        finally:
            upkeep.cancel()

    async def _upkeep(self, credentials: StoredCredentials) -> None:
        """What nobody waits for: say what isolation there is, forget what has expired."""
        try:
            isolation = await asyncio.to_thread(probe)
            level = logging.INFO if isolation.landlock_abi else logging.WARNING
            _log.log(level, "Programs of users are confined by: %s.", isolation.describe())
        except (OSError, subprocess.SubprocessError):
            _log.exception("What isolation there is could not be found out.")
        while True:
            try:
                await credentials.remove_expired()
            except EngineError:
                _log.exception("Expired credentials could not be removed.")
            await self._clock.sleep(UPKEEP_EACH_SECONDS)

    def _announce(self, host: str, port: int) -> None:
        """Clients can connect: say where."""
        self._address.endpoint = endpoint_of(host, port)
        if not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            _log.warning(
                "Other machines can reach %s. Every request must be signed, but nothing is "
                "encrypted: serve on a network that you trust.",
                f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            )
        run = Run(
            pid=os.getpid(),
            endpoint=self._address.endpoint,
            region=self._settings.region,
            access_key_id=self._root.access_key_id,
            started_ms=self._clock.now_ms(),
            spark_remote=self._spark_remote,
            spark_token=self._shell.token,
        )
        self._folder.announce(run)
        self._greet(self._settings, run)
        self._ready.set()

    def _stop_on(self, number: signal.Signals) -> None:
        """Stop; the same signal once more ends the process at once."""
        self._told_to_stop.set()
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)


def endpoint_of(host: str, port: int) -> str:
    """The URL by which this machine reaches a server that listens on `host`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


async def _reached(event: asyncio.Event, http: asyncio.Task[None]) -> bool:
    """Wait for the event, or for the end of the HTTP server (False)."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait((waiting, http), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    return event.is_set()


def _allow_many_files() -> None:
    """Raise the bound on open files to what we may have: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
