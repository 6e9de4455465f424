"""Objects, and a disk beneath them, that fail when they are told to.

`FaultyObjects` is for tests of what stands on objects; its places are: each put and concat (Full,
Unavailable with nothing stored, and Unavailable although the blob was stored, an orphan then), and
each read and local_path (Damaged). `FaultyDisk` is for tests of the embedded engine: each call can
fail as a disk does.
"""

import errno
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from millpond.engines.objects.files import Buffer, Files
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


class FaultyDisk:
    """`files`, with the failures of `faults`: no space, short writes, an EIO from a sync.

    `tried_again` names the files that were synced once more after their sync had failed, which
    should be none. A folder may be: for the entries made since.
    """

    def __init__(self, files: Files, faults: Faults) -> None:
        self._files = files
        self._faults = faults
        self._paths: dict[int, Path] = {}
        self._failed: set[Path] = set()
        self.tried_again: list[Path] = []

    def make_folder(self, path: Path) -> None:
        self._maybe_fail("make_folder", errno.ENOSPC)
        self._files.make_folder(path)

    def create(self, path: Path) -> int:
        self._maybe_fail("create", errno.ENOSPC)
        descriptor = self._files.create(path)
        self._paths[descriptor] = path
        return descriptor

    def open(self, path: Path) -> int:
        self._maybe_fail("open", errno.EMFILE)
        return self._files.open(path)

    def close(self, descriptor: int) -> None:
        self._paths.pop(descriptor, None)
        self._files.close(descriptor)

    def write(self, descriptor: int, data: Buffer) -> int:
        if self._faults.strikes("write: short"):
            return self._files.write(descriptor, memoryview(data)[: len(data) // 2 + 1])
        if self._faults.strikes("write: no space after some bytes"):
            self._files.write(descriptor, memoryview(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left, as planned")
        self._maybe_fail("write", errno.EIO)
        return self._files.write(descriptor, data)

    def read_into(self, descriptor: int, buffer: Buffer, offset: int) -> int:
        self._maybe_fail("read_into", errno.EIO)
        if self._faults.strikes("read_into: short"):
            return self._files.read_into(
                descriptor, memoryview(buffer)[: len(buffer) // 2 + 1], offset
            )
        return self._files.read_into(descriptor, buffer, offset)

    def size(self, descriptor: int) -> int:
        self._maybe_fail("size", errno.EIO)
        return self._files.size(descriptor)

    def sync(self, descriptor: int) -> None:
        path = self._paths[descriptor]
        if path in self._failed:
            self.tried_again.append(path)
        try:
            self._fail_sync()
        except OSError:
            self._failed.add(path)
            raise
        self._files.sync(descriptor)

    def sync_folder(self, path: Path) -> None:
        self._fail_sync()
        self._files.sync_folder(path)

    def link(self, path: Path, also: Path) -> None:
        self._maybe_fail("link", errno.EMLINK)
        self._maybe_fail("link", errno.ENOSPC)
        self._files.link(path, also)

    def unlink(self, path: Path) -> None:
        self._maybe_fail("unlink", errno.EIO)
        self._files.unlink(path)

    def names(self, path: Path) -> list[str]:
        self._maybe_fail("names", errno.EIO)
        return self._files.names(path)

    def _fail_sync(self) -> None:
        for number in (errno.EIO, errno.ENOSPC):
            self._maybe_fail("sync", number)

    def _maybe_fail(self, place: str, number: int) -> None:
        if self._faults.strikes(f"{place}: {errno.errorcode[number]}"):
            raise OSError(number, "Failed as planned")
