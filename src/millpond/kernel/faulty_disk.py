"""A disk that fails when it is told to, beneath engines that keep files: for their tests."""

import errno
from pathlib import Path

from millpond.kernel.faults import Faults
from millpond.kernel.files import Buffer, Files


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

    def read_into(self, descriptor: int, buffer: Buffer, offset: int) -> int:
        self._maybe_fail("read_into", errno.EIO)
        if self._faults.strikes("read_into: short"):
            half = memoryview(buffer)[: len(buffer) // 2 + 1]
            return self._files.read_into(descriptor, half, offset)
        return self._files.read_into(descriptor, buffer, offset)

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

    def _note_use(self, descriptor: int) -> None:
        path = self._paths[descriptor]
        if path in self._failed:
            self.tried_again.append(path)

    def _maybe_fail(self, place: str, number: int) -> None:
        if self._faults.strikes(f"{place}: {errno.errorcode[number]}"):
            raise OSError(number, "Failed as planned")
