"""The wrapper that fails: each place once, and what it says is what happened."""

import itertools

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.log.faulty import FaultyLog
from millpond.engines.log.interface import Batch
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import Damaged, Full, Unavailable
from millpond.kernel.faults import Faults


def calls(log):
    return [
        lambda: log.append([Batch(b"a", [(b"", b"v")])]),
        lambda: log.read(b"a", 0, entries_max=1, size_bytes_max=1),
        lambda: log.find(b"a", 0),
        lambda: log.seal(b"a"),
        lambda: log.trim(b"a", 0),
        lambda: log.delete(b"b"),
    ]


async def test_each_place_fails_once_and_says_whether_it_was_done(tmp_path):
    struck = []
    for place in itertools.count():
        folder = tmp_path / str(place)
        log = EmbeddedLog.open(folder, ManualClock())
        faults = Faults(place)
        faulty = FaultyLog(log, faults)
        refusals = []
        for call in calls(faulty):
            try:
                await call()
            except (Full, Unavailable, Damaged) as error:
                refusals.append(error)
        bounds = faulty.bounds(b"a")
        await faulty.close()
        if faults.struck is None:
            assert refusals == []
            break
        assert len(refusals) == 1
        struck.append(faults.struck)
        if faults.struck.startswith("append"):
            assert bounds.end == (1 if faults.struck.endswith("lost") else 0)
        elif faults.struck.startswith("seal"):
            assert bounds.sealed == faults.struck.endswith("lost")
    assert struck == [
        "append: Full",
        "append: Unavailable",
        "append: the answer is lost",
        "read: Damaged",
        "find: Unavailable",
        "seal: Full",
        "seal: Unavailable",
        "seal: the answer is lost",
        "trim: Unavailable",
        "delete: Full",
        "delete: Unavailable",
        "delete: the answer is lost",
    ]
