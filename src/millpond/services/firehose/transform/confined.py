"""Runs what users wrote (Python functions, jq programs) in processes of its own, confined.

A worker sees its own folder and the system's programs, none of the platform's data, no secrets and
no network, within bounds of memory and time. It is started when it is first asked, kept warm,
ended when it has not been asked for a while, and started again after it died.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from millpond.kernel import processes
from millpond.kernel.ids import Ids
from millpond.services.firehose.delivery.interface import NotNow
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.transform.frames import (
    ANSWER,
    FAULT,
    FRAME_SIZE_BYTES_MAX,
    READY,
    head,
)

IDLE_SECONDS_MAX = 60.0
START_SECONDS_MAX = 30.0
_OUTPUT_SIZE_BYTES_MAX = 1 << 20
"""How much of what a worker printed is kept."""
_FILE_SIZE_BYTES_MAX = 512 << 20
_RUN = uuid.uuid4().hex
"""This run of the platform: folders of workers that are not of it are left over."""

_log = logging.getLogger(__name__)


class WorkerEnded(Exception):
    """The worker died instead of answering; the text says how."""


class WorkerTimedOut(Exception):
    """The worker took too long, and was ended."""


class WorkerFault(Exception):
    """The worker says that it could not answer: what its program raised."""


class WorkerNotLoaded(WorkerFault):
    """The program cannot be loaded: what it says of that. Asking again would say the same."""


@dataclass(frozen=True, slots=True)
class Program:
    """A module of ours that a worker runs, its arguments, and its bound of memory. `network`: it
    runs nothing that users wrote, and reaches the platform."""

    module: str
    arguments: tuple[str, ...]
    memory_bytes: int
    network: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where workers live: `folder` gets one folder for each, `hidden` is what they must not see,
    `marker` marks them as the platform's."""

    folder: Path
    hidden: Path
    marker: str
    ids: Ids


def place_of(needs: Needs) -> Place:
    """Firehose's place for workers, which see nothing of the data folder around it."""
    return Place(needs.folder / "workers", needs.folder.parent, needs.marker, needs.ids)


Prepare = Callable[[Path], Awaitable[None]]
"""Puts what the program needs into the folder `in` of a worker, before it starts."""


class Worker:
    """One worker at most, and how to ask it. To be asked one thing at a time."""

    def __init__(self, place: Place, program: Program, prepare: Prepare | None = None) -> None:
        self._place = place
        self._program = program
        self._prepare = prepare
        self._running: _Running | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The process id of the worker, None when none runs."""
        return None if self._running is None else self._running.process.pid

    async def ask(self, question: bytes, seconds_max: float) -> bytes:
        """The worker's answer.

        Raises:
            NotNow: no process can be started.
            WorkerFault: its program failed; it goes on.
            WorkerNotLoaded: it has no program that could be asked.
            WorkerEnded, WorkerTimedOut: it is gone; the next question starts another.
        """
        self._stay()
        try:
            if self._running is None:
                self._running = await self._start()
            running = self._running
            try:
                async with asyncio.timeout(seconds_max):
                    return await running.ask(question)
            except TimeoutError:
                raise WorkerTimedOut(f"There was no answer in {seconds_max:g} seconds.") from None
        except WorkerFault:
            raise
        except BaseException:
            await self.end()
            raise
        finally:
            self._leave_soon()

    def printed(self) -> str:
        """The end of what the worker has written to its standard streams."""
        return "" if self._running is None else self._running.printed()

    async def end(self) -> None:
        """End the worker, if one runs."""
        running, self._running = self._running, None
        self._stay()
        if running is not None:
            await asyncio.shield(self._spawn(running.end()))

    async def close(self) -> None:
        """End the worker for good."""
        await self.end()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _start(self) -> "_Running":
        own = self._place.folder / _RUN / self._place.ids.hex(8)
        try:
            await asyncio.to_thread(_make_folders, own)
            if self._prepare is not None:
                await self._prepare(own / "in")
            running = _Running(await processes.start(self._command(own)), own)
        except processes.NotStarted as error:
            await asyncio.to_thread(shutil.rmtree, own, ignore_errors=True)
            raise NotNow("InternalError", f"A process cannot be started: {error}") from error
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, own, ignore_errors=True)
            raise
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await running.wait_for_ready()
        except TimeoutError:
            await running.end()
            raise WorkerTimedOut(
                f"The program was not loaded within {START_SECONDS_MAX:g} seconds."
            ) from None
        except BaseException:
            await running.end()
            raise
        return running

    def _command(self, own: Path) -> processes.Command:
        temporary = str(own / "tmp")
        return processes.Command(
            (sys.executable, "-I", "-m", self._program.module, *self._program.arguments),
            env={
                "LANG": "C.UTF-8",
                "HOME": temporary,
                "TMPDIR": temporary,
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
            folder=own,
            marker=self._place.marker,
            stdin=processes.Stream.PIPE,
            stdout=processes.Stream.PIPE,
            stderr=own / "printed",
            limits=processes.Limits(
                memory_bytes=self._program.memory_bytes,
                files_open=1024,
                file_size_bytes=_FILE_SIZE_BYTES_MAX,
            ),
            sandbox=processes.Sandbox(
                reads=(own / "in",),
                writes=(own / "tmp",),
                hidden=(self._place.hidden,),
                private_tmp=own / "tmp",
                network=self._program.network,
                alone=not self._program.network,
            ),
        )

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave_soon(self) -> None:
        if self._running is not None:
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS_MAX, self._leave)

    def _leave(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            self._spawn(running.end())

    def _spawn(self, ending: "Awaitable[None]") -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.ensure_future(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task


class _Running:
    """The near end of a worker process."""

    def __init__(self, process: processes.Process, folder: Path) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process = process
        self._folder = folder
        self._writer = process.stdin
        self._reader = process.stdout

    async def wait_for_ready(self) -> None:
        kind, content = await self._hear()
        if kind == FAULT:
            raise WorkerNotLoaded(content.decode(errors="replace"))
        if kind != READY:
            raise WorkerEnded("The process does not speak as it should.")

    async def ask(self, question: bytes) -> bytes:
        self._writer.write(head(ANSWER, len(question)))
        self._writer.write(question)
        kind, content = await self._hear()
        if kind == FAULT:
            raise WorkerFault(content.decode(errors="replace"))
        if kind != ANSWER:
            raise WorkerEnded("The process does not speak as it should.")
        return content

    async def _hear(self) -> tuple[bytes, bytes]:
        try:
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            if not 1 <= size <= FRAME_SIZE_BYTES_MAX:
                raise WorkerEnded(f"The process gave an answer of {size} bytes.")
            content = await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            ended = await self.process.kill()
            _log.info("A worker ended: %s\n%s", ended.describe(), self.printed())
            raise WorkerEnded(f"The process ended: {ended.describe()}.") from None
        self._shorten()
        return content[:1], content[1:]

    def printed(self) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / "printed").read_text(errors="replace")[-4000:]
        return ""

    def _shorten(self) -> None:
        """Forget what was printed before it fills the disk."""
        path = self._folder / "printed"
        with contextlib.suppress(OSError):
            if path.stat().st_size > _OUTPUT_SIZE_BYTES_MAX:
                os.truncate(path, 0)

    async def end(self) -> None:
        await self.process.kill()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


def _make_folders(own: Path) -> None:
    for name in ("in", "tmp"):
        (own / name).mkdir(parents=True)
    for earlier in own.parents[1].iterdir():
        if earlier.name != _RUN:
            shutil.rmtree(earlier, ignore_errors=True)
