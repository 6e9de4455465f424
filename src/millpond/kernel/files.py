"""The small file layer: everything that logs and objects do to a disk goes through here.

Tests put something else in its place: a recorder that rebuilds what a power cut could leave, or a
disk that fails at the n-th operation. Every call blocks and raises OSError.
"""

import errno
import os
from pathlib import Path
from typing import Protocol

Buffer = bytes | bytearray | memoryview


class Files(Protocol):
    """A descriptor is an int that `create` or `open` gave and `close` ends."""

    def make_folder(self, path: Path) -> None:
        """Make one folder; one that exists is no error."""
        ...

    def create(self, path: Path) -> int:
        """A new, empty file for writing; it must not exist."""
        ...

    def open(self, path: Path) -> int:
        """A file for reading, and for `sync`."""
        ...

    def close(self, descriptor: int) -> None: ...

    def write(self, descriptor: int, data: Buffer, offset: int) -> int:
        """Write at `offset`; how many bytes were taken, which may be fewer."""
        ...

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        """Up to `size` bytes from `offset` on; fewer may come, none at the end."""
        ...

    def read_into(self, descriptor: int, buffer: Buffer, offset: int) -> int:
        """Read from `offset` on; how many bytes came, 0 at the end."""
        ...

    def size(self, descriptor: int) -> int: ...

    def sync(self, descriptor: int) -> None:
        """Return once the file's bytes and its length are on disk."""
        ...

    def sync_folder(self, path: Path) -> None:
        """Return once the folder's entries are on disk."""
        ...

    def rename(self, path: Path, to: Path) -> None:
        """Give a file another name in its folder, in place of what had that name."""
        ...

    def link(self, path: Path, also: Path) -> None:
        """Give the file at `path` a second name."""
        ...

    def unlink(self, path: Path) -> None: ...

    def names(self, path: Path) -> list[str]:
        """The entries of a folder, in no order."""
        ...


class Disk:
    """The machine's files."""

    def make_folder(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)

    def create(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path) -> int:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def write(self, descriptor: int, data: Buffer, offset: int) -> int:
        return os.pwrite(descriptor, data, offset)

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        return os.pread(descriptor, size, offset)

    def read_into(self, descriptor: int, buffer: Buffer, offset: int) -> int:
        return os.preadv(descriptor, [buffer], offset)

    def size(self, descriptor: int) -> int:
        return os.fstat(descriptor).st_size

    def sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def sync_folder(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, path: Path, to: Path) -> None:
        path.replace(to)

    def link(self, path: Path, also: Path) -> None:
        os.link(path, also)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def names(self, path: Path) -> list[str]:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries]


def write_all(files: Files, descriptor: int, data: Buffer, offset: int) -> None:
    """Write all of `data` at `offset`.

    Raises:
        OSError: not all was written.
    """
    view = memoryview(data)
    while view:
        count = files.write(descriptor, view, offset)
        if count == 0:
            raise OSError(errno.EIO, "The file takes no more bytes")
        view = view[count:]
        offset += count


def read_all(files: Files, descriptor: int, size: int, offset: int) -> bytes:
    """`size` bytes from `offset` on, or those that there are."""
    data = files.read(descriptor, size, offset)
    while len(data) < size:
        more = files.read(descriptor, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data
