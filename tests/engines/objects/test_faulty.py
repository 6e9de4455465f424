"""The wrapper fails at each place once, and keeps its word about what was stored."""

import itertools

from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.objects.faulty import FaultyObjects
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import Damaged, EngineError, Full, Unavailable
from millpond.kernel.faults import Faults
from millpond.kernel.ids import SystemIds


async def stream(data):
    yield data


async def test_each_place_fails_once(tmp_path):
    struck = []
    for place in itertools.count():
        inner = EmbeddedObjects.open(
            tmp_path / str(place), ManualClock(), SystemIds(), inline_size_bytes_max=10
        )
        faults = Faults(place)
        objects = FaultyObjects(inner, faults)
        failure = None
        try:
            blob = await objects.put(stream(b"x" * 500))
            twice = await objects.concat([blob, blob])
            assert b"".join([chunk async for chunk in objects.read(twice)]) == b"x" * 1_000
            assert await objects.local_path(twice)
        except EngineError as error:
            failure = type(error)
        await inner.close()
        reopened = EmbeddedObjects.open(tmp_path / str(place), ManualClock(), SystemIds())
        stored = len(await reopened.list_ids())
        await reopened.close()
        if faults.struck is None:
            assert failure is None
            assert stored == 2
            break
        struck.append((faults.struck, failure, stored))
    assert struck == [
        ("put: Full", Full, 0),
        ("put: Unavailable", Unavailable, 0),
        ("put: the answer is lost", Unavailable, 1),
        ("concat: Full", Full, 1),
        ("concat: Unavailable", Unavailable, 1),
        ("concat: the answer is lost", Unavailable, 2),
        ("read: Damaged", Damaged, 2),
        ("local_path: Damaged", Damaged, 2),
    ]
