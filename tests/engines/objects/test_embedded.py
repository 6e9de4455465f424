"""What is particular to objects in files: damage, trouble, space, the folder, sharing syncs."""

import asyncio
import itertools
import os
import resource
import threading
from pathlib import Path

import msgspec
import pytest

from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.objects.embedded.folder_syncs import FolderSyncs
from millpond.engines.objects.interface import BLOCK_SIZE_BYTES
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import Damaged, EngineError, Full, Unavailable
from millpond.kernel.faults import Faults
from millpond.kernel.faulty_disk import FaultyDisk
from millpond.kernel.files import Disk
from millpond.kernel.ids import SystemIds


def open_objects(folder, files=None):
    return EmbeddedObjects.open(
        folder, ManualClock(), SystemIds(), inline_size_bytes_max=1_000, files=files
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "objects"


@pytest.fixture
async def objects(folder):
    opened = open_objects(folder)
    yield opened
    await opened.close()


async def stream(*chunks):
    for chunk in chunks:
        yield chunk


async def read(objects, blob, start=0, length=None):
    return b"".join([chunk async for chunk in objects.read(blob, start, length)])


def blob_files(folder):
    return [path for path in folder.rglob("*") if path.is_file() and len(path.name) == 32]


def flip(path, offset):
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))


SIZE = 3 * BLOCK_SIZE_BYTES + 700
DATA = bytes(range(256)) * (SIZE // 256) + bytes(SIZE % 256)


@pytest.mark.parametrize("offset", [0, BLOCK_SIZE_BYTES - 1, BLOCK_SIZE_BYTES, SIZE - 1])
async def test_a_changed_byte_is_damage_wherever_its_block_is_read(objects, folder, offset):
    blob = await objects.put(stream(DATA))
    flip(blob_files(folder)[0], offset)
    with pytest.raises(Damaged):
        await read(objects, blob)
    with pytest.raises(Damaged):
        await objects.local_path(blob)
    with pytest.raises(Damaged):
        await objects.concat([blob, blob])
    for block in range(4):
        start = block * BLOCK_SIZE_BYTES
        if block == offset // BLOCK_SIZE_BYTES:
            with pytest.raises(Damaged):
                await read(objects, blob, start, 1)
            with pytest.raises(Damaged):
                await objects.local_path(blob, start, 1)
        else:
            assert await read(objects, blob, start, 5) == DATA[start : start + 5]
            assert await objects.local_path(blob, start, 5)


async def test_no_byte_of_a_damaged_block_is_given(objects, folder):
    blob = await objects.put(stream(DATA))
    flip(blob_files(folder)[0], 2 * BLOCK_SIZE_BYTES + 5)
    given = bytearray()
    with pytest.raises(Damaged):
        async for chunk in objects.read(blob):
            given += chunk
    assert given == DATA[: 2 * BLOCK_SIZE_BYTES]


async def test_damage_after_a_good_read_is_seen_by_the_next(objects, folder):
    blob = await objects.put(stream(DATA))
    assert await objects.local_path(blob)
    file = blob_files(folder)[0]
    times = file.stat()
    flip(file, 5)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(Damaged):
        await objects.local_path(blob)
    with pytest.raises(Damaged):
        await read(objects, blob)


@pytest.mark.parametrize("change", ["cut", "longer", "missing", "empty"])
async def test_a_file_of_another_size_is_damage(objects, folder, change):
    blob = await objects.put(stream(DATA))
    file = blob_files(folder)[0]
    match change:
        case "cut":
            file.write_bytes(DATA[:-1])
        case "longer":
            file.write_bytes(DATA + b"x")
        case "missing":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
    with pytest.raises(Damaged):
        await objects.local_path(blob, SIZE - 10)
    if change == "longer":
        assert await read(objects, blob) == DATA
    else:
        with pytest.raises(Damaged):
            await read(objects, blob)
        with pytest.raises(Damaged):
            await objects.concat([blob, blob])
    if change == "missing":
        with pytest.raises(Damaged):
            await objects.concat([blob])


async def test_a_body_inside_its_record_is_verified_too(objects):
    blob = await objects.put(stream(b"small body"))
    for wrong in (
        msgspec.structs.replace(blob, inline=b"smalL body"),
        msgspec.structs.replace(blob, inline=b"small bod"),
        msgspec.structs.replace(blob, checksums=b""),
    ):
        with pytest.raises(Damaged):
            await read(objects, wrong)


async def test_checksums_that_do_not_fit_the_size_are_damage(objects):
    blob = await objects.put(stream(DATA))
    for wrong in (blob.checksums[:-4], blob.checksums + b"abcd", b""):
        with pytest.raises(Damaged):
            await read(objects, msgspec.structs.replace(blob, checksums=wrong))


async def test_a_disk_that_fails_anywhere_leaves_all_or_nothing(tmp_path):
    """A put, a copy and a read, with a failure at the first place, the second, until none."""
    chunks = [DATA[offset : offset + 400_000] for offset in range(0, SIZE, 400_000)]
    struck = []
    for place in itertools.count():
        folder = tmp_path / str(place)
        faults = Faults(place)
        disk = FaultyDisk(Disk(), faults)
        blobs = []
        try:
            objects = open_objects(folder, disk)
        except EngineError as error:
            struck.append((faults.struck, type(error)))
            continue
        failure = None
        try:
            blobs.append(await objects.put(stream(*chunks)))
            blobs.append(await objects.concat([blobs[0], blobs[0]]))
            blobs.append(await objects.concat([blobs[0]]))
            assert await read(objects, blobs[0], 5, SIZE - 10) == DATA[5:-5]
            assert await objects.local_path(blobs[0])
        except EngineError as error:
            failure = type(error)
            assert failure in (Full, Unavailable)
        await objects.close()
        assert len(blob_files(folder)) == len(blobs), faults.struck
        reopened = open_objects(folder)
        for blob, expected in zip(blobs, [DATA, DATA * 2, DATA], strict=False):
            assert await read(reopened, blob) == expected
        await reopened.close()
        if faults.struck is None:
            break
        struck.append((faults.struck, failure))
    assert {place for place, _ in struck} >= {
        "create: ENOSPC",
        "write: short",
        "write: no space after some bytes",
        "write: EIO",
        "sync: EIO",
        "sync: ENOSPC",
        "make_folder: ENOSPC",
        "link: EMLINK",
        "link: ENOSPC",
        "read_into: EIO",
        "read_into: short",
        "open: EMFILE",
        "size: EIO",
    }
    borne = {place for place, failure in struck if failure is None}
    assert borne == {"write: short", "read_into: short", "link: EMLINK"}


async def test_what_cannot_be_removed_is_an_orphan_and_the_error_is_the_first_one(tmp_path):
    class CannotRemove(Disk):
        def unlink(self, path):
            raise OSError("busy")

    async def breaking():
        yield DATA
        raise ConnectionResetError("gone")

    objects = open_objects(tmp_path / "objects", CannotRemove())
    with pytest.raises(ConnectionResetError):
        await objects.put(breaking())
    assert len(await objects.list_ids()) == 1
    await objects.close()


async def test_a_full_disk_refuses_loses_nothing_and_heals(objects, folder):
    kept = await objects.put(stream(DATA))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * BLOCK_SIZE_BYTES, hard))
    try:
        for _ in range(3):
            with pytest.raises(Full):
                await objects.put(stream(DATA))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(blob_files(folder)) == 1
    assert await read(objects, kept) == DATA
    assert await read(objects, await objects.put(stream(DATA))) == DATA


async def test_a_folder_has_one_owner(objects, folder):
    with pytest.raises(Unavailable, match=str(folder)):
        open_objects(folder)


async def test_nothing_is_stored_or_read_once_closed(folder):
    objects = open_objects(folder)
    blob = await objects.put(stream(DATA))
    await objects.close()
    with pytest.raises(Unavailable, match="closed"):
        await objects.put(stream(DATA))
    with pytest.raises(Unavailable, match="closed"):
        await read(objects, blob)
    with pytest.raises(Unavailable, match="closed"):
        await objects.local_path(blob)
    await objects.close()


async def test_no_descriptor_is_left_open(objects):
    def count():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    blob = await objects.put(stream(DATA))
    for _ in range(5):
        reading = objects.read(blob)
        await anext(reading)
        await reading.aclose()
        task = asyncio.ensure_future(read(objects, blob))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await objects.local_path(blob)
    await objects.close()
    assert count() <= before


async def test_shelves_go_on_where_they_stopped(folder, monkeypatch):
    monkeypatch.setattr("millpond.engines.objects.embedded.shelves.BLOBS_PER_SHELF", 2)
    shelves = []
    for _ in range(3):
        objects = open_objects(folder)
        for _ in range(3):
            shelves.append((await objects.put(stream(DATA))).id[:6])
        await objects.close()
    assert shelves == [f"{number // 2:06x}" for number in range(9)]


async def test_puts_at_once_open_one_shelf_together(objects):
    blobs = await asyncio.gather(*(objects.put(stream(DATA[:5_000])) for _ in range(20)))
    assert {blob.id[:6] for blob in blobs} == {"000000"}


async def test_a_user_s_key_is_never_part_of_a_path(objects, folder):
    await objects.put(stream(DATA))
    for path in folder.rglob("*"):
        assert path.name == "owner.lock" or set(path.name) <= set("0123456789abcdef")


class SlowSyncs:
    """A folder sync that takes as long as the test wants."""

    def __init__(self):
        self.calls = 0
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.error = None

    def __call__(self, folder):
        self.calls += 1
        self.begun.release()
        assert self.may_end.acquire(timeout=20)
        if self.error is not None:
            raise self.error

    async def wait_until_begun(self):
        assert await asyncio.to_thread(self.begun.acquire, True, 20)


async def test_who_comes_during_a_sync_shares_the_next_one(objects, tmp_path):
    slow = SlowSyncs()
    syncs = FolderSyncs(objects._executor, slow)
    first = asyncio.ensure_future(syncs.sync(tmp_path))
    await slow.wait_until_begun()
    late = [asyncio.ensure_future(syncs.sync(tmp_path)) for _ in range(10)]
    slow.may_end.release()
    await first
    await slow.wait_until_begun()
    assert not any(task.done() for task in late)
    slow.may_end.release()
    await asyncio.gather(*late)
    assert slow.calls == 2


async def test_a_failed_folder_sync_fails_all_that_wait_and_all_that_come(objects, tmp_path):
    slow = SlowSyncs()
    slow.error = OSError("a bad disk")
    syncs = FolderSyncs(objects._executor, slow)
    first = asyncio.ensure_future(syncs.sync(tmp_path))
    await slow.wait_until_begun()
    late = asyncio.ensure_future(syncs.sync(tmp_path))
    await asyncio.sleep(0)
    slow.may_end.release()
    for task in (first, late):
        with pytest.raises(OSError, match="a bad disk"):
            await task
    slow.error = None
    with pytest.raises(OSError, match="earlier sync"):
        await asyncio.wait_for(syncs.sync(tmp_path), 5)
    assert slow.calls == 1


async def test_a_folder_that_could_not_be_synced_is_used_no_more(folder):
    class BadShelf(Disk):
        bad = False

        def sync_folder(self, path):
            if self.bad and len(path.name) == 2:
                self.bad = False
                raise OSError("a bad disk")
            super().sync_folder(path)

    disk = BadShelf()
    objects = open_objects(folder, disk)
    before = await objects.put(stream(DATA))
    disk.bad = True
    with pytest.raises(Unavailable):
        await objects.put(stream(DATA))
    after = await objects.put(stream(DATA))
    assert after.id[:6] != before.id[:6]
    assert await read(objects, before) == await read(objects, after) == DATA
    await objects.close()
