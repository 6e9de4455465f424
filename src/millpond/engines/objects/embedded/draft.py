"""A blob's file while it is being written. Blocking; one thread at a time.

It has its final name from the start, which nobody knows before `finish` has returned: whatever a
crash leaves of it is an orphan.
"""

import errno
from contextlib import suppress
from pathlib import Path

import msgspec

from millpond.engines.objects.embedded.blocks import BlockSums
from millpond.engines.objects.interface import Blob
from millpond.kernel.files import Buffer, Files, write_all

_NO_SECOND_NAME = frozenset({errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV})


class Draft:
    def __init__(self, files: Files, path: Path, blob_id: str) -> None:
        self.id = blob_id
        self.path = path
        self._files = files
        self._descriptor: int | None = None
        self._created = False
        self._linked: Blob | None = None
        self._sums = BlockSums()
        self._size = 0

    def write(self, data: Buffer) -> None:
        """Append.

        Raises:
            OSError: not all was written; the draft is good for `abandon` alone.
        """
        write_all(self._files, self._opened(), data, self._size)
        self._sums.add(data)
        self._size += len(data)

    def link(self, path: Path, blob: Blob) -> bool:
        """Be the same bytes as `blob`, whose file `path` is; False when the file system cannot.

        Raises:
            OSError: it failed, FileNotFoundError when `path` is missing.
        """
        try:
            self._files.link(path, self.path)
        except OSError as error:
            if error.errno in _NO_SECOND_NAME:
                return False
            raise
        self._created = True
        self._linked = msgspec.structs.replace(blob, id=self.id)
        return True

    def finish(self) -> Blob:
        """Sync and close; the file's name is not on disk yet.

        Raises:
            OSError: as for `write`. A sync that failed is not tried again: what it would have
                written may be lost although a second one succeeds.
        """
        if self._linked is not None:
            return self._linked
        descriptor = self._opened()
        self._files.sync(descriptor)
        self._descriptor = None
        self._files.close(descriptor)
        return Blob(size=self._size, checksums=self._sums.all(), id=self.id)

    def abandon(self) -> None:
        """Leave nothing behind, as far as the disk allows; the rest is an orphan."""
        with suppress(OSError):
            if self._descriptor is not None:
                descriptor, self._descriptor = self._descriptor, None
                self._files.close(descriptor)
        if self._created:
            with suppress(OSError):
                self._files.unlink(self.path)

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = self._files.create(self.path)
            self._created = True
        return self._descriptor
