"""The data folder: who owns it now, and where its server can be reached.

`lock` is held (flock) as long as a server runs on the folder, however it ends. `run.json`, mode
0600, says where that server is; it means nothing when nobody holds the lock.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

import msgspec

_LOCK = "lock"
_RUN = "run.json"
_PAUSES_SECONDS = (0.01, 0.05, 0.2)
"""A look by `find_run` holds the lock for a moment; it is not to be taken for a server."""


class FolderUnusable(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A running server. `endpoint` has no path; `spark_remote` is empty without Spark."""

    pid: int
    endpoint: str
    region: str
    access_key_id: str
    started_ms: int
    spark_remote: str = ""
    spark_token: str = ""


class DataFolder:
    """The folder, locked for this process."""

    def __init__(self, path: Path, lock: IO[bytes]) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> "DataFolder":
        """Make the folder (mode 0700) if it is missing, and lock it.

        Raises:
            FolderUnusable: another server runs on it, or it cannot be made or written.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            lock = (path / _LOCK).open("ab")
        except (FileExistsError, NotADirectoryError) as error:
            raise FolderUnusable(f"{path} is not a folder.") from error
        except OSError as error:
            raise FolderUnusable(f"{path}: {error.strerror}.") from error
        for pause in (*_PAUSES_SECONDS, None):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return cls(path, lock)
            except BlockingIOError:
                if pause is not None:
                    time.sleep(pause)
        lock.close()
        run = find_run(path)
        where = f" at {run.endpoint} (process {run.pid})" if run else ""
        raise FolderUnusable(f"A server already runs on {path}{where}.")

    def announce(self, run: Run) -> None:
        """Say where the server is; visible to others in one piece."""
        draft = self.path / f"{_RUN}.draft"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(run))
        draft.replace(self.path / _RUN)

    def close(self) -> None:
        (self.path / _RUN).unlink(missing_ok=True)
        self._lock.close()


def find_run(path: Path) -> Run | None:
    """The server that runs on the folder now, or None."""
    try:
        with (path / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        pass
    except OSError:
        return None
    try:
        return msgspec.json.decode((path / _RUN).read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError):
        return None
