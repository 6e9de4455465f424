"""The last of the disk is kept for what makes space: appends leave it alone.

Deletions, trims and seals are written to the journal too, a catalog has to say what lies where
before a journal can go, and who wants to delete a stream needs records. On a disk that appends had
filled to its last byte none of them could be written.
"""

import os
from collections.abc import Callable
from pathlib import Path

from millpond.kernel.errors import Full

RESERVE_SIZE_BYTES = 16 * 1024 * 1024

FreeSize = Callable[[], int]
"""How many bytes the disk has left."""


class Space:
    def __init__(self, free_size: FreeSize) -> None:
        self._free_size = free_size

    def check(self, size_bytes: int) -> None:
        """So much may be appended.

        Raises:
            Full: it would take from the reserve.
        """
        if self._free_size() < size_bytes + RESERVE_SIZE_BYTES:
            raise Full(
                "There is no space left for logs; nothing was written: the last "
                f"{RESERVE_SIZE_BYTES >> 20} MiB of the disk are kept for making space."
            )


def never_full() -> int:
    return RESERVE_SIZE_BYTES << 32


def free_size_of(folder: Path) -> FreeSize:
    """Measures the disk that `folder` lies on. One that does not tell its size is never full, and
    of one that cannot be asked the write will tell."""

    def free_size() -> int:
        try:
            disk = os.statvfs(folder)
        except OSError:
            return never_full()
        return disk.f_bavail * disk.f_frsize if disk.f_blocks else never_full()

    return free_size
