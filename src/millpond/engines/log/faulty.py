"""Logs, and a disk beneath them, that fail when they are told to.

`FaultyLog` is for tests of what stands on logs; its places are: each append, seal and delete (Full,
Unavailable with nothing written, and Unavailable although it was), each trim (Unavailable), and
each read (Damaged) and find (Unavailable). `FaultyDisk` is for tests of the embedded engine: each
call can fail as a disk does.
"""

import errno
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from millpond.engines.log.files import Buffer, Files
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


class FaultyDisk:
    """`files`, with the failures of `faults`: no space, short writes, an EIO from a sync.

    `tried_again` names the files that were written or synced once more after their sync had
    failed, which should be none.
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
        descriptor = self._files.open(path)
        self._paths[descriptor] = path
        return descriptor

    def close(self, descriptor: int) -> None:
        self._paths.pop(descriptor, None)
        self._files.close(descriptor)

    def write(self, descriptor: int, data: Buffer, offset: int) -> int:
        self._note_use(descriptor)
        half = memoryview(data)[: len(data) // 2 + 1]
        if self._faults.strikes("write: short"):
            return self._files.write(descriptor, half, offset)
        if self._faults.strikes("write: no space after some bytes"):
            self._files.write(descriptor, half[:-1], offset)
            raise OSError(errno.ENOSPC, "No space left, as planned")
        self._maybe_fail("write", errno.EIO)
        return self._files.write(descriptor, data, offset)

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        self._maybe_fail("read", errno.ENOMEM)
        if self._faults.strikes("read: short"):
            return self._files.read(descriptor, size // 2 + 1, offset)
        return self._files.read(descriptor, size, offset)

    def size(self, descriptor: int) -> int:
        self._maybe_fail("size", errno.EIO)
        return self._files.size(descriptor)

    def sync(self, descriptor: int) -> None:
        self._note_use(descriptor)
        for number in (errno.EIO, errno.ENOSPC):
            if self._faults.strikes(f"sync: {errno.errorcode[number]}"):
                self._failed.add(self._paths[descriptor])
                raise OSError(number, "Failed as planned")
        self._files.sync(descriptor)

    def sync_folder(self, path: Path) -> None:
        self._maybe_fail("sync_folder", errno.EIO)
        self._files.sync_folder(path)

    def rename(self, path: Path, to: Path) -> None:
        self._maybe_fail("rename", errno.ENOSPC)
        self._files.rename(path, to)

    def unlink(self, path: Path) -> None:
        self._maybe_fail("unlink", errno.EIO)
        self._files.unlink(path)

    def names(self, path: Path) -> list[str]:
        self._maybe_fail("names", errno.EIO)
        return self._files.names(path)

    def _note_use(self, descriptor: int) -> None:
        path = self._paths[descriptor]
        if path in self._failed:
            self.tried_again.append(path)

    def _maybe_fail(self, place: str, number: int) -> None:
        if self._faults.strikes(f"{place}: {errno.errorcode[number]}"):
            raise OSError(number, "Failed as planned")
