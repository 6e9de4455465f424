"""A group in the making: what the waiting calls want, in their order, as items and bytes.

Positions and times are given here. Nothing of it is in the ledger before it is on disk, so a draft
that cannot be written is thrown away and leaves nothing behind.
"""

from collections.abc import Sequence

from millpond.engines.log.embedded.frames import Frame
from millpond.engines.log.embedded.items import APPEND, CREATE, DELETE, SEAL, TRIM, Items
from millpond.engines.log.embedded.ledger import Ledger
from millpond.engines.log.interface import Appended, Sealed


class _DraftLog:
    __slots__ = ("end", "id", "last_time_ms", "sealed")

    def __init__(self, log_id: int, end: int, last_time_ms: int, sealed: bool) -> None:
        self.id = log_id
        self.end = end
        self.last_time_ms = last_time_ms
        self.sealed = sealed


class Draft:
    """`now_ms` is the time of all that is appended; a log whose last time is later keeps that."""

    def __init__(self, ledger: Ledger, now_ms: int) -> None:
        self._ledger = ledger
        self._now_ms = now_ms
        self._logs: dict[bytes, _DraftLog | None] = {}
        self._next_id = ledger.next_id
        self.items: Items = []
        self.frames: list[Frame] = []
        self.size_bytes = 0

    @property
    def names(self) -> Sequence[bytes]:
        """The logs it is about."""
        return list(self._logs)

    def append(self, batches: Sequence[tuple[bytes, list[Frame]]]) -> list[Appended]:
        """Raises Sealed, with nothing added to the draft."""
        for name, _ in batches:
            log = self._find(name)
            if log is not None and log.sealed:
                raise Sealed("The log is sealed; nothing was written.")
        answers = []
        for name, frames in batches:
            log = self._find(name) or self._create(name)
            log.last_time_ms = time_ms = max(self._now_ms, log.last_time_ms)
            answers.append(Appended(log.end, time_ms))
            for frame in frames:
                size = len(frame.data)
                self.items.append(
                    (APPEND, log.id, log.end, frame.entry_count, time_ms, size, frame.crc)
                )
                self.frames.append(frame)
                self.size_bytes += size
                log.end += frame.entry_count
        return answers

    def seal(self, name: bytes) -> int:
        log = self._find(name) or self._create(name)
        if not log.sealed:
            log.sealed = True
            self.items.append((SEAL, log.id))
        return log.end

    def trim(self, name: bytes, first: int) -> None:
        log = self._find(name)
        if log is not None:
            self.items.append((TRIM, log.id, min(first, log.end)))

    def delete(self, name: bytes) -> None:
        log = self._find(name)
        if log is not None:
            self.items.append((DELETE, log.id))
            self._logs[name] = None

    def _find(self, name: bytes) -> _DraftLog | None:
        if name not in self._logs:
            known = self._ledger.by_name.get(name)
            self._logs[name] = (
                None
                if known is None
                else _DraftLog(known.id, known.end, known.last_time_ms, known.sealed)
            )
        return self._logs[name]

    def _create(self, name: bytes) -> _DraftLog:
        log = self._logs[name] = _DraftLog(self._next_id, 0, 0, False)
        self._next_id += 1
        self.items.append((CREATE, log.id, name))
        return log
