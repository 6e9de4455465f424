"""Streams on DuckDB and Arrow: one process for each application.

The server starts the process, gives it its order, hears its events and watches over it (`run`);
what an application does happens in there (`runtime.main`). Nothing here imports what runs there.

An application's process reads its program, what that requires and the system; it writes `state`,
`connectors`, `spill` and `tmp` in its folder. It has the network, and starts no other processes.
"""

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from millpond.engines.streams.checker import Checker
from millpond.engines.streams.interface import (
    Access,
    CannotStart,
    Checked,
    Installed,
    Logged,
    Order,
    Program,
    Restore,
)
from millpond.engines.streams.launching import UNCOUNTED_BYTES, Place, make_folders, start_main
from millpond.engines.streams.options import Options
from millpond.engines.streams.requirements import Requirements
from millpond.engines.streams.run import ApplicationRun
from millpond.engines.streams.runtime import protocol
from millpond.engines.streams.runtime.manifests import Manifests
from millpond.kernel.processes import NotStarted

BASE_BYTES = 160 << 20
"""What the interpreter and its libraries take before the first row."""
COMPUTE_SHARE, STATE_SHARE = 0.4, 0.25
"""Of what is left: DuckDB's bound, and the state that is held in memory. The rest is for rows on
their way, functions and connectors."""
SHARE_BYTES_MIN = 32 << 20
_NEEDED = ("aiohttp", "boto3", "duckdb", "numpy", "pyarrow", "sqlglot")
_WRITABLE = ("state", "connectors", "spill")


class EmbeddedStreams:
    """`data` is the platform's data folder, which applications cannot read but for their own
    folders; `marker` marks its processes. What is kept for all applications is in
    `data / "streams"`."""

    def __init__(self, data: Path, marker: str, options: Options | None = None) -> None:
        self._data = data.resolve()
        self._marker = marker
        self._options = options or Options()
        folder = self._data / "streams"
        self._checker = Checker(self._data, marker, folder / "checks", self._options)
        self._requirements = Requirements(
            self._data, marker, folder / "requirements", self._options
        )
        self._runs: set[ApplicationRun] = set()
        self._folders: set[Path] = set()

    @classmethod
    def open(cls, data: Path, marker: str, options: Options | None = None) -> "EmbeddedStreams":
        """The engine on `data`, without what an earlier one left half done."""
        folder = data / "streams"
        shutil.rmtree(folder / "checks", ignore_errors=True)
        for left in (folder / "requirements").glob("*.new"):
            shutil.rmtree(left, ignore_errors=True)
        return cls(data, marker, options)

    async def close(self) -> None:
        """End all processes."""
        await asyncio.gather(*(run.kill() for run in list(self._runs)), self._checker.close())

    def installed(self) -> Installed | None:
        try:
            for name in _NEEDED:
                version(name)
        except PackageNotFoundError:
            return None
        return Installed("DuckDB", version("duckdb"))

    async def check(self, program: Program, access: Access | None = None) -> Checked:
        self._look()
        requirements = await self._requirements.ready(program.folder, lambda line: None)
        return await self._checker.check(program, requirements, access)

    async def start(self, order: Order) -> ApplicationRun:
        self._look()
        told: list[Logged] = []
        own = order.folder.resolve()
        if own in self._folders:
            raise CannotStart(f"The application {order.name} runs already.")
        self._folders.add(own)
        try:
            run = await self._start(order, told)
            run.when_ended(lambda _: self._folders.discard(own))
            await run.until_ready(self._options.start_seconds)
        except BaseException:
            self._folders.discard(own)
            raise
        return run

    async def _start(self, order: Order, told: list[Logged]) -> ApplicationRun:
        requirements = await self._requirements.ready(
            order.program.folder,
            lambda line: told.append(Logged(time.time_ns() // 1_000_000, "INFO", line)),
        )
        program = [] if order.program.folder is None else [order.program.folder.resolve()]
        place = await asyncio.to_thread(self._place, order, [*program, *requirements])
        try:
            talk = await start_main(place, "run", memory_bytes=order.memory_bytes, network=True)
        except NotStarted as error:
            raise CannotStart(f"The application {order.name}: {error}") from error
        folders = [str(folder) for folder in (*program, *requirements)]
        talk.say(_order(order, place, folders))
        most = order.memory_bytes + UNCOUNTED_BYTES
        run = ApplicationRun(talk, place.tmp, folders, self._options, told, most)
        self._runs.add(run)
        run.when_ended(self._runs.discard)
        return run

    async def delete_snapshot(self, folder: Path, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(Manifests(folder).remove_snapshot, name)

    async def delete_state(self, folder: Path) -> None:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _look(self) -> None:
        if self.installed() is None:
            raise CannotStart("There is no streams engine here: pip install 'millpond[streams]'.")

    def _place(self, order: Order, reads: Sequence[Path]) -> Place:
        """Where it runs; nothing temporary of an earlier run is left there."""
        own = order.folder.resolve()
        for name in ("spill", "tmp"):
            shutil.rmtree(own / name, ignore_errors=True)
        make_folders(*(own / name for name in (*_WRITABLE, "tmp")))
        return Place(
            data=self._data,
            marker=self._marker,
            own=own,
            reads=(own, *reads),
            writes=tuple(own / name for name in _WRITABLE),
        )


def _order(order: Order, place: Place, folders: Sequence[str]) -> protocol.Order:
    left = max(order.memory_bytes - BASE_BYTES, 0)
    program = order.program
    return protocol.Order(
        name=order.name,
        program=protocol.ProgramText(
            program.language, program.sql, folders, program.tables, program.settings
        ),
        access=order.access,
        folder=str(place.own),
        spill_folder=str(place.own / "spill"),
        snapshot=order.restore if isinstance(order.restore, str) else None,
        latest=order.restore is Restore.LATEST,
        origin=order.origin,
        allow_non_restored_state=order.allow_non_restored_state,
        threads=max(1, min(order.parallelism, os.cpu_count() or 1)),
        compute_bytes=max(SHARE_BYTES_MIN, int(left * COMPUTE_SHARE)),
        state_bytes=max(SHARE_BYTES_MIN, int(left * STATE_SHARE)),
        checkpoint_seconds=order.checkpoint_seconds,
        checkpoint_pause_seconds=order.checkpoint_pause_seconds,
        log_level=order.log_level,
    )
