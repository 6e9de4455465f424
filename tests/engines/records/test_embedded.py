"""What is particular to records on LMDB: space, trouble, threads, the folder."""

import asyncio
import errno
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import lmdb
import pytest
import uvloop

from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.records.embedded.store import READERS_MAX
from millpond.kernel.errors import Conflict, Full, Unavailable


async def read_all(records):
    async with records.transaction() as transaction:
        return [entry async for entry in transaction.scan(b"\x00", b"\xff")]


async def put(records, key, value):
    async with records.transaction() as transaction:
        transaction.put(key, value)


def commits_so_far(records):
    return records._environment.info()["last_txnid"]


async def test_transactions_that_wait_share_one_commit(records):
    before = commits_so_far(records)
    await asyncio.gather(*(put(records, b"%d" % number, b"") for number in range(500)))
    assert commits_so_far(records) - before <= 100
    assert len(await read_all(records)) == 500


async def test_transactions_of_one_batch_are_checked_against_each_other(records):
    """All read the counter before any writes it: exactly one of them may be right."""
    met = asyncio.Barrier(40)

    async def claim(number):
        async with records.transaction() as transaction:
            assert await transaction.get(b"owner") is None
            await met.wait()
            transaction.put(b"owner", b"%d" % number)

    ends = await asyncio.gather(*(claim(number) for number in range(40)), return_exceptions=True)
    assert ends.count(None) == 1
    assert sum(isinstance(end, Conflict) for end in ends) == 39
    assert (await read_all(records)) == [(b"owner", b"%d" % ends.index(None))]


async def test_a_transaction_that_changes_nothing_makes_no_commit_and_no_conflict(records):
    before = commits_so_far(records)
    async with records.transaction() as transaction:
        assert await transaction.get(b"a") is None
        transaction.put(b"b", b"1")
        for _ in range(3):
            async with records.transaction() as other:
                other.delete(b"a")
    assert commits_so_far(records) - before == 1


async def test_reader_slots_come_back_however_a_transaction_ends(records):
    async def fail():
        async with records.transaction() as transaction:
            await transaction.get(b"a")
            raise KeyError

    async def linger(started):
        async with records.transaction() as transaction:
            await transaction.get(b"a")
            started.set()
            await asyncio.Event().wait()

    for _ in range(READERS_MAX // 8):
        with pytest.raises(KeyError):
            await fail()
        started = asyncio.Event()
        task = asyncio.ensure_future(linger(started))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with records.transaction() as transaction:
            async for _ in transaction.scan(b"a", b"z"):
                break
    slots = records._environment.readers().splitlines()[1:]
    assert len(slots) < 70


async def test_one_reader_too_many_is_told_to_try_again(records):
    most = records._environment.max_readers()
    assert most >= READERS_MAX
    blocks = [records.transaction() for _ in range(most)]
    for block in blocks:
        await (await block.__aenter__()).get(b"a")
    with pytest.raises(Unavailable, match="try again"):
        async with records.transaction() as transaction:
            await transaction.get(b"a")
    for block in blocks:
        await block.__aexit__(None, None, None)
    assert await read_all(records) == []


async def test_the_map_grows_when_it_is_full(folder):
    records = EmbeddedRecords.open(folder, map_size_bytes=1024 * 1024)
    for number in range(40):
        await put(records, b"%02d" % number, bytes(200_000))
    assert [len(value) for _, value in await read_all(records)] == [200_000] * 40
    await records.close()
    records = EmbeddedRecords.open(folder, map_size_bytes=1024 * 1024)
    assert len(await read_all(records)) == 40
    await records.close()


async def test_the_map_waits_for_readers_before_it_grows(folder, monkeypatch):
    monkeypatch.setattr("millpond.engines.records.embedded.snapshots.GROW_WAIT_SECONDS", 3600)
    records = EmbeddedRecords.open(folder, map_size_bytes=1024 * 1024)
    await put(records, b"a", b"1")
    async with records.transaction() as reader:
        assert await reader.get(b"a") == b"1"
        writing = asyncio.ensure_future(put(records, b"b", bytes(4_000_000)))
        while records._snapshots._growing is None:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        late = asyncio.ensure_future(read_all(records))
        for _ in range(10):
            await asyncio.sleep(0)
        assert await reader.get(b"a") == b"1"
        assert not writing.done()
        assert not late.done()
    await asyncio.wait_for(writing, 20)
    assert len(await late) in (1, 2)
    assert len(await read_all(records)) == 2
    await records.close()


async def test_a_reader_that_outlasts_the_wait_is_cut_off(folder, monkeypatch):
    monkeypatch.setattr("millpond.engines.records.embedded.snapshots.GROW_WAIT_SECONDS", 0.05)
    records = EmbeddedRecords.open(folder, map_size_bytes=1024 * 1024)
    async with records.transaction() as reader:
        scan = reader.scan(b"a", b"z")
        assert await reader.get(b"a") is None
        await put(records, b"b", bytes(4_000_000))
        with pytest.raises(Unavailable):
            await reader.get(b"b")
        with pytest.raises(Unavailable):
            await anext(scan)
    assert len(await read_all(records)) == 1
    await records.close()


async def test_a_full_disk_refuses_loses_nothing_and_heals(records, folder, small_disk):
    await put(records, b"before", b"1")
    size_bytes = (folder / "data.mdb").stat().st_size
    with small_disk(size_bytes + 64 * 1024):
        for _ in range(3):
            with pytest.raises(Full):
                await put(records, b"large", bytes(1_000_000))
        assert await read_all(records) == [(b"before", b"1")]
        await put(records, b"small", b"2")
    await put(records, b"large", bytes(1_000_000))
    await records.close()
    reopened = EmbeddedRecords.open(folder)
    assert [key for key, _ in await read_all(reopened)] == [b"before", b"large", b"small"]
    await reopened.close()


async def test_what_a_full_disk_refused_counts_as_no_change(records, folder, small_disk):
    """A reader of the key that could not be written may commit; nothing happened to it."""
    await put(records, b"a", b"1")
    size_bytes = (folder / "data.mdb").stat().st_size
    async with records.transaction() as transaction:
        assert await transaction.get(b"a") == b"1"
        with small_disk(size_bytes + 64 * 1024), pytest.raises(Full):
            await put(records, b"a", bytes(1_000_000))
        transaction.put(b"b", b"1")
    assert len(await read_all(records)) == 2


class Failing:
    """LMDB whose commits fail, as soon as `gate` lets them; the rest is real."""

    def __init__(self, inner, error, gate=None):
        self._inner = inner
        self._error = error
        self._gate = gate

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def begin(self, *arguments, **named):
        inner = self._inner.begin(*arguments, **named)
        return Failing(inner, self._error, self._gate) if named.get("write") else inner

    def commit(self):
        if self._gate is not None:
            self._gate.wait(20)
            self._gate.wait(20)
        raise self._error


async def test_a_full_disk_can_be_opened_again_and_read(folder, small_disk):
    records = EmbeddedRecords.open(folder)
    await put(records, b"a", b"1")
    await records.close()
    with small_disk((folder / "data.mdb").stat().st_size):
        reopened = EmbeddedRecords.open(folder)
        assert await read_all(reopened) == [(b"a", b"1")]
        await reopened.close()


async def test_a_new_folder_on_a_full_disk_is_refused(folder, small_disk):
    with small_disk(4096), pytest.raises(Full):
        EmbeddedRecords.open(folder)
    await EmbeddedRecords.open(folder).close()


async def test_a_failed_sync_ends_all_writing_until_a_restart(folder):
    records = EmbeddedRecords.open(folder)
    await put(records, b"before", b"1")
    real = records._writer._environment
    records._writer._environment = Failing(real, lmdb.Error("fdatasync", errno.EIO))
    with pytest.raises(Unavailable, match="restart"):
        await put(records, b"a", b"1")
    records._writer._environment = real
    with pytest.raises(Unavailable, match="restart"):
        await put(records, b"a", b"1")
    with pytest.raises(Unavailable, match="restart"):
        await read_all(records)
    await records.close()
    reopened = EmbeddedRecords.open(folder)
    assert await read_all(reopened) == [(b"before", b"1")]
    await reopened.close()


async def test_what_waited_behind_a_failed_sync_is_not_written(folder):
    records = EmbeddedRecords.open(folder)
    real = records._writer._environment
    gate = threading.Barrier(2)
    records._writer._environment = Failing(real, lmdb.Error("fdatasync", errno.EIO), gate)
    first = asyncio.ensure_future(put(records, b"a", b"1"))
    await asyncio.to_thread(gate.wait, 20)
    second = asyncio.ensure_future(put(records, b"b", b"1"))
    await asyncio.sleep(0)
    records._writer._environment = real
    await asyncio.to_thread(gate.wait, 20)
    for task in (first, second):
        with pytest.raises(Unavailable):
            await task
    await records.close()
    reopened = EmbeddedRecords.open(folder)
    assert await read_all(reopened) == []
    await reopened.close()


async def test_a_disk_without_space_for_a_sync_is_full_and_not_broken(folder):
    records = EmbeddedRecords.open(folder)
    real = records._writer._environment
    error = lmdb.DiskError("fdatasync", errno.ENOSPC)
    records._writer._environment = Failing(real, error)
    with pytest.raises(Full):
        await put(records, b"a", b"1")
    records._writer._environment = real
    await put(records, b"a", b"2")
    assert await read_all(records) == [(b"a", b"2")]
    await records.close()


async def test_a_folder_has_one_owner(records, folder):
    with pytest.raises(Unavailable, match=f"{folder}.*process {os.getpid()}"):
        EmbeddedRecords.open(folder)


def test_another_process_cannot_open_the_folder_and_one_that_died_holds_nothing(folder):
    program = (
        "import pathlib, sys; from millpond.engines.records.embedded import EmbeddedRecords;"
        "records = EmbeddedRecords.open(pathlib.Path(sys.argv[1])); print('open', flush=True);"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout.readline() == b"open\n"
        with pytest.raises(Unavailable, match=f"process {owner.pid}"):
            EmbeddedRecords.open(folder)
        owner.kill()
    asyncio.run(EmbeddedRecords.open(folder).close())


async def test_closing_writes_what_was_submitted_and_refuses_the_rest(folder):
    records = EmbeddedRecords.open(folder)
    watch = records.watch(b"never")
    waiting = asyncio.ensure_future(anext(watch))
    late = records.transaction()
    await late.__aenter__()
    late.put(b"late", b"")
    reader = records.transaction()
    await reader.__aenter__()
    await reader.get(b"a")
    writes = [asyncio.ensure_future(put(records, b"%d" % n, b"")) for n in range(50)]
    await asyncio.sleep(0)
    await records.close()
    await asyncio.gather(*writes)
    with pytest.raises(StopAsyncIteration):
        await waiting
    with pytest.raises(Unavailable, match="nothing was written"):
        await late.__aexit__(None, None, None)
    with pytest.raises(Unavailable):
        await reader.get(b"b")
    await reader.__aexit__(None, None, None)
    with pytest.raises(Unavailable, match="closed"):
        await read_all(records)
    await records.close()
    reopened = EmbeddedRecords.open(folder)
    assert len(await read_all(reopened)) == 50
    await reopened.close()


async def test_a_task_cancelled_while_it_commits_disturbs_nobody(records):
    tasks = [asyncio.ensure_future(put(records, b"%02d" % n, b"")) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert ends[1::2] == [None] * 10
    kept = {key for key, _ in await read_all(records)}
    assert kept >= {b"%02d" % n for n in range(1, 20, 2)}
    await put(records, b"after", b"")


async def test_a_transaction_cannot_be_used_once_it_has_ended(records):
    async with records.transaction() as transaction:
        await transaction.get(b"a")
    for use in (
        lambda: transaction.put(b"a", b""),
        lambda: transaction.delete(b"a"),
    ):
        with pytest.raises(RuntimeError):
            use()
    with pytest.raises(RuntimeError):
        await transaction.get(b"a")
    with pytest.raises(RuntimeError):
        await anext(transaction.scan(b"a", b"b"))


async def test_a_long_scan_lets_other_tasks_run(records):
    async with records.transaction() as transaction:
        for number in range(5_000):
            transaction.put(b"%05d" % number, b"")
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    assert len(await read_all(records)) == 5_000
    counting.cancel()
    assert turns >= 5_000 // 64


async def test_a_slow_watcher_costs_one_entry_for_a_key(records):
    watch = records.watch(b"k")
    for number in range(200):
        await put(records, b"k%d" % (number % 2), b"")
    assert {await anext(watch), await anext(watch)} == {b"k0", b"k1"}
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()


def test_it_runs_on_uvloop(folder):
    async def work():
        records = EmbeddedRecords.open(folder)
        await asyncio.gather(*(put(records, b"%d" % n, b"") for n in range(100)))
        found = await read_all(records)
        await records.close()
        return found

    with ThreadPoolExecutor(1) as thread:
        assert len(thread.submit(uvloop.run, work()).result()) == 100
