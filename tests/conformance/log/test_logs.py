"""What every log promises, one promise at a time."""

import asyncio

import pytest

from millpond.engines.log.interface import (
    ENTRY_SIZE_BYTES_MAX,
    LOG_NAME_SIZE_BYTES_MAX,
    Batch,
    Bounds,
    Entry,
    Read,
    Sealed,
)

MANY = {"entries_max": 10_000, "size_bytes_max": 100_000_000}


def batch(log, *values):
    return Batch(log, [(b"key", value) for value in values])


async def values(log, name, position=0, **bounds):
    read = await log.read(name, position, **(MANY | bounds))
    return [entry.value for entry in read.entries]


async def test_a_log_that_nobody_wrote_to_is_empty(log):
    assert await log.read(b"a", 0, **MANY) == Read([], 0)
    assert await log.read(b"a", 7, **MANY) == Read([], 7)
    assert log.bounds(b"a") == Bounds(0, 0, False, 0, 0)
    assert await log.find(b"a", 0) == 0
    assert await log.next_readable(b"a", 0) == 0
    await log.trim(b"a", 10**15)
    await log.delete(b"a")


async def test_what_was_appended_is_read(log, store):
    now_ms = store.clock.now_ms()
    answers = await log.append([Batch(b"a", [(b"k", b"v"), (b"", b"w"), (b"x", b"")])])
    assert answers == [(0, now_ms)]
    assert await log.read(b"a", 0, **MANY) == Read(
        [
            Entry(0, now_ms, b"k", b"v"),
            Entry(1, now_ms, b"", b"w"),
            Entry(2, now_ms, b"x", b""),
        ],
        3,
    )
    bounds = log.bounds(b"a")
    assert bounds[:4] == (0, 3, False, now_ms)
    assert bounds.size_bytes >= 4


async def test_positions_grow_by_one_for_each_entry(log):
    assert (await log.append([batch(b"a", b"0", b"1")]))[0].position == 0
    assert (await log.append([batch(b"a", b"2")]))[0].position == 2
    assert [entry.position for entry in (await log.read(b"a", 0, **MANY)).entries] == [0, 1, 2]


async def test_batches_of_one_call_go_to_their_logs_in_order(log):
    answers = await log.append([batch(b"a", b"0"), batch(b"b", b"x"), batch(b"a", b"1", b"2")])
    assert [answer.position for answer in answers] == [0, 0, 1]
    assert await values(log, b"a") == [b"0", b"1", b"2"]
    assert await values(log, b"b") == [b"x"]


async def test_appending_nothing_answers_nothing(log):
    assert await log.append([]) == []


@pytest.mark.parametrize(
    "refused",
    [
        Batch(b"", [(b"k", b"v")]),
        Batch(b"n" * (LOG_NAME_SIZE_BYTES_MAX + 1), [(b"k", b"v")]),
        Batch(b"a", []),
        Batch(b"a", [(b"k", b"v"), (b"", b"")]),
        Batch(b"a", [(b"k", bytes(ENTRY_SIZE_BYTES_MAX))]),
    ],
    ids=["no name", "a long name", "no entries", "an empty entry", "a long entry"],
)
async def test_what_is_too_long_or_empty_is_refused_and_nothing_is_written(log, refused):
    with pytest.raises(ValueError, match=r"[a-z]"):
        await log.append([batch(b"b", b"0"), refused])
    assert log.bounds(b"b").end == 0


async def test_the_longest_name_and_entry_are_taken(log, store):
    name = bytes(range(256)) * 2
    await log.append([Batch(name, [(b"k", bytes(ENTRY_SIZE_BYTES_MAX - 1)), (b"k", b"after")])])
    await store.restart()
    assert [len(value) for value in await values(store.log, name)] == [
        ENTRY_SIZE_BYTES_MAX - 1,
        5,
    ]


async def test_times_come_from_the_clock_and_never_fall(log, store):
    first = (await log.append([batch(b"a", b"0")]))[0].time_ms
    assert first == store.clock.now_ms()
    store.clock.advance(5)
    second = (await log.append([batch(b"a", b"1")]))[0].time_ms
    assert second == first + 5_000
    store.clock.advance(-60)
    assert (await log.append([batch(b"a", b"2")]))[0].time_ms == second
    assert log.bounds(b"a").last_time_ms == second
    assert (await log.append([batch(b"b", b"0")]))[0].time_ms == store.clock.now_ms()


async def test_reading_keeps_to_both_bounds(log):
    await log.append([batch(b"a", *(b"%04d" % number for number in range(50)))])
    await log.append([batch(b"a", *(b"%04d" % number for number in range(50, 100)))])
    assert await values(log, b"a", 10, entries_max=3) == [b"0010", b"0011", b"0012"]
    assert len(await values(log, b"a", 0, size_bytes_max=7 * 60)) == 60
    assert len(await values(log, b"a", 0, size_bytes_max=7 * 60 + 6)) == 60
    assert len(await values(log, b"a", 48, size_bytes_max=7 * 5, entries_max=4)) == 4
    read = await log.read(b"a", 98, **MANY)
    assert len(read.entries) == 2
    assert read.next_position == 100
    assert await log.read(b"a", 100, **MANY) == Read([], 100)


async def test_one_entry_is_read_even_if_it_is_larger_than_the_bound(log):
    await log.append([batch(b"a", bytes(1_000), b"1")])
    assert [len(value) for value in await values(log, b"a", size_bytes_max=10)] == [1_000]
    assert len(await values(log, b"a", 1, size_bytes_max=0)) == 1


async def test_large_batches_are_whole_and_in_order(log):
    sent = [b"%06d" % number + bytes(400_000) for number in range(12)]
    answer = (await log.append([batch(b"a", *sent)]))[0]
    assert answer.position == 0
    assert await values(log, b"a") == sent
    assert await values(log, b"a", 5, entries_max=2) == sent[5:7]


async def test_calls_that_wait_together_keep_their_order(log):
    calls = [log.append([batch(b"a", b"%d" % number)]) for number in range(200)]
    answers = await asyncio.gather(*calls)
    assert [answer[0].position for answer in answers] == list(range(200))
    assert await values(log, b"a") == [b"%d" % number for number in range(200)]


async def test_everything_is_there_after_a_restart(log, store):
    for number in range(30):
        store.clock.advance(1)
        await log.append([batch(b"log-%d" % (number % 3), b"%d" % number, bytes(100))])
    await log.seal(b"log-1")
    await log.delete(b"log-2")
    before = [await log.read(b"log-%d" % number, 0, **MANY) for number in range(3)]
    await store.restart()
    log = store.log
    assert [await log.read(b"log-%d" % number, 0, **MANY) for number in range(3)] == before
    assert log.bounds(b"log-1").sealed
    assert log.bounds(b"log-0").end == 20
    with pytest.raises(Sealed):
        await log.append([batch(b"log-1", b"x")])
    assert (await log.append([batch(b"log-0", b"x")]))[0].position == 20
    assert (await log.append([batch(b"log-2", b"x")]))[0].position == 0


class TestSeal:
    async def test_it_answers_the_end_and_keeps_what_was_there(self, log):
        await log.append([batch(b"a", b"0", b"1")])
        assert await log.seal(b"a") == 2
        assert await log.seal(b"a") == 2
        assert await values(log, b"a") == [b"0", b"1"]
        assert log.bounds(b"a").sealed

    async def test_a_log_can_be_sealed_before_its_first_entry(self, log):
        assert await log.seal(b"a") == 0
        with pytest.raises(Sealed):
            await log.append([batch(b"a", b"0")])

    async def test_nothing_of_a_call_is_written_when_one_of_its_logs_is_sealed(self, log):
        await log.seal(b"a")
        with pytest.raises(Sealed):
            await log.append([batch(b"b", b"0"), batch(b"a", b"0")])
        assert log.bounds(b"b").end == 0

    async def test_who_comes_after_it_is_refused_and_who_came_before_is_not(self, log):
        before = [asyncio.ensure_future(log.append([batch(b"a", b"0")])) for _ in range(5)]
        sealing = asyncio.ensure_future(log.seal(b"a"))
        after = [asyncio.ensure_future(log.append([batch(b"a", b"0")])) for _ in range(5)]
        outcomes = await asyncio.gather(*before, sealing, *after, return_exceptions=True)
        end = outcomes[5]
        accepted = [outcome for outcome in outcomes[:5] if isinstance(outcome, list)]
        accepted += [outcome for outcome in outcomes[6:] if isinstance(outcome, list)]
        assert sorted(outcome[0].position for outcome in accepted) == list(range(end))
        assert all(isinstance(outcome, (list, Sealed, int)) for outcome in outcomes), outcomes
        assert log.bounds(b"a")[:3] == (0, end, True)


class TestWait:
    async def test_it_returns_at_once_when_there_is_something(self, log):
        await log.append([batch(b"a", b"0")])
        await asyncio.wait_for(log.wait(b"a", 0), 5)

    async def test_it_returns_when_something_comes(self, log):
        waiting = asyncio.ensure_future(log.wait(b"a", 1))
        await log.append([batch(b"a", b"0")])
        await log.append([batch(b"b", b"0")])
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        await log.append([batch(b"a", b"1")])
        await asyncio.wait_for(waiting, 5)
        assert await values(log, b"a", 1) == [b"1"]

    async def test_it_returns_when_the_log_is_sealed(self, log):
        waiting = asyncio.ensure_future(log.wait(b"a", 0))
        await asyncio.sleep(0)
        await log.seal(b"a")
        await asyncio.wait_for(waiting, 5)
        await asyncio.wait_for(log.wait(b"a", 100), 5)

    async def test_many_wait_and_each_hears_of_its_own(self, log):
        waiting = [asyncio.ensure_future(log.wait(b"%d" % n, 0)) for n in range(500)]
        await asyncio.sleep(0)
        waiting[3].cancel()
        await log.append([batch(b"%d" % n, b"0") for n in range(0, 500, 2)])
        await asyncio.wait_for(asyncio.gather(*waiting[::2]), 5)
        assert [n for n, one in enumerate(waiting) if not one.done()] == [
            n for n in range(500) if n % 2 and n != 3
        ]
        await log.append([batch(b"%d" % n, b"0") for n in range(1, 500, 2)])
        await asyncio.wait_for(asyncio.gather(*waiting[5::2]), 5)

    async def test_a_reader_that_waits_sees_all_that_writers_append(self, log):
        async def write(number):
            for step in range(40):
                await log.append([batch(b"a", b"%d-%d" % (number, step))])

        async def follow():
            position, seen = 0, []
            while len(seen) < 160:
                await log.wait(b"a", position)
                read = await log.read(b"a", position, entries_max=7, size_bytes_max=1_000)
                assert read.entries
                position = read.next_position
                seen += [entry.value for entry in read.entries]
            return seen

        reading = asyncio.gather(*(follow() for _ in range(3)))
        await asyncio.gather(*(write(number) for number in range(4)))
        first, *others = await asyncio.wait_for(reading, 20)
        assert others == [first, first]
        for number in range(4):
            mine = [value for value in first if value.startswith(b"%d-" % number)]
            assert mine == [b"%d-%d" % (number, step) for step in range(40)]


class TestFind:
    async def test_it_gives_the_first_entry_of_that_time_or_later(self, log, store):
        times = []
        for number in range(40):
            store.clock.advance(2)
            answer = await log.append([batch(b"a", b"%d" % number, bytes(90))])
            times.append(answer[0].time_ms)
        for number, time_ms in enumerate(times):
            assert await log.find(b"a", time_ms) == 2 * number
            assert await log.find(b"a", time_ms - 1) == 2 * number
        assert await log.find(b"a", 0) == 0
        assert await log.find(b"a", times[-1] + 1) == 80


class TestTrim:
    async def test_only_what_is_old_goes_and_positions_stay(self, log, store):
        for number in range(60):
            store.clock.advance(1)
            await log.append([batch(b"a", b"%d" % number + bytes(100))])
        border_ms = store.clock.now_ms() - 20_000
        await store.settle()
        await log.trim(b"a", border_ms)
        bounds = log.bounds(b"a")
        assert bounds.end == 60
        assert bounds.first <= 39
        if store.trims:
            assert bounds.first > 10
            assert bounds.size_bytes < 60 * 110
        read = await log.read(b"a", 0, **MANY)
        assert [entry.position for entry in read.entries] == list(range(bounds.first, 60))
        assert await log.find(b"a", 0) == bounds.first
        await store.restart()
        assert store.log.bounds(b"a").first == bounds.first
        assert await store.log.read(b"a", 0, **MANY) == read

    async def test_a_log_of_which_all_went_goes_on_where_it_was(self, log, store):
        await log.append([batch(b"a", b"0", b"1", b"2")])
        store.clock.advance(10)
        await log.trim(b"a", store.clock.now_ms())
        for number in range(30):
            await log.append([batch(b"b", b"%d" % number + bytes(200))])
        await store.settle()
        await store.restart()
        log = store.log
        assert (await log.append([batch(b"a", b"3")]))[0].position == 3
        assert log.bounds(b"a").end == 4
        assert await values(log, b"a", 3) == [b"3"]


class TestDelete:
    async def test_the_name_begins_again_at_0(self, log, store):
        await log.append([batch(b"a", b"0", b"1")])
        await log.seal(b"a")
        await log.delete(b"a")
        assert log.bounds(b"a") == Bounds(0, 0, False, 0, 0)
        assert await values(log, b"a") == []
        assert (await log.append([batch(b"a", b"new")]))[0].position == 0
        assert await values(log, b"a") == [b"new"]
        await store.settle()
        await store.restart()
        assert await values(store.log, b"a") == [b"new"]

    async def test_what_is_called_together_happens_in_order(self, log):
        await asyncio.gather(
            log.append([batch(b"a", b"old")]),
            log.delete(b"a"),
            log.append([batch(b"a", b"new")]),
        )
        assert await values(log, b"a") in ([b"new"], [b"old", b"new"], [])


async def test_many_logs_of_few_entries(log, store):
    for start in range(0, 2_000, 500):
        await log.append([batch(b"log-%d" % n, b"%d" % n) for n in range(start, start + 500)])
    await store.settle()
    await store.restart()
    for n in range(0, 2_000, 97):
        assert await values(store.log, b"log-%d" % n) == [b"%d" % n]
