"""Work that runs again by itself when its transaction lost a race."""

import pytest

from millpond.engines.records import interface
from millpond.engines.records.interface import RACES_MAX, transact
from millpond.kernel.errors import Conflict


class Race:
    """Work that counts up, and loses its first `lost` races to somebody else."""

    def __init__(self, records, lost: int) -> None:
        self.records, self.lost, self.runs = records, lost, 0

    async def __call__(self, transaction) -> int:
        self.runs += 1
        count = int(await transaction.get(b"count") or b"0")
        if self.runs <= self.lost:
            async with self.records.transaction() as other:
                other.put(b"count", b"%d" % (count + 10))
        transaction.put(b"count", b"%d" % (count + 1))
        return count + 1


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(interface, "_PAUSE_SECONDS", 0)


async def test_lost_races_are_run_again_on_what_is_there_then(records):
    work = Race(records, lost=RACES_MAX - 1)
    assert await transact(records, work) == 10 * (RACES_MAX - 1) + 1
    assert work.runs == RACES_MAX


async def test_who_loses_every_race_is_told(records):
    work = Race(records, lost=RACES_MAX)
    with pytest.raises(Conflict):
        await transact(records, work)
    assert work.runs == RACES_MAX
    async with records.transaction() as transaction:
        assert await transaction.get(b"count") == b"%d" % (10 * RACES_MAX)
