"""The records of one data folder: opened, shared by all transactions, closed."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import lmdb

from millpond.engines.records.embedded.snapshots import Snapshots
from millpond.engines.records.embedded.transaction import EmbeddedTransaction
from millpond.engines.records.embedded.watches import Watch, Watches
from millpond.engines.records.embedded.writer import Commit, Writer
from millpond.kernel.errors import Damaged, Full, Unavailable
from millpond.kernel.folder_lock import FolderLock

MAP_SIZE_BYTES_MIN = 64 * 1024**3
READERS_MAX = 4096
_READERS_FILE_SIZE_BYTES = (READERS_MAX + 64) * 64
_LMDB_MAJOR = 1
"""LMDB 1.x takes keys of 1,978 bytes in pages of 4 KiB; 0.9 takes 511."""


class EmbeddedRecords:
    """Records on LMDB. Used from one event loop."""

    def __init__(
        self, environment: lmdb.Environment, lock: FolderLock, map_size_bytes: int
    ) -> None:
        self._environment = environment
        self._lock = lock
        self._watches = Watches()
        self._snapshots = Snapshots(environment, map_size_bytes)
        self._writer = Writer(environment, self._settle, self._snapshots.grow)
        self._writer.start()

    @classmethod
    def open(cls, path: Path, *, map_size_bytes: int = MAP_SIZE_BYTES_MIN) -> "EmbeddedRecords":
        """The records in folder `path`, which is made when it is missing.

        `map_size_bytes` is how large they may become before the map is enlarged.

        Raises:
            Unavailable: another process has the folder; the text names it.
            Damaged: what is there is not a whole LMDB 1.x file.
            Full: no space for the first pages.
        """
        path.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(path)
        try:
            environment = _open_environment(path, map_size_bytes)
        except BaseException:
            lock.release()
            raise
        return cls(environment, lock, environment.info()["map_size"])

    def transaction(self) -> EmbeddedTransaction:
        return EmbeddedTransaction(self._snapshots, self._writer)

    def watch(self, prefix: bytes) -> Watch:
        return self._watches.add(prefix)

    async def close(self) -> None:
        """Write what was submitted, end all watches, and give the folder free.

        A transaction that is still open answers Unavailable from then on.
        """
        self._writer.close()
        await asyncio.to_thread(self._writer.wait_for_end)
        self._watches.end()
        self._environment.close()
        self._lock.release()

    def _settle(self, batch: Sequence[Commit]) -> None:
        self._writer.oldest_snapshot = self._snapshots.oldest(self._writer.newest)
        for commit in batch:
            if commit.refusal is None:
                self._watches.tell(key for key, value in commit.writes.items() if value is not None)
        for commit in batch:
            if commit.settled.done():
                continue
            if commit.refusal is None:
                commit.settled.set_result(None)
            else:
                commit.settled.set_exception(commit.refusal)


def _open_environment(path: Path, map_size_bytes: int) -> lmdb.Environment:
    """LMDB on `path`. What it shows from here on is on disk: a process that was killed may have
    left a commit in the system's memory that nobody had synced yet, so this does."""
    _reserve_readers_file(path / "lock.mdb")
    data = path / "data.mdb"
    size_bytes = data.stat().st_size if data.exists() else 0
    try:
        environment = lmdb.open(
            str(path),
            map_size=max(map_size_bytes, 2 * size_bytes),
            max_readers=READERS_MAX,
            max_spare_txns=64,
            lib_version=_LMDB_MAJOR,
        )
    except lmdb.DiskError as error:
        raise Full(f"There is no space for records in {path}: {error}.") from error
    except lmdb.Error as error:
        raise Damaged(f"The records in {path} cannot be opened: {error}.") from error
    try:
        environment.sync(True)
    except lmdb.Error as error:
        environment.close()
        raise Unavailable(f"The records in {path} cannot be synced: {error}.") from error
    for folder in (path, path.parent):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            environment.close()
            raise Unavailable(f"The folder {folder} cannot be synced: {error}.") from error
        finally:
            os.close(descriptor)
    return environment


def _reserve_readers_file(path: Path) -> None:
    """Have space for LMDB's table of readers before it is mapped: a mapped page that a full disk
    cannot hold would kill the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _READERS_FILE_SIZE_BYTES)
    except OSError as error:
        raise Full(f"There is no space for records in {path.parent}: {error}.") from error
    finally:
        os.close(descriptor)
