"""Blobs in one folder: small ones stay in their owner's record, large ones are files."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from millpond.engines.objects.embedded.ageing import Ageing
from millpond.engines.objects.embedded.blocks import BlockSums, check_inline, count_blocks
from millpond.engines.objects.embedded.copying import Copy
from millpond.engines.objects.embedded.draft import Draft
from millpond.engines.objects.embedded.folder_syncs import FolderSyncs
from millpond.engines.objects.embedded.reader import Reader
from millpond.engines.objects.embedded.shelves import Shelves
from millpond.engines.objects.embedded.trouble import write_trouble
from millpond.engines.objects.embedded.upload import Upload
from millpond.engines.objects.interface import BLOCK_SIZE_BYTES, Blob
from millpond.kernel.clock import Clock
from millpond.kernel.errors import Damaged, Unavailable
from millpond.kernel.files import Disk, Files
from millpond.kernel.folder_lock import FolderLock
from millpond.kernel.ids import Ids

INLINE_SIZE_BYTES_MAX = 64 * 1024
GRACE_SECONDS = 15 * 60.0
WRITE_SIZE_BYTES = 1024 * 1024
"""How much of a body is gathered before a thread writes it."""
THREADS = 16

P = ParamSpec("P")
T = TypeVar("T")
Fill = Callable[[Draft], None]


class EmbeddedObjects:
    """Objects and LocalFiles on the machine's disk. Used from one event loop."""

    def __init__(
        self,
        *,
        files: Files,
        lock: FolderLock,
        shelves: Shelves,
        clock: Clock,
        inline_size_bytes_max: int,
        grace_seconds: float,
    ) -> None:
        self._files = files
        self._lock = lock
        self._shelves = shelves
        self._inline_size_bytes_max = inline_size_bytes_max
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="objects")
        self._folder_syncs = FolderSyncs(self._executor, files.sync_folder)
        self._ageing = Ageing(clock, grace_seconds, self._remove)
        self._writing: set[str] = set()

    @classmethod
    def open(
        cls,
        folder: Path,
        clock: Clock,
        ids: Ids,
        *,
        inline_size_bytes_max: int = INLINE_SIZE_BYTES_MAX,
        grace_seconds: float = GRACE_SECONDS,
        files: Files | None = None,
    ) -> "EmbeddedObjects":
        """The blobs in `folder`, which is made when it is missing.

        Raises:
            Unavailable: another process has the folder, or it cannot be read.
            Full: no space for the folder.
        """
        files = Disk() if files is None else files
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FolderLock(folder)
            try:
                files.sync_folder(folder.parent)
                shelves = Shelves(files, folder, ids)
            except BaseException:
                lock.release()
                raise
        except OSError as error:
            raise write_trouble(error) from error
        return cls(
            files=files,
            lock=lock,
            shelves=shelves,
            clock=clock,
            inline_size_bytes_max=inline_size_bytes_max,
            grace_seconds=grace_seconds,
        )

    async def close(self) -> None:
        """Let what is being written end, and give the folder free."""
        self._ageing.stop()
        await asyncio.to_thread(self._executor.shutdown)
        self._lock.release()

    async def put(self, chunks: AsyncIterable[bytes]) -> Blob:
        held: list[bytes] = []
        held_size = 0
        upload: Upload | None = None
        try:
            async for chunk in chunks:
                held.append(chunk)
                held_size += len(chunk)
                if upload is None and held_size > self._inline_size_bytes_max:
                    upload = await self._begin()
                if upload is not None and held_size >= WRITE_SIZE_BYTES:
                    await upload.write(b"".join(held))
                    held.clear()
                    held_size = 0
            rest = b"".join(held)
            if upload is None:
                return _inline(rest)
            return await self._keep(upload, lambda draft: draft.write(rest))
        except BaseException:
            if upload is not None:
                await self._abandon(upload)
            raise

    async def read(
        self, blob: Blob, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        end = _end(blob, start, length)
        if blob.inline is not None:
            check_inline(blob, blob.inline)
            if start < end:
                yield blob.inline[start:end]
            return
        reader = Reader(self._files, self._shelves.path(blob.id), blob)
        job = None
        try:
            for index in range(start // BLOCK_SIZE_BYTES, count_blocks(end) if start < end else 0):
                job = self._submit(reader.piece, index, start, end)
                yield await asyncio.wrap_future(job)
        finally:
            if job is not None:
                job.add_done_callback(lambda _: reader.close())

    async def concat(self, blobs: Sequence[Blob]) -> Blob:
        parts = [blob for blob in blobs if blob.size]
        if sum(blob.size for blob in parts) <= self._inline_size_bytes_max:
            return _inline(b"".join([piece for blob in parts async for piece in self.read(blob)]))
        upload = await self._begin()
        copy = Copy(self._files, self._shelves, parts)
        try:
            return await self._keep(upload, copy.fill)
        except BaseException:
            copy.stop()
            await self._abandon(upload)
            raise

    async def discard(self, blobs: Sequence[Blob]) -> None:
        self._ageing.add_discarded([blob.id for blob in blobs if blob.inline is None])

    async def list_ids(self) -> Sequence[str]:
        try:
            stored = await self._run(self._shelves.list_ids)
        except OSError as error:
            raise write_trouble(error) from error
        return [
            blob_id
            for blob_id in stored
            if blob_id not in self._writing and not self._ageing.holds(blob_id)
        ]

    async def local_path(
        self, blob: Blob, start: int = 0, length: int | None = None
    ) -> Path | None:
        end = _end(blob, start, length)
        if blob.inline is not None:
            return None
        path = self._shelves.path(blob.id)
        await self._run(_verify, Reader(self._files, path, blob), start, end)
        return path

    async def _run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Do `function` in a thread."""
        return await asyncio.wrap_future(self._submit(function, *arguments, **named))

    def _submit(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        try:
            return self._executor.submit(function, *arguments, **named)
        except RuntimeError as error:
            raise Unavailable("The objects are closed.") from error

    async def _begin(self) -> Upload:
        try:
            while (blob_id := self._shelves.reserve()) is None:
                await self._run(self._shelves.extend)
        except OSError as error:
            raise write_trouble(error) from error
        self._writing.add(blob_id)
        return Upload(self._executor, Draft(self._files, self._shelves.path(blob_id), blob_id))

    async def _keep(self, upload: Upload, fill: Fill) -> Blob:
        """Have `fill` write the rest, and the file and its name on disk."""
        blob = await upload.finish(fill)
        folder = upload.draft.path.parent
        try:
            await self._folder_syncs.sync(folder)
        except OSError as error:
            self._shelves.leave(folder)
            raise write_trouble(error) from error
        self._ageing.add_young(blob.id)
        self._writing.discard(blob.id)
        return blob

    async def _abandon(self, upload: Upload) -> None:
        try:
            await upload.abandon()
        finally:
            self._writing.discard(upload.draft.id)

    async def _remove(self, blob_ids: Collection[str]) -> None:
        """Take files away; what cannot be is an orphan."""
        await self._run(self._unlink, blob_ids)

    def _unlink(self, blob_ids: Collection[str]) -> None:
        for blob_id in blob_ids:
            with suppress(OSError, Damaged):
                self._files.unlink(self._shelves.path(blob_id))


def _inline(data: bytes) -> Blob:
    sums = BlockSums()
    sums.add(data)
    return Blob(size=len(data), checksums=sums.all(), inline=data)


def _end(blob: Blob, start: int, length: int | None) -> int:
    """Where a range ends inside `blob`.

    Raises:
        ValueError: it begins outside.
    """
    if not 0 <= start <= blob.size or (length is not None and length < 0):
        raise ValueError(f"No range of {blob.size} bytes begins at {start}.")
    return blob.size if length is None else min(blob.size, start + length)


def _verify(reader: Reader, start: int, end: int) -> None:
    try:
        reader.verify(start, end)
    finally:
        reader.close()
