"""One transaction: a snapshot that is read, and writes that wait for the end of the block.

The snapshot is LMDB's, taken at the first read. What is read is remembered (keys, and ranges as
far as they were scanned); the writer checks it. Reads let other tasks run in between, as they
would with a database elsewhere, so that races show.
"""

import asyncio
from types import TracebackType

import lmdb

from millpond.engines.records.embedded.scan import Scan
from millpond.engines.records.embedded.seal import seal, unseal
from millpond.engines.records.embedded.snapshots import Snapshot, Snapshots
from millpond.engines.records.embedded.trouble import read_trouble
from millpond.engines.records.embedded.writer import Commit, Writer
from millpond.engines.records.interface import KEY_SIZE_BYTES_MAX, VALUE_SIZE_BYTES_MAX

TRANSACTION_SIZE_BYTES_MAX = 256 * 1024 * 1024
"""What one transaction may write, keys and values together."""


class EmbeddedTransaction:
    """Context manager and transaction in one."""

    def __init__(self, snapshots: Snapshots, writer: Writer) -> None:
        self._snapshots = snapshots
        self._writer = writer
        self._snapshot: Snapshot | None = None
        self._keys_read: set[bytes] = set()
        self._scans: list[Scan] = []
        self._writes: dict[bytes, bytes | None] = {}
        self._size_bytes = 0
        self._open = False

    async def __aenter__(self) -> "EmbeddedTransaction":
        self._writer.check()
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open = False
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            self._snapshots.close(snapshot)
        try:
            if kind is None and self._writes:
                await self._commit(snapshot)
        finally:
            if snapshot is not None:
                self._snapshots.forget(snapshot)

    async def get(self, key: bytes) -> bytes | None:
        if key in self._writes:
            return self._writes[key]
        snapshot = self._snapshot or await self.snapshot()
        self._keys_read.add(key)
        await asyncio.sleep(0)
        try:
            stored = snapshot.reads.get(key)
        except lmdb.BadValsizeError as error:
            raise ValueError("A key has at least one byte.") from error
        except lmdb.Error as error:
            raise read_trouble(error) from error
        return None if stored is None else unseal(key, stored)

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False) -> Scan:
        scan = Scan(self, start, end, reverse)
        self._scans.append(scan)
        return scan

    def put(self, key: bytes, value: bytes) -> None:
        """Write.

        Raises:
            ValueError: the key or the value is too long, or the key is empty, or the transaction
                writes more than `TRANSACTION_SIZE_BYTES_MAX`.
        """
        if len(value) > VALUE_SIZE_BYTES_MAX:
            raise ValueError(f"A value has at most {VALUE_SIZE_BYTES_MAX} bytes.")
        self._write(key, bytes(value))

    def delete(self, key: bytes) -> None:
        self._write(key, None)

    async def snapshot(self) -> Snapshot:
        """What this transaction reads."""
        if not self._open:
            raise RuntimeError("This transaction has ended, or has not begun.")
        if self._snapshot is None:
            taken = await self._snapshots.take()
            if self._snapshot is None:
                self._snapshot = taken
            else:
                self._snapshots.close(taken)
                self._snapshots.forget(taken)
        return self._snapshot

    def written_in(self, start: bytes, end: bytes) -> list[tuple[bytes, bytes | None]]:
        """This transaction's own writes so far inside a range."""
        return [entry for entry in self._writes.items() if start <= entry[0] < end]

    def _write(self, key: bytes, value: bytes | None) -> None:
        if not self._open:
            raise RuntimeError("This transaction has ended, or has not begun.")
        if not 0 < len(key) <= KEY_SIZE_BYTES_MAX:
            raise ValueError(f"A key has 1 to {KEY_SIZE_BYTES_MAX} bytes.")
        self._size_bytes += len(key) + len(value or b"")
        if self._size_bytes > TRANSACTION_SIZE_BYTES_MAX:
            raise ValueError(f"A transaction writes at most {TRANSACTION_SIZE_BYTES_MAX} bytes.")
        self._writes[key] = value

    async def _commit(self, snapshot: Snapshot | None) -> None:
        settled = asyncio.get_running_loop().create_future()
        ranges = [seen for scan in self._scans if (seen := scan.seen()) is not None]
        self._writer.submit(
            Commit(
                since=None if snapshot is None else snapshot.id,
                keys_read=self._keys_read,
                ranges_read=ranges,
                writes={
                    key: None if value is None else seal(key, value)
                    for key, value in self._writes.items()
                },
                size_bytes=self._size_bytes,
                settled=settled,
            )
        )
        await settled
