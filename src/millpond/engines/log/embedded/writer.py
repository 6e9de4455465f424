"""Group commit: whatever waits goes into one group, one write and one sync.

Calls join a queue on the event loop. When the disk is free, a draft is made of all that wait, a
thread writes and syncs it, and back on the loop the ledger takes it over and the calls are
answered; meanwhile the next ones gather.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from millpond.engines.log.embedded.draft import Draft
from millpond.engines.log.embedded.journal import Journal, Written
from millpond.engines.log.embedded.ledger import Ledger
from millpond.kernel.clock import Clock
from millpond.kernel.errors import EngineError, Unavailable

GROUP_SIZE_BYTES_MAX = 16 * 1024 * 1024
"""A group takes no more calls once its bytes are as many."""


@dataclass(slots=True, eq=False)
class _Call:
    """`add` puts what is wanted into a draft and returns the answer, or raises EngineError."""

    add: Callable[[Draft], Any]
    answered: asyncio.Future[Any]


class Writer:
    """`settle` is told, on the loop, of each draft that is in the ledger now, and where it lies."""

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        clock: Clock,
        settle: Callable[[Draft, Written], None],
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._clock = clock
        self._settle = settle
        self._waiting: deque[_Call] = deque()
        self._busy = False
        self._closed = False
        self._idle: asyncio.Event | None = None
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
        self._thread.start()

    def call(self, add: Callable[[Draft], Any]) -> asyncio.Future[Any]:
        """Have `add` done to the next draft; the future has its answer once that is on disk."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Any] = loop.create_future()
        if self._closed:
            answered.set_exception(Unavailable("The log is closed; nothing was written."))
            return answered
        self._waiting.append(_Call(add, answered))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._write_next, loop)
        return answered

    async def close(self) -> None:
        """Take nothing more, and return once all that waits is written."""
        self._closed = True
        if self._busy:
            self._idle = asyncio.Event()
            await self._idle.wait()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _write_next(self, loop: asyncio.AbstractEventLoop) -> None:
        draft = Draft(self._ledger, self._clock.now_ms())
        calls: list[tuple[_Call, Any]] = []
        while self._waiting and draft.size_bytes < GROUP_SIZE_BYTES_MAX:
            call = self._waiting.popleft()
            try:
                calls.append((call, call.add(draft)))
            except EngineError as error:
                _refuse(call, error)
        if draft.items:
            self._jobs.put(lambda: self._write(loop, draft, calls))
            return
        _answer(calls)
        self._go_on(loop)

    def _write(
        self, loop: asyncio.AbstractEventLoop, draft: Draft, calls: list[tuple[_Call, Any]]
    ) -> None:
        """In the thread."""
        outcome: Written | Exception
        try:
            outcome = self._journal.write(
                draft.items, [frame.data for frame in draft.frames], draft.size_bytes
            )
        except Exception as error:
            outcome = error
        try:
            loop.call_soon_threadsafe(self._finish, loop, draft, calls, outcome)
        except RuntimeError:
            self._closed = True

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        draft: Draft,
        calls: list[tuple[_Call, Any]],
        outcome: Written | Exception,
    ) -> None:
        if isinstance(outcome, Exception):
            for call, _ in calls:
                _refuse(call, outcome)
        else:
            self._ledger.apply(draft.items, outcome.number, outcome.payload_offset)
            _answer(calls)
            self._settle(draft, outcome)
        self._go_on(loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting:
            self._write_next(loop)
            return
        self._busy = False
        if self._idle is not None:
            self._idle.set()


def _answer(calls: list[tuple[_Call, Any]]) -> None:
    for call, answer in calls:
        if not call.answered.done():
            call.answered.set_result(answer)


def _refuse(call: _Call, error: Exception) -> None:
    if not call.answered.done():
        kind = type(error) if isinstance(error, EngineError) else Unavailable
        call.answered.set_exception(kind(str(error)))
