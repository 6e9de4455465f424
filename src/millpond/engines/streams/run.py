"""A run as the server sees it: its events, its end, and the watch over its process.

A process is ended when a step takes too long or when it says nothing for so long; before that it
is asked by a signal where its threads stand, which it writes down even while a function holds the
interpreter: so the function that blocks is told by name.
"""

import asyncio
import contextlib
import re
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from millpond.engines.streams.footprint import folder_bytes, memory_bytes
from millpond.engines.streams.interface import (
    Access,
    CannotStart,
    Event,
    Finished,
    Logged,
    Measured,
    Refused,
    Snapshot,
    SnapshotFailed,
)
from millpond.engines.streams.launching import Broken, Talk, how_it_ended
from millpond.engines.streams.options import Options
from millpond.engines.streams.runtime import protocol
from millpond.engines.streams.runtime.main import STACKS_FILE

EVENTS_MAX = 10_000
"""Log lines that wait to be read; the oldest are dropped beyond it, and counted."""
PRINTED_LINE_LENGTH_MAX = 32_768
PRINTED_LINES_PER_SECOND_MAX = 5000
PRINTS_LOGGER = "python"
_LAST_LINES = 20
_WATCH_SECONDS = 0.5
_STACKS_SECONDS = 0.3
_LOOK_SECONDS = 5.0
"""How often its temporary folder is looked at."""
_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+) in (.+)$', re.MULTILINE)


class ApplicationRun:
    """See `interface.Run`. `told` are events of before it began; `memory_bytes` bounds what it
    holds of memory in any way."""

    def __init__(
        self,
        talk: Talk,
        tmp: Path,
        folders: Iterable[str],
        options: Options,
        told: Iterable[Event],
        memory_bytes: int,
    ) -> None:
        self._talk = talk
        self._tmp = tmp
        self._folders = tuple(folders)
        self._options = options
        self._memory_bytes = memory_bytes
        self._events = _Events(told)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._snapshots: dict[str, list[asyncio.Future[Snapshot]]] = {}
        self._finished: Finished | None = None
        self._reason = ""
        self._stopped = False
        self._heard_s = time.monotonic()
        self._busy = (0.0, "")
        self._stopping_s: float | None = None
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._serving = asyncio.create_task(self._serve())
        self._watching = asyncio.create_task(self._watch())

    @property
    def pid(self) -> int:
        return self._talk.process.pid

    def when_ended(self, act: Callable[["ApplicationRun"], object]) -> None:
        """Do this once it has ended."""
        self._serving.add_done_callback(lambda _: act(self))

    async def until_ready(self, seconds: float) -> None:
        """Wait until its sources are open.

        Raises:
            Refused, CannotStart: it ended instead.
        """
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), seconds)
        except TimeoutError:
            place = await self._where_it_stands()
            await self._end(f"It did not start within {seconds:g} s{place}.")
            raise CannotStart(self._reason) from None
        except BaseException:
            # A run that is told of as not started has left nothing behind.
            await asyncio.shield(self.kill())
            raise

    def events(self) -> AsyncIterator[Event]:
        return self._events.read()

    async def wait(self) -> Finished:
        return await asyncio.shield(self._serving)

    async def snapshot(self, name: str, *, last: bool = False, drain: bool = False) -> Snapshot:
        if self._finished is not None:
            raise SnapshotFailed("The run has ended.")
        taken: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self._snapshots.setdefault(name, []).append(taken)
        self._talk.say(protocol.Snapshot(name, last, drain))
        return await taken

    async def renew(self, access: Access) -> None:
        self._talk.say(protocol.Renew(access))

    async def stop(self, *, drain: bool) -> Finished:
        self._talk.say(protocol.Stop(drain))
        if not drain:
            self._stopping_s = self._stopping_s or time.monotonic()
        return await self.wait()

    async def kill(self) -> Finished:
        self._stopped = True
        await self._talk.process.kill()
        return await self.wait()

    # What it says

    async def _serve(self) -> Finished:
        printing = asyncio.create_task(self._read_prints())
        try:
            await self._listen()
        except Broken as error:
            self._reason = self._reason or str(error)
            await self._talk.process.kill()
        ended = await self._talk.process.wait()
        await printing
        self._watching.cancel()
        if self._finished is None:
            if self._reason:
                self._finished = Finished(self._reason)
            elif self._stopped:
                self._finished = Finished(stopped=True)
            else:
                place = await self._noted_place() if ended.signal else ""
                self._finished = Finished(how_it_ended(ended, place, self._last_lines))
        self._settle(self._finished)
        return self._finished

    async def _listen(self) -> None:
        while (message := await self._talk.hear()) is not None:
            self._heard_s = time.monotonic()
            match message:
                case protocol.Told():
                    for event in (*message.logged, message.checkpointed, message.measured):
                        if event is not None:
                            self._events.put(event)
                case protocol.Beat(seconds, calling):
                    self._busy = (seconds, calling)
                case protocol.Ready():
                    if not self._ready.done():
                        self._ready.set_result(None)
                case protocol.Taken(name, size_bytes):
                    for taken in self._waiting(name):
                        taken.set_result(Snapshot(name, size_bytes))
                case protocol.NotTaken(name, text):
                    for taken in self._waiting(name):
                        taken.set_exception(SnapshotFailed(text))
                case protocol.Wrong(text, line, column, needs_flink):
                    self._fail_start(Refused(text, line, column, needs_flink=needs_flink))
                    self._reason = self._reason or str(Refused(text, line, column))
                case protocol.Failed(text):
                    self._fail_start(CannotStart(text))
                    self._reason = self._reason or text
                case protocol.Ended(failure, stopped):
                    self._finished = Finished(failure, stopped)
                case protocol.Checked():
                    raise Broken("The application's process answered what it was not asked.")

    def _fail_start(self, error: Exception) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)

    def _waiting(self, name: str) -> list[asyncio.Future[Snapshot]]:
        return [taken for taken in self._snapshots.pop(name, []) if not taken.done()]

    async def _read_prints(self) -> None:
        """What it prints, line by line, as log lines; too long a line in pieces."""
        rest = b""
        while data := await self._talk.prints.read(1 << 16):
            began_s = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > PRINTED_LINE_LENGTH_MAX:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._print(line)
            # Whoever prints more than is read waits, so that the server does not do that alone.
            least_s = len(lines) / PRINTED_LINES_PER_SECOND_MAX
            await asyncio.sleep(max(0.0, began_s + least_s - time.monotonic()))
        if rest:
            self._print(rest)

    def _print(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        for at in range(0, len(text), PRINTED_LINE_LENGTH_MAX):
            part = text[at : at + PRINTED_LINE_LENGTH_MAX]
            self._last_lines.append(part)
            self._events.put(Logged(time.time_ns() // 1_000_000, "INFO", part, PRINTS_LOGGER))

    def _settle(self, finished: Finished) -> None:
        self._fail_start(CannotStart(finished.failure or "It was ended."))
        self._ready.exception()
        for name in list(self._snapshots):
            for taken in self._waiting(name):
                taken.set_exception(SnapshotFailed("The run has ended."))
        self._events.close()

    # The watch

    async def _watch(self) -> None:
        looked_s = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            if memory_bytes(self.pid) > self._memory_bytes:
                await self._end("It ran out of memory and was ended.")
                return
            if now - looked_s > _LOOK_SECONDS:
                looked_s = now
                most = self._options.tmp_bytes
                if await asyncio.to_thread(folder_bytes, self._tmp, most) > most:
                    await self._end(
                        f"Its temporary files take more than {most >> 20} MiB; it was ended."
                    )
                    return
            silent = now - self._heard_s
            step_seconds, calling = self._busy
            bound = self._options.hang_seconds
            if (
                self._ready.done()
                and max(step_seconds + silent * bool(step_seconds), silent) > bound
            ):
                place = await self._where_it_stands()
                what = f"The function {calling}" if calling else "A step"
                await self._end(f"{what} has blocked for more than {bound:g} s{place}.")
                return
            if self._stopping_s and now - self._stopping_s > self._options.stop_seconds:
                await self._end(
                    f"It did not stop within {self._options.stop_seconds:g} s and was ended."
                )
                return

    async def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        await self._talk.process.kill()
        await self.wait()

    async def _where_it_stands(self) -> str:
        """The innermost place in the program's own files, as words to go on with."""
        self._talk.process.signal(signal.SIGUSR1)
        await asyncio.sleep(_STACKS_SECONDS)
        return await self._noted_place()

    async def _noted_place(self) -> str:
        with contextlib.suppress(OSError):
            text = (await asyncio.to_thread(_beginning, self._tmp / STACKS_FILE)).decode(
                errors="replace"
            )
            for file, line, name in _FRAME.findall(text):
                if file.startswith(self._folders):
                    return f", in {name} ({Path(file).name}, line {line})"
        return ""


class _Events:
    """Events for one reader, in bounded memory: only the newest figures wait, and log lines up to
    a number."""

    def __init__(self, told: Iterable[Event]) -> None:
        self._waiting: deque[Event] = deque(told)
        self._measured: Measured | None = None
        self._dropped = 0
        self._closed = False
        self._news = asyncio.Event()

    def put(self, event: Event) -> None:
        if isinstance(event, Measured):
            self._measured = event
        else:
            if len(self._waiting) >= EVENTS_MAX:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(event)
        self._news.set()

    def close(self) -> None:
        self._closed = True
        self._news.set()

    async def read(self) -> AsyncIterator[Event]:
        while True:
            self._news.clear()
            if self._dropped:
                text = f"{self._dropped} log lines were dropped: there were too many."
                self._dropped = 0
                yield Logged(time.time_ns() // 1_000_000, "WARN", text)
            while self._waiting:
                yield self._waiting.popleft()
            measured, self._measured = self._measured, None
            if measured is not None:
                yield measured
            if self._closed and not self._waiting:
                return
            await self._news.wait()


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1 << 16)
