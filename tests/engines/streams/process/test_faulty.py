"""Streams that fail where they are told to."""

import itertools

from millpond.engines.streams.faulty import FaultyStreams
from millpond.engines.streams.interface import CannotStart, SnapshotFailed
from millpond.kernel.faults import Faults


async def test_each_place_fails_once_and_leaves_nothing_running(streams, order):
    struck = []
    for place in itertools.count():
        faults = Faults(place)
        faulty = FaultyStreams(streams, faults)
        assert faulty.installed() == streams.installed()
        try:
            await faulty.check(order().program)
            run = await faulty.start(order())
            try:
                await run.snapshot("one")
            finally:
                finished = await run.stop(drain=False)
            if faults.struck == "stop: failure":
                assert finished.failure == "Failed as planned."
        except (CannotStart, SnapshotFailed) as error:
            assert str(error) == "Failed as planned."
        await faulty.delete_snapshot(order().folder, "one")
        await faulty.delete_state(order().folder)
        assert not order().folder.exists()
        if faults.struck is None:
            break
        struck.append(faults.struck)
    assert struck == [
        "check: CannotStart", "start: CannotStart", "snapshot: SnapshotFailed", "stop: failure",
    ]  # fmt: skip
