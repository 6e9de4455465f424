"""Does the background work that operations wrote down (`kernel.tasks`).

Each record under `TASK_PREFIX` has one worker, an asyncio task. It waits for the due time and for
a free place among its kind, runs the service's step, and then removes the record, or waits until
the next due time. A record's value is different each time it is written, so "was it written again
meanwhile?" is asked of the value itself: a wake-up cannot be lost between two looks.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from millpond.engines.records.interface import Records, end_of
from millpond.gateway.service import Service
from millpond.kernel.clock import Clock
from millpond.kernel.errors import Conflict, EngineError
from millpond.kernel.tasks import TASK_PREFIX, Task, read_task, schedule

PAUSE_SECONDS_MIN = 1.0
PAUSE_SECONDS_MAX = 300.0

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Worker:
    """The worker of one record. `value` is the record as the step last saw it."""

    key: bytes
    value: bytes | None = None
    nudge: asyncio.Event = field(default_factory=asyncio.Event)
    in_step: bool = False
    running: asyncio.Task[None] | None = None


class Supervisor:
    """Runs steps from `start` until `stop`.

    `places` bounds how many steps of a (service, kind) run at once; without a bound they all do.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        services: Mapping[str, Service],
        places: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self._records = records
        self._clock = clock
        self._services = services
        self._places = {kind: asyncio.Semaphore(count) for kind, count in (places or {}).items()}
        self._workers: dict[bytes, _Worker] = {}
        self._watching: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Take up the work that is written down, and from now on what is written."""
        ready = asyncio.Event()
        self._watching = asyncio.create_task(self._watch(ready))
        await ready.wait()

    async def stop(self, seconds: float) -> None:
        """Tell every step that the platform ends, and cancel those that go on after `seconds`.

        Their records stay: the next start takes them up.
        """
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        workers = list(self._workers.values())
        for worker in workers:
            worker.nudge.set()
            if worker.running is not None and not worker.in_step:
                worker.running.cancel()
        running = {worker.running for worker in workers if worker.running is not None}
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=seconds)
        if late:
            _log.warning("%d background steps did not end in time and were cut off.", len(late))
            for work in late:
                work.cancel()
            await asyncio.wait(late, timeout=1.0)

    async def _watch(self, ready: asyncio.Event) -> None:
        """Follow the records. When the engine fails, begin again with a look at all of them."""
        pause = PAUSE_SECONDS_MIN
        while True:
            try:
                written = self._records.watch(TASK_PREFIX)
                await self._take_up_all()
                ready.set()
                pause = PAUSE_SECONDS_MIN
                async for key in written:
                    self._note(key)
                return
            except EngineError:
                _log.exception("Cannot follow background work; trying again in %.0f s.", pause)
                await self._clock.sleep(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _take_up_all(self) -> None:
        async with self._records.transaction() as transaction:
            keys = [key async for key, _ in transaction.scan(TASK_PREFIX, end_of(TASK_PREFIX))]
        for key in keys:
            self._note(key)

    def _note(self, key: bytes) -> None:
        """The record was written: nudge its worker, or give it one."""
        worker = self._workers.get(key)
        if worker is None:
            worker = self._workers[key] = _Worker(key)
            worker.running = asyncio.create_task(self._work(worker))
        worker.nudge.set()

    async def _work(self, worker: _Worker) -> None:
        pause = PAUSE_SECONDS_MIN
        try:
            while not self._stopping:
                try:
                    if await self._advance(worker):
                        break
                    pause = PAUSE_SECONDS_MIN
                except Exception:
                    _log.exception(
                        "Background work failed; trying again in %.0f s: %s.",
                        pause,
                        _name(worker.key),
                    )
                    await self.wait(worker, pause)
                    pause = min(2 * pause, PAUSE_SECONDS_MAX)
        finally:
            del self._workers[worker.key]
        if worker.nudge.is_set() and not self._stopping:
            self._note(worker.key)

    async def _advance(self, worker: _Worker) -> bool:
        """Wait for the due time, or run the step if it has come. True: nothing is left to do."""
        worker.nudge.clear()
        task = await self._load(worker)
        if task is None:
            return True
        service = self._services.get(task.service)
        if service is None or task.kind not in service.steps:
            _log.warning("Nobody here does this work; it stays written: %s.", _name(worker.key))
            return True
        wait_ms = task.due_ms - self._clock.now_ms()
        if wait_ms > 0:
            await self.wait(worker, wait_ms / 1000)
            return False
        async with self._places.get((task.service, task.kind)) or contextlib.nullcontext():
            task = await self._load(worker)
            if task is None:
                return True
            worker.in_step, begun = True, worker.value
            try:
                wake = _StepWake(self, worker)
                next_ms = await service.steps[task.kind](service.needs, task, wake)
                return await self._settle(worker, task, begun, next_ms)
            finally:
                worker.in_step = False

    async def _settle(
        self, worker: _Worker, task: Task, begun: bytes | None, next_ms: int | None
    ) -> bool:
        """Write down what the step said, unless its task was written again. True: it is gone.

        A step that says it is done may have heard of a writing and not have looked at what it was
        for. So the record goes only if it is the one that the step began with; else the step looks
        once more.
        """
        while True:
            with contextlib.suppress(Conflict):
                async with self._records.transaction() as transaction:
                    current = await transaction.get(worker.key)
                    if current is None:
                        return True
                    if current != (begun if next_ms is None else worker.value):
                        return False
                    if next_ms is None:
                        transaction.delete(worker.key)
                    elif next_ms > self._clock.now_ms():
                        schedule(transaction, replace(task, due_ms=next_ms))
                return next_ms is None

    async def _load(self, worker: _Worker) -> Task | None:
        async with self._records.transaction() as transaction:
            worker.value = await transaction.get(worker.key)
        return None if worker.value is None else read_task(worker.key, worker.value)

    @property
    def stopping(self) -> bool:
        return self._stopping

    async def wait(self, worker: _Worker, seconds: float) -> bool:
        """Until the record is written again or all ends (True), or `seconds` are over (False)."""
        end_ms = self._clock.now_ms() + round(seconds * 1000)
        while not self._stopping:
            left_ms = end_ms - self._clock.now_ms()
            if not await self._nudged(worker, left_ms / 1000):
                return self._stopping
            worker.nudge.clear()
            known = worker.value
            await self._load(worker)
            if worker.value != known:
                return True
        return True

    async def _nudged(self, worker: _Worker, seconds: float) -> bool:
        if worker.nudge.is_set() or seconds <= 0:
            return worker.nudge.is_set()
        nudge = asyncio.ensure_future(worker.nudge.wait())
        time_up = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((nudge, time_up), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudge.cancel()
            time_up.cancel()
        return worker.nudge.is_set()


@dataclass(frozen=True, slots=True)
class _StepWake:
    """`kernel.tasks.Wake` for one run of a step."""

    supervisor: Supervisor
    worker: _Worker

    @property
    def stopping(self) -> bool:
        return self.supervisor.stopping

    async def wait(self, seconds: float) -> bool:
        return await self.supervisor.wait(self.worker, seconds)


def _name(key: bytes) -> str:
    return key[len(TASK_PREFIX) :].decode(errors="replace").replace("\x00", "/")
