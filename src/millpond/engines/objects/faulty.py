"""Objects that fail when they are told to: for tests of what stands on them.

The places: each put and concat (Full, Unavailable with nothing stored, and Unavailable although
the blob was stored, an orphan then), and each read and local_path (Damaged).
"""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from millpond.engines.objects.interface import Blob, LocalFiles, Objects
from millpond.kernel.errors import Damaged, EngineError, Full, Unavailable
from millpond.kernel.faults import Faults

_REFUSALS: tuple[type[EngineError], ...] = (Full, Unavailable)


class LocalObjects(Objects, LocalFiles, Protocol):
    """Objects that have local files."""


class FaultyObjects:
    """`objects`, with the failures and pauses of `faults`."""

    def __init__(self, objects: LocalObjects, faults: Faults) -> None:
        self._objects = objects
        self._faults = faults

    async def put(self, chunks: AsyncIterable[bytes]) -> Blob:
        await self._maybe_refuse("put")
        blob = await self._objects.put(chunks)
        return self._maybe_lose(blob, "put")

    async def read(
        self, blob: Blob, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        await self._faults.pause()
        self._maybe_damage("read")
        async for chunk in self._objects.read(blob, start, length):
            yield chunk

    async def concat(self, blobs: Sequence[Blob]) -> Blob:
        await self._maybe_refuse("concat")
        blob = await self._objects.concat(blobs)
        return self._maybe_lose(blob, "concat")

    async def discard(self, blobs: Sequence[Blob]) -> None:
        await self._faults.pause()
        await self._objects.discard(blobs)

    async def list_ids(self) -> Sequence[str]:
        await self._faults.pause()
        return await self._objects.list_ids()

    async def local_path(
        self, blob: Blob, start: int = 0, length: int | None = None
    ) -> Path | None:
        await self._faults.pause()
        self._maybe_damage("local_path")
        return await self._objects.local_path(blob, start, length)

    async def _maybe_refuse(self, place: str) -> None:
        await self._faults.pause()
        for refusal in _REFUSALS:
            if self._faults.strikes(f"{place}: {refusal.__name__}"):
                raise refusal("Failed as planned; nothing was stored.")

    def _maybe_lose(self, blob: Blob, place: str) -> Blob:
        if self._faults.strikes(f"{place}: the answer is lost"):
            raise Unavailable("Failed as planned; whether it was stored is unknown.")
        return blob

    def _maybe_damage(self, place: str) -> None:
        if self._faults.strikes(f"{place}: Damaged"):
            raise Damaged("Failed as planned.")
