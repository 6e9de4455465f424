"""What buckets let through, by properties."""

from hypothesis import given
from hypothesis import strategies as st

from millpond.services.kinesis.model.throughput import (
    MIB,
    READ_BYTES_PER_SECOND,
    Throughput,
)

_START_MS = 1_700_000_000_000
_steps = st.integers(0, 3000)
_small = st.integers(0, MIB)


@given(st.lists(st.tuples(_steps, st.lists(_small, min_size=1, max_size=20)), max_size=30))
def test_no_stretch_of_time_takes_more_than_its_seconds_and_one_more_bring(requests):
    throughput = Throughput()
    now_ms = _START_MS
    taken: list[tuple[int, int]] = []
    for step_ms, sizes in requests:
        now_ms += step_ms
        admitted = throughput.admit_writes(sizes, now_ms)
        taken += [
            (now_ms, size)
            for size, fits in zip(sizes, admitted or [True] * len(sizes), strict=True)
            if fits
        ]
    for first in range(len(taken)):
        total = 0
        for last in range(first, len(taken)):
            total += taken[last][1]
            seconds = (taken[last][0] - taken[first][0]) / 1000
            assert total <= MIB * (1 + seconds) + 1
            assert last - first + 1 <= 1000 * (1 + seconds) + 1


@given(st.lists(st.tuples(_steps, _small), max_size=30))
def test_whoever_stays_below_the_rate_is_never_refused(requests):
    throughput = Throughput()
    now_ms = _START_MS
    for step_ms, size in requests:
        now_ms += max(step_ms, size * 1000 // MIB + 1)
        assert throughput.admit_writes([size], now_ms) is None


@given(st.lists(st.tuples(_steps, st.lists(_small, min_size=1, max_size=20)), max_size=30))
def test_many_records_fare_as_they_would_one_by_one(requests):
    together, apart = Throughput(), Throughput()
    now_ms = _START_MS
    for step_ms, sizes in requests:
        now_ms += step_ms
        admitted = together.admit_writes(sizes, now_ms) or [True] * len(sizes)
        assert admitted == [apart.admit_writes([size], now_ms) is None for size in sizes]


def test_a_record_larger_than_a_seconds_worth_is_paid_before_the_next():
    throughput = Throughput()
    assert throughput.admit_writes([10 * MIB], _START_MS) is None
    assert throughput.admit_writes([1], _START_MS + 8_999) == [False]
    assert throughput.admit_writes([1], _START_MS + 9_001) is None
    assert throughput.admit_writes([2 * MIB], _START_MS + 9_500) == [False]


def test_ten_mebibytes_read_are_paid_after_five_seconds():
    throughput = Throughput()
    assert throughput.admit_read(_START_MS)
    throughput.count_read(10 * MIB)
    assert not throughput.admit_read(_START_MS + 4_999)
    assert throughput.admit_read(_START_MS + 5_000)


@given(st.lists(st.tuples(st.integers(200, 3000), st.integers(0, 10 * MIB)), max_size=30))
def test_reads_never_exceed_their_rate_by_more_than_one_answer_and_a_second(reads):
    throughput = Throughput()
    now_ms = _START_MS
    paid = 0
    largest = 0
    for step_ms, size in reads:
        now_ms += step_ms
        if throughput.admit_read(now_ms):
            throughput.count_read(size)
            paid += size
            largest = max(largest, size)
            seconds = (now_ms - _START_MS) / 1000
            assert paid <= READ_BYTES_PER_SECOND * (1 + seconds) + largest + 1


def test_five_reads_a_second_pass():
    throughput = Throughput()
    assert [throughput.admit_read(_START_MS) for _ in range(6)] == [True] * 5 + [False]
    assert throughput.admit_read(_START_MS + 200)
    assert not throughput.admit_read(_START_MS + 399)


def test_a_clock_that_goes_back_fills_nothing():
    throughput = Throughput()
    assert throughput.admit_writes([MIB], _START_MS) is None
    assert throughput.admit_writes([1], _START_MS - 60_000) == [False]
