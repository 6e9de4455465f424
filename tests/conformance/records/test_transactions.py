"""What every implementation of records promises, one sentence a test."""

import asyncio

import pytest

from millpond.engines.records.interface import (
    KEY_SIZE_BYTES_MAX,
    VALUE_SIZE_BYTES_MAX,
    Records,
    end_of,
)
from millpond.kernel.errors import Conflict


async def put(records: Records, **values: bytes) -> None:
    async with records.transaction() as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)


async def get(records: Records, key: str) -> bytes | None:
    async with records.transaction() as transaction:
        return await transaction.get(key.encode())


async def keys_of(transaction, start: bytes, end: bytes, **options: bool) -> list[bytes]:
    return [key async for key, _ in transaction.scan(start, end, **options)]


async def test_a_missing_key_has_no_value(records):
    assert await get(records, "a") is None


async def test_what_was_put_is_read_by_the_next_transaction(records):
    await put(records, a=b"1")
    assert await get(records, "a") == b"1"


async def test_the_last_put_of_a_key_wins(records):
    async with records.transaction() as transaction:
        transaction.put(b"a", b"1")
        transaction.put(b"a", b"2")
    assert await get(records, "a") == b"2"


async def test_an_empty_value_is_a_value(records):
    await put(records, a=b"")
    assert await get(records, "a") == b""


async def test_a_deleted_key_is_missing_and_deleting_it_again_is_no_error(records):
    await put(records, a=b"1")
    for _ in range(2):
        async with records.transaction() as transaction:
            transaction.delete(b"a")
    assert await get(records, "a") is None


async def test_nothing_is_written_when_the_block_raises(records):
    await put(records, a=b"1", b=b"1")
    with pytest.raises(KeyError):
        async with records.transaction() as transaction:
            transaction.put(b"a", b"2")
            transaction.delete(b"b")
            raise KeyError
    assert await get(records, "a") == b"1"
    assert await get(records, "b") == b"1"


async def test_a_transaction_sees_its_own_writes(records):
    await put(records, a=b"1", b=b"1")
    async with records.transaction() as transaction:
        transaction.put(b"a", b"2")
        transaction.delete(b"b")
        transaction.put(b"c", b"2")
        assert await transaction.get(b"a") == b"2"
        assert await transaction.get(b"b") is None
        assert await transaction.get(b"c") == b"2"


async def test_nobody_sees_the_writes_of_a_transaction_that_has_not_ended(records):
    async with records.transaction() as transaction:
        transaction.put(b"a", b"1")
        assert await get(records, "a") is None


async def test_a_transaction_reads_one_snapshot(records):
    await put(records, a=b"1", b=b"1")
    async with records.transaction() as transaction:
        assert await transaction.get(b"a") == b"1"
        await put(records, a=b"2", b=b"2", c=b"2")
        assert await transaction.get(b"b") == b"1"
        assert await keys_of(transaction, b"a", b"z") == [b"a", b"b"]


async def test_a_transaction_that_only_reads_never_conflicts(records):
    await put(records, a=b"1")
    async with records.transaction() as transaction:
        await transaction.get(b"a")
        await keys_of(transaction, b"a", b"z")
        await put(records, a=b"2", b=b"2")


async def test_a_transaction_that_only_writes_never_conflicts(records):
    async with records.transaction() as transaction:
        transaction.put(b"a", b"1")
        await put(records, a=b"2")
    assert await get(records, "a") == b"1"


async def test_a_key_that_changed_after_it_was_read_is_a_conflict(records):
    await put(records, a=b"1")
    with pytest.raises(Conflict):
        async with records.transaction() as transaction:
            await transaction.get(b"a")
            transaction.put(b"b", b"1")
            await put(records, a=b"2")
    assert await get(records, "b") is None


async def test_a_key_that_was_missing_when_read_and_then_appeared_is_a_conflict(records):
    with pytest.raises(Conflict):
        async with records.transaction() as transaction:
            await transaction.get(b"a")
            transaction.put(b"a", b"1")
            await put(records, a=b"2")
    assert await get(records, "a") == b"2"


async def test_a_key_that_was_deleted_after_it_was_read_is_a_conflict(records):
    await put(records, a=b"1")
    with pytest.raises(Conflict):
        async with records.transaction() as transaction:
            await transaction.get(b"a")
            transaction.put(b"b", b"1")
            async with records.transaction() as other:
                other.delete(b"a")


async def test_deleting_a_key_that_was_missing_already_is_no_conflict(records):
    async with records.transaction() as transaction:
        await transaction.get(b"a")
        transaction.put(b"b", b"1")
        async with records.transaction() as other:
            other.delete(b"a")
    assert await get(records, "b") == b"1"


async def test_a_change_elsewhere_is_no_conflict(records):
    await put(records, a=b"1")
    async with records.transaction() as transaction:
        await transaction.get(b"a")
        transaction.put(b"b", b"1")
        await put(records, c=b"2")
    assert await get(records, "b") == b"1"


async def test_reading_an_own_write_is_no_read_of_what_others_write(records):
    async with records.transaction() as transaction:
        transaction.put(b"a", b"1")
        assert await transaction.get(b"a") == b"1"
        await put(records, a=b"2")
    assert await get(records, "a") == b"1"


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_key_that_appears_in_a_scanned_range_is_a_conflict(records, reverse):
    await put(records, a=b"1", c=b"1")
    with pytest.raises(Conflict):
        async with records.transaction() as transaction:
            assert len(await keys_of(transaction, b"a", b"d", reverse=reverse)) == 2
            transaction.put(b"z", b"1")
            await put(records, b=b"2")


async def test_a_key_that_appears_in_a_range_scanned_and_found_empty_is_a_conflict(records):
    with pytest.raises(Conflict):
        async with records.transaction() as transaction:
            assert await keys_of(transaction, b"a", b"d") == []
            transaction.put(b"z", b"1")
            await put(records, b=b"2")


@pytest.mark.parametrize(
    ("reverse", "changed", "conflicts"),
    [
        (False, "aa", True),
        (False, "b", True),
        (False, "b0", False),
        (False, "c", False),
        (True, "e", False),
        (True, "d", True),
        (True, "c0", False),
        (True, "d0", True),
        (True, "c", False),
    ],
)
async def test_a_scan_reads_as_far_as_it_was_followed(records, reverse, changed, conflicts):
    await put(records, a=b"1", b=b"1", c=b"1", d=b"1")
    wanted = b"d" if reverse else b"b"

    async def look_and_write() -> None:
        async with records.transaction() as transaction:
            async for key, _ in transaction.scan(b"a", b"e", reverse=reverse):
                if key == wanted:
                    break
            transaction.put(b"z", b"1")
            await put(records, **{changed: b"2"})

    if conflicts:
        with pytest.raises(Conflict):
            await look_and_write()
    else:
        await look_and_write()
    assert await get(records, "z") == (None if conflicts else b"1")


async def test_a_scan_that_was_never_followed_reads_nothing(records):
    async with records.transaction() as transaction:
        transaction.scan(b"a", b"z")
        transaction.put(b"z", b"1")
        await put(records, b=b"2")
    assert await get(records, "z") == b"1"


async def test_write_skew_is_refused(records):
    """Two doctors on call, each leaves because the other is there: one of them must stay."""
    await put(records, one=b"on call", two=b"on call")

    async def leave(mine: bytes, other: bytes, met: asyncio.Barrier) -> None:
        async with records.transaction() as transaction:
            assert await transaction.get(other) == b"on call"
            await met.wait()
            transaction.put(mine, b"gone")

    met = asyncio.Barrier(2)
    ends = await asyncio.gather(
        leave(b"one", b"two", met), leave(b"two", b"one", met), return_exceptions=True
    )
    assert sorted(type(end) for end in ends if end is not None) == [Conflict]
    assert sorted([await get(records, "one"), await get(records, "two")]) == [b"gone", b"on call"]


async def test_write_skew_over_ranges_is_refused(records):
    """Each counts the other's range as empty and adds to its own."""

    async def add(mine: bytes, other: bytes, met: asyncio.Barrier) -> None:
        async with records.transaction() as transaction:
            assert await keys_of(transaction, other, end_of(other)) == []
            await met.wait()
            transaction.put(mine + b"1", b"")

    met = asyncio.Barrier(2)
    ends = await asyncio.gather(
        add(b"a/", b"b/", met), add(b"b/", b"a/", met), return_exceptions=True
    )
    assert sorted(type(end) for end in ends if end is not None) == [Conflict]


async def test_no_increment_is_lost_among_clients_that_try_again(records):
    clients, increments = 6, 12
    conflicts = 0

    async def increment() -> None:
        nonlocal conflicts
        for _ in range(increments):
            while True:
                try:
                    async with records.transaction() as transaction:
                        count = int(await transaction.get(b"count") or b"0")
                        transaction.put(b"count", b"%d" % (count + 1))
                    break
                except Conflict:
                    conflicts += 1

    await asyncio.gather(*(increment() for _ in range(clients)))
    assert await get(records, "count") == b"%d" % (clients * increments)
    assert conflicts > 0


async def test_a_scan_gives_keys_in_byte_order_both_ways(records):
    keys = [b"", b"\x00", b"\x01", b"a", b"a\x00", b"a\xff", b"b", b"\x7f", b"\x80", b"\xff\xff"]
    async with records.transaction() as transaction:
        for key in keys:
            transaction.put(b"k" + key, key)
    async with records.transaction() as transaction:
        found = [entry async for entry in transaction.scan(b"k", b"l")]
        assert found == [(b"k" + key, key) for key in sorted(keys)]
        backward = [entry async for entry in transaction.scan(b"k", b"l", reverse=True)]
        assert backward == found[::-1]


async def test_a_scan_begins_at_its_start_and_ends_before_its_end(records):
    await put(records, a=b"1", b=b"1", c=b"1", d=b"1")
    async with records.transaction() as transaction:
        for reverse in (False, True):
            found = await keys_of(transaction, b"b", b"d", reverse=reverse)
            assert sorted(found) == [b"b", b"c"]
            assert await keys_of(transaction, b"b\x00", b"c", reverse=reverse) == []
            assert await keys_of(transaction, b"c", b"c", reverse=reverse) == []
            assert await keys_of(transaction, b"d", b"b", reverse=reverse) == []
            whole = await keys_of(transaction, b"", b"\xff", reverse=reverse)
            assert sorted(whole) == [b"a", b"b", b"c", b"d"]


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_scan_merges_own_writes_with_what_is_stored(records, reverse):
    await put(records, b=b"old", c=b"old", e=b"old", f=b"old")
    async with records.transaction() as transaction:
        transaction.put(b"a", b"new")
        transaction.put(b"c", b"new")
        transaction.put(b"d", b"new")
        transaction.delete(b"e")
        transaction.put(b"g", b"new")
        transaction.delete(b"missing")
        found = [entry async for entry in transaction.scan(b"a", b"z", reverse=reverse)]
    expected = [
        (b"a", b"new"),
        (b"b", b"old"),
        (b"c", b"new"),
        (b"d", b"new"),
        (b"f", b"old"),
        (b"g", b"new"),
    ]
    assert found == (expected[::-1] if reverse else expected)


async def test_each_key_can_be_deleted_as_the_scan_gives_it(records):
    await put(records, a=b"1", b=b"1", c=b"1")
    async with records.transaction() as transaction:
        async for key, value in transaction.scan(b"a", b"z"):
            transaction.delete(key)
            transaction.put(b"x" + key, value)
        assert await keys_of(transaction, b"a", b"z") == [b"xa", b"xb", b"xc"]
    async with records.transaction() as transaction:
        assert await keys_of(transaction, b"a", b"z") == [b"xa", b"xb", b"xc"]


async def test_two_scans_go_on_side_by_side(records):
    await put(records, a=b"1", b=b"1", c=b"1")
    async with records.transaction() as transaction:
        forward = aiter(transaction.scan(b"a", b"z"))
        backward = aiter(transaction.scan(b"a", b"z", reverse=True))
        pairs = [((await anext(forward))[0], (await anext(backward))[0]) for _ in range(3)]
    assert pairs == [(b"a", b"c"), (b"b", b"b"), (b"c", b"a")]


async def test_the_longest_keys_and_values_are_kept_and_in_order(records):
    stem = b"k" * (KEY_SIZE_BYTES_MAX - 2)
    keys = [stem + tail for tail in (b"", b"\x00", b"\x00\x00", b"aa", b"ab", b"b", b"\xff\xff")]
    async with records.transaction() as transaction:
        for key in keys:
            transaction.put(key, key[::-1])
    async with records.transaction() as transaction:
        for key in keys:
            assert await transaction.get(key) == key[::-1]
        assert await transaction.get(stem[:-1]) is None
        assert await keys_of(transaction, b"k", b"l") == sorted(keys)
        assert await keys_of(transaction, stem + b"\x00", stem + b"ab") == keys[1:4]
        transaction.put(b"value", bytes(VALUE_SIZE_BYTES_MAX))
    async with records.transaction() as transaction:
        assert await transaction.get(b"value") == bytes(VALUE_SIZE_BYTES_MAX)


async def test_keys_and_values_that_are_too_long_are_refused(records):
    async with records.transaction() as transaction:
        for key in (b"", b"k" * (KEY_SIZE_BYTES_MAX + 1)):
            with pytest.raises(ValueError, match="key"):
                transaction.put(key, b"")
        with pytest.raises(ValueError, match="value"):
            transaction.put(b"k", bytes(VALUE_SIZE_BYTES_MAX + 1))


async def test_a_restart_keeps_all_that_was_committed(store):
    async with store.records.transaction() as transaction:
        for number in range(2_000):
            transaction.put(b"%04d" % number, b"v" * number)
    async with store.records.transaction() as transaction:
        transaction.delete(b"0007")
    await store.restart()
    async with store.records.transaction() as transaction:
        found = [entry async for entry in transaction.scan(b"0", b"9")]
    assert found == [(b"%04d" % n, b"v" * n) for n in range(2_000) if n != 7]


async def test_a_watch_tells_of_each_put_under_its_prefix_once_committed(records):
    await put(records, **{"task/before": b""})
    watch = records.watch(b"task/")
    news = aiter(watch)
    async with records.transaction() as transaction:
        transaction.put(b"task/a", b"")
        transaction.put(b"other/b", b"")
        transaction.delete(b"task/before")
        early = asyncio.ensure_future(anext(news))
        await asyncio.sleep(0.02)
        assert not early.done()
    assert await asyncio.wait_for(early, 5) == b"task/a"
    with pytest.raises(KeyError):
        async with records.transaction() as transaction:
            transaction.put(b"task/undone", b"")
            raise KeyError
    await put(records, **{"task/c": b""})
    assert await asyncio.wait_for(anext(news), 5) == b"task/c"
    await put(records, **{"task/c": b"again"})
    assert await asyncio.wait_for(anext(news), 5) == b"task/c"


async def test_a_watch_hears_nothing_of_a_transaction_that_was_refused(records):
    news = aiter(records.watch(b"task/"))
    with pytest.raises(Conflict):
        async with records.transaction() as transaction:
            await transaction.get(b"a")
            transaction.put(b"task/refused", b"")
            await put(records, a=b"2")
    await put(records, **{"task/kept": b""})
    assert await asyncio.wait_for(anext(news), 5) == b"task/kept"


async def test_the_value_is_there_when_the_watch_tells_of_its_key(records):
    news = aiter(records.watch(b"task/"))
    await put(records, **{"task/a": b"here"})
    assert await get(records, (await asyncio.wait_for(anext(news), 5)).decode()) == b"here"


async def test_two_watches_hear_of_the_same_key(records):
    watches = [aiter(records.watch(b"task/")), aiter(records.watch(b"ta"))]
    await put(records, **{"task/a": b""})
    for news in watches:
        assert await asyncio.wait_for(anext(news), 5) == b"task/a"


async def test_a_transaction_cut_short_leaves_nothing(records):
    started = asyncio.Event()

    async def work() -> None:
        async with records.transaction() as transaction:
            transaction.put(b"a", b"1")
            started.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await get(records, "a") is None
