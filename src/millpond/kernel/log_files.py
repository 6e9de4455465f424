"""Makes log events of the lines of a file that grows: a program's output on its way to CloudWatch.

Each line is an event of the time at which it was seen. What was put is not put again; what cannot
be put now is tried again until it can, so that the file is the buffer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from millpond.kernel.clock import Clock

LOOK_SECONDS = 1.0
RETRY_SECONDS_MAX = 30.0
GIVE_UP_SECONDS = 60.0
"""How long to go on trying once the file has ended."""
LINE_SIZE_BYTES_MAX = 128 << 10
"""A longer line is several events."""
UTF8_SIZE_BYTES_MAX = 4
EVENTS_MAX = 10_000
BATCH_SIZE_BYTES_MAX = 1 << 20
EVENT_OVERHEAD_BYTES = 26
"""What PutLogEvents counts for each event beside its text."""

Put = Callable[[list[tuple[int, bytes]]], Awaitable[bool]]
"""Puts events (epoch ms, UTF-8 text); False: not now, try again."""


async def copy_lines(path: Path, put: Put, clock: Clock, ended: asyncio.Event) -> bool:
    """Put each line that is appended to a file, about once a second, until `ended` is set and all
    is put. False: the last ones could not be put."""
    lines = _Lines(path)
    while True:
        is_last = ended.is_set()
        while batch := await asyncio.to_thread(lines.next_batch, clock.now_ms(), is_last):
            if not await _put_surely(put, batch, clock, ended):
                return False
        if is_last:
            return True
        await _sleep_until(clock, LOOK_SECONDS, ended)


async def _put_surely(
    put: Put, batch: list[tuple[int, bytes]], clock: Clock, ended: asyncio.Event
) -> bool:
    pause_seconds, given_up_ms = LOOK_SECONDS, None
    while not await put(batch):
        if ended.is_set():
            given_up_ms = given_up_ms or clock.now_ms() + int(GIVE_UP_SECONDS * 1000)
            if clock.now_ms() >= given_up_ms:
                return False
        await clock.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, RETRY_SECONDS_MAX)
    return True


async def _sleep_until(clock: Clock, seconds: float, ended: asyncio.Event) -> None:
    """Sleep, or less when `ended` is set meanwhile."""
    waiting = {
        asyncio.ensure_future(clock.sleep(seconds)),
        asyncio.ensure_future(ended.wait()),
    }
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


class _Lines:
    """The lines of a file, read once from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._ready: deque[bytes] = deque()
        self._begun = b""

    def next_batch(self, now_ms: int, is_last: bool) -> list[tuple[int, bytes]]:
        """The next events, as many as one call may put; a line that is not ended waits for its end
        unless the file `is_last` read."""
        batch: list[tuple[int, bytes]] = []
        size_bytes = 0
        while len(batch) < EVENTS_MAX and (self._ready or self._read(is_last)):
            text = self._ready[0].decode("utf-8", "replace").rstrip().encode()
            size_bytes += len(text) + EVENT_OVERHEAD_BYTES if text else 0
            if size_bytes > BATCH_SIZE_BYTES_MAX:
                break
            self._ready.popleft()
            if text:
                batch.append((now_ms, text))
        return batch

    def _read(self, is_last: bool) -> bool:
        """Read on until there is a line; False when there is none yet."""
        while not self._ready:
            more = self._read_piece()
            if not more:
                if is_last and self._begun:
                    self._ready.append(self._begun)
                    self._begun = b""
                break
            *lines, begun = (self._begun + more).split(b"\n")
            self._ready.extend(piece for line in lines for piece in _pieces(line))
            *pieces, self._begun = _pieces(begun)
            self._ready.extend(pieces)
        return bool(self._ready)

    def _read_piece(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                more = file.read(LINE_SIZE_BYTES_MAX)
        except FileNotFoundError:
            return b""
        self._position += len(more)
        return more


def _pieces(line: bytes) -> Iterator[bytes]:
    """Cut a long line, but not within a character."""
    while len(line) > LINE_SIZE_BYTES_MAX:
        ends = range(LINE_SIZE_BYTES_MAX, LINE_SIZE_BYTES_MAX - UTF8_SIZE_BYTES_MAX, -1)
        end = next((end for end in ends if line[end] & 0xC0 != 0x80), LINE_SIZE_BYTES_MAX)
        yield line[:end]
        line = line[end:]
    yield line
