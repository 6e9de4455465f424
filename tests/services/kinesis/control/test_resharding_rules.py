"""Splits and merges as rules: whatever is asked for, the shards always divide all hash keys."""

import itertools
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from millpond.services.kinesis.model import hash_space, shard_lists
from millpond.services.kinesis.model.resharding import Merge, Split, adjacent, apply, next_round
from millpond.services.kinesis.model.stream import HASH_KEY_MAX, Reshaping, Shard, Stream

hash_keys = st.integers(1, HASH_KEY_MAX).map(hash_space.to_bytes)
targets = st.one_of(
    st.integers(1, 40).map(hash_space.even_bounds),
    st.sets(hash_keys, max_size=20).map(lambda keys: tuple(sorted({hash_space.LOWEST, *keys}))),
)


def make(count: int, created_ms: int = 1_700_000_000_000) -> Stream:
    return Stream(
        name="s",
        id="i",
        account="1",
        region="r",
        created_ms=created_ms,
        shards=hash_space.first_shards(count, created_ms),
        next_index=count,
    )


def check_division(shards: list[Shard]) -> None:
    """The shards, by hash key, cover everything and meet nowhere."""
    ordered = sorted(shards, key=lambda shard: shard.first_hash)
    assert ordered[0].first_hash == hash_space.LOWEST
    assert ordered[-1].last_hash == hash_space.HIGHEST
    for low, high in itertools.pairwise(ordered):
        assert hash_space.before(high.first_hash) == low.last_hash


def check_lineage(stream: Stream, child: Shard) -> None:
    """What a shard says of its parents is true."""
    parents = [stream.shard(i) for i in (child.parent, child.adjacent_parent) if i is not None]
    for parent in parents:
        assert parent is not None
        assert not parent.open
        assert parent.closed_ms == child.opened_ms
        assert parent.created_s < child.created_s
        assert parent.index < child.index
    if len(parents) == 2:
        assert child.first_hash == min(p.first_hash for p in parents if p)
        assert child.last_hash == max(p.last_hash for p in parents if p)
    elif parents:
        assert parents[0] is not None
        assert parents[0].first_hash <= child.first_hash <= child.last_hash <= parents[0].last_hash


@given(st.integers(1, 3000))
def test_even_shards_divide_all_hash_keys(count: int) -> None:
    shards = hash_space.first_shards(count, 0)
    assert len(shards) == count
    check_division(list(shards))
    widths = {
        hash_space.to_number(s.last_hash) - hash_space.to_number(s.first_hash) for s in shards[:-1]
    }
    assert len(widths) <= 1


def test_three_shards_have_the_bounds_that_aws_gives_them() -> None:
    first = [hash_space.to_number(shard.first_hash) for shard in hash_space.first_shards(3, 0)]
    assert first == [
        0,
        113427455640312821154458202477256070485,
        226854911280625642308916404954512140970,
    ]


@given(st.integers(1, 30), st.lists(targets, min_size=1, max_size=4), st.data())
def test_rounds_lead_to_the_bounds_that_were_asked_for(
    count: int, asked: list[tuple[bytes, ...]], data: Any
) -> None:
    stream, now_ms = make(count), 1_700_000_000_000
    for bounds in asked:
        reshaping = Reshaping(bounds)
        rounds = 0
        while changes := next_round(stream.open_shards(), reshaping):
            parents = [index for change in changes for index in change.parents]
            assert len(parents) == len(set(parents)), "a shard changes once in a round"
            rounds += 1
            cut = data.draw(st.integers(1, len(changes)), label="cut off after")
            now_ms += data.draw(st.integers(-5, 1500), label="milliseconds later")
            before = stream
            stream = apply(stream, changes[:cut], dict.fromkeys(parents, 7), now_ms)
            check_division(stream.open_shards())
            for shard in stream.shards[len(before.shards) :]:
                check_lineage(stream, shard)
        assert hash_space.bounds_of(stream.open_shards()) == bounds


@given(st.integers(1, 100), st.integers(1, 100))
def test_a_count_is_reached_in_few_rounds(count: int, target: int) -> None:
    stream, reshaping, rounds = make(count), Reshaping(hash_space.even_bounds(target)), 0
    while changes := next_round(stream.open_shards(), reshaping):
        ends = {index: 0 for change in changes for index in change.parents}
        stream = apply(stream, changes, ends, 0)
        rounds += 1
    assert stream.open_count == target
    assert rounds <= 2 + 2 * math.ceil(math.log2(max(count, target) + 1))


def test_doubling_splits_each_shard_once() -> None:
    changes = next_round(make(4).open_shards(), Reshaping(hash_space.even_bounds(8)))
    assert [type(change) for change in changes] == [Split] * 4


def test_halving_merges_pairs_once() -> None:
    changes = next_round(make(4).open_shards(), Reshaping(hash_space.even_bounds(2)))
    assert changes == [Merge(0, 1), Merge(2, 3)]


def test_the_shard_that_a_merge_names_first_is_the_parent() -> None:
    stream = make(2)
    (change,) = next_round(stream.open_shards(), Reshaping((hash_space.LOWEST,), lead=1))
    assert change == Merge(1, 0)
    child = apply(stream, [change], {0: 3, 1: 4}, 0).open_shards()[0]
    assert (child.parent, child.adjacent_parent) == (1, 0)


@given(st.lists(targets, min_size=1, max_size=4), st.lists(st.integers(0, 50), min_size=12))
def test_at_each_moment_the_shards_that_were_open_divide_all_hash_keys(
    asked: list[tuple[bytes, ...]], pauses: list[int]
) -> None:
    stream = make(2, created_ms=1000)
    now_ms, pauses = 1000, [*pauses]
    for bounds in asked:
        while changes := next_round(stream.open_shards(), Reshaping(bounds)):
            now_ms += pauses.pop() if pauses else 1
            ends = {index: 0 for change in changes for index in change.parents}
            stream = apply(stream, changes, ends, now_ms)
    last_ms = max(shard.opened_ms for shard in stream.shards)
    for time_ms in range(1000, last_ms + 2):
        check_division(shard_lists.open_at(stream, time_ms))


def test_neighbours_are_adjacent_and_others_are_not() -> None:
    a, b, c = make(3).shards
    assert adjacent(a, b)
    assert adjacent(c, b)
    assert not adjacent(a, c)
    assert not adjacent(a, a)
    assert not adjacent(a, replace(a, index=9))


def test_ids_of_shards_are_found_by_their_index() -> None:
    stream = replace(make(5), shards=make(5).shards[2:])
    assert stream.shard(1) is None
    assert stream.shard(2) is stream.shards[0]
    assert stream.shard(4) is stream.shards[2]
    assert stream.shard(5) is None
