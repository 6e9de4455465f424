"""Reading entries: from the cache on the event loop, from the disk in threads."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from itertools import islice

from millpond.engines.log.embedded.cache import Cache
from millpond.engines.log.embedded.frames import decode
from millpond.engines.log.embedded.ledger import Ledger, LogState
from millpond.engines.log.embedded.pieces import Find, OpenFiles, Piece, lost, read_pieces
from millpond.engines.log.embedded.places import Place
from millpond.engines.log.interface import Entry, Read
from millpond.kernel.errors import Damaged, Unavailable
from millpond.kernel.files import Files

_LOAD_SIZE_BYTES_MAX = 8 * 1024 * 1024
_LOAD_PLACES_MAX = 4_096


class Reader:
    def __init__(
        self,
        ledger: Ledger,
        files: Files,
        find: Find,
        executor: Executor,
        cache_size_bytes_max: int,
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._find = find
        self._executor = executor
        self._cache: Cache[list[Piece]] = Cache(cache_size_bytes_max)

    def keep(self, file: int, offset: int, piece: Piece, size_bytes: int) -> None:
        """Remember a frame that was just appended."""
        self._cache.put((False, file, offset), [piece], size_bytes)

    async def read(self, name: bytes, position: int, entries_max: int, size_max: int) -> Read:
        entries: list[Entry] = []
        log = self._ledger.by_name.get(name)
        size_bytes = 0
        while log is not None and self._ledger.by_id.get(log.id) is log:
            position = max(position, log.first)
            if position >= log.end or len(entries) >= entries_max:
                break
            places = _plan(log, position, entries_max - len(entries), size_max - size_bytes)
            for piece in await self._load(log, places):
                if piece.end <= position:
                    continue
                if piece.data is None or piece.position > position:
                    if entries:
                        return Read(entries, position)
                    raise Damaged(f"Entry {position} of {name!r} does not match its checksum.")
                decoded = decode(
                    piece.data,
                    piece.position,
                    piece.entry_count,
                    piece.time_ms,
                    skip=position - piece.position,
                    entries_max=entries_max - len(entries),
                    size_bytes_max=size_max - size_bytes,
                    one_at_least=not entries,
                )
                entries += decoded.entries
                size_bytes += decoded.size_bytes
                position += len(decoded.entries)
                if decoded.cut:
                    return Read(entries, position)
        return Read(entries, position)

    async def next_readable(self, name: bytes, position: int) -> int:
        log = self._ledger.by_name.get(name)
        while log is not None and self._ledger.by_id.get(log.id) is log:
            position = max(position, log.first)
            if position >= log.end:
                break
            for piece in await self._load(log, _plan(log, position, 1, 0)):
                if piece.end <= position:
                    continue
                if piece.data is not None:
                    return max(position, piece.position)
                position = piece.end
        return position

    async def find(self, name: bytes, time_ms: int) -> int:
        """The first position of that time or later."""
        log = self._ledger.by_name.get(name)
        if log is None:
            return 0
        if time_ms > log.last_time_ms:
            return log.end
        position = log.first_since(time_ms)
        while position < log.end:
            for piece in await self._load(log, _plan(log, position, 1, 0)):
                if piece.end <= position:
                    continue
                if piece.time_ms >= time_ms:
                    return max(log.first, position)
                position = piece.end
        return max(log.first, position)

    async def _load(self, log: LogState, places: Sequence[Place]) -> list[Piece]:
        """The pieces at `places`, up to the first that was moved away meanwhile."""
        stored_end = log.stored_end
        keys = [(place.end <= stored_end, place.file, place.offset) for place in places]
        found = [self._cache.get(key) for key in keys]
        if any(pieces is None for pieces in found):
            missing = [
                (place, key[0])
                for place, key, pieces in zip(places, keys, found, strict=True)
                if pieces is None
            ]
            try:
                loaded = await asyncio.get_running_loop().run_in_executor(
                    self._executor, self._load_all, log.id, missing
                )
            except (OSError, RuntimeError) as error:
                raise Unavailable(f"The log cannot be read now: {error}.") from error
            following = iter(loaded)
            for number, pieces in enumerate(found):
                if pieces is None:
                    taken = self._take(log, places[number], keys[number], next(following))
                    if taken is None:
                        del found[number:]
                        break
                    found[number] = taken
        return [piece for pieces in found if pieces is not None for piece in pieces]

    def _load_all(
        self, log_id: int, places: Sequence[tuple[Place, bool]]
    ) -> list[list[Piece] | None]:
        """In a thread. None where the file is gone."""
        loaded: list[list[Piece] | None] = []
        with OpenFiles(self._files, self._find) as files:
            for place, stored in places:
                try:
                    loaded.append(read_pieces(files, place, stored=stored, log_id=log_id))
                except FileNotFoundError:
                    loaded.append(None)
        return loaded

    def _take(
        self, log: LogState, place: Place, key: tuple[bool, int, int], pieces: list[Piece] | None
    ) -> list[Piece] | None:
        """Keep what was read. A file that is gone although it is needed is damage; None if what
        lay in it lies elsewhere now, or nowhere any more."""
        if pieces is None:
            is_needed = next(iter(log.places_from(max(place.position, log.first))), None) == place
            return [lost(place)] if is_needed else None
        if all(piece.data is not None for piece in pieces):
            self._cache.put(key, pieces, place.size)
        return pieces


def _plan(log: LogState, position: int, entries_max: int, size_max: int) -> list[Place]:
    """The places to load next for so many entries and bytes: one at least."""
    places: list[Place] = []
    size_max = min(size_max, _LOAD_SIZE_BYTES_MAX)
    for place in islice(log.places_from(position), _LOAD_PLACES_MAX):
        places.append(place)
        entries_max -= place.end - max(place.position, position)
        size_max -= place.size
        if entries_max <= 0 or size_max <= 0:
            break
    return places
