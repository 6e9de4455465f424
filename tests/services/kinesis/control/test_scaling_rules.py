"""When on-demand streams grow and shrink, as rules."""

from hypothesis import given
from hypothesis import strategies as st

from millpond.services.kinesis.model.hash_space import bounds_of, first_shards
from millpond.services.kinesis.model.scaling import (
    COLD_USE,
    HOT_USE,
    ON_DEMAND_SHARDS_MAX,
    grown,
    shards_for,
    shrunk,
    use_of,
)

uses_of = st.lists(st.floats(0, 10), min_size=1, max_size=60)


def test_use_is_the_greater_of_bytes_and_records() -> None:
    assert use_of(500, 0, 1.0, refused=False) == 0.5
    assert use_of(30_000, 0, 60.0, refused=False) == 0.5
    assert use_of(1, 1024 * 1024, 1.0, refused=False) == 1.0
    assert use_of(1, 1, 1.0, refused=True) == 1.0


@given(uses_of)
def test_hot_shards_and_no_others_are_split(uses: list[float]) -> None:
    shards = first_shards(len(uses), 0)
    bounds = grown(shards, dict(enumerate(uses)), shards_max=10_000)
    assert set(bounds) >= set(bounds_of(shards))
    for shard, use in zip(shards, uses, strict=True):
        inner = [b for b in bounds if shard.first_hash < b <= shard.last_hash]
        assert bool(inner) == (use > HOT_USE)
        assert use / (len(inner) + 1) <= HOT_USE or len(inner) + 1 == 16


@given(uses_of, st.integers(1, 80))
def test_a_stream_never_grows_beyond_its_most(uses: list[float], most: int) -> None:
    shards = first_shards(len(uses), 0)
    bounds = grown(shards, dict(enumerate(uses)), shards_max=most)
    assert len(bounds) <= max(most, len(shards))


def test_the_hottest_shard_is_split_first() -> None:
    shards = first_shards(4, 0)
    bounds = grown(shards, {0: 0.6, 1: 0.7, 2: 0.9, 3: 0.8}, shards_max=5)
    (added,) = set(bounds) - set(bounds_of(shards))
    assert shards[2].first_hash < added <= shards[2].last_hash


def test_heat_of_a_few_keys_is_not_split_for_ever() -> None:
    shards = first_shards(5000, 0)
    assert grown(shards, {17: 1.0}, shards_max=10_000) == bounds_of(shards)


@given(uses_of, st.floats(0, 30), st.integers(1, 20))
def test_shrinking_leaves_what_the_peak_needs(uses: list[float], peak: float, least: int) -> None:
    shards = first_shards(len(uses), 0)
    bounds = shrunk(shards, dict(enumerate(uses)), peak, least)
    assert set(bounds) <= set(bounds_of(shards))
    assert len(bounds) >= min(len(shards), max(least, 2 * peak))
    for shard, low in zip(shards[1:], shards, strict=False):
        if shard.first_hash not in bounds:
            assert uses[shard.index] + uses[low.index] <= COLD_USE


@given(uses_of)
def test_what_was_shrunk_does_not_grow_at_once(uses: list[float]) -> None:
    shards = first_shards(len(uses), 0)
    merged = shrunk(shards, dict(enumerate(uses)), sum(uses), 4)
    for shard, low in zip(shards[1:], shards, strict=False):
        if shard.first_hash not in merged:
            assert uses[shard.index] + uses[low.index] <= HOT_USE


def test_an_idle_stream_shrinks_by_half_at_a_time() -> None:
    shards = first_shards(16, 0)
    assert len(shrunk(shards, {}, 0.0, 4)) == 8


def test_a_stream_keeps_what_twice_its_peak_needs() -> None:
    shards = first_shards(9, 0)
    assert len(shrunk(shards, {}, 4.2, 4)) == 9
    assert len(shrunk(shards, {}, 3.9, 4)) == 8
    assert len(shrunk(shards, {}, 0.0, 9)) == 9


def test_warm_throughput_takes_a_shard_for_each_mebibyte() -> None:
    assert shards_for(0) == 4
    assert shards_for(100) == 100
    assert ON_DEMAND_SHARDS_MAX == 200
