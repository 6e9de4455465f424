"""Starting processes of the engine, and talking to them."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from millpond.engines.streams.runtime import protocol
from millpond.kernel.processes import Command, Ended, Limits, Process, Sandbox, Stream, start

UNCOUNTED_BYTES = 256 << 20
"""What the process limit allows beyond an application's memory: stacks and arenas that are
reserved but never touched."""
_THREADS_OF_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MAIN = ("-m", "millpond.engines.streams.runtime.main")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a process is: `own` is its working folder, with `tmp`; `data` is hidden from it, but
    for what it may read and write."""

    data: Path
    marker: str
    own: Path
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()

    @property
    def tmp(self) -> Path:
        return self.own / "tmp"


class Broken(Exception):
    """The process said what is no message."""


class Talk:
    """A process of the engine, and the frames between it and us."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.prints = process.stderr
        self._writer = process.stdin
        self._reader = process.stdout

    def say(self, message: protocol.ToProcess) -> None:
        """Send a message; to a process that has ended, nothing."""
        if not self._writer.is_closing():
            self._writer.write(protocol.frame(message))

    async def hear(self) -> protocol.FromProcess | None:
        """Its next message; None once it says nothing more.

        Raises:
            Broken: it is none.
        """
        try:
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            if size > protocol.FRAME_SIZE_BYTES_MAX:
                raise Broken("The application's process sent too long a message.")
            message: protocol.FromProcess = protocol.decode_from_process(
                await self._reader.readexactly(size)
            )
            return message
        except (asyncio.IncompleteReadError, OSError):
            return None
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise Broken(f"The application's process sent what is no message: {error}") from error


async def start_main(
    place: Place,
    mode: Literal["run", "check"],
    *,
    memory_bytes: int,
    network: bool,
) -> Talk:
    """Start `runtime.main` there.

    Raises:
        NotStarted: it cannot be.
    """
    variables = {
        "LANG": "C.UTF-8",
        "HOME": str(place.tmp),
        "TMPDIR": str(place.tmp),
        "AWS_EC2_METADATA_DISABLED": "true",
        # Arrow's own allocator reserves a gigabyte at once, which counts as used; each arena of
        # the system's holds on to what some threads once had.
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "4",
        **dict.fromkeys(_THREADS_OF_LIBRARIES, "1"),
    }
    process = await start(
        Command(
            (sys.executable, "-I", *MAIN, mode),
            env=variables,
            folder=place.tmp,
            marker=place.marker,
            stdin=Stream.PIPE,
            stdout=Stream.PIPE,
            stderr=Stream.PIPE,
            limits=Limits(memory_bytes=memory_bytes + UNCOUNTED_BYTES),
            sandbox=confined(place, network=network, alone=True),
        )
    )
    return Talk(process)


def confined(place: Place, *, network: bool, alone: bool) -> Sandbox:
    """What a process there may reach."""
    return Sandbox(
        reads=place.reads,
        writes=(*place.writes, place.tmp),
        hidden=(place.data,),
        private_tmp=place.tmp,
        network=network,
        alone=alone,
    )


def make_folders(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)


def how_it_ended(ended: Ended, place: str, last_lines: Sequence[str]) -> str:
    """Why a process ended that did not say so itself, for people; `place` is where it stood."""
    told = "\n".join(last_lines).strip()
    if ended.out_of_memory or "std::bad_alloc" in told or "MemoryError" in told:
        return "It ran out of memory and was ended."
    reason = f"The process of the application ended: {ended.describe()}{place}."
    return f"{reason}\n{told}" if told else reason
