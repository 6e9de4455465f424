"""What the embedded log does with its disk: syncs, space, files, time to open."""

import asyncio
import errno
import time
from pathlib import Path

import pytest
from log_disks import MemoryDisk

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.log.embedded.space import RESERVE_SIZE_BYTES
from millpond.engines.log.interface import Batch, Sealed
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import Damaged, Full, Unavailable
from millpond.kernel.files import Disk

FOLDER = Path("/data/log")
ALL = {"entries_max": 100_000, "size_bytes_max": 1 << 30}


class Watched(MemoryDisk):
    """Counts syncs, may be slow to sync, run out of space, or fail a sync of a file."""

    def __init__(self):
        super().__init__({Path("/data"): None})
        self.syncs = 0
        self.space = 1 << 40
        self.failing_syncs = 0
        self.before_sync = lambda: None

    def write(self, descriptor, data, offset):
        if len(data) > self.space:
            super().write(descriptor, bytes(data)[: self.space], offset)
            raise OSError(errno.ENOSPC, "No space left")
        return super().write(descriptor, data, offset)

    def sync(self, descriptor):
        self.before_sync()
        self.syncs += 1
        if self.failing_syncs:
            self.failing_syncs -= 1
            raise OSError(errno.EIO, "Input/output error")
        super().sync(descriptor)


def open_log(disk, clock=None, **tuning):
    return EmbeddedLog.open(FOLDER, clock or ManualClock(), files=disk, **tuning)


def batch(name, *values):
    return Batch(name, [(b"", value) for value in values])


async def values(log, name, position=0):
    return [entry.value for entry in (await log.read(name, position, **ALL)).entries]


def names(disk, folder):
    return sorted(path.name for path in disk.files if path.parent == FOLDER / folder)


async def test_all_that_waits_shares_one_sync():
    disk = Watched()
    log = open_log(disk)
    await log.append([batch(b"a", b"0")])
    before = disk.syncs
    calls = [log.append([batch(b"log-%d" % number, b"0")]) for number in range(300)]
    await asyncio.gather(*calls, log.seal(b"x"), log.delete(b"a"))
    assert disk.syncs - before == 1
    await log.close()


async def test_nobody_sees_an_entry_before_it_is_synced():
    disk = Watched()
    log = open_log(disk)
    seen = []
    disk.before_sync = lambda: seen.append(log.bounds(b"a").end)
    waiting = asyncio.ensure_future(log.wait(b"a", 0))
    await log.append([batch(b"a", b"0")])
    await waiting
    await log.append([batch(b"a", b"1")])
    assert seen == [0, 1]
    await log.close()


async def test_a_full_disk_refuses_keeps_what_it_has_and_heals():
    disk = Watched()
    log = open_log(disk)
    await log.append([batch(b"a", b"0")])
    for space in (0, 30, 150):
        disk.space = space
        with pytest.raises(Full):
            await log.append([batch(b"a", bytes(200)), batch(b"new", b"0")])
    assert log.bounds(b"a").end == 1
    assert log.bounds(b"new").end == 0
    assert await values(log, b"a") == [b"0"]
    disk.space = 1 << 40
    assert (await log.append([batch(b"a", b"1")]))[0].position == 1
    copy = disk.copy()
    await log.close()
    after = open_log(copy)
    assert await values(after, b"a") == [b"0", b"1"]
    await after.close()


async def test_appends_leave_the_last_of_the_disk_to_what_makes_space():
    disk, free = MemoryDisk({Path("/data"): None}), [RESERVE_SIZE_BYTES + 1000]
    log = open_log(disk, free_size=lambda: free[0])
    await log.append([batch(b"a", b"0"), batch(b"b", b"0")])
    with pytest.raises(Full):
        await log.append([batch(b"a", bytes(600)), batch(b"b", bytes(600))])
    assert log.bounds(b"a").end == log.bounds(b"b").end == 1
    free[0] = 0
    with pytest.raises(Full):
        await log.append([batch(b"a", b"1")])
    assert await log.seal(b"b") == 1
    await log.trim(b"b", 1 << 60)
    await log.delete(b"a")
    assert log.bounds(b"a").end == 0
    free[0] = RESERVE_SIZE_BYTES + 1000
    assert (await log.append([batch(b"a", b"1")]))[0].position == 0
    await log.close()


async def test_a_disk_that_is_full_at_the_first_append_heals_too():
    disk = Watched()
    log = open_log(disk)
    disk.space = 40
    with pytest.raises(Full):
        await log.append([batch(b"a", b"0")])
    disk.space = 1 << 40
    assert (await log.append([batch(b"a", b"1")]))[0].position == 0
    await log.close()
    log = open_log(disk)
    assert await values(log, b"a") == [b"1"]
    await log.close()


async def test_a_failed_sync_is_told_and_the_next_append_goes_to_a_new_file():
    disk = Watched()
    log = open_log(disk)
    await log.append([batch(b"a", b"0")])
    disk.failing_syncs = 1
    outcomes = await asyncio.gather(
        log.append([batch(b"a", b"lost")]), log.seal(b"b"), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert log.bounds(b"a").end == 1
    assert (await log.append([batch(b"a", b"1")]))[0].position == 1
    assert len(names(disk, "journal")) == 2
    copy = disk.copy()
    await log.close()
    after = open_log(copy)
    assert await values(after, b"a") == [b"0", b"1"]
    assert not after.bounds(b"b").sealed
    await after.close()


async def test_space_comes_back_when_logs_are_trimmed_or_deleted():
    disk, clock = Watched(), ManualClock()
    log = open_log(disk, clock, journal_size_bytes_max=20_000, own_segment_size_bytes_min=8_000)
    for number in range(60):
        clock.advance(1)
        await log.append([batch(b"big", bytes(1_000)), batch(b"small-%d" % (number % 5), bytes(9))])
    await log.wait_for_housekeeping()
    full = sum(len(data) for data in disk.files.values() if data)
    await log.trim(b"big", clock.now_ms() + 1)
    for number in range(4):
        await log.delete(b"small-%d" % number)
    await log.append([batch(b"big", bytes(20_000))])
    await log.append([batch(b"big", b"last")])
    await log.wait_for_housekeeping()
    assert log.bounds(b"big").first >= 60
    left = sum(len(data) for data in disk.files.values() if data)
    assert left < full / 2
    assert await values(log, b"small-4") == [bytes(9)] * 12
    await log.close()


async def test_a_log_that_is_kept_for_ever_does_not_pin_its_neighbours():
    disk, clock = Watched(), ManualClock()
    log = open_log(disk, clock, journal_size_bytes_max=5_000, segments_gathered=100)
    await log.append([batch(b"kept", b"for ever")])
    for _ in range(12):
        clock.advance(1)
        await log.append([batch(b"short", bytes(900))])
    await log.wait_for_housekeeping()
    (old,) = names(disk, "segments")[:1]
    await log.trim(b"short", clock.now_ms() + 1)
    await log.wait_for_housekeeping()
    assert old not in names(disk, "segments")
    assert await values(log, b"kept") == [b"for ever"]
    assert sum(len(disk.files[FOLDER / "segments" / one]) for one in names(disk, "segments")) < 900
    await log.close()


async def test_ten_thousand_logs_of_few_entries_need_few_files_and_syncs_and_open_at_once():
    disk = Watched()
    log = open_log(disk, journal_size_bytes_max=100_000, journals_max=4)
    for turn in range(3):
        for start in range(0, 10_000, 1_000):
            await log.append(
                [batch(b"stream/shard-%06d" % n, b"%d" % turn) for n in range(start, start + 1_000)]
            )
    await log.wait_for_housekeeping()
    assert disk.syncs < 150
    assert len(disk.files) < 40
    await log.close()
    started = time.process_time()
    log = open_log(disk)
    assert time.process_time() - started < 1.0
    for n in range(0, 10_000, 501):
        assert await values(log, b"stream/shard-%06d" % n) == [b"0", b"1", b"2"]
    await log.close()


async def test_shared_segments_are_gathered_until_a_log_has_one_of_its_own():
    disk = Watched()
    log = open_log(
        disk,
        journal_size_bytes_max=4_000,
        own_segment_size_bytes_min=6_000,
        segments_gathered=3,
        cache_size_bytes_max=0,
    )
    for number in range(80):
        await log.append([batch(b"a", b"%04d" % number + bytes(400)), batch(b"b", b"x")])
    await log.wait_for_housekeeping()
    levels = {segment.level for segment in log._housekeeping.segments.values()}
    assert -1 in levels
    assert len(names(disk, "segments")) <= 12
    assert [value[:4] for value in await values(log, b"a")] == [b"%04d" % n for n in range(80)]
    assert len(await values(log, b"b")) == 80
    await log.close()


async def test_memory_does_not_grow_with_what_is_stored():
    log = open_log(disk := Watched(), journal_size_bytes_max=1 << 20, cache_size_bytes_max=1 << 18)
    for _ in range(40):
        await log.append([batch(b"a", *[bytes(1_000)] * 100)])
    await log.wait_for_housekeeping()
    state = log._ledger.by_name[b"a"]
    assert len(state.chunks.stored()) + len(state.frames.stored()) < 5_000
    assert log._reader._cache._size_bytes <= 1 << 18
    assert sum(len(data) for data in disk.files.values() if data) > 4_000_000
    await log.close()


async def test_reading_goes_on_while_segments_are_moved_and_trimmed():
    disk, clock = Watched(), ManualClock()
    log = open_log(
        disk,
        clock,
        journal_size_bytes_max=3_000,
        own_segment_size_bytes_min=2_000,
        segments_gathered=2,
        cache_size_bytes_max=0,
    )
    seen = []

    async def follow():
        position = 0
        while len(seen) < 300:
            await log.wait(b"a", position)
            read = await log.read(b"a", position, entries_max=3, size_bytes_max=1 << 20)
            seen.extend(entry.value for entry in read.entries)
            position = read.next_position

    reading = asyncio.ensure_future(follow())
    for number in range(300):
        clock.advance(1)
        await log.append([batch(b"a", b"%04d" % number + bytes(90)), batch(b"b", bytes(50))])
        if number % 20 == 0:
            await log.trim(b"b", clock.now_ms() - 5_000)
    await asyncio.wait_for(reading, 20)
    assert [value[:4] for value in seen] == [b"%04d" % number for number in range(300)]
    await log.close()


async def test_after_close_waiters_and_writers_are_told():
    log = open_log(Watched())
    waiting = asyncio.ensure_future(log.wait(b"a", 0))
    appending = asyncio.ensure_future(log.append([batch(b"b", b"0")]))
    await asyncio.sleep(0)
    await log.close()
    assert (await appending)[0].position == 0
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await log.append([batch(b"b", b"0")])


async def test_a_caller_that_gives_up_takes_nothing_from_the_others():
    log = open_log(Watched())
    given_up = asyncio.ensure_future(log.append([batch(b"a", b"0")]))
    other = asyncio.ensure_future(log.append([batch(b"a", b"1")]))
    await asyncio.sleep(0)
    given_up.cancel()
    assert (await other)[0].position == 1
    assert await values(log, b"a") == [b"0", b"1"]
    await log.close()


async def test_a_file_of_ours_that_is_not_there_any_more_is_no_endless_loop():
    disk = Watched()
    log = open_log(disk, cache_size_bytes_max=0)
    await log.append([batch(b"a", b"0")])
    for name in names(disk, "journal"):
        del disk.files[FOLDER / "journal" / name]
    with pytest.raises(Damaged):
        await asyncio.wait_for(log.read(b"a", 0, **ALL), 5)
    await log.close()


async def test_it_is_the_same_on_the_machines_disk(tmp_path):
    log = EmbeddedLog.open(tmp_path / "log", ManualClock(), journal_size_bytes_max=10_000)
    for number in range(100):
        await log.append([batch(b"a", b"%04d" % number + bytes(300))])
    await log.seal(b"a")
    await log.wait_for_housekeeping()
    await log.close()
    log = EmbeddedLog.open(tmp_path / "log", ManualClock(), cache_size_bytes_max=0)
    assert [value[:4] for value in await values(log, b"a")] == [b"%04d" % n for n in range(100)]
    with pytest.raises(Sealed):
        await log.append([batch(b"a", b"x")])
    await log.close()
    assert (tmp_path / "log" / "catalog").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(Unavailable):
        EmbeddedLog.open(tmp_path / "missing" / "log", ManualClock())


def test_the_disk_reads_and_writes_where_it_is_told(tmp_path):
    disk = Disk()
    descriptor = disk.create(tmp_path / "file")
    assert disk.write(descriptor, b"abcdef", 0) == 6
    assert disk.write(descriptor, b"XY", 2) == 2
    disk.sync(descriptor)
    disk.sync_folder(tmp_path)
    assert disk.size(descriptor) == 6
    disk.close(descriptor)
    disk.rename(tmp_path / "file", tmp_path / "other")
    descriptor = disk.open(tmp_path / "other")
    assert disk.read(descriptor, 10, 1) == b"bXYef"
    disk.close(descriptor)
    assert disk.names(tmp_path) == ["other"]
    disk.unlink(tmp_path / "other")
    assert list(tmp_path.iterdir()) == []
