"""The embedded log: opens its folder, and hands each call to the part that does it."""

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from millpond.engines.log.embedded.draft import Draft
from millpond.engines.log.embedded.frames import encode
from millpond.engines.log.embedded.housekeeping import Housekeeping, Tuning
from millpond.engines.log.embedded.items import APPEND
from millpond.engines.log.embedded.journal import Journal, Written
from millpond.engines.log.embedded.opening import JOURNAL_FOLDER, open_folder
from millpond.engines.log.embedded.pieces import Piece
from millpond.engines.log.embedded.reader import Reader
from millpond.engines.log.embedded.space import FreeSize, Space, free_size_of, never_full
from millpond.engines.log.embedded.trouble import refusal_of
from millpond.engines.log.embedded.waiters import Waiters
from millpond.engines.log.embedded.writer import Writer
from millpond.engines.log.interface import (
    LOG_NAME_SIZE_BYTES_MAX,
    Appended,
    Batch,
    Bounds,
    Read,
)
from millpond.kernel.clock import Clock
from millpond.kernel.files import Disk, Files

MEBIBYTE = 1024 * 1024
NOTHING = Bounds(0, 0, False, 0, 0)


class EmbeddedLog:
    """Logs in one folder, used by one event loop. See the engine's README for how."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        files: Files,
        tuning: Tuning,
        cache_size: int,
        free_size: FreeSize,
    ) -> None:
        found = open_folder(files, folder)
        self._space = Space(free_size)
        self._ledger = found.ledger
        self._journal = Journal(
            files,
            folder / JOURNAL_FOLDER,
            size_bytes_max=tuning.journal_size_bytes_max,
            next_number=found.next_journal,
            names=found.journals.names,
            ends=found.journals.ends,
        )
        self._housekeeping = Housekeeping(
            files,
            folder,
            clock,
            self._ledger,
            self._journal,
            found.segments,
            found.next_segment,
            found.first_journal,
            tuning,
        )
        self._threads = ThreadPoolExecutor(2, "log-reader")
        self._reader = Reader(
            self._ledger, files, self._housekeeping.find, self._threads, cache_size
        )
        self._waiters = Waiters(self._ledger)
        self._writer = Writer(self._journal, self._ledger, clock, self._settle)

    @classmethod
    def open(
        cls,
        folder: Path,
        clock: Clock,
        *,
        journal_size_bytes_max: int = 64 * MEBIBYTE,
        journals_max: int = 8,
        own_segment_size_bytes_min: int = 8 * MEBIBYTE,
        segments_gathered: int = 8,
        cache_size_bytes_max: int = 32 * MEBIBYTE,
        files: Files | None = None,
        free_size: FreeSize | None = None,
    ) -> "EmbeddedLog":
        """Open, or begin, the logs in `folder`, whose parent exists. Blocks.

        A journal of `journal_size_bytes_max` is closed; closed ones of that size together, or
        `journals_max` of them, are moved into segments. A log with `own_segment_size_bytes_min`
        in them gets a segment of its own. `segments_gathered` shared segments become one.
        `free_size` measures the disk; what `files` are given for is never full without it.

        Raises:
            Unavailable: the folder cannot be read or written.
            Damaged: a file is missing, or what it says of the others cannot be read.
        """
        tuning = Tuning(
            journal_size_bytes_max, journals_max, own_segment_size_bytes_min, segments_gathered
        )
        try:
            measure = free_size or (free_size_of(folder) if files is None else never_full)
            return cls(folder, clock, files or Disk(), tuning, cache_size_bytes_max, measure)
        except OSError as error:
            raise refusal_of(error) from error

    async def append(self, batches: Sequence[Batch]) -> list[Appended]:
        if not batches:
            return []
        encoded = []
        for name, entries in batches:
            _check_name(name)
            encoded.append((name, encode(entries)))
        self._space.check(sum(len(frame.data) for _, frames in encoded for frame in frames))
        answers: list[Appended] = await self._writer.call(lambda draft: draft.append(encoded))
        return answers

    async def read(
        self, log: bytes, position: int, *, entries_max: int, size_bytes_max: int
    ) -> Read:
        return await self._reader.read(log, position, entries_max, size_bytes_max)

    async def wait(self, log: bytes, position: int) -> None:
        await self._waiters.wait(log, position)

    def bounds(self, log: bytes) -> Bounds:
        found = self._ledger.by_name.get(log)
        return NOTHING if found is None else found.bounds()

    async def find(self, log: bytes, time_ms: int) -> int:
        return await self._reader.find(log, time_ms)

    async def next_readable(self, log: bytes, position: int) -> int:
        return await self._reader.next_readable(log, position)

    async def seal(self, log: bytes) -> int:
        _check_name(log)
        end: int = await self._writer.call(lambda draft: draft.seal(log))
        return end

    async def trim(self, log: bytes, before_ms: int) -> None:
        found = self._ledger.by_name.get(log)
        if found is not None:
            first = found.first_since(before_ms)
            if first > found.first:
                await self._writer.call(lambda draft: draft.trim(log, first))

    async def delete(self, log: bytes) -> None:
        await self._writer.call(lambda draft: draft.delete(log))

    async def close(self) -> None:
        """Wait for what is being written and close. Nothing may be called afterwards."""
        await self._writer.close()
        await self._housekeeping.close()
        self._waiters.close()
        self._threads.shutdown()
        self._journal.close()

    async def wait_for_housekeeping(self) -> None:
        """Return once nothing is left to be moved or removed in the background."""
        await self._housekeeping.wait()

    def _settle(self, draft: Draft, written: Written) -> None:
        """Remember what was written, and wake who waits for it."""
        offset = written.payload_offset
        frames = iter(draft.frames)
        for item in draft.items:
            if item[0] == APPEND:
                _, _, position, count, time_ms, size, _ = item
                piece = Piece(position, count, time_ms, next(frames).data)
                self._reader.keep(written.number, offset, piece, size)
                offset += size
        for name in draft.names:
            self._waiters.wake(name)
        self._housekeeping.nudge()


@functools.lru_cache(4096)
def _check_name(name: bytes) -> None:
    if not 0 < len(name) <= LOG_NAME_SIZE_BYTES_MAX:
        raise ValueError(f"A log's name has 1 to {LOG_NAME_SIZE_BYTES_MAX} bytes.")
