"""Which shard takes a record, by properties."""

from hashlib import md5

from hypothesis import given
from hypothesis import strategies as st

from millpond.services.kinesis.model.hash_space import before, to_bytes, to_number
from millpond.services.kinesis.model.routing import Routing
from millpond.services.kinesis.model.stream import HASH_KEY_MAX, Shard, Stream

hash_keys = st.integers(0, HASH_KEY_MAX)


def stream_of(bounds: list[int]) -> Stream:
    """A stream whose open shards begin at `bounds`, in no order, beside a closed one of all."""
    firsts = sorted({0, *bounds})
    lasts = [*(to_number(before(to_bytes(first))) for first in firsts[1:]), HASH_KEY_MAX]
    shards = [
        Shard(index=index + 1, first_hash=to_bytes(first), last_hash=to_bytes(last), created_s=1)
        for index, (first, last) in enumerate(zip(firsts, lasts, strict=True))
    ]
    closed = Shard(
        index=0,
        first_hash=to_bytes(0),
        last_hash=to_bytes(HASH_KEY_MAX),
        created_s=0,
        closed_ms=1,
        end=0,
    )
    return Stream(
        name="s",
        id="x",
        account="1",
        region="r",
        created_ms=0,
        shards=(closed, *shards),
        next_index=len(shards) + 1,
    )


@given(st.lists(hash_keys, max_size=20), hash_keys)
def test_the_open_shard_whose_range_holds_the_hash_key_takes_the_record(bounds, hash_key):
    stream = stream_of(bounds)
    routing = Routing(stream)
    lane = routing.lanes[routing.of_hash_key(hash_key)]
    shard = stream.shard(lane.index)
    assert shard.open
    assert shard.first_hash <= to_bytes(hash_key) <= shard.last_hash
    assert lane.log == stream.log_of(shard.index)
    assert lane.id == shard.id


@given(st.lists(hash_keys, max_size=20), st.text(min_size=1, max_size=256))
def test_a_partition_key_goes_where_its_md5_does(bounds, key):
    routing = Routing(stream_of(bounds))
    hash_key = int.from_bytes(md5(key.encode("utf-8", "replace")).digest(), "big")
    assert routing.of_key(key.encode("utf-8", "replace")) == routing.of_hash_key(hash_key)
