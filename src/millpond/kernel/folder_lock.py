"""One process at a time for a folder of data."""

import contextlib
import fcntl
import os
from pathlib import Path

from millpond.kernel.errors import Unavailable

_NAME = "owner.lock"


class FolderLock:
    """Holds a folder until `release`, or until the process ends, however it ends.

    The lock is the kernel's (`flock`): a file left behind by a dead process locks nothing. It
    holds the owner's process id for the error message alone, and on a full disk not even that.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder.

        Raises:
            Unavailable: another process has it; the text names that process and the folder.
        """
        path = folder / _NAME
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(self._descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise Unavailable(
                f"The data folder {folder} is in use by another Millpond (process {owner})."
            ) from error
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let others have the folder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
