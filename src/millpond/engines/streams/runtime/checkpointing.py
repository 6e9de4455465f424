"""The protocol of checkpoints: how the state of a run, its sources and its sinks last together.

    checkpointing = Checkpointing(checkpoints, writers, tables, …)
    if checkpointing.is_due():                          # between two steps
        checkpointing.begin(Cut(checkpointing.states(), …))   # -> steps go on at once
    await checkpointing.snapshot("before-update")       # -> Snapshot; raises SnapshotFailed
    await checkpointing.end()                           # what is not done is given up

A checkpoint begins with a cut of state, positions and watermarks, and a mark in each writer. When
each sink has prepared what came before the mark, and the state is on disk, the manifest is written;
then sinks commit. Only then the next one may begin. What a sink prepared for a checkpoint that
failed is part of what it prepares for the next.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from millpond.engines.streams.interface import Checkpointed, Snapshot, SnapshotFailed
from millpond.engines.streams.runtime.checkpoints import Checkpoints, Cut, NotSynced
from millpond.engines.streams.runtime.packs import Pack
from millpond.engines.streams.runtime.state import StateSnapshot
from millpond.engines.streams.runtime.writers import Writer

_ENDED = "The run has ended."

_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Wanted:
    """A snapshot that somebody waits for."""

    name: str
    taken: asyncio.Future[Snapshot]
    is_last: bool
    is_drained: bool

    def give(self, size_bytes: int) -> None:
        if not self.taken.done():
            self.taken.set_result(Snapshot(self.name, size_bytes))

    def fail(self, reason: str) -> None:
        if not self.taken.done():
            self.taken.set_exception(SnapshotFailed(reason))


class Checkpointing:
    """See the module. `tables`: the names of the sinks' tables, by their nodes, as `writers` are.
    `every_seconds` 0: only when a snapshot is wanted. `wake` is set when there is something to do:
    a snapshot is wanted, or a checkpoint has ended."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        writers: Mapping[str, Writer],
        tables: Mapping[str, str],
        *,
        every_seconds: float,
        pause_seconds: float,
        now_ms: Callable[[], int],
        tell: Callable[[Checkpointed], None],
        wake: asyncio.Event,
    ) -> None:
        self._checkpoints = checkpoints
        self._writers = writers
        self._tables = tables
        self._every_seconds = every_seconds
        self._pause_seconds = pause_seconds
        self._now_ms = now_ms
        self._tell = tell
        self._wake = wake
        self._disk = ThreadPoolExecutor(1, "disk")
        self._wanted: list[_Wanted] = []
        self._running: asyncio.Task[None] | None = None
        self._unsynced: list[Pack] = []
        self._next_s = time.monotonic() + every_seconds
        self._ended = False
        self.is_resting = False
        """Nothing comes after the snapshot that is being taken, or was taken."""

    async def snapshot(
        self, name: str, *, last: bool = False, drain: Callable[[], None] | None = None
    ) -> Snapshot:
        """Have a checkpoint taken now and kept by name; nothing is to come after the `last`. With
        `drain`, which is called, it is the one that the run ends with.

        Raises:
            SnapshotFailed: why not.
        """
        if self._ended:
            raise SnapshotFailed(_ENDED)
        is_taken = await self._on_disk(self._checkpoints.has_snapshot, name)
        if self._ended:
            raise SnapshotFailed(_ENDED)
        if is_taken:
            raise SnapshotFailed(f"There is a snapshot {name} already.")
        wanted = _Wanted(name, asyncio.get_running_loop().create_future(), last, drain is not None)
        self._wanted.append(wanted)
        if drain is not None:
            drain()
        self._wake.set()
        return await wanted.taken

    def wait_s(self) -> float | None:
        """Until the next checkpoint is due; None: it is not known."""
        if self._every_seconds and self._running is None:
            return self._next_s - time.monotonic()
        return None

    def is_due(self) -> bool:
        """Whether a checkpoint should begin, and may."""
        if self._running is not None:
            return False
        wait_s = self.wait_s()
        return bool(self._wanted) or (wait_s is not None and wait_s <= 0)

    def states(self) -> Mapping[str, StateSnapshot]:
        """The states of now, for a cut. For the thread of steps."""
        unsynced, self._unsynced = self._unsynced, []
        self._checkpoints.store.unplace(unsynced)
        return self._checkpoints.store.snapshot()

    def begin(self, cut: Cut, *, is_last: bool = False) -> None:
        """Begin a checkpoint, where none runs. The last one of a run has to succeed, and is the
        snapshot of those alone who had the run drained."""
        wanted = [each for each in self._wanted if each.is_drained or not is_last]
        self._wanted = [each for each in self._wanted if each not in wanted]
        self.is_resting = any(each.is_last for each in wanted)
        number = self._checkpoints.next_number()
        prepared = {name: writer.prepare(number) for name, writer in self._writers.items()}
        self._running = asyncio.create_task(
            self._take(number, cut, prepared, wanted, is_last=is_last)
        )
        self._running.add_done_callback(lambda _: self._wake.set())

    async def settle(self) -> None:
        """Let go of the checkpoint that runs if it has ended.

        Raises:
            BaseException: what it ended with, where the run cannot go on.
        """
        if self._running is not None and self._running.done():
            await self.done()

    async def done(self) -> None:
        """Wait for the checkpoint that runs; raises as `settle` does."""
        if self._running is not None:
            await self._running
            self._running = None

    async def end(self) -> None:
        """Give up what is not done; nothing begins, and nothing is written, afterwards."""
        self._ended = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        for wanted in self._wanted:
            wanted.fail(_ENDED)
        await asyncio.to_thread(self._disk.shutdown, cancel_futures=True)

    async def _take(
        self,
        number: int,
        cut: Cut,
        prepared: Mapping[str, asyncio.Future[Any]],
        wanted: Sequence[_Wanted],
        *,
        is_last: bool,
    ) -> None:
        began_s = time.monotonic()
        try:
            size_bytes = await self._lasting(number, cut, prepared, [each.name for each in wanted])
        except (NotSynced, OSError) as error:
            if isinstance(error, NotSynced):
                self._unsynced = error.packs
            if is_last:
                raise
            self.is_resting = False
            reason = f"The disk does not take it: {error}"
            self._tell(Checkpointed(number, failure=reason))
            for each in wanted:
                each.fail(reason)
        except BaseException:
            for each in wanted:
                each.fail(_ENDED)
            raise
        else:
            duration_ms = int((time.monotonic() - began_s) * 1000)
            self._tell(Checkpointed(number, duration_ms, size_bytes))
            for each in wanted:
                each.give(size_bytes)
        finally:
            self._next_s = max(
                began_s + self._every_seconds, time.monotonic() + self._pause_seconds
            )

    async def _lasting(
        self,
        number: int,
        cut: Cut,
        prepared: Mapping[str, asyncio.Future[Any]],
        snapshots: Sequence[str],
    ) -> int:
        """Make a cut last and commit it; how many bytes of state it holds."""
        placed, *told = await asyncio.gather(
            self._on_disk(self._checkpoints.place, cut),
            *prepared.values(),
            return_exceptions=True,
        )
        for each in (placed, *told):
            if isinstance(each, BaseException):
                raise each
        values = dict(zip(prepared, told, strict=True))
        cut.sinks = {
            name: {"table": self._tables[name], "prepared": value} for name, value in values.items()
        }
        size_bytes = await self._on_disk(
            self._checkpoints.write, number, cut, self._now_ms(), snapshots
        )
        await asyncio.gather(
            *(self._writers[name].sink.commit(number, each) for name, each in values.items())
        )
        return size_bytes

    async def _on_disk(self, work: Callable[..., _Answer], *arguments: Any) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *arguments)
