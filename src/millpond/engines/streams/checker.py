"""Checks: programs are planned in a process that reaches nothing.

A process is kept ready, as loading the planner takes longer than planning. One that has seen a
program's own files is not used again; nor is one that may ask a catalog, which has the network.
"""

import asyncio
import contextlib
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from millpond.engines.streams.interface import Access, CannotStart, Checked, Program, Refused
from millpond.engines.streams.launching import (
    Broken,
    Place,
    Talk,
    how_it_ended,
    make_folders,
    start_main,
)
from millpond.engines.streams.options import Options
from millpond.engines.streams.runtime import protocol
from millpond.kernel.processes import NotStarted

_PRINTS_SIZE_BYTES_MAX = 8192


class Checker:
    """Checks programs in processes below `folder`."""

    def __init__(self, data: Path, marker: str, folder: Path, options: Options) -> None:
        self._data = data
        self._marker = marker
        self._folder = folder
        self._options = options
        self._spare: asyncio.Task[_Process] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def check(
        self, program: Program, requirements: Sequence[Path], access: Access | None
    ) -> Checked:
        """See `interface.Streams.check`. `requirements` are folders of modules."""
        answer = await self._answer(program, requirements, None)
        if isinstance(answer, protocol.Failed) and answer.needs_access and access is not None:
            answer = await self._answer(program, requirements, access)
        match answer:
            case protocol.Checked(plan, sources, sinks):
                return Checked(plan, sources, sinks)
            case protocol.Wrong(text, line, column, needs_flink):
                raise Refused(text, line, column, needs_flink=needs_flink)
            case protocol.Failed(text, needs_access):
                if needs_access:
                    raise Refused("The program uses a catalog, which cannot be asked here.")
                raise CannotStart(text)
        raise CannotStart("The check of the program was answered by something else.")

    async def close(self) -> None:
        """End its processes."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        spare, self._spare = self._spare, None
        if spare is not None:
            self._end_later(spare)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _answer(
        self, program: Program, requirements: Sequence[Path], access: Access | None
    ) -> protocol.FromProcess:
        process = await self._take(requirements, access)
        is_sound = False
        try:
            folders = await asyncio.to_thread(process.hand_over, program.folder)
            text = protocol.ProgramText(
                program.language,
                program.sql,
                [*folders, *map(str, requirements)],
                program.tables,
                program.settings,
            )
            async with asyncio.timeout(self._options.check_seconds):
                answer = await process.ask(protocol.Check(text, access))
            is_sound = program.folder is None and not requirements and access is None
            return answer
        except TimeoutError:
            return protocol.Wrong(
                f"The program could not be planned within {self._options.check_seconds:g} s: "
                "its Python files take too long to import."
            )
        finally:
            if is_sound and self._spare is None and not self._closed:
                self._keep(process)
            else:
                self._end_later(process)
                if self._spare is None and not self._closed:
                    self._keep(asyncio.create_task(self._start((), network=False)))

    async def _take(self, requirements: Sequence[Path], access: Access | None) -> "_Process":
        if access is not None or requirements:
            return await self._start(requirements, network=access is not None)
        spare, self._spare = self._spare, None
        if spare is not None:
            with contextlib.suppress(CannotStart):
                process = await spare
                if not process.has_ended:
                    return process
        return await self._start((), network=False)

    def _keep(self, spare: "asyncio.Task[_Process] | _Process") -> None:
        self._spare = asyncio.create_task(_itself(spare)) if isinstance(spare, _Process) else spare
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._options.check_idle_seconds, self._end_spare)

    def _end_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            self._end_later(spare)

    def _end_later(self, process: "asyncio.Task[_Process] | _Process") -> None:
        task = asyncio.create_task(_end(process))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _start(self, reads: Sequence[Path], *, network: bool) -> "_Process":
        own = self._folder / uuid.uuid4().hex
        place = Place(
            data=self._data,
            marker=self._marker,
            own=own,
            reads=(own / "program", *reads),
        )
        await asyncio.to_thread(make_folders, own / "program", place.tmp)
        try:
            talk = await start_main(
                place, "check", memory_bytes=self._options.check_memory_bytes, network=network
            )
        except NotStarted as error:
            await asyncio.to_thread(shutil.rmtree, own, ignore_errors=True)
            raise CannotStart(str(error)) from error
        return _Process(talk, own)


class _Process:
    """One that checks; what it prints is drained, and its last words kept."""

    def __init__(self, talk: Talk, own: Path) -> None:
        self._talk = talk
        self._own = own
        self._prints = b""
        self._draining = asyncio.create_task(self._drain())

    @property
    def has_ended(self) -> bool:
        return self._draining.done()

    def hand_over(self, folder: Path | None) -> list[str]:
        """Put a program's files where the process sees them; its folder there."""
        if folder is None:
            return []
        target = self._own / "program"
        shutil.copytree(folder, target, copy_function=_linked, dirs_exist_ok=True, ignore=_links_in)
        return [str(target)]

    async def ask(self, check: protocol.Check) -> protocol.FromProcess:
        self._talk.say(check)
        try:
            answer = await self._talk.hear()
        except Broken as error:
            return protocol.Failed(str(error))
        if answer is not None:
            return answer
        ended = await self._talk.process.kill()
        await self._draining
        lines = self._prints.decode(errors="replace").splitlines()[-20:]
        return protocol.Wrong(f"The program cannot be planned. {how_it_ended(ended, '', lines)}")

    async def _drain(self) -> None:
        while data := await self._talk.prints.read(1 << 16):
            self._prints = (self._prints + data)[-_PRINTS_SIZE_BYTES_MAX:]

    async def end(self) -> None:
        await self._talk.process.kill()
        await asyncio.gather(self._draining, return_exceptions=True)
        await asyncio.to_thread(shutil.rmtree, self._own, ignore_errors=True)


async def _itself(process: _Process) -> _Process:
    return process


async def _end(process: "asyncio.Task[_Process] | _Process") -> None:
    if isinstance(process, asyncio.Task):
        with contextlib.suppress(CannotStart):
            await (await process).end()
    else:
        await process.end()


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target)


def _links_in(folder: str, names: list[str]) -> list[str]:
    """Links are left out: what they point to is not the program's."""
    return [name for name in names if (Path(folder) / name).is_symlink()]
