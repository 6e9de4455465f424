"""What every implementation of objects promises, one sentence a test."""

import asyncio
import itertools
import random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.engines.objects.interface import BLOCK_SIZE_BYTES, Blob
from millpond.engines.objects.orphans import collect_orphans
from millpond.kernel.errors import Damaged

SMALL = 1_000
"""The largest body that stays inside its Blob, as the fixtures open the stores."""


async def stream(*chunks):
    """Chunks one by one; an exception among them is raised."""
    for chunk in chunks:
        if isinstance(chunk, BaseException):
            raise chunk
        yield chunk


def some_bytes(size, seed=0):
    return random.Random(seed).randbytes(size)


async def read(objects, blob, start=0, length=None):
    return b"".join([chunk async for chunk in objects.read(blob, start, length)])


SIZES = [
    0,
    1,
    SMALL,
    SMALL + 1,
    BLOCK_SIZE_BYTES - 1,
    BLOCK_SIZE_BYTES,
    BLOCK_SIZE_BYTES + 1,
    3 * BLOCK_SIZE_BYTES,
    5 * BLOCK_SIZE_BYTES + 12_345,
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunk_size", [700, 65_536, 10 * BLOCK_SIZE_BYTES])
async def test_what_was_put_is_read_back(objects, size, chunk_size):
    if size // chunk_size > 2_000:
        chunk_size = 7_001
    data = some_bytes(size)
    chunks = [data[offset : offset + chunk_size] for offset in range(0, size, chunk_size)]
    blob = await objects.put(stream(*chunks))
    assert blob.size == size
    assert (blob.inline is not None) == (size <= SMALL)
    assert await read(objects, blob) == data


async def test_a_blob_survives_its_way_through_a_record(objects):
    for size in (0, 10, 50_000):
        blob = await objects.put(stream(some_bytes(size)))
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(blob), type=Blob)
        assert stored == blob
        assert await read(objects, stored) == some_bytes(size)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    size=st.one_of(st.sampled_from(SIZES), st.integers(0, 3 * BLOCK_SIZE_BYTES)),
    cuts=st.lists(st.integers(0, 3 * BLOCK_SIZE_BYTES + 5), max_size=5),
    ranges=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2 * BLOCK_SIZE_BYTES)), max_size=4),
)
def test_any_cut_into_chunks_and_any_range_of_it_give_the_same_bytes(bench, size, cuts, ranges):
    async def compare():
        objects = bench.store.objects
        data = some_bytes(size)
        places = [0, *sorted(cut for cut in cuts if cut < size), size]
        blob = await objects.put(
            stream(*(data[one:other] for one, other in itertools.pairwise(places)))
        )
        assert blob.size == size
        assert await read(objects, blob) == data
        for place, length in ranges:
            start = int(place * size)
            assert await read(objects, blob, start, length) == data[start : start + length]
            assert await read(objects, blob, start) == data[start:]
            path = await objects.local_path(blob, start, length)
            assert path is None or path.read_bytes() == data
        await objects.discard([blob])

    bench.run(compare())


async def test_a_range_that_begins_outside_is_refused(objects):
    blob = await objects.put(stream(some_bytes(5_000)))
    assert await read(objects, blob, 5_000) == b""
    for start, length in ((-1, 1), (5_001, None), (0, -1)):
        with pytest.raises(ValueError, match="range"):
            await read(objects, blob, start, length)
        with pytest.raises(ValueError, match="range"):
            await objects.local_path(blob, start, length)


@pytest.mark.parametrize("size", [0, 500, 50_000, 3 * BLOCK_SIZE_BYTES + 5])
async def test_a_stream_that_breaks_leaves_nothing_and_its_error_is_raised_on(store, size):
    for error in (ConnectionResetError("gone"), ValueError("bad checksum")):
        with pytest.raises(type(error), match=str(error)):
            await store.objects.put(stream(some_bytes(size), error))
    await store.restart()
    assert list(await store.objects.list_ids()) == []


async def test_a_put_cut_short_leaves_nothing(store):
    async def endless():
        while True:
            yield some_bytes(300_000)
            await asyncio.sleep(0)

    for wait in (0.0, 0.01, 0.05):
        task = asyncio.ensure_future(store.objects.put(endless()))
        await asyncio.sleep(wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await store.restart()
    assert list(await store.objects.list_ids()) == []


async def test_many_puts_at_once_are_all_kept(store):
    sizes = [(number * 7_919) % 200_000 for number in range(60)]
    blobs = await asyncio.gather(
        *(store.objects.put(stream(some_bytes(size, size))) for size in sizes)
    )
    assert len({blob.id for blob in blobs if blob.id}) == sum(size > SMALL for size in sizes)
    await store.restart()
    for size, blob in zip(sizes, blobs, strict=True):
        assert await read(store.objects, blob) == some_bytes(size, size)


async def test_concat_joins_blobs_of_every_size_and_leaves_the_parts(objects):
    sizes = [5, 0, BLOCK_SIZE_BYTES - 7, 300, 2 * BLOCK_SIZE_BYTES + 1, 80_000, 0]
    data = [some_bytes(size, seed) for seed, size in enumerate(sizes)]
    parts = [await objects.put(stream(piece)) for piece in data]
    whole = await objects.concat(parts)
    assert whole.size == sum(sizes)
    assert await read(objects, whole) == b"".join(data)
    assert (
        await read(objects, whole, 1_000, BLOCK_SIZE_BYTES)
        == b"".join(data)[1_000:][:BLOCK_SIZE_BYTES]
    )
    for piece, part in zip(data, parts, strict=True):
        assert await read(objects, part) == piece
        assert part.id != whole.id or not part.id
    alone = await objects.put(stream(b"".join(data)))
    assert alone.checksums == whole.checksums


async def test_concat_of_little_or_nothing_stays_small(objects):
    assert await read(objects, await objects.concat([])) == b""
    parts = [await objects.put(stream(b"ab")), await objects.put(stream(b"cd"))]
    whole = await objects.concat(parts)
    assert whole.inline == b"abcd"


async def test_a_concat_of_one_blob_outlives_it(store):
    data = some_bytes(2 * BLOCK_SIZE_BYTES + 9)
    one = await store.objects.put(stream(data))
    other = await store.objects.concat([one])
    assert other.id != one.id
    await store.objects.discard([one])
    await store.pass_time(2_000)
    assert await read(store.objects, other) == data
    with pytest.raises(Damaged):
        await read(store.objects, one)
    await store.restart()
    assert list(await store.objects.list_ids()) == [other.id]


async def test_a_restart_keeps_every_blob(store):
    blobs = {size: await store.objects.put(stream(some_bytes(size))) for size in SIZES}
    for _ in range(2):
        await store.restart()
        for size, blob in blobs.items():
            assert await read(store.objects, blob) == some_bytes(size)
        size = 70_000 + len(blobs)
        blobs[size] = await store.objects.put(stream(some_bytes(size)))


async def test_a_discarded_blob_is_read_within_the_grace_period_and_gone_after(store):
    data = some_bytes(50_000)
    blob = await store.objects.put(stream(data))
    small = await store.objects.put(stream(b"small"))
    await store.objects.discard([blob, small])
    await store.pass_time(895)
    assert await read(store.objects, blob) == data
    await store.pass_time(1_000)
    with pytest.raises(Damaged):
        await read(store.objects, blob)
    with pytest.raises(Damaged):
        await store.objects.local_path(blob)
    assert await read(store.objects, small) == b"small"
    await store.restart()
    assert list(await store.objects.list_ids()) == []


async def test_a_reader_that_began_before_the_end_finishes_after_it(store):
    data = some_bytes(6 * BLOCK_SIZE_BYTES)
    blob = await store.objects.put(stream(data))
    reading = store.objects.read(blob)
    first = await anext(reading)
    await store.objects.discard([blob])
    await store.pass_time(2_000)
    assert first + b"".join([chunk async for chunk in reading]) == data


async def test_young_blobs_and_those_being_written_are_never_listed(store):
    may_end = asyncio.Event()

    async def slow():
        yield some_bytes(3 * BLOCK_SIZE_BYTES)
        await may_end.wait()
        yield some_bytes(100_000)

    writing = asyncio.ensure_future(store.objects.put(slow()))
    young = await store.objects.put(stream(some_bytes(50_000)))
    assert list(await store.objects.list_ids()) == []
    await store.pass_time(850)
    assert list(await store.objects.list_ids()) == []
    await store.pass_time(5_000)
    assert list(await store.objects.list_ids()) == [young.id]
    may_end.set()
    late = await writing
    assert list(await store.objects.list_ids()) == [young.id]
    await store.pass_time(2_000)
    assert sorted(await store.objects.list_ids()) == sorted([young.id, late.id])


async def test_what_is_discarded_already_is_not_listed(store):
    blob = await store.objects.put(stream(some_bytes(50_000)))
    await store.restart()
    assert list(await store.objects.list_ids()) == [blob.id]
    await store.objects.discard([blob])
    assert list(await store.objects.list_ids()) == []


async def test_orphans_are_collected_and_named_blobs_kept(store):
    blobs = [await store.objects.put(stream(some_bytes(50_000, seed))) for seed in range(6)]
    named = {blob.id for blob in blobs[::2]}

    async def list_named():
        return named

    assert await collect_orphans(store.objects, list_named) == 0
    await store.restart()
    assert await collect_orphans(store.objects, list_named) == 3
    assert await collect_orphans(store.objects, list_named) == 0
    await store.pass_time(2_000)
    assert sorted(await store.objects.list_ids()) == sorted(named)
    for number, blob in enumerate(blobs):
        if blob.id in named:
            assert await read(store.objects, blob) == some_bytes(50_000, number)
        else:
            with pytest.raises(Damaged):
                await read(store.objects, blob)


async def test_a_blob_named_while_orphans_are_sought_is_kept(store):
    """Its put returned before the listing, its record is committed after: the danger itself."""
    named = set()
    blob = await store.objects.put(stream(some_bytes(50_000)))

    async def list_named():
        return set(named)

    await collect_orphans(store.objects, list_named)
    named.add(blob.id)
    await store.pass_time(3_000)
    assert await read(store.objects, blob) == some_bytes(50_000)


async def test_the_local_path_holds_exactly_the_blob(objects):
    data = some_bytes(3 * BLOCK_SIZE_BYTES + 3)
    blob = await objects.put(stream(data))
    path = await objects.local_path(blob, 5, 10)
    assert path.read_bytes() == data
    assert await objects.local_path(await objects.put(stream(b"small"))) is None


async def test_an_id_that_is_no_id_opens_nothing(objects, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * 5_000)
    good = await objects.put(stream(b"x" * 5_000))
    for name in ("../../secret", str(secret), "", "0" * 31, "g" * 32, good.id.upper() + "x"):
        forged = msgspec.structs.replace(good, id=name)
        with pytest.raises(Damaged):
            await read(objects, forged)
        with pytest.raises(Damaged):
            await objects.local_path(forged)
        with pytest.raises(Damaged):
            await objects.concat([forged, good])
