"""Moving journals into segments, gathering small and half-empty ones, and removing what is dead.

One piece of work at a time, in the background: planned and taken over on the event loop, done in a
thread. A journal or segment whose content lies elsewhere is removed only after a catalog that
says so is on disk. A segment of which nothing is kept is removed at once: that it is not kept is in
the journal, or the catalog, already.
"""

import asyncio
import contextlib
import itertools
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from millpond.engines.log.embedded.catalog import Catalog
from millpond.engines.log.embedded.gathering import Gathered, Run, Stopped, gather
from millpond.engines.log.embedded.journal import Journal
from millpond.engines.log.embedded.ledger import Ledger, LogState
from millpond.engines.log.embedded.pieces import OpenFiles
from millpond.engines.log.embedded.places import Place, Places
from millpond.engines.log.embedded.segments import OWN, SEGMENT_FOLDER, Segment
from millpond.kernel.clock import Clock
from millpond.kernel.files import Files

_log = logging.getLogger(__name__)

GATHER_SIZE_BYTES_MAX = 1024 * 1024 * 1024
"""Shared segments are not gathered into larger ones than this."""
RETRY_SECONDS = 5.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Tuning:
    """See `EmbeddedLog.open`."""

    journal_size_bytes_max: int
    journals_max: int
    own_segment_size_bytes_min: int
    segments_gathered: int


class Housekeeping:
    def __init__(
        self,
        files: Files,
        folder: Path,
        clock: Clock,
        ledger: Ledger,
        journal: Journal,
        segments: dict[int, Segment],
        next_segment: int,
        first_journal: int,
        tuning: Tuning,
    ) -> None:
        self._files = files
        self._folder = folder
        self._segment_folder = folder / SEGMENT_FOLDER
        self._clock = clock
        self._ledger = ledger
        self._journal = journal
        self.segments = segments
        self._next_segment = next_segment
        self._first_journal = first_journal
        self._tuning = tuning
        self._unsaved = False
        self._replaced: list[Segment] = []
        self._thread = ThreadPoolExecutor(1, "log-housekeeping")
        self._task: asyncio.Task[None] | None = None
        self._pause: asyncio.Future[None] | None = None
        self._stopping = False

    def find(self, stored: bool, number: int) -> tuple[Path, int] | None:
        """The path of a segment (`stored`) or a journal, and a segment's nonce; None when it was
        removed. For any thread."""
        if not stored:
            path = self._journal.path(number)
            return None if path is None else (path, 0)
        segment = self.segments.get(number)
        return None if segment is None else (self._segment_folder / segment.name, segment.nonce)

    def nudge(self) -> None:
        """Something was written: see whether there is work."""
        if self._task is None and not self._stopping and self._is_due():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def wait(self) -> None:
        """Return once there is no work left."""
        self.nudge()
        while self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Stop, at the next log."""
        self._stopping = True
        if self._pause is not None:
            self._pause.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])
        await asyncio.to_thread(self._thread.shutdown)

    def _is_due(self) -> bool:
        return bool(
            self._ledger.dead
            or self._unsaved
            or self._closed_journals()
            or self._half_empty()
            or self._gatherable()
        )

    async def _work(self) -> None:
        try:
            while self._is_due() and not self._stopping:
                try:
                    await self._step()
                except OSError as error:
                    _log.warning("Segments cannot be written, trying again: %s", error)
                    self._pause = asyncio.ensure_future(self._clock.sleep(RETRY_SECONDS))
                    await asyncio.wait([self._pause])
        except Stopped:
            pass
        finally:
            self._task = None

    async def _step(self) -> None:
        if self._ledger.dead:
            await self._remove_dead()
        elif self._unsaved:
            await self._save()
        elif journals := self._closed_journals():
            await self._store(journals)
        else:
            await self._gather(self._half_empty() or self._gatherable())

    def _closed_journals(self) -> list[int]:
        """The journals to move, when they are large or many enough."""
        ends = {
            number: end
            for number, end in list(self._journal.ends.items())
            if number >= self._first_journal
        }
        is_due = (
            len(ends) >= self._tuning.journals_max
            or sum(ends.values()) >= self._tuning.journal_size_bytes_max
        )
        return sorted(ends) if is_due else []

    def _half_empty(self) -> list[Segment]:
        """Shared segments of which less than half is kept."""
        live = self._ledger.live
        return [
            segment
            for segment in self.segments.values()
            if segment.level != OWN and live[segment.number] * 2 < segment.size
        ]

    def _gatherable(self) -> list[Segment]:
        """Shared segments of one level, when there are many."""
        levels = Counter(segment.level for segment in self.segments.values())
        for level, count in levels.items():
            if level == OWN or count < self._tuning.segments_gathered:
                continue
            chosen = [segment for segment in self.segments.values() if segment.level == level]
            if sum(self._ledger.live[one.number] for one in chosen) <= GATHER_SIZE_BYTES_MAX:
                return chosen
        return []

    async def _remove_dead(self) -> None:
        dead, self._ledger.dead = self._ledger.dead, []
        await self._unlink([self.segments.pop(number) for number in dead])
        for number in dead:
            del self._ledger.live[number]

    async def _store(self, journals: Sequence[int]) -> None:
        """Move what is kept of `journals`, the oldest, into segments."""
        last = journals[-1]
        runs = []
        for log in self._ledger.by_id.values():
            head = log.frames.head(log.frames.before_file(last + 1))
            if len(head):
                runs.append(Run(log.id, head, False, sum(size for _, size in head.sizes())))
        gathered = await self._run(runs, 0)
        chunks_by_log = {run.log_id: chunks for run, chunks in gathered.chunks}
        for log in self._ledger.by_id.values():
            chunks = chunks_by_log.get(log.id, [])
            log.store(self._count(log, chunks), last)
        self._take(gathered)
        self._first_journal = last + 1
        await self._save()

    async def _gather(self, chosen: Sequence[Segment]) -> None:
        """Write what is kept of `chosen` segments into new ones, and remove them."""
        numbers = frozenset(segment.number for segment in chosen)
        runs: list[Run] = []
        for log in self._ledger.by_id.values():
            if log.chunks.touches(numbers):
                runs.extend(_runs_of(log.id, log.chunks, numbers))
        gathered = await self._run(runs, max(segment.level for segment in chosen) + 1)
        chunks_by_log: dict[int, list[Place]] = defaultdict(list)
        for run, chunks in gathered.chunks:
            chunks_by_log[run.log_id].extend(chunks)
        for log_id, chunks in chunks_by_log.items():
            kept = self._ledger.by_id.get(log_id)
            if kept is not None:
                kept.replace_chunks(numbers, self._count(kept, chunks))
        for segment in chosen:
            del self.segments[segment.number], self._ledger.live[segment.number]
        self._ledger.dead = [number for number in self._ledger.dead if number not in numbers]
        self._replaced.extend(chosen)
        self._take(gathered)
        await self._save()

    async def _run(self, runs: Sequence[Run], level: int) -> Gathered:
        with OpenFiles(self._files, self.find) as sources:
            return await self._in_thread(
                lambda: gather(
                    self._files,
                    self._segment_folder,
                    sources,
                    sorted(runs, key=lambda run: run.log_id),
                    next_number=self._take_number,
                    level=level,
                    own_size_bytes_min=self._tuning.own_segment_size_bytes_min,
                    is_stopped=lambda: self._stopping,
                )
            )

    def _count(self, log: LogState, chunks: Sequence[Place]) -> list[Place]:
        """Those of new `chunks` that are still kept; each segment learns how much of it is."""
        kept = [chunk for chunk in chunks if chunk.end > log.first]
        for chunk in kept:
            self._ledger.live[chunk.file] += chunk.size
        return kept

    def _take(self, gathered: Gathered) -> None:
        """New segments are there, and those of which nothing is kept are dead already."""
        for segment in gathered.segments:
            self.segments[segment.number] = segment
            if not self._ledger.live[segment.number]:
                self._ledger.dead.append(segment.number)
        self._unsaved = True

    async def _save(self) -> None:
        """Write the catalog, then remove what it does not need any more."""
        replaced = list(self._replaced)
        catalog = Catalog(self._ledger, self._first_journal, self._next_segment, self.segments)
        await self._in_thread(lambda: catalog.write(self._files, self._folder))
        self._unsaved = False
        journals = [number for number in self._journal.ends if number < self._first_journal]
        await self._in_thread(lambda: self._journal.forget(journals))
        await self._unlink(replaced)
        self._replaced = self._replaced[len(replaced) :]

    async def _unlink(self, segments: Sequence[Segment]) -> None:
        def unlink() -> None:
            for segment in segments:
                with contextlib.suppress(OSError):
                    self._files.unlink(self._segment_folder / segment.name)

        await self._in_thread(unlink)

    def _take_number(self) -> int:
        self._next_segment += 1
        return self._next_segment - 1

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _runs_of(log_id: int, chunks: Places, numbers: frozenset[int]) -> list[Run]:
    """The chunks that lie in segments `numbers`, those together that follow one another."""
    runs = []
    for chosen, group in itertools.groupby(chunks, lambda place: place.file in numbers):
        if chosen:
            places = list(group)
            runs.append(Run(log_id, places, True, sum(place.size for place in places)))
    return runs
