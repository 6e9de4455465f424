"""The wrapper fails at each place once, and keeps its word about what was written."""

import itertools

from millpond.engines.records.faulty import FaultyRecords
from millpond.kernel.errors import Conflict, EngineError, Full, Unavailable
from millpond.kernel.faults import Faults


async def rename(records):
    """An operation that reads, scans and writes: moves every key from a/ to b/."""
    async with records.transaction() as transaction:
        assert await transaction.get(b"lock") is None
        async for key, value in transaction.scan(b"a/", b"a0"):
            transaction.delete(key)
            transaction.put(b"b/" + key[2:], value)


async def keys(records):
    async with records.transaction() as transaction:
        return [key async for key, _ in transaction.scan(b"a", b"z")]


async def test_each_place_fails_once_with_all_or_nothing_done(records):
    before, after = [b"a/1", b"a/2"], [b"b/1", b"b/2"]
    struck = []
    for place in itertools.count():
        async with records.transaction() as transaction:
            for key in before:
                transaction.put(key, b"")
            for key in after:
                transaction.delete(key)
        faults = Faults(place)
        failure = None
        try:
            await rename(FaultyRecords(records, faults))
        except EngineError as error:
            failure = type(error)
        if faults.struck is None:
            assert failure is None
            assert await keys(records) == after
            break
        lost_answer = faults.struck == "commit: the answer is lost"
        assert await keys(records) == (after if lost_answer else before)
        struck.append((faults.struck, failure))
    assert struck == [
        ("get: Unavailable", Unavailable),
        ("scan: Unavailable", Unavailable),
        ("commit: Conflict", Conflict),
        ("commit: Full", Full),
        ("commit: Unavailable", Unavailable),
        ("commit: the answer is lost", Unavailable),
    ]


async def test_a_block_that_only_reads_has_no_commit_to_fail(records):
    faults = Faults(2)
    async with FaultyRecords(records, faults).transaction() as transaction:
        await transaction.get(b"a")
        [entry async for entry in transaction.scan(b"a", b"b")]
    assert faults.struck is None
