"""Objects: immutable blobs, named by the engine and never by a user's key.

`put` streams a body in and returns a `Blob`, a small value that its owner stores in a record:
the blob exists for others from that commit on, and one that no record names is an orphan. Small
bodies stay inside the Blob itself (`inline`), so that they are written by the record's own commit;
large ones are synced to disk before `put` returns. Owners may store `inline` beside the rest of
their record; `Blob` is a msgspec Struct and encodes with `msgspec.msgpack`.
"""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec


class Blob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where bytes are and what they must be.

    `inline` holds a small body itself; else `id` names the stored one. `checksums` are the
    CRC-32C of each block of `BLOCK_SIZE_BYTES`, four bytes big-endian each.
    """

    size: int
    checksums: bytes = b""
    id: str = ""
    inline: bytes | None = None


BLOCK_SIZE_BYTES = 1024 * 1024


class Objects(Protocol):
    async def put(self, chunks: AsyncIterable[bytes]) -> Blob:
        """Store a stream. If iterating `chunks` raises, nothing remains and it is raised on.

        Raises:
            Full: no space; nothing remains.
            Unavailable: a write or sync failed.
        """
        ...

    def read(self, blob: Blob, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Bytes from `start` on, in chunks, each verified before it is given.

        Raises:
            Damaged: stored bytes do not match their checksums, or are missing.
        """
        ...

    async def concat(self, blobs: Sequence[Blob]) -> Blob:
        """A new blob of the bytes of all `blobs`, in order; the parts stay as they are."""
        ...

    async def discard(self, blobs: Sequence[Blob]) -> None:
        """Let the engine reclaim blobs that no record names any more, after a grace period in
        which a reader that began earlier can finish. Lost on a crash: orphans are found again."""
        ...

    async def list_ids(self) -> Sequence[str]:
        """Every stored id older than the grace period, for orphan collection."""
        ...


class LocalFiles(Protocol):
    """What an implementation on local disk can do besides."""

    async def local_path(
        self, blob: Blob, start: int = 0, length: int | None = None
    ) -> Path | None:
        """The file that holds exactly the blob's bytes, with the asked range verified; None for an
        inline blob. It stays readable for the grace period after `discard`.

        Raises:
            Damaged: stored bytes do not match their checksums, or are missing.
        """
        ...
