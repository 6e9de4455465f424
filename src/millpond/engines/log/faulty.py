"""Logs that fail when they are told to: for tests of what stands on them.

The places: each append, seal and delete (Full, Unavailable with nothing written, and Unavailable
although it was), each trim (Unavailable), and each read (Damaged) and find (Unavailable).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from millpond.engines.log.interface import Appended, Batch, Bounds, Log, Read
from millpond.kernel.errors import Damaged, EngineError, Full, Unavailable
from millpond.kernel.faults import Faults

_REFUSALS: tuple[type[EngineError], ...] = (Full, Unavailable)

Result = TypeVar("Result")


class FaultyLog:
    """`log`, with the failures and pauses of `faults`. Writes pause before they are answered, not
    before they are made, so that calls keep their order."""

    def __init__(self, log: Log, faults: Faults) -> None:
        self._log = log
        self._faults = faults

    async def append(self, batches: Sequence[Batch]) -> list[Appended]:
        return await self._write("append", lambda: self._log.append(batches))

    async def read(
        self, log: bytes, position: int, *, entries_max: int, size_bytes_max: int
    ) -> Read:
        await self._faults.pause()
        if self._faults.strikes("read: Damaged"):
            raise Damaged("Failed as planned.")
        return await self._log.read(
            log, position, entries_max=entries_max, size_bytes_max=size_bytes_max
        )

    async def wait(self, log: bytes, position: int) -> None:
        await self._faults.pause()
        await self._log.wait(log, position)

    def bounds(self, log: bytes) -> Bounds:
        return self._log.bounds(log)

    async def find(self, log: bytes, time_ms: int) -> int:
        await self._faults.pause()
        self._maybe_refuse("find")
        return await self._log.find(log, time_ms)

    async def next_readable(self, log: bytes, position: int) -> int:
        await self._faults.pause()
        return await self._log.next_readable(log, position)

    async def seal(self, log: bytes) -> int:
        return await self._write("seal", lambda: self._log.seal(log))

    async def trim(self, log: bytes, before_ms: int) -> None:
        await self._faults.pause()
        self._maybe_refuse("trim")
        await self._log.trim(log, before_ms)

    async def delete(self, log: bytes) -> None:
        await self._write("delete", lambda: self._log.delete(log))

    async def close(self) -> None:
        await self._log.close()

    async def _write(self, place: str, write: Callable[[], Awaitable[Result]]) -> Result:
        for refusal in _REFUSALS:
            if self._faults.strikes(f"{place}: {refusal.__name__}"):
                raise refusal("Failed as planned; nothing was written.")
        answer = await write()
        await self._faults.pause()
        if self._faults.strikes(f"{place}: the answer is lost"):
            raise Unavailable("Failed as planned; whether it was written is unknown.")
        return answer

    def _maybe_refuse(self, place: str) -> None:
        if self._faults.strikes(f"{place}: Unavailable"):
            raise Unavailable("Failed as planned.")
