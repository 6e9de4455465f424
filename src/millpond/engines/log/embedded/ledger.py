"""All logs and where their entries lie: what is durable, and nothing else.

The ledger changes only by the items of groups that are on disk, in their order; after a restart the
same items make the same ledger. Used on the event loop alone, once it is open.
"""

from collections import defaultdict
from collections.abc import Iterable

from millpond.engines.log.embedded.items import APPEND, CREATE, DELETE, JOURNAL, SEAL, TRIM, Items
from millpond.engines.log.embedded.places import Place, Places
from millpond.engines.log.interface import Bounds


class LogState:
    """One log. `chunks` lie in segments and end at `stored_end`, `frames` lie in journals."""

    __slots__ = (
        "chunk_size_bytes",
        "chunks",
        "end",
        "first",
        "frame_size_bytes",
        "frames",
        "id",
        "last_time_ms",
        "name",
        "sealed",
        "stored_end",
    )

    def __init__(self, log_id: int, name: bytes) -> None:
        self.id = log_id
        self.name = name
        self.first = 0
        self.end = 0
        self.stored_end = 0
        self.sealed = False
        self.last_time_ms = 0
        self.chunk_size_bytes = 0
        self.frame_size_bytes = 0
        self.chunks = Places()
        self.frames = Places()

    def bounds(self) -> Bounds:
        size_bytes = self.chunk_size_bytes + self.frame_size_bytes
        return Bounds(self.first, self.end, self.sealed, self.last_time_ms, size_bytes)

    def add_frame(self, place: Place) -> None:
        """A frame that follows the others; one that is in a segment already is passed over."""
        if place.end <= self.stored_end:
            return
        if place.position > self.end:
            self.add_loss(place.position, place.time_ms_last, place.file)
        self.last_time_ms = max(self.last_time_ms, place.time_ms_last)
        self.end = place.end
        if place.end > self.first:
            self.frames.append(place)
            self.frame_size_bytes += place.size

    def add_loss(self, end: int, time_ms: int, file: int) -> None:
        """Positions from the end up to `end` were given, and what lay there, no later than in
        journal `file`, is gone."""
        time_ms = max(time_ms, self.last_time_ms)
        if end > self.first:
            lost = Place(self.end, end, self.last_time_ms, time_ms, file, 0, 0, 0)
            self.frames.append(lost)
        self.end = end

    def places_from(self, position: int) -> Iterable[Place]:
        """Where the entries from `position` on lie, in order."""
        if position < self.stored_end:
            for number in range(self.chunks.at(position), len(self.chunks)):
                yield self.chunks[number]
        for number in range(self.frames.at(position), len(self.frames)):
            yield self.frames[number]

    def store(self, chunks: Iterable[Place], last_journal: int) -> None:
        """What lies in journals up to `last_journal` lies in `chunks` now."""
        for place in self.frames.drop(self.frames.before_file(last_journal + 1)):
            self.frame_size_bytes -= place.size
        for chunk in chunks:
            self.chunks.append(chunk)
            self.chunk_size_bytes += chunk.size
        self.stored_end = self.frames[0].position if len(self.frames) else self.end

    def replace_chunks(self, files: frozenset[int], chunks: Iterable[Place]) -> None:
        """What lay in segments `files` lies in `chunks` now."""
        kept = [place for place in self.chunks if place.file not in files]
        self.chunks = Places(rows=sorted([*kept, *chunks]))
        self.chunk_size_bytes = sum(size for _, size in self.chunks.sizes())

    def first_since(self, time_ms: int) -> int:
        """The end of the last place that holds nothing of `time_ms` or later."""
        for places in (self.frames, self.chunks):
            number = places.since(time_ms)
            if number:
                return max(self.first, places[number - 1].end)
        return self.first


class Ledger:
    def __init__(self) -> None:
        self.by_name: dict[bytes, LogState] = {}
        self.by_id: dict[int, LogState] = {}
        self.next_id = 1
        self.live: defaultdict[int, int] = defaultdict(int)
        """How many bytes of each segment hold entries that are kept."""
        self.dead: list[int] = []
        """Segments that hold none, to be removed."""

    def apply(self, items: Items, file: int, offset: int) -> None:
        """Do what the group says whose bytes begin at `offset` of journal `file`."""
        for item in items:
            kind, log_id = item[0], item[1]
            if kind == JOURNAL:
                continue
            if kind == CREATE:
                if log_id >= self.next_id:
                    self.add(LogState(log_id, item[2]))
                continue
            log = self.by_id.get(log_id)
            if kind == APPEND:
                _, _, position, count, time_ms, size, crc = item
                if log is not None:
                    log.add_frame(
                        Place(position, position + count, time_ms, time_ms, file, offset, size, crc)
                    )
                offset += size
            elif log is None:
                continue
            elif kind == SEAL:
                log.sealed = True
            elif kind == TRIM:
                self._trim(log, item[2])
            elif kind == DELETE:
                self._delete(log)

    def add(self, log: LogState) -> None:
        self.by_name[log.name] = self.by_id[log.id] = log
        self.next_id = max(self.next_id, log.id + 1)

    def _trim(self, log: LogState, first: int) -> None:
        log.first = max(log.first, first)
        for place in log.chunks.drop(log.chunks.at(log.first)):
            log.chunk_size_bytes -= place.size
            self.release(place)
        for place in log.frames.drop(log.frames.at(log.first)):
            log.frame_size_bytes -= place.size

    def _delete(self, log: LogState) -> None:
        for place in log.chunks.drop(len(log.chunks)):
            self.release(place)
        log.frames.drop(len(log.frames))
        log.first = log.stored_end = log.end
        del self.by_id[log.id]
        if self.by_name.get(log.name) is log:
            del self.by_name[log.name]

    def release(self, place: Place) -> None:
        """A chunk is not needed any more."""
        self.live[place.file] -= place.size
        if not self.live[place.file]:
            self.dead.append(place.file)
