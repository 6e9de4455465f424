"""The loop of a run: sources push in, steps compute, sinks write, checkpoints make it last.

    loop = Loop(plan, compute, Settings(folder=…), tell, sources=…, sinks=…, lookups=…)
    await loop.open()                  # restored, sources and sinks are open; raises CannotStart
    task = asyncio.create_task(loop.run())        # -> Finished, however it ends; never raises
    await loop.snapshot("before-update")          # -> Snapshot; raises SnapshotFailed
    loop.stop(drain=True)                         # run() answers soon after
    loop.step_began_s                  # time.monotonic() of the step that runs now, None: none does

`tell` gets `Measured` once a second and at the end, `Checkpointed`, `Logged`. `sources`, `sinks`
and `lookups` are those of connectors/interface.py by the ids of the plan's nodes.

Steps run in one thread, one after another, and everything else in the event loop: sources fill the
inbox, each sink empties its writer. A step begins when something arrived, after a pause that grows
with what steps cost, or at once when much waits.

A checkpoint begins between two steps, and steps go on at once; checkpointing.py says the rest.
"""

import asyncio
import functools
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from millpond.engines.streams.connectors.interface import (
    Arrival,
    Lookup,
    Sink,
    SinkFailed,
    Source,
    SourceFailed,
    Traffic,
)
from millpond.engines.streams.interface import (
    CannotStart,
    Event,
    Finished,
    Logged,
    Restore,
    Snapshot,
    SnapshotFailed,
)
from millpond.engines.streams.operators.interface import Compute
from millpond.engines.streams.plan import LookupJoin, Plan
from millpond.engines.streams.runtime.checkpointing import Checkpointing
from millpond.engines.streams.runtime.checkpoints import Checkpoints, Cut, NotSynced
from millpond.engines.streams.runtime.figures import measured
from millpond.engines.streams.runtime.inbox import Inbox
from millpond.engines.streams.runtime.pipeline import Failure, Pipeline
from millpond.engines.streams.runtime.readings import Reading, most_behind_ms, saved
from millpond.engines.streams.runtime.references import Reference
from millpond.engines.streams.runtime.restoring import Restored, matched
from millpond.engines.streams.runtime.state import without_end
from millpond.engines.streams.runtime.writers import Writer
from millpond.kernel.files import Files

PAUSE_SHARE = 2.0
"""How long a step waits for more after the one before, in that one's durations."""
PAUSE_SECONDS_MAX = 0.04
FAILURES_TOLD_MAX = 20
"""Rows that failed, told in a step one by one."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to run; see `interface.Order`. `state_memory_bytes`: state beyond it lies on disk."""

    folder: Path
    restore: str | Restore = Restore.LATEST
    origin: str = ""
    allow_non_restored_state: bool = False
    state_memory_bytes: int = 256 << 20
    checkpoint_seconds: float = 60.0
    checkpoint_pause_seconds: float = 5.0
    files: Files | None = None
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


class Loop:
    """See the module. `traffic` is what connectors count, for the figures."""

    def __init__(
        self,
        plan: Plan,
        compute: Compute,
        settings: Settings,
        tell: Callable[[Event], None],
        *,
        sources: Mapping[str, Source],
        sinks: Mapping[str, Sink],
        lookups: Mapping[str, Lookup] | None = None,
        traffic: Sequence[Traffic] = (),
    ) -> None:
        self._plan = plan
        self._compute = compute
        self._settings = settings
        self._tell = tell
        self._sources = sources
        self._traffic = traffic
        self._writers = {name: Writer(sink) for name, sink in sinks.items()}
        joins = [node for node in plan.nodes() if isinstance(node, LookupJoin)]
        self._references = {
            node.id: Reference(node, (lookups or {})[node.id], self._warn) for node in joins
        }
        self._steps = ThreadPoolExecutor(1, "steps")
        self._inbox = Inbox()
        self._readings: dict[str, Reading] = {}
        self._wake = asyncio.Event()
        self._stopping: bool | None = None
        self._stopped_at_once = asyncio.Event()
        self._earliest_s = 0.0
        self.step_began_s: float | None = None

    async def open(self) -> None:
        """Restore, and open sources and sinks.

        Raises:
            CannotStart: why not.
        """
        try:
            for reference in self._references.values():
                await reference.load()
            restored = await self._in_steps(self._restore)
            await asyncio.gather(*(source.open() for source in self._sources.values()))
            await asyncio.gather(
                *(
                    writer.sink.open(restored.committed.get(name))
                    for name, writer in self._writers.items()
                )
            )
        except (SourceFailed, SinkFailed, OSError) as error:
            await self._close()
            raise CannotStart(str(error)) from error
        except BaseException:
            await self._close()
            raise

    async def run(self) -> Finished:
        """Work until stopped, until all sources have ended, or until something fails."""
        work = asyncio.create_task(self._work())
        beside: list[Coroutine[Any, Any, None]] = [
            *(self._read(name) for name in self._sources),
            *(writer.run() for writer in self._writers.values()),
            *(reference.keep() for reference in self._references.values()),
            self._measure(),
            self._stop_at_once(),
        ]
        tasks = {asyncio.create_task(each) for each in beside}
        try:
            return await self._watch(work, tasks)
        finally:
            for task in (work, *tasks):
                task.cancel()
            await self._checkpointing.end()
            await asyncio.gather(work, *tasks, return_exceptions=True)
            self._tell_figures()
            await self._close()

    async def snapshot(self, name: str, *, last: bool = False, drain: bool = False) -> Snapshot:
        """Take a checkpoint now and keep it by name; if it is the `last`, rest from there on. With
        `drain`, stop so and keep the checkpoint that the run ends with.

        Raises:
            SnapshotFailed: why not.
        """
        if self._stopping is not None:
            raise SnapshotFailed("The run has ended.")
        stop = functools.partial(self.stop, drain=True) if drain else None
        return await self._checkpointing.snapshot(name, last=last, drain=stop)

    def stop(self, *, drain: bool) -> None:
        """End the run: with `drain` after a last checkpoint, for which windows that are open give
        what they have; otherwise at once."""
        self._stopping = drain
        self._wake.set()
        if not drain:
            self._stopped_at_once.set()

    def _restore(self) -> Restored:
        settings = self._settings
        self._checkpoints = Checkpoints(
            settings.folder,
            settings.state_memory_bytes,
            origin=settings.origin,
            files=settings.files,
        )
        body = None
        if self._checkpoints.goes_on():
            body = self._checkpoints.restore_latest(self._warn)
        elif settings.restore is Restore.NOTHING:
            self._checkpoints.begin_anew(self._warn)
        elif settings.restore is Restore.LATEST:
            body = self._checkpoints.restore_latest(self._warn)
        else:
            body = self._checkpoints.restore_snapshot(str(settings.restore), self._warn)
        restored = Restored()
        if body is not None:
            restored = matched(
                body,
                self._plan,
                allow_non_restored_state=settings.allow_non_restored_state,
            )
        self._checkpoints.fill(restored.states)
        self._pipeline = Pipeline(
            self._plan,
            self._compute,
            self._checkpoints.store.state,
            lookups={name: each.table for name, each in self._references.items()},
        )
        if restored.pipeline is not None:
            self._pipeline.restore(restored.pipeline, settings.now_ms())
        self._checkpointing = Checkpointing(
            self._checkpoints,
            self._writers,
            {name: node.table.name for name, node in self._pipeline.sinks.items()},
            every_seconds=settings.checkpoint_seconds,
            pause_seconds=settings.checkpoint_pause_seconds,
            now_ms=settings.now_ms,
            tell=self._tell,
            wake=self._wake,
        )
        self._readings = {
            name: Reading(
                node.table.name,
                dict(restored.positions.get(name, {})),
                finished=name in restored.finished,
            )
            for name, node in self._pipeline.sources.items()
        }
        return restored

    async def _read(self, name: str) -> None:
        reading = self._readings[name]

        async def emit(arrival: Arrival) -> None:
            await self._inbox.put(name, arrival)

        if not reading.finished:
            await self._sources[name].run(dict(reading.positions), emit)
        self._inbox.finish(name)

    async def _watch(self, work: asyncio.Task[None], tasks: set[asyncio.Task[None]]) -> Finished:
        while True:
            await asyncio.wait({work, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in [each for each in (*tasks, work) if each.done()]:
                error = task.exception()
                if error is not None:
                    return Finished(failure=_reason(error))
                tasks.discard(task)
            if work.done() or self._stopping is False:
                return Finished(stopped=self._stopping is not None)

    async def _stop_at_once(self) -> None:
        await self._stopped_at_once.wait()

    async def _work(self) -> None:
        while self._stopping is None:
            await self._until_something()
            if self._stopping is not None:
                break
            if self._checkpointing.is_due():
                await self._begin_checkpoint(self._pipeline.saved())
                await self._rest()
            if not self._inbox.has_some.is_set() and not self._is_due():
                continue
            taken = self._inbox.take()
            await self._give(await self._step(taken.arrivals, taken.finished))
            for name, arrivals in taken.arrivals.items():
                self._readings[name].note(arrivals)
            for name in taken.finished:
                self._readings[name].finished = True
            if all(reading.finished for reading in self._readings.values()):
                await self._finish(is_end=True)
                return
        if self._stopping:
            await self._finish(is_end=False)

    async def _rest(self) -> None:
        """From a last snapshot on, unless it fails, do nothing until the end."""
        while self._checkpointing.is_resting and self._stopping is None:
            await self._wake.wait()
            self._wake.clear()
            await self._checkpointing.settle()

    async def _until_something(self) -> None:
        """Wait until there is a step or a checkpoint to do, or the end."""
        while True:
            await self._checkpointing.settle()
            wait_s = self._wait_s()
            if self._wake.is_set() or wait_s <= 0:
                self._wake.clear()
                return
            if self._inbox.has_some.is_set():
                pause_s = min(self._earliest_s - time.monotonic(), wait_s)
                if pause_s > 0 and not self._inbox.has_enough.is_set():
                    await _first(pause_s, self._inbox.has_enough, self._wake)
                return
            await _first(wait_s, self._inbox.has_some, self._wake)

    def _wait_s(self) -> float:
        """Until the next step or checkpoint that is due though nothing arrives."""
        waits = [1.0]
        due_ms = self._pipeline.due_ms()
        if due_ms is not None:
            due_s = (due_ms - self._settings.now_ms()) / 1000
            waits.append(max(due_s, self._earliest_s - time.monotonic()))
        checkpoint_s = self._checkpointing.wait_s()
        if checkpoint_s is not None:
            waits.append(checkpoint_s)
        return min(waits)

    def _is_due(self) -> bool:
        due_ms = self._pipeline.due_ms()
        return due_ms is not None and due_ms <= self._settings.now_ms()

    async def _step(
        self, arrivals: Mapping[str, Sequence[Arrival]], finished: set[str]
    ) -> dict[str, pa.Table]:
        now_ms = self._settings.now_ms()
        return await self._computed(
            lambda: self._pipeline.step(arrivals, now_ms, finished=finished)
        )

    async def _computed(self, work: Callable[[], dict[str, pa.Table]]) -> dict[str, pa.Table]:
        """Do a piece of computing in the thread of steps, and tell which rows failed."""
        given, duration_s, failures = await self._in_steps(self._timed, work)
        self._earliest_s = time.monotonic() + min(PAUSE_SHARE * duration_s, PAUSE_SECONDS_MAX)
        self._tell_failures(failures)
        return given

    def _timed(
        self, work: Callable[[], dict[str, pa.Table]]
    ) -> tuple[dict[str, pa.Table], float, list[Failure]]:
        began_s = time.monotonic()
        self.step_began_s = began_s
        try:
            given = work()
            self._checkpoints.store.settle()
            return given, time.monotonic() - began_s, self._pipeline.take_failures()
        finally:
            self.step_began_s = None

    async def _give(self, rows: Mapping[str, pa.Table]) -> None:
        for name, table in rows.items():
            await self._writers[name].put(table)

    async def _finish(self, *, is_end: bool) -> None:
        """What is left of the program's rows, then a last checkpoint. Where that is not the end of
        its sources, a later run goes on from the watermarks that there were before."""
        await self._checkpointing.done()
        before = self._pipeline.saved()
        now_ms = self._settings.now_ms()
        await self._give(await self._computed(lambda: self._pipeline.drain(now_ms)))
        pipeline = self._pipeline.saved() if is_end else before | {"waiting": []}
        await self._begin_checkpoint(pipeline, is_last=True, is_end=is_end)
        await self._checkpointing.done()

    async def _begin_checkpoint(
        self, pipeline: dict[str, Any], *, is_last: bool = False, is_end: bool = True
    ) -> None:
        states = await self._in_steps(self._checkpointing.states)
        if not is_end:
            states = {name: without_end(state) for name, state in states.items()}
        self._checkpointing.begin(Cut(states, pipeline, saved(self._readings)), is_last=is_last)

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._tell_figures()

    def _tell_figures(self) -> None:
        self._tell(
            measured(
                self._pipeline,
                self._traffic,
                most_behind_ms(self._readings.values()),
                self._checkpoints.store.size_bytes,
            )
        )

    def _tell_failures(self, failures: Sequence[Failure]) -> None:
        for failure in failures[:FAILURES_TOLD_MAX]:
            where = f" ({failure.where})" if failure.where else ""
            self._warn(f"A row failed{where}: {failure.reason}: {failure.row}")
        if len(failures) > FAILURES_TOLD_MAX:
            self._warn(f"{len(failures) - FAILURES_TOLD_MAX} more rows failed.")

    def _warn(self, text: str) -> None:
        self._tell(Logged(self._settings.now_ms(), "WARN", text))

    async def _close(self) -> None:
        await asyncio.gather(
            *(writer.sink.close() for writer in self._writers.values()), return_exceptions=True
        )
        # A step writes to the folder too, which belongs to the next run once this one has ended.
        await asyncio.to_thread(self._steps.shutdown, cancel_futures=True)

    async def _in_steps(self, work: Callable[..., _Answer], *arguments: Any) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._steps, work, *arguments)


def _reason(error: BaseException) -> str:
    if isinstance(error, SourceFailed | SinkFailed):
        return str(error)
    if isinstance(error, OSError | NotSynced):
        return f"The disk of the run's state fails: {error}"
    return "".join(traceback.format_exception(error)).strip()


async def _first(seconds: float, *events: asyncio.Event) -> None:
    """Wait for one of these, or until time is up."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
